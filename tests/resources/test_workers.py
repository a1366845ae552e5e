"""Workers that are killed, find no memory, or never come back from a library call."""

from __future__ import annotations

import pytest
from support.alone import alone
from support.bench import OWNER
from support.checker import verify
from support.waiting import until

from hpsearch.trials import SearchState
from hpsearch.wiring import build

SPEC = {
    "name": "troubled",
    "dataset": "iris",
    "model": {"hidden_sizes": [4], "batch_size": 8},
    "space": {"learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"}},
    "rounds": 2,
    "trials_per_round": 24,
    "epochs": {"first": 1, "last": 2, "halving": False},
    "final": {"epochs": 2, "models": 2},
    "seed": 3,
}
TROUBLES = "0:killed,4:memory,8:hang,12:deaf"

pytestmark = pytest.mark.usefixtures("troubled")


@pytest.fixture
def reference(configured, tmp_path, migrated_sqlite):
    """The same search without faults: its digest, and the rows of its first round."""
    home = tmp_path / "alone"
    home.mkdir()
    (home / "hpsearch.db").write_bytes(migrated_sqlite.read_bytes())
    with build(configured(home=home, job_size=4)) as services:
        search_id = services.searches.submit(SPEC, owner=OWNER)[0].id
        return alone(services, search_id), first_round(services, search_id)


def first_round(services, search_id):
    """Everything that was computed for a trial of round 1, by index."""
    rows = services.store.read(lambda tx: tx.trials.of(search_id))
    return {
        r.idx: (r.state, r.params, r.epochs, r.correct, r.loss, r.score)
        for r in rows
        if r.round == 1
    }


@pytest.fixture
def fleet(configured, sqlite_url, broker, start, monkeypatch):
    """A loop and three slots with the faults built in, and deadlines of a few seconds."""
    monkeypatch.setenv("TROUBLES", TROUBLES)
    monkeypatch.setenv("HPSEARCH_DEADLINE_FLOOR_SECONDS", "4")
    settings = configured(database_url=sqlite_url, redis_url=broker.url, job_size=4)
    start(settings, "support.troubled", "worker", "loop")
    start(settings, "support.troubled", "worker", "run", "--concurrency", "3")
    with build(settings) as services:
        yield services


def ended(services):
    """Submit and wait for the end; the search's id and its status."""
    search_id = services.searches.submit(SPEC, owner=OWNER)[0].id

    def status():
        found = services.searches.status(search_id, owner=OWNER)
        return found if found.finished_at is not None else None

    return search_id, until(status, seconds=240, what="the end of the search")


def test_each_fault_once_changes_nothing(monkeypatch, tmp_path, reference, request):
    """The jobs come back and the result is that of a search without faults."""
    monkeypatch.setenv("TROUBLED_ONCE", str(tmp_path))
    services = request.getfixturevalue("fleet")
    search_id, status = ended(services)
    assert status.state is SearchState.COMPLETED, status.reason
    assert services.searches.result(search_id, owner=OWNER).digest == reference[0]
    counts = verify(services.settings.database, expected_digests={"troubled": reference[0]})
    assert (counts.lost, counts.failed) == (4, 0)


def test_the_third_loss_fails_its_own_trials_alone(fleet, reference):
    """The search goes on without them, says so, and no neighbour's result differs by a bit."""
    search_id, status = ended(fleet)
    assert status.state is SearchState.COMPLETED, status.reason
    found, honest = first_round(fleet, search_id), reference[1]
    failed = {index for index, row in found.items() if row[0] == "failed"}
    assert failed == set(range(16)), "the four jobs of four trials that a fault strikes"
    assert all(found[index][1] == honest[index][1] for index in failed)
    assert {i: r for i, r in found.items() if i not in failed} == {
        i: r for i, r in honest.items() if i not in failed
    }
    events = fleet.store.events(search_id)
    told = [event.detail["error"] for event in events if event.kind in ("lost", "failed")]
    for words in ("heartbeats", "MemoryError", "deadline"):
        assert any(words in reason for reason in told), (words, told)
    result = fleet.searches.result(search_id, owner=OWNER)
    assert result.digest is None
    assert "lost" in (result.digest_reason or "")
    counts = verify(fleet.settings.database)
    assert (counts.lost, counts.failed, counts.reaped) == (8, 4, 9), "two come back three times"
