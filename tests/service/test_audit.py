"""The audit on both databases: what is in it, in which order, and what never is."""

from __future__ import annotations

import inspect
import itertools
import json
import logging
import random
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from support.outside import OWNER, SMALL, SPEC

from hpsearch.errors import HpsearchError, InvalidRequest, Misconfigured, Unauthenticated
from hpsearch.records import Act, Actor, ActorKind
from hpsearch.service import acting, command_line
from hpsearch.service.prune import prune
from hpsearch.store import Store, metadata
from hpsearch.store.audit import Audit
from hpsearch.store.tables import api_key, audit, search

PROJECT = Path(__file__).resolve().parents[2]
OLD, NEW = "o" * 40, "n" * 40
ACTS = 50


def rows(services, **asked):
    """The audit, the oldest first."""
    found, cursor = [], None
    while True:
        page = services.audit.page(limit=7, cursor=cursor, **asked)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found[::-1]


def said(row):
    return row.key_id, row.action, row.target


class Week:
    """Users with a key each, who act as the API lets them; and what the audit should say of it."""

    def __init__(self, services, folder, seed):
        self.services, self.folder = services, folder
        self.random = random.Random(seed)  # a script, no secret
        self.expected, self.tokens = [], []
        self.searches, self.files = {}, {}
        self.numbers = itertools.count()

    def begin(self):
        for number in range(5):
            view, token = self.services.keys.create(
                name=f"k{number}", owner=f"owner-{number}", scopes=["read", "submit"]
            )
            self.tokens.append((view, token))
            self.expected.append((None, "key.made", view.id))

    def act(self):
        """One act of one key; what it did has to be in the audit, and what failed must not."""
        view, token = self.random.choice(self.tokens)
        principal = self.services.keys.authenticate(token)
        actor = Actor(ActorKind.KEY, principal.key_id, principal.owner, address="192.0.2.7")
        mine = self.searches.setdefault(view.owner, {})
        choices = [self.submit, self.put]
        if mine:
            choices += [self.steer] * 4
        if self.files.get(view.owner):
            choices.append(self.forget)
        with acting(actor):
            action, target = self.random.choice(choices)(view.owner, mine)
        self.expected.append((view.id, action, target))

    def submit(self, owner, mine):
        made, new = self.services.searches.submit({**SPEC, "name": "week"}, owner=owner)
        assert new
        mine[made.id] = "queued"
        return "search.submitted", made.id

    def put(self, owner, _mine):
        name = f"d{next(self.numbers)}"
        file = self.folder / f"{name}.csv"
        file.write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(40)))
        self.services.datasets.put(name, file, content_type="text/csv", owner=owner)
        self.files.setdefault(owner, []).append(name)
        return "dataset.put", name

    def forget(self, owner, _mine):
        name = self.files[owner].pop()
        self.services.datasets.delete(name, owner=owner)
        return "dataset.deleted", name

    def steer(self, owner, mine):
        search_id, state = self.random.choice(sorted(mine.items()))
        searches = self.services.searches
        if state == "cancelled":
            searches.delete(search_id, owner=owner)
            del mine[search_id]
            return "search.deleted", search_id
        step = self.random.choice(["edit", "cancel", "pause" if state == "queued" else "resume"])
        if step == "edit":
            searches.edit(search_id, {"note": f"n{next(self.numbers)}"}, owner=owner)
            return "search.edited", search_id
        getattr(searches, step)(search_id, owner=owner)
        mine[search_id] = {"pause": "paused", "resume": "queued", "cancel": "cancelled"}[step]
        return f"search.{step}{'led' if step == 'cancel' else 'd'}", search_id


@pytest.mark.parametrize("seed", [1, 2])
def test_a_scripted_week_is_in_it_in_order_and_nothing_else(services, tmp_path, seed, caplog):
    caplog.set_level(logging.INFO, "hpsearch.store.audit")
    week = Week(services, tmp_path, seed)
    week.begin()
    for _ in range(ACTS):
        week.act()
    found = rows(services)
    migrated = found.pop(0)
    assert (migrated.actor, migrated.action, migrated.detail) == (
        "service", "schema.upgraded", {"from": None},
    )  # fmt: skip
    assert [said(row) for row in found] == week.expected
    assert all(row.address == "192.0.2.7" for row in found[5:])
    lines = [r for r in caplog.records if r.name == "hpsearch.store.audit"]
    assert [(getattr(r, "key_id", None), r.action, r.target) for r in lines] == week.expected
    whole = json.dumps([row.model_dump() for row in found])
    for _, token in week.tokens:
        assert token.rpartition("_")[2] not in whole
    key = week.tokens[0][0]
    assert [said(r) for r in rows(services, actor=key.id)] == [
        one for one in week.expected if one[0] == key.id
    ]
    made = next(one for one in week.expected if one[1] == "search.submitted")
    assert [said(r) for r in rows(services, target=made[2])] == [
        one for one in week.expected if one[2] == made[2]
    ]
    assert {r.action for r in rows(services, action="dataset.put")} == {"dataset.put"}
    assert rows(services, since="2001-01-01", until="2001-01-02") == []


