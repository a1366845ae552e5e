"""API keys: what is revoked, expired or made up never opens anything."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from machines.machine import PICK, run

from hpsearch.errors import InvalidRequest, Misconfigured, Unauthenticated
from hpsearch.service.keys import BOOTSTRAP_SCOPES, SCOPES

DAY = 86400.0
BOOT = [letter * 40 for letter in "xyz"]


class KeyMachine(RuleBasedStateMachine):
    """Keys are made, age, are revoked and used, and the bootstrap key changes."""

    def __init__(self, worlds):
        super().__init__()
        self._context = worlds.copy("submitted")
        self.world = self._context.__enter__()
        self.ring = self.world.services.keys
        self.keys = {}  # token -> [id, owner, scopes, expiry or None, revoked]
        self.boot = None  # the present bootstrap key
        self.closed = set()  # those that were replaced or revoked

    @rule(
        scopes=st.lists(st.sampled_from([*SCOPES, "root"]), max_size=3, unique=True),
        days=st.sampled_from([None, None, 0, 1, 30]),
        owner=st.sampled_from(["ann", "bob"]),
    )
    def create(self, scopes, days, owner):
        if not scopes or "root" in scopes or days == 0:
            with pytest.raises(InvalidRequest):
                self.ring.create(name="k", owner=owner, scopes=scopes, days=days)
            return
        view, token = self.ring.create(name="k", owner=owner, scopes=scopes, days=days)
        expiry = None if days is None else self.world.clock.now + days * DAY
        self.keys[token] = [view.id, owner, frozenset(scopes), expiry, False]

    @rule(days=st.sampled_from([0.61, 1.1, 31.0]))
    def time_passes(self, days):
        self.world.clock.forward(days * DAY)

    @precondition(lambda self: self.keys)
    @rule(pick=PICK, lost=st.booleans())
    def revoke(self, pick, lost):
        key = list(self.keys.values())[pick % len(self.keys)]
        self.world.commits.armed = "after" if lost else None
        self.ring.revoke(key[0])
        self.world.commits.armed = None
        key[4] = True

    @precondition(lambda self: self.keys)
    @rule(pick=PICK, cut=st.integers(0, 3))
    def use(self, pick, cut):
        self.present(list(self.keys)[pick % len(self.keys)], cut)

    def present(self, token, cut=0):
        key_id, owner, scopes, expiry, revoked = self.keys[token]
        dead = revoked or (expiry is not None and expiry <= self.world.clock.now)
        if cut or dead:
            with pytest.raises(Unauthenticated):
                self.ring.authenticate(token[:-cut] if cut else token)
            return
        who = self.ring.authenticate(token)
        assert (who.key_id, who.owner, who.scopes) == (key_id, owner, scopes)

    @rule(pick=PICK, with_checksum=st.booleans())
    def forge(self, pick, with_checksum):
        """The id of a live key does not help who lacks its secret."""
        from hpsearch.service.keys import _checksum

        ids = [key[0] for key in self.keys.values()] or ["bootstrap"]
        body = f"hps_{ids[pick % len(ids)]}_{'A' * 43}"
        with pytest.raises(Unauthenticated):
            self.ring.authenticate(body + (_checksum(body) if with_checksum else "00000000"))

    @rule(token=st.sampled_from(BOOT), lost=st.booleans())
    def bootstrap(self, token, lost):
        """A process starts with this key in its settings."""
        if token in self.closed:
            with pytest.raises(Misconfigured, match="hpsearch keys allow bootstrap"):
                self.ring.ensure_bootstrap(token)
            return
        self.world.commits.armed = "after" if lost else None
        self.ring.ensure_bootstrap(token)
        self.world.commits.armed = None
        if self.boot not in (None, token):
            self.closed.add(self.boot)
        self.boot = token

    @rule(token=st.sampled_from(BOOT))
    def use_bootstrap(self, token):
        if token == self.boot and token not in self.closed:
            assert self.ring.authenticate(token).scopes == frozenset(BOOTSTRAP_SCOPES)
        else:
            with pytest.raises(Unauthenticated):
                self.ring.authenticate(token)

    @precondition(lambda self: self.boot)
    @rule()
    def revoke_bootstrap(self):
        self.ring.revoke("bootstrap")
        self.closed.add(self.boot)

    @precondition(lambda self: self.closed)
    @rule(pick=PICK)
    def allow_bootstrap(self, pick):
        token = sorted(self.closed)[pick % len(self.closed)]
        with pytest.raises(Misconfigured) as refused:
            self.ring.ensure_bootstrap(token)
        self.ring.allow(str(refused.value).split()[-1])
        self.closed.remove(token)

    def teardown(self):
        try:
            views = {view.id: view for view in self.ring.list()}
            former = [key_id for key_id in views if key_id.startswith("bootstrap-")]
            assert len(former) == len(self.closed - {self.boot})
            assert all(views[key_id].revoked_at for key_id in former)
            assert views.keys() - {"bootstrap", *former} == {key[0] for key in self.keys.values()}
            for token in self.keys:
                self.present(token)
        finally:
            self._context.__exit__(None, None, None)


def test_only_live_keys_open(worlds, examples):
    run(KeyMachine, worlds, examples=examples(20))
