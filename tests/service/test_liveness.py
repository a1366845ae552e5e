"""The reaper: silence decides, by a clock of its own, and no clock that is set costs a job."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from support.bench import Bench
from support.waiting import until

from hpsearch.records import RunningJob
from hpsearch.service.liveness import LivenessMonitor
from hpsearch.store.tables import job
from hpsearch.trials import Hint

LEASE, HEARTBEAT, TICK = 30.0, 5.0, 1.0


class Clock:
    """Seconds that go on when they are told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def running(*, attempt=1, heartbeats=0, expired=False, deadline=600.0, lease=None):
    return RunningJob(1, "s1", attempt, 0, "w", heartbeats, deadline, lease, expired)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def monitor(clock):
    return LivenessMonitor(lease=LEASE, heartbeat=HEARTBEAT, tick=TICK, clock=clock)


def seconds_until_lost(monitor, clock, of, *, limit=1000.0):
    """Look every second; after how many the job of `of(second)` is called lost, None if never."""
    began = clock.now
    while clock.now - began <= limit:
        if list(monitor.lost([of(clock.now - began)])):
            return clock.now - began
        clock.now += TICK
    return None


def test_a_silent_job_is_lost_after_its_lease(monitor, clock):
    assert seconds_until_lost(monitor, clock, lambda _: running()) == LEASE + TICK


def test_the_database_may_say_so_earlier(monitor, clock):
    """A loop that starts after a crash need not wait for a whole lease."""
    found = seconds_until_lost(monitor, clock, lambda _: running(expired=True))
    assert found == 2 * HEARTBEAT + TICK


@pytest.mark.parametrize("expired", [False, True])
def test_a_trainer_elsewhere_is_lost_after_the_lease_that_it_chose(monitor, clock, expired):
    """It may speak as seldom as it likes, so the database's clock shortens nothing."""
    found = seconds_until_lost(monitor, clock, lambda _: running(lease=300.0, expired=expired))
    assert found == 300 + TICK


@pytest.mark.parametrize("expired", [False, True], ids=["set-back", "set-forward"])
def test_a_job_that_speaks_is_never_lost_whatever_the_database_s_clock_says(
    monitor, clock, expired
):
    def speaking(second):
        return running(heartbeats=int(second // HEARTBEAT), expired=expired, deadline=1e9)

    assert seconds_until_lost(monitor, clock, speaking) is None


def test_a_job_is_lost_at_its_deadline_however_much_it_speaks(monitor, clock):
    def speaking(second):
        return running(heartbeats=int(second), deadline=100.0)

    assert seconds_until_lost(monitor, clock, speaking) == 101.0


def test_a_new_attempt_has_all_its_time(monitor, clock):
    list(monitor.lost([running(deadline=10.0)]))
    clock.now += 6
    list(monitor.lost([running(deadline=10.0, attempt=2)]))
    clock.now += 6
    assert list(monitor.lost([running(deadline=10.0, attempt=2)])) == []


def test_a_pause_of_the_whole_machine_costs_nothing(monitor, clock):
    list(monitor.lost([running()]))
    clock.now += 3600
    assert list(monitor.lost([running(expired=True)])) == []
    clock.now += TICK
    assert list(monitor.lost([running(heartbeats=1)])) == []


def test_jobs_that_ended_are_forgotten(monitor):
    list(monitor.lost([running()]))
    list(monitor.lost([]))
    assert monitor._signs == {}


def kinds(bench, search_id):
    return [event.kind for event in bench.services.store.events(search_id)]


@pytest.fixture
def bench(services):
    return Bench(services)


@pytest.fixture
def claimed(bench):
    """A search with one running job; its hint."""
    search_id = bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    bench.claim(hint)
    return search_id, hint


def watch_with(bench, clock):
    """Let the reaper see jobs for the first time, by a clock of the test."""
    settings = bench.services.settings
    bench.work.liveness = LivenessMonitor(
        lease=settings.lease_seconds, heartbeat=settings.heartbeat_seconds, tick=0.1, clock=clock
    )


def pass_time(bench, clock, seconds):
    """Look again and again while time passes; how many jobs were taken back."""
    taken = 0
    for _ in range(int(seconds / 0.1)):
        taken += bench.work.reap()
        clock.now += 0.1
    return taken


def test_the_reaper_takes_a_silent_worker_s_job(bench, claimed, clock):
    search_id, hint = claimed
    lease = bench.services.settings.lease_seconds
    watch_with(bench, clock)
    assert pass_time(bench, clock, lease - 0.5) == 0
    assert pass_time(bench, clock, 1) == 1
    assert kinds(bench, search_id).count("lost") == 1
    assert until(lambda: bench.work.claim(Hint(hint.job_id, 2), worker_run="next"))


def test_a_heartbeat_keeps_the_job(bench, claimed, clock):
    _, hint = claimed
    lease = bench.services.settings.lease_seconds
    watch_with(bench, clock)
    for _ in range(3):
        assert pass_time(bench, clock, lease * 0.7) == 0
        assert bench.work.heartbeat(hint, worker_run="worker")
    assert pass_time(bench, clock, lease * 0.7) == 0


def test_a_heartbeat_that_comes_just_in_time_keeps_the_job(bench, claimed):
    """The reaper has read that the job is silent; before it writes, the worker speaks."""
    _, hint = claimed
    assert bench.work.heartbeat(hint, worker_run="worker")
    written = bench.work._give_back(hint, "silent", worker_run="worker", losses=0, heartbeats=0)
    assert written.value == "fenced"
    assert bench.work.heartbeat(hint, worker_run="worker")


SHIFTED = ("created_at", "published_at", "claimed_at", "lease_until", "deadline_at", "not_before")


def step_the_clock(services, seconds):
    """What the database holds after its clock was set forward by `seconds`."""
    values = {name: job.c[name] - seconds for name in SHIFTED}
    with services.store.engines.write.begin() as connection:
        connection.execute(sa.update(job).values(values))


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "back"])
def test_a_database_clock_that_is_set_loses_nobody_s_work(bench, claimed, clock, hours):
    """A live worker keeps its job, a dead one's comes back as always."""
    search_id, hint = claimed
    lease = bench.services.settings.lease_seconds
    watch_with(bench, clock)
    pass_time(bench, clock, bench.services.settings.heartbeat_seconds)
    step_the_clock(bench.services, 3600 * hours)
    assert bench.work.reap() == 0
    assert bench.work.heartbeat(hint, worker_run="worker")
    assert pass_time(bench, clock, lease / 3) == 0
    assert pass_time(bench, clock, lease) == 1
    assert kinds(bench, search_id).count("lost") == 1


def test_a_clock_that_is_set_back_does_not_hold_up_lost_hints_or_jobs(bench, claimed):
    """What was sent or put off `in the future` is due now."""
    _, hint = claimed
    others = bench.work.hints()
    bench.work.published(others)
    assert bench.work.hints() == []
    bench.work.give_back(hint, "lost", worker_run="worker")
    step_the_clock(bench.services, -3600)
    assert {h.job_id for h in bench.work.hints()} == {hint.job_id, *(h.job_id for h in others)}
    assert bench.work.claim(Hint(hint.job_id, 2), worker_run="next") is not None
