"""One pool process, run in this one: what a task does with a hint, and who keeps the lease."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter

import pytest
from support.bench import Bench
from support.checker import verify
from support.waiting import until

from hpsearch.errors import Corrupt, StorageFull, Unavailable
from hpsearch.store import SCHEMA, Written
from hpsearch.trials import Hint, SearchState
from hpsearch.wiring import build
from worker import lease_keeper, pace, tasks
from worker.app import make
from worker.hint_publisher import HintPublisher
from worker.lease_keeper import LeaseKeeper
from worker.loop import SWEEP_SECONDS, Loop
from worker.tasks import Runner, parse_hint

LONG = {"epochs": {"first": 900, "last": 900}, "trials_per_round": 32}


@pytest.fixture
def deployed(configured, sqlite_url, broker):
    """Services with a broker, heartbeats every 50 ms."""
    settings = configured(
        database_url=sqlite_url, redis_url=broker.url, heartbeat_seconds=0.05, lease_seconds=2.0
    )
    with build(settings) as services:
        yield services


@pytest.fixture
def runner(deployed):
    """A runner as a pool process has it."""
    made = Runner(make(deployed.settings), deployed)
    made.start()
    yield made
    made.close()


def test_a_search_from_hint_to_result(deployed, runner):
    bench = Bench(deployed)
    search_id = bench.submit()
    loop = Loop(deployed)
    assert deployed.metrics.figures().loops == 0

    def ended():
        loop.turn()
        for hint in bench.work.hints(broker_is_empty=True):
            runner(hint)
        return bench.status(search_id).finished_at

    until(ended, seconds=60, what="the search")
    assert bench.status(search_id).state is SearchState.COMPLETED
    runner(Hint(1, 1))  # a second delivery, long after
    (heard,) = deployed.metrics.loops()
    assert (heard.host, heard.pid) == (socket.gethostname(), os.getpid())
    assert 0 <= heard.silent < 10
    loop.stop()
    loop.run()  # ends at once, and takes its row along
    assert deployed.metrics.loops() == []


def test_many_due_searches_hold_up_nothing_else(deployed, runner, monkeypatch):
    """A turn over thousands of them takes minutes: hints, lost jobs and the heartbeat do not wait."""
    bench, seen = Bench(deployed), []
    advance = deployed.jobs.advance

    def counted(search_id):
        with bench.services.store.engines.read.connect() as connection:
            query = "SELECT count(*) FROM job WHERE published_at IS NOT NULL"
            sent = connection.exec_driver_sql(query).scalar()
        seen.append((sent, deployed.metrics.figures().loops))
        return advance(search_id)

    for _ in range(4):
        bench.submit()
    loop = Loop(deployed)
    loop._tick = 0.0  # what a turn takes is longer than the pause between two
    monkeypatch.setattr(deployed.jobs, "advance", counted)
    loop.turn()
    assert [sent > 0 for sent, _ in seen] == [False, True, True, True]
    assert {loops for _, loops in seen} == {1}
    # Told to stop, it does not first advance all of them.
    for _ in range(4):
        bench.submit()
    seen.clear()
    loop.stop()
    loop.turn()
    assert len(seen) == 1


def test_the_loop_removes_what_the_audit_keeps_no_longer(deployed, monkeypatch):
    loop, calls = Loop(deployed), []
    monkeypatch.setattr(type(deployed.audit), "expire", lambda _: calls.append(1))
    loop.turn()
    assert calls == []
    loop._swept -= SWEEP_SECONDS + 1
    loop.turn()
    loop.turn()
    assert calls == [1]


def test_nothing_is_claimed_in_the_schema_of_another_build(deployed, runner, caplog):
    """A worker may start before the migration: its hint comes again, and nothing has been lost."""
    bench = Bench(deployed)
    bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    stamp(deployed, "0001")
    runner(hint)
    assert bench.hint() == hint
    assert "no job is taken: migrations: at 0001, this version needs" in caplog.text
    stamp(deployed, SCHEMA)
    runner(hint)
    assert hint not in bench.work.hints()


def stamp(services, revision):
    with services.store.engines.write.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")


@pytest.mark.parametrize(
    "words", [("1", 1), (None, None), ([], {}), (1.0, 1), (0, 1), (1, -1), (2**63, 1), (1, 2**31)]
)
def test_what_is_no_hint_reaches_no_database(words, caplog):
    """Whoever can write to the broker can keep no worker busy with retries."""
    assert parse_hint(*words) is None
    assert "no hint" in caplog.text
    assert parse_hint(3, 2) == Hint(3, 2)


def test_short_jobs_follow_without_a_message(deployed, runner, monkeypatch):
    """One message; the worker goes on with what the broker does not hold."""
    monkeypatch.setattr(tasks, "STAY_SECONDS", 60.0)
    bench = Bench(deployed)
    search_id = bench.submit(rounds=1, trials_per_round=256)  # 8 jobs, 4 of them in the window
    bench.work.advance_due()
    hints = bench.work.hints()
    bench.work.published(hints)
    runner(hints[0])
    events = Counter(e.kind for e in deployed.store.events(search_id))
    assert events["done"] == events["claimed"] > 1
    verify(deployed.settings.database, ended=False, replan=False)


@pytest.fixture
def several(deployed, runner, monkeypatch):
    """Eight jobs, of which a worker gets one by message and may take the other seven at once."""
    monkeypatch.setattr(tasks, "STAY_SECONDS", 60.0)
    monkeypatch.setattr(pace, "TOGETHER_SECONDS", 1e6)
    monkeypatch.setattr(tasks, "BATCH_SECONDS", 60.0)
    bench = Bench(deployed)
    search_id = bench.submit(rounds=1, trials_per_round=256)
    bench.work.advance_due()
    (hint, *_) = bench.work.hints()
    bench.work.published([hint])
    return bench, search_id, hint


def test_short_jobs_are_taken_and_written_together(deployed, runner, several, monkeypatch):
    bench, search_id, hint = several
    written, finish = [], runner._work.finish_together

    def together(reports, **options):
        written.append(len(reports))
        return finish(reports, **options)

    monkeypatch.setattr(runner._work, "finish_together", together)
    runner(hint)
    assert written == [7]
    status = bench.status(search_id)
    assert status.trials.completed + status.trials.diverged == 256
    verify(deployed.settings.database, ended=False, replan=False)


def test_a_fault_among_several_jobs_is_its_own(deployed, runner, several, monkeypatch):
    """What was trained before it is written, and what would have come after it goes back."""
    bench, search_id, hint = several
    train, calls = runner._trainer.run, []

    def run(order, **options):
        calls.append(order)
        if len(calls) == 4:
            raise Corrupt("train_x.npy is not what was stored")
        return train(order, **options)

    monkeypatch.setattr(runner._trainer, "run", run)
    runner(hint)
    counts = Counter(e.kind for e in deployed.store.events(search_id))
    assert (counts["claimed"], counts["done"], counts["lost"], counts["returned"]) == (8, 3, 1, 4)
    assert bench.status(search_id).trials.running == 0
    verify(deployed.settings.database, ended=False, replan=False)


def test_of_several_jobs_those_not_begun_in_time_go_back(deployed, runner, several, monkeypatch):
    bench, search_id, hint = several
    train, calls = runner._trainer.run, []

    def run(order, **options):
        calls.append(order)
        if len(calls) == 3:
            monkeypatch.setattr(tasks.time, "monotonic", lambda real=time.monotonic: real() + 100)
        return train(order, **options)

    monkeypatch.setattr(runner._trainer, "run", run)
    runner(hint)
    counts = Counter(e.kind for e in deployed.store.events(search_id))
    assert (counts["claimed"], counts["done"], counts["returned"]) == (8, 3, 5)
    assert bench.status(search_id).trials.running == 0


def test_several_jobs_taken_away_are_left_at_once(deployed, runner, several, monkeypatch):
    _, search_id, hint = several
    train, calls = runner._trainer.run, []

    def run(order, **options):
        calls.append(order)
        if len(calls) == 2:
            deployed.searches.cancel(search_id, owner="tester")
            until(runner._lease.stopped, what="the keeper to hear of it")
        return train(order, **options)

    monkeypatch.setattr(runner._trainer, "run", run)
    runner(hint)
    assert len(calls) == 2
    counts = Counter(e.kind for e in deployed.store.events(search_id))
    assert (counts["claimed"], counts["done"], counts["cancelled"]) == (8, 1, 8)


def test_a_batch_that_was_begun_runs_out(deployed, runner, several, monkeypatch):
    """The worker's stay is over during it: what is put back would be taken alone the next time."""
    bench, search_id, hint = several
    train, calls = runner._trainer.run, []

    def run(order, **options):
        calls.append(order)
        if len(calls) == 3:
            monkeypatch.setattr(tasks.time, "monotonic", lambda real=time.monotonic: real() + 55)
        return train(order, **options)

    monkeypatch.setattr(tasks, "STAY_SECONDS", 50.0)
    monkeypatch.setattr(runner._trainer, "run", run)
    monkeypatch.setattr(tasks, "BATCH_SECONDS", 600.0)
    runner(hint)
    counts = Counter(e.kind for e in deployed.store.events(search_id))
    assert (counts["claimed"], counts["done"], counts["returned"]) == (8, 8, 0)
    assert bench.status(search_id).trials.running == 0


