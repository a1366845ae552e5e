"""Dataset files that vanish from the disk under a running search."""

from __future__ import annotations

import pytest
from support.bench import OWNER, Bench
from support.checker import verify
from support.waiting import until

from hpsearch.errors import Conflict
from hpsearch.trials import SearchState
from hpsearch.wiring import build
from worker.app import make
from worker.tasks import Runner


@pytest.fixture
def bench(configured, sqlite_url, broker, tmp_path):
    """Steps on data of their own."""
    settings = configured(
        database_url=sqlite_url,
        redis_url=broker.url,
        data_url=str(tmp_path / "own"),
        retry_seconds=0,
        republish_seconds=0.02,
    )
    with build(settings) as services:
        yield Bench(services)


def test_a_search_whose_data_vanished_fails_and_says_why(bench, tmp_path):
    """No half result, nothing else is touched, and the same data added again mends it."""
    file = tmp_path / "mine.csv"
    file.write_text("a,b,kind\n" + "\n".join(f"{n % 7},{n % 5},{n % 2}" for n in range(80)))
    services = bench.services
    services.datasets.add("mine", file, owner=OWNER)
    search_id = bench.submit(dataset="mine")
    bench.round()
    before = bench.status(search_id)
    assert before.trials.completed == 8
    with pytest.raises(Conflict, match="cancel them first"):
        services.datasets.delete("mine", owner=OWNER)
    digest = services.datasets.get("mine", owner=OWNER).digest
    (tmp_path / "own" / digest / "train_x.npy").unlink()

    runner = Runner(make(services.settings), services)  # its cache is as empty as a new worker's

    def over():
        bench.work.advance_due()
        for hint in bench.work.hints():
            runner(hint)
        return bench.status(search_id).finished_at

    until(over, seconds=60, what="the end of the search")
    status = bench.status(search_id)
    assert status.state is SearchState.FAILED
    assert (status.trials.completed, status.trials.failed) == (8, 8)
    rows = services.store.read(lambda tx: tx.trials.of(search_id))
    reasons = {row.error for row in rows if row.state == "failed"}
    assert all("train_x.npy" in reason and "datasets add" in reason for reason in reasons)
    verify(services.settings.database)

    services.datasets.add("mine", file, owner=OWNER)
    again = bench.submit(dataset="mine", rounds=1)
    while bench.status(again).finished_at is None:
        bench.work.advance_due()
        for hint in bench.work.hints():
            runner(hint)
    assert bench.status(again).state is SearchState.COMPLETED
    runner._services.store.close()
