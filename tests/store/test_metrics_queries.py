"""The figures for monitoring, on both databases, against a search whose every step is known."""

from __future__ import annotations

import pytest
from support.bench import SPEC, Bench
from support.waiting import until

from hpsearch.trials import WORKING


@pytest.fixture
def bench(services):
    return Bench(services)


@pytest.fixture
def operations(services):
    return services.metrics


def test_an_empty_service(operations):
    figures = operations.figures()
    assert figures.searches == {}
    assert (figures.workers, figures.undecided, figures.event) == (0, 0, 0)
    for queue in figures.queues.values():
        assert (queue.queued, queue.claimable, queue.running) == (0, 0, 0)
        assert (queue.oldest_queued, queue.oldest_heartbeat) == (0.0, 0.0)


def test_the_queue_at_every_step_of_a_search(bench, operations):
    search_id = bench.submit()
    figures = operations.figures()
    assert (figures.searches, figures.undecided) == ({"queued": 1}, 1)

    bench.work.advance_due()
    jobs = operations.figures().queues["jobs"]
    assert jobs.queued == jobs.claimable == len(bench.work.hints()) > 1
    assert jobs.oldest_queued >= 0
    assert operations.figures().undecided == 0

    bench.claim(bench.hint())
    after = operations.figures().queues["jobs"]
    assert (after.queued, after.running) == (jobs.queued - 1, 1)
    assert 0 <= after.oldest_heartbeat < 3

    bench.services.searches.pause(search_id, owner="tester")
    paused = operations.figures().queues["jobs"]
    assert (paused.queued, paused.claimable, paused.oldest_queued) == (after.queued, 0, 0.0)


def test_the_final_job_is_in_its_own_queue(bench, operations):
    bench.submit()
    bench.round()
    bench.round()
    bench.work.advance_due()
    figures = operations.figures()
    assert figures.searches == {"finalizing": 1}
    assert (figures.queues["jobs"].queued, figures.queues["final"].claimable) == (0, 1)
    assert "finalizing" in WORKING


def test_silent_workers_are_not_counted(bench, operations, services):
    for number in range(3):
        bench.work.register(f"w{number}", host="here", pid=number, fingerprint={})
    assert operations.figures().workers == 3
    until(lambda: operations.figures().workers == 0, seconds=10, what="silence for a lease")


def test_what_has_happened_is_counted_once(bench, operations):
    before = operations.figures().event
    search_id = bench.submit()
    bench.complete(search_id)
    models, epochs = SPEC["final"]["models"] + 1, SPEC["final"]["epochs"]
    trials = SPEC["rounds"] * SPEC["trials_per_round"] + models

    seen = until(
        lambda: (
            (found := operations.figures(since=before)).search_events.get("completed") and found
        ),
        what="the events are old enough",
    )
    assert seen.search_events["submitted"] == 1
    assert seen.job_events["claimed"] == seen.job_events["done"] > 4
    assert seen.job_events["test_opened"] == 1
    assert seen.trials == trials
    # The status leaves out what the final test trains.
    assert seen.epochs == bench.status(search_id).epochs.trained + models * epochs

    again = operations.figures(since=seen.event)
    assert (again.trials, again.job_events, again.event) == (0, {}, seen.event)
    assert operations.figures().trials == 0, "without an earlier look nothing is new"