def test_what_is_refused_or_repeated_adds_nothing(outside):
    services = outside.services
    search_id = outside.submit(**SMALL)
    before = rows(services)
    for act in (
        lambda: services.searches.cancel(search_id, owner="nobody-else"),
        lambda: services.searches.edit(search_id, {"trials": "many"}, owner=OWNER),
        lambda: services.searches.submit({"dataset": "none"}, owner="me"),
        lambda: services.datasets.delete("none", owner="me"),
        lambda: services.keys.create(name="", owner="me", scopes=["read"]),
        lambda: services.keys.revoke("none"),
    ):
        with suppress(HpsearchError):
            act()
    assert rows(services) == before
    view, _ = services.keys.create(name="k", owner="me", scopes=["read"])
    services.keys.revoke(view.id)
    services.keys.revoke(view.id)
    assert [r.action for r in rows(services)[len(before) :]] == ["key.made", "key.revoked"]


def test_the_bootstrap_key_is_followed(services):
    services.keys.ensure_bootstrap(OLD)
    services.keys.ensure_bootstrap(OLD)
    services.keys.ensure_bootstrap(NEW)
    with pytest.raises(Misconfigured):
        services.keys.ensure_bootstrap(OLD)
    former = next(view.id for view in services.keys.list() if view.id != "bootstrap")
    with acting(command_line()):
        services.keys.allow(former)
    found = rows(services)[1:]
    assert [(r.action, r.target) for r in found] == [
        ("bootstrap.set", "bootstrap"), ("bootstrap.replaced", "bootstrap"), ("key.allowed", former),
    ]  # fmt: skip
    assert found[1].detail == {"former": former}
    assert (found[2].actor, bool(found[2].os_user)) == ("command line", True)
    assert OLD not in str(found)


def test_the_first_use_after_its_end_is_noted_once(services):
    tokens = {}
    for end in ("expired", "revoked"):
        view, token = services.keys.create(name=end, owner="me", scopes=["read"], days=1)
        tokens[end] = view.id, token
    services.keys.revoke(tokens["revoked"][0])
    with services.store.engines.write.begin() as connection:
        wanted = api_key.c.id == tokens["expired"][0]
        connection.execute(api_key.update().where(wanted).values(expires_at=1.0))
    for _ in range(3):
        for _, token in tokens.values():
            with pytest.raises(Unauthenticated):
                services.keys.authenticate(token)
    wrong = tokens["expired"][1][:-1] + "!"
    with pytest.raises(Unauthenticated):
        services.keys.authenticate(wrong)
    assert [(r.action, r.target) for r in rows(services)[4:]] == [
        ("key.used_after_expiry", tokens["expired"][0]),
        ("key.used_after_revocation", tokens["revoked"][0]),
    ]


def test_refused_keys_are_counted_rows(services):
    services.audit.note_refusals({"192.0.2.1": 3, "others": 900})
    found = rows(services)[1:]
    assert [(r.actor, r.action, r.address, r.times) for r in found] == [
        ("stranger", "key.refused", "192.0.2.1", 3), ("stranger", "key.refused", "others", 900),
    ]  # fmt: skip


def test_a_piece_of_work_that_is_run_again_adds_one_row(services):
    """The COMMIT of the first run arrived, and its answer did not."""
    with services.store.engines.write.begin() as connection:
        assert Audit(connection, "work").add(Act.PRUNE)
    with services.store.engines.write.begin() as connection:
        assert not Audit(connection, "work").add(Act.PRUNE)
    assert [r.action for r in rows(services)[1:]] == ["prune"]


def test_acts_that_are_run_again_keep_their_names_behind_one_that_is_there_once(services):
    for fresh in (True, False):
        with services.store.engines.write.begin() as connection:
            group = Audit(connection, "work")
            assert group.add(Act.KEY_USED_AFTER_EXPIRY, "k", once="k") is fresh
            assert group.add(Act.PRUNE) is fresh
    assert [r.action for r in rows(services)[1:]] == ["key.used_after_expiry", "prune"]


def test_what_is_taken_back_is_not_in_it(services):
    def fails(tx):
        tx.audit.add(Act.PRUNE)
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        services.store.write(fails)
    assert len(rows(services)) == 1


