"""Many searches on real workers, without training: nothing lost, and nobody waits for the rest.

The same processes are measured by `make bench-service`; here only what is counted matters.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bench import OWNER, Bench
from support.checker import verify
from support.waiting import until

from hpsearch.trials import RoundKind
from hpsearch.wiring import build
from worker.tasks import STAY_SECONDS

SEARCHES, JOBS, TRIALS = 20, 15, 2  # a search has so many jobs of so many trials each
WORKERS, SECONDS = 2, 0.02
# The hints that are with the broker go first, each with the short jobs that follow without one.
MOST_BEFORE_IT = WORKERS * 5 * (1 + round(STAY_SECONDS / SECONDS))


@pytest.fixture
def loaded(configured, postgres_url, broker, start, monkeypatch):
    """Twenty searches, a loop and two workers that train nothing for 20 ms a job."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
    monkeypatch.setenv("NOOP_SECONDS", str(SECONDS))
    settings = configured(
        database_url=postgres_url, redis_url=broker.url, job_size=TRIALS, max_active_searches=50
    )
    with build(settings) as services:
        bench = Bench(services)
        ids = [
            bench.submit(rounds=1, trials_per_round=JOBS * TRIALS, seed=seed)
            for seed in range(SEARCHES)
        ]
        bench.work.advance_due()
        start(settings, "support.noop", "run", f"--concurrency={WORKERS}")
        start(settings, "support.noop", "loop")
        yield bench, ids


def test_three_hundred_jobs_of_twenty_searches_and_a_small_one(loaded, postgres_url):
    bench, ids = loaded
    until(lambda: claimed(bench, ids) >= 20, what="the first jobs", seconds=120)
    small = bench.submit(rounds=1, trials_per_round=1)
    until(lambda: explored(bench, small), what="the small search", seconds=60)
    assert claimed(bench, ids) < SEARCHES * JOBS  # there was somebody to wait behind
    assert before_the_first(bench, small, ids) <= MOST_BEFORE_IT
    until(lambda: all(explored(bench, i) for i in ids), what="all jobs", seconds=120)
    for search_id in ids:
        done = [e for e in bench.services.store.events(search_id) if e.kind == "done"]
        assert len({e.job_id for e in done}) == len(done) >= JOBS
    verify(postgres_url, ended=False, replan=False)


def explored(bench, search_id):
    """Whether its first round is over."""
    rounds = bench.services.searches.rounds(search_id, owner=OWNER).items
    first = [r for r in rounds if r.number == 1]
    return bool(first) and first[0].kind == RoundKind.EXPLORE and not (
        first[0].trials.pending or first[0].trials.running
    )  # fmt: skip


def history(bench, ids):
    return [e for search_id in ids for e in bench.services.store.events(search_id)]


def claimed(bench, ids):
    return sum(e.kind == "claimed" for e in history(bench, ids))


def before_the_first(bench, small, others):
    """Jobs of others that were claimed when the small search had a job and it was not taken."""
    own = bench.services.store.events(small)
    made = next(e.id for e in own if e.kind == "advanced")
    taken = next(e.id for e in own if e.kind == "claimed")
    return sum(e.kind == "claimed" and made < e.id < taken for e in history(bench, others))