def test_jobs_not_begun_go_back_where_results_cannot_be_stored(
    deployed, runner, several, monkeypatch
):
    _, search_id, hint = several
    train, calls = runner._trainer.run, []

    def run(order, **options):
        calls.append(order)
        if len(calls) == 4:
            monkeypatch.setattr(tasks.time, "monotonic", lambda real=time.monotonic: real() + 100)
        return train(order, **options)

    def full(*_, **__):
        raise StorageFull("the disk of the database is full")

    monkeypatch.setattr(tasks, "STAY_SECONDS", 600.0)
    monkeypatch.setattr(runner._trainer, "run", run)
    monkeypatch.setattr(runner._work, "finish_together", full)
    with pytest.raises(StorageFull):
        runner(hint)
    counts = Counter(e.kind for e in deployed.store.events(search_id))
    assert (counts["claimed"], counts["done"], counts["returned"]) == (8, 1, 4)


def test_of_several_results_those_of_a_lost_lease_alone_are_given_up(
    deployed, runner, several, monkeypatch
):
    """One job is taken away while the database does not answer: the others are written after all."""
    _, search_id, hint = several
    finish, taken_away = runner._work.finish_together, []

    def away(reports, **options):
        if taken_away:
            return finish(reports, **options)
        taken_away.append(reports[2][0])
        runner._work.give_back(reports[2][0], "taken away", worker_run=runner.run_id)
        until(runner._lease.stopped, what="the keeper to hear of it")
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(runner._work, "finish_together", away)
    runner(hint)
    counts = Counter(e.kind for e in deployed.store.events(search_id))
    assert (counts["claimed"], counts["done"], counts["lost"]) == (8, 7, 1)
    assert not runner._lease.stopped()
    verify(deployed.settings.database, ended=False, replan=False)


