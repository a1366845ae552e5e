"""Two who advance at once, each with a snapshot that may have grown old."""

from __future__ import annotations

from contextlib import nullcontext

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from machines.machine import run
from support.bench import OWNER
from support.checker import verify

from hpsearch.coordinator import decide
from hpsearch.errors import Conflict
from hpsearch.service import advance
from hpsearch.store.tables import round_
from hpsearch.training.numerics import fingerprint
from hpsearch.trials import GiveUp

FROM = {
    "edit": ("queued", "running", "paused"),
    "pause": ("queued", "running"),
    "resume": ("paused",),
}


class RoundMachine(RuleBasedStateMachine):
    """Reading, deciding and writing are steps of their own, by two advancers."""

    def __init__(self, worlds):
        super().__init__()
        self._context = worlds.copy("submitted")
        self.world = self._context.__enter__()
        self.bench = self.world.bench
        (search,) = self.world.searches()
        self.search_id = search.id
        self.plans = {}
        self.written = 0

    def row(self):
        return self.world.searches()[0]

    @rule(who=st.sampled_from("ab"))
    def read(self, who):
        found = self.world.services.store.read(lambda tx: advance._snapshot(tx, self.search_id))
        if found is not None and found[0].state != "finalizing":
            row, now = found
            self.plans[who] = (row, now, decide(now, job_size=2))

    @rule(who=st.sampled_from("ab"), lost=st.booleans())
    def write(self, who, lost):
        """Only a plan that was made from the present revision is written."""
        if who not in self.plans:
            return
        row, now, plan = self.plans.pop(who)
        assert not isinstance(plan, GiveUp)
        before = self.row()
        fresh = (row.state, row.round, row.revision) == (
            before.state,
            before.round,
            before.revision,
        )
        deadlines = advance.deadlines(now.resolved, plan, self.world.services.settings)
        self.world.commits.armed = "after" if lost else None
        done = self.world.services.store.write(
            lambda tx: tx.plans.apply(row, plan, deadlines=deadlines, fingerprint=fingerprint())
        )
        self.world.commits.armed = None
        assert done == (fresh and not lost)
        self.written += fresh
        assert self.row().round == self.written
        self.each_round_is_in_the_ledger()

    @rule(jobs=st.integers(1, 3))
    def work(self, jobs):
        for hint in list(self.bench.work.hints())[:jobs]:
            self.bench.do(hint)

    @rule(what=st.sampled_from(["edit", "pause", "resume", "resume"]))
    def meddle(self, what):
        """A user moves the revision on while somebody decides."""
        options = {"changes": {"epochs": {"last": 2}}} if what == "edit" else {}
        allowed = self.row().state in FROM[what]
        with nullcontext() if allowed else pytest.raises(Conflict):
            getattr(self.world.services.searches, what)(self.search_id, owner=OWNER, **options)

    @precondition(lambda self: self.row().state in ("running", "finalizing"))
    @rule()
    def loop(self):
        before = self.row()
        if self.bench.work.advance_due():
            after = self.row()
            self.written += after.round - before.round
        self.each_round_is_in_the_ledger()

    def each_round_is_in_the_ledger(self):
        numbers = sorted(r.number for r in self.world.rows(round_))
        assert numbers == list(range(1, self.row().round + 1))

    def teardown(self):
        try:
            if self.row().state == "paused":
                self.world.services.searches.resume(self.search_id, owner=OWNER)
            self.loop()  # what it writes is looked at before anybody trains on it
            self.bench.complete(self.search_id)
            counts = verify(self.world.url, intact=False)
            assert counts.finals == 1
        finally:
            self._context.__exit__(None, None, None)


def test_each_round_is_made_once(worlds, examples):
    run(RoundMachine, worlds, examples=examples(8), steps=25)
