"""Retention, on both databases: what ended long ago goes, and nothing else does."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sqlalchemy as sa
from support.bench import OWNER, Bench
from support.checker import verify

from hpsearch.cli.prune import age
from hpsearch.errors import Conflict, InvalidRequest, NotFound
from hpsearch.service import replay
from hpsearch.service.prune import prune
from hpsearch.store.tables import event, search, trial

DAY = 86400.0


@pytest.fixture
def bench(services):
    return Bench(services)


def rows(services, table, *conditions):
    with services.store.engines.read.connect() as connection:
        return connection.execute(sa.select(table).where(*conditions)).all()


def aged(services, search_id, days):
    """Let a search have ended so long ago, and its history with it."""
    with services.store.engines.write.begin() as connection:
        for table, column, key in (
            (search, search.c.finished_at, search.c.id),
            (event, event.c.at, event.c.search_id),
        ):
            connection.execute(
                table.update().where(key == search_id).values({column: column - days * DAY})
            )


def completed(bench, days, **changes):
    search_id = bench.submit(**changes)
    bench.complete(search_id)
    aged(bench.services, search_id, days)
    return search_id


def uploaded(services, tmp_path):
    """A dataset of one's own, and its digest."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "own.npz", x=rng.normal(size=(60, 3)), y=np.arange(60) % 3)
    return services.datasets.put(
        "own",
        tmp_path / "own.npz",
        content_type="application/octet-stream",
        owner=OWNER,
    ).digest


def test_old_searches_go_and_nothing_else(bench, services, tmp_path, database_url):
    digest = uploaded(services, tmp_path)
    old = completed(bench, 100, dataset="own", name="old")
    services.datasets.delete("own", owner=OWNER)  # the old search still refers to the content
    young = completed(bench, 10, name="young")
    active = bench.submit(name="active")
    bench.work.advance_due()
    before = services.metrics.figures().event

    planned = prune(services, older_than=90 * DAY, dry_run=True)
    assert services.searches.result(old, owner=OWNER).digest
    assert services.files.exists(digest)
    done = prune(services, older_than=90 * DAY)
    assert done == planned
    assert (done.searches, done.trials, done.datasets) == (1, 2 * 8 + 3, 1)
    assert done.events > 10
    assert done.bytes > 1000

    with pytest.raises(NotFound):
        services.searches.status(old, owner=OWNER)
    assert not services.files.exists(digest)
    assert rows(services, trial, trial.c.search_id == old) == []
    assert [e.kind for e in rows(services, event, event.c.search_id == old)] == ["deleted"]
    assert services.metrics.figures().event >= before
    assert services.searches.result(young, owner=OWNER).digest
    bench.complete(active)
    verify(database_url)

    nothing = prune(services, older_than=90 * DAY)
    assert (nothing.searches, nothing.events, nothing.datasets) == (0, 0, 0)
    bench.submit(name="newest")
    aged(services, old, 100)
    assert prune(services, older_than=90 * DAY).events == 1, "the word that it was deleted"


def test_results_are_kept_on_request(bench, services):
    old = completed(bench, 100)
    result = services.searches.result(old, owner=OWNER)
    assert prune(services, older_than=90 * DAY, keep_results=True, dry_run=True).searches == 1
    assert prune(services, older_than=90 * DAY, keep_results=True).searches == 1
    assert services.searches.result(old, owner=OWNER) == result
    assert services.searches.health(old, owner=OWNER)
    assert {(t.curve, t.right) for t in rows(services, trial)} == {(None, None)}
    kinds = {e.kind for e in rows(services, event, event.c.search_id == old)}
    assert kinds == {"pruned", "advanced", "final_frozen"}
    assert prune(services, older_than=90 * DAY, keep_results=True).searches == 0

    with pytest.raises(Conflict, match="have been pruned; replay it without --decisions"):
        replay.decisions(services, old)
    begun = bench.submit(warm_start=[old], seed=5)
    bench.complete(begun)
    assert bench.status(begun).state == "completed"
    assert prune(services, older_than=90 * DAY).searches == 1, "later it may go altogether"


def test_unfinished_and_resumed_searches_stay(bench, services):
    paused = bench.submit()
    bench.work.advance_due()
    services.searches.pause(paused, owner=OWNER)
    aged(services, paused, 1000)
    assert prune(services, older_than=0.0).searches == 0
    assert bench.status(paused).state == "paused"


@pytest.mark.parametrize(("text", "seconds"), [("12h", 43200), ("90d", 7776000), ("2w", 1209600)])
def test_ages(text, seconds):
    assert age(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "90 d", "3m", "9999999d"])
def test_what_is_no_age(text):
    with pytest.raises(InvalidRequest, match="as in 12h, 90d, 8w"):
        age(text)


def test_the_command(bench, services, monkeypatch, capsys):
    from hpsearch import cli

    monkeypatch.setenv("HPSEARCH_HOME", str(services.settings.home))
    monkeypatch.setenv("DATABASE_URL", services.settings.database)
    monkeypatch.setenv("HPSEARCH_DATA_URL", services.settings.datasets_url)
    completed(bench, 100)
    assert cli.run(["prune", "--older-than", "90d", "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["dry_run"], said["searches"]) == (True, 1)
    assert cli.run(["prune", "--older-than", "90d"]) == 0
    assert capsys.readouterr().out.startswith("removed 1 searches (19 trials), ")
    assert cli.run(["prune", "--older-than", "soon"]) == 2