def test_prune_leaves_it_and_age_alone_removes_rows(outside):
    services = outside.services
    search_id = outside.submit(**SMALL)
    services.searches.cancel(search_id, owner=OWNER)
    with services.store.engines.write.begin() as connection:
        connection.execute(search.update().values(finished_at=1.0))
    prune(services, older_than=3600.0)
    assert services.audit.expire() == 0
    actions = [r.action for r in rows(services)]
    assert actions == [
        "schema.upgraded", "search.submitted", "search.cancelled", "prune", "search.pruned",
    ]  # fmt: skip
    assert [r.target for r in rows(services, action="search.pruned")] == [search_id]
    days = timedelta(days=services.settings.audit_days + 1).total_seconds()
    with services.store.engines.write.begin() as connection:
        old = sa.select(audit).where(audit.c.action == "prune")
        values = {**connection.execute(old).one()._mapping, "act": "old", "id": 0}
        connection.execute(audit.insert().values({**values, "at": values["at"] - days}))
    assert services.audit.expire() == 1
    assert [r.action for r in rows(services)] == actions


def test_the_database_refuses_a_change(services):
    with (
        pytest.raises(sa.exc.DBAPIError, match="only added"),
        services.store.engines.write.begin() as connection,
    ):
        connection.execute(audit.update().values(target="another"))


@given(data=st.data())
def test_nothing_of_the_audit_changes_or_removes_a_young_row(data):
    """Every method of the group of queries, with any arguments, on rows of today."""
    engine = sa.create_engine("sqlite://")
    metadata.tables["audit"].create(engine)
    statements = []
    sa.event.listen(
        engine, "before_cursor_execute", lambda *seen: statements.append(seen[2].upper())
    )
    texts = st.none() | st.text(max_size=5)
    arguments: dict[str, st.SearchStrategy[Any]] = {
        "action": st.sampled_from(Act), "target": texts, "times": st.integers(1, 9),
        "once": texts, "who": st.none(), "limit": st.integers(1, 5), "since": st.none(),
        "until": st.none(), "before": st.none() | st.integers(0, 9),
        "older_than": st.floats(3600, 1e9),
    }  # fmt: skip
    methods = ["add", "page", "expire", "has"]
    public = {n for n, _ in inspect.getmembers(Audit, inspect.isfunction) if n in vars(Audit)}
    assert public - {"__init__"} == set(methods)
    kept: list[Any] = []
    for number in range(data.draw(st.integers(1, 6))):
        with engine.begin() as connection:
            group = Audit(connection, f"w{number}")
            name = data.draw(st.sampled_from(methods))
            asked = inspect.signature(getattr(Audit, name)).parameters
            values = {n: data.draw(arguments[n]) for n in asked if n in arguments}
            if name == "page":
                values["action"] = None
            if name == "has":
                values["once"] = values["once"] or ""
            getattr(group, name)(**values)
        with engine.begin() as connection:
            now = connection.execute(sa.select(audit).order_by(audit.c.id)).all()
        assert now[: len(kept)] == kept
        kept = list(now)
    assert not any(text.startswith("UPDATE") for text in statements)
    engine.dispose()


def test_no_code_changes_a_row():
    """The table is known to its own module, to the migrations, and to whoever copies all tables."""
    knowing, changing = set(), set()
    for folder in ("api", "hpsearch", "lab", "migrations", "worker"):
        for file in (PROJECT / folder).rglob("*.py"):
            text = file.read_text()
            named = file.relative_to(PROJECT).as_posix()
            if re.search(r"tables import [^)]*\baudit\b", text):
                knowing.add(named)
            if re.search(r"\baudit\.(update|delete)\(|(UPDATE|DELETE FROM) audit\b", text):
                changing.add(named)
    copies = "hpsearch/store/transfer.py"
    assert knowing == {"hpsearch/store/audit.py", copies, "migrations/schema.py"}
    assert changing == {"hpsearch/store/audit.py"}, "which removes what is old"
    assert "audit.update(" not in (PROJECT / "hpsearch/store/audit.py").read_text()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"limit": 1001}, "limit 1001 is not between 1 and 1000; ask for more in pages"),
        ({"limit": 0}, "limit 0 is not between"),
        ({"since": "yesterday"}, "since 'yesterday' is neither a day"),
        ({"until": "x"}, "until 'x' is neither a day"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "is not before until '2026-01-01'"),
        ({"action": "key.eaten"}, "action 'key.eaten' is not one of key.made, "),
        ({"cursor": "!"}, "cursor"),
    ],
)
def test_a_query_beyond_its_limits_is_refused(services, asked, words):
    with pytest.raises(InvalidRequest, match=words):
        services.audit.page(**asked)


def test_who_is_not_named_is_the_service(configured, sqlite_url):
    store = Store(sqlite_url)
    store.write(lambda tx: tx.audit.add(Act.PRUNE))
    row = store.read(lambda tx: tx.audit.page(limit=1))[0]
    assert (row.actor, row.key_id, row.times) == (ActorKind.SERVICE, None, 1)
    store.close()