def test_a_pace_is_known_by_the_last_jobs_of_a_round():
    known = pace.Pace()
    assert known.most("a", 1) == 1
    known.note("a", 1, 0.0)
    assert known.most("a", 1) == pace.MOST_TOGETHER
    assert known.most("a", 2) == 1
    known.note("a", 1, pace.TOGETHER_SECONDS / 3.5)
    assert known.most("a", 1) == 3
    known.note("a", 1, pace.TOGETHER_SECONDS / 2)
    assert known.most("a", 1) == 1
    known.note("a", 1, 0.0)  # one that diverges at once changes nothing
    assert known.most("a", 1) == 1
    for _ in range(2):
        known.note("a", 1, 0.0)
    assert known.most("a", 1) == pace.MOST_TOGETHER
    for number in range(1000):
        known.note("b", number, 0.0)
    assert known.most("b", 999) == pace.MOST_TOGETHER
    assert known.most("b", 1) == 1  # forgotten


def test_a_message_without_a_limit_is_for_one_job(deployed, runner):
    bench = Bench(deployed)
    search_id = bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    runner(Hint(hint.job_id, hint.attempt))
    assert sum(e.kind == "done" for e in deployed.store.events(search_id)) == 1


def test_a_fault_gives_the_job_back(deployed, runner, monkeypatch):
    bench = Bench(deployed)
    search_id = bench.submit()
    bench.work.advance_due()
    hint = bench.hint()

    def unreadable(*_, **__):
        raise Corrupt("train_x.npy is not what was stored")

    monkeypatch.setattr(runner._trainer.splits, "of", unreadable)
    runner(hint)
    kinds = [event.kind for event in deployed.store.events(search_id)]
    assert kinds.count("lost") == 1
    assert bench.status(search_id).trials.running == 0
    again = Hint(hint.job_id, hint.attempt + 1)
    assert until(lambda: bench.work.claim(again, worker_run="next"))


def test_a_job_that_was_taken_away_is_left_at_once(deployed, runner):
    bench = Bench(deployed)
    search_id = bench.submit(**LONG)
    bench.work.advance_due()
    thread = threading.Thread(target=runner, args=(bench.hint(),))
    thread.start()
    until(lambda: bench.status(search_id).trials.running, what="a running job")
    deployed.searches.cancel(search_id, owner="tester")
    thread.join(10)
    assert not thread.is_alive()
    assert bench.status(search_id).trials.completed == 0


def test_the_keeper_says_that_a_lease_is_lost(deployed):
    bench = Bench(deployed)
    bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    bench.claim(hint, "run")
    keeper = LeaseKeeper(bench.work, worker_run="run", heartbeat=0.02, lease=5)
    keeper.start()
    with keeper.holding(hint):
        assert not keeper.stopped()
        assert bench.work.give_back(hint, "taken", worker_run="run") is Written.DONE
        until(keeper.stopped, what="the keeper to hear of it")
    with keeper.holding(Hint(hint.job_id, 2)):
        assert not keeper.stopped()
    keeper.close()


class Away:
    """Work whose database does not answer."""

    def __init__(self):
        self.unregistered = False

    def register(self, *_, **__):
        raise Unavailable("the database does not answer")

    heartbeat = register

    def unregister(self, *_):
        self.unregistered = True


def test_a_keeper_without_database_stops_its_work_after_a_lease():
    away = Away()
    keeper = LeaseKeeper(away, worker_run="run", heartbeat=0.01, lease=0.2)
    keeper.start()
    with keeper.holding(Hint(1, 1)):
        assert not keeper.stopped()
        until(keeper.stopped, seconds=5, what="a lease without heartbeats")
    keeper.close()
    assert away.unregistered


def test_a_process_that_does_not_listen_ends(monkeypatch):
    left = threading.Event()
    monkeypatch.setattr(lease_keeper, "UNRESPONSIVE_SECONDS", 0.05)
    monkeypatch.setattr(lease_keeper.os, "_exit", lambda code: left.set())
    keeper = LeaseKeeper(Away(), worker_run="run", heartbeat=0.01, lease=0.05)
    keeper.start()
    with keeper.holding(Hint(1, 1)):
        assert left.wait(5)
    keeper.close()


def test_a_publisher_waits_for_its_broker(deployed, broker, caplog):
    bench = Bench(deployed)
    bench.submit()
    bench.work.advance_due()
    publisher = HintPublisher(make(deployed.settings), deployed.jobs)
    broker.kill()
    started = time.monotonic()
    for _ in range(3):
        assert publisher.fill(look=True) == 0
    assert time.monotonic() - started < 12, "who publishes must not wait for a broker that is away"
    assert sum("does not answer" in r.message for r in caplog.records) == 1
    broker.start()
    assert until(publisher.fill, what="the broker") > 0


def test_the_loop_outlives_its_database(configured, broker, tmp_path, caplog):
    settings = configured(
        database_url=f"sqlite:///{tmp_path}/no/such/folder.db", redis_url=broker.url
    )
    with build(settings) as services:
        loop = Loop(services)
        thread = threading.Thread(target=loop.run)
        thread.start()
        until(lambda: any("the loop waits" in r.message for r in caplog.records))
        loop.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_results_outlive_a_database_that_is_away(deployed, runner, monkeypatch):
    """What was trained is written when the database is back, as long as the lease is ours."""
    bench = Bench(deployed)
    search_id = bench.submit()
    bench.work.advance_due()
    finish, refusals = runner._work.finish, iter([1, 1])

    def away(*args, **options):
        if next(refusals, None):
            raise Unavailable("the database does not answer")
        return finish(*args, **options)

    monkeypatch.setattr(runner._work, "finish", away)
    runner(bench.hint())
    status = bench.status(search_id)
    assert status.trials.completed + status.trials.diverged > 0
    assert not any(e.kind == "lost" for e in deployed.store.events(search_id))


def test_results_are_given_up_with_the_lease(deployed, runner, monkeypatch):
    bench = Bench(deployed)
    search_id = bench.submit()
    bench.work.advance_due()
    cancelled = []

    def away(*_, **__):
        if not cancelled:
            cancelled.append(deployed.searches.cancel(search_id, owner="tester"))
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(runner._work, "finish", away)
    runner(bench.hint())
    assert bench.status(search_id).trials.completed == 0


def test_a_keeper_outlives_any_fault():
    class Odd(Away):
        calls = 0

        def register(self, *_, **__):
            Odd.calls += 1
            raise ZeroDivisionError("a fault of ours")

        heartbeat = register

    keeper = LeaseKeeper(Odd(), worker_run="run", heartbeat=0.01, lease=5)
    with pytest.raises(ZeroDivisionError):
        keeper.start()  # at the start somebody is there to read it
    keeper._thread.start()
    until(lambda: Odd.calls > 4, what="a thread that goes on")
    keeper.close()
