"""The queue's rules, one by one, on SQLite and PostgreSQL."""

from __future__ import annotations

import math
import threading
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy.exc import StatementError
from support.bench import OWNER, Bench
from support.bench import formula as formula_of
from support.checker import verify
from support.commits import Commits, broken
from support.waiting import until

from hpsearch.errors import Conflict, Corrupt, InvalidRequest, InvalidSpec, Stale
from hpsearch.service import advance
from hpsearch.store import Written
from hpsearch.trials import Hint, RoundKind, SearchState, TrialReport, TrialState
from hpsearch.wiring import build


def kinds(bench, search_id):
    return Counter(event.kind for event in bench.services.store.events(search_id))


def test_a_search_runs_to_its_result(bench):
    search_id = bench.submit()
    assert bench.status(search_id).state is SearchState.QUEUED
    bench.complete(search_id)
    status = bench.status(search_id)
    assert status.state is SearchState.COMPLETED
    assert status.rounds.completed == status.rounds.planned == 2
    assert (status.trials.completed, status.trials.pending, status.trials.running) == (16, 0, 0)
    assert status.epochs.trained == status.epochs.planned == 8 * 1 + 8 * 2
    assert kinds(bench, search_id)["advanced"] == 2
    assert kinds(bench, search_id)["final_frozen"] == 1
    assert kinds(bench, search_id)["test_opened"] == 1
    result = bench.services.searches.result(search_id, owner=OWNER)
    assert result.test.attempts == result.test.dataset_openings == 1
    assert [m.role for m in result.test.models] == ["recommended", "drawn"]
    assert result.test.mean == result.test.models[1].accuracy
    assert result.test.sd is None  # one drawn model has no spread
    assert result.optimism == pytest.approx(0.01)
    assert result.digest is not None
    assert (
        result.recommended.params
        == bench.services.searches.trials(
            search_id, owner=OWNER, round=2, sort="-validation_accuracy"
        )
        .items[0]
        .params
    )


def test_a_claimed_hint_is_stale_for_everybody_else(bench):
    bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    bench.claim(hint, "first")
    assert bench.work.claim(hint, worker_run="second") is None


def test_a_claim_whose_answer_was_lost_is_claimed_again_by_the_same_run(bench):
    bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    first = bench.claim(hint, "run")
    assert bench.claim(hint, "run") == first


@pytest.mark.parametrize("forged", [Hint(10**9, 1), Hint(0, 1)])
def test_a_hint_at_nothing_does_nothing(bench, forged):
    bench.submit()
    bench.work.advance_due()
    assert bench.work.claim(forged, worker_run="run") is None


def test_a_forged_attempt_does_nothing(bench):
    bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    assert bench.work.claim(Hint(hint.job_id, hint.attempt + 1), worker_run="run") is None


def test_a_report_counts_once(bench, formula):
    search_id = bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    report = formula(bench.claim(hint))
    assert bench.work.finish(hint, report, worker_run="worker") is Written.DONE
    before = bench.status(search_id)
    assert bench.work.finish(hint, report, worker_run="worker") is Written.REPEATED
    assert bench.status(search_id) == before


def test_a_late_report_is_fenced_and_changes_nothing(bench, formula):
    search_id = bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    report = formula(bench.claim(hint, "frozen"))
    bench.work.give_back(hint, "lost", worker_run="frozen")
    again = Hint(hint.job_id, hint.attempt + 1)
    until(lambda: bench.work.claim(again, worker_run="second"), what="the delay of a lost job")
    before = bench.status(search_id)
    assert not bench.work.heartbeat(hint, worker_run="frozen")
    assert bench.work.finish(hint, report, worker_run="frozen") is Written.FENCED
    assert bench.status(search_id) == before
    assert bench.work.finish(again, report, worker_run="second") is Written.DONE
    assert kinds(bench, search_id)["fenced"] == 1


def test_a_lost_job_waits_a_minute_at_the_most(configured, sqlite_url):
    """Where losses are not limited, the delay that doubles with each of them still is."""
    settings = configured(database_url=sqlite_url, retry_seconds=2.0, max_losses=10_000)
    with build(settings) as services:
        bench = Bench(services)
        bench.submit()
        bench.work.advance_due()
        hint = bench.hint()
        bench.claim(hint)
        assert bench.work.give_back(hint, "lost", worker_run="worker", losses=9_000) is Written.DONE
        row, now = services.store.read(lambda tx: (tx.queue.get(hint.job_id), tx.time()))
        assert 0 < row.not_before - now <= 60


def lose(bench, hint):
    for attempt in range(hint.attempt, hint.attempt + bench.services.settings.max_losses):
        now = Hint(hint.job_id, attempt)
        until(lambda now=now: bench.work.claim(now, worker_run="worker"))
        bench.work.give_back(now, "the worker was lost", worker_run="worker")


def test_a_job_lost_three_times_fails_its_trials_and_the_round_goes_on(bench):
    search_id = bench.submit()
    bench.work.advance_due()
    first, *others = bench.work.hints()
    size = len(bench.claim(first).indices)
    bench.work.give_back(first, "lost once", worker_run="worker")
    for attempt in (2, 3):
        now = Hint(first.job_id, attempt)
        until(lambda now=now: bench.work.claim(now, worker_run="worker"))
        bench.work.give_back(now, "the worker was lost", worker_run="worker")
    assert bench.work.claim(Hint(first.job_id, 4), worker_run="worker") is None
    status = bench.status(search_id)
    assert status.trials.failed == size
    for hint in others:
        bench.do(hint)
    bench.complete(search_id)
    result = bench.services.searches.result(search_id, owner=OWNER)
    assert result.digest is None
    assert "given up" in (result.digest_reason or "")
    failed = bench.services.searches.trials(search_id, owner=OWNER, state="failed").items
    assert {t.error for t in failed} == {"the worker was lost"}


def test_a_search_whose_trials_all_fail_says_so(bench):
    search_id = bench.submit()
    bench.work.advance_due()
    for hint in bench.work.hints():
        lose(bench, hint)
    bench.work.advance_due()
    status = bench.status(search_id)
    assert status.state is SearchState.FAILED
    assert "none of the 8 trials of round 1" in (status.reason or "")


def test_only_diverged_trials_fail_the_search_and_say_what_to_do(bench, formula):
    search_id = bench.submit()
    for _ in range(2):
        bench.work.advance_due()
        while hints := bench.work.hints():
            for hint in hints:
                order = bench.claim(hint)
                reports = [TrialReport(i, TrialState.DIVERGED) for i in order.indices]
                bench.work.finish(
                    hint, replace(formula(order), trials=reports), worker_run="worker"
                )
    bench.work.advance_due()
    assert bench.status(search_id).state is SearchState.FAILED
    assert "lower the learning-rate range" in (bench.status(search_id).reason or "")


def final_hint(bench, search_id):
    bench.round()
    bench.round()
    bench.work.advance_due()
    assert bench.status(search_id).state is SearchState.FINALIZING
    hint = bench.hint()
    assert hint.kind is RoundKind.FINAL
    return hint


def test_a_final_that_fails_three_times_keeps_its_row_and_resume_runs_it(bench):
    search_id = bench.submit()
    hint = final_hint(bench, search_id)
    frozen = bench.claim(hint)
    bench.work.give_back(hint, "the test file cannot be read", worker_run="worker")
    for attempt in (2, 3):
        now = Hint(hint.job_id, attempt)
        until(lambda now=now: bench.work.claim(now, worker_run="worker"))
        bench.work.give_back(now, "the test file cannot be read", worker_run="worker")
    status = bench.status(search_id)
    assert status.state is SearchState.FAILED
    assert "the test file cannot be read" in (status.reason or "")
    with pytest.raises(Conflict, match="the test file cannot be read"):
        bench.services.searches.result(search_id, owner=OWNER)
    bench.services.searches.resume(search_id, owner=OWNER)
    again = bench.hint()
    assert again.job_id == hint.job_id
    assert bench.claim(again) == frozen
    bench.work.give_back(again, "once more", worker_run="worker")
    bench.complete(search_id)
    assert kinds(bench, search_id)["final_frozen"] == 1


def test_resume_does_not_revive_a_search_that_failed_before_its_final(bench):
    search_id = bench.submit()
    bench.work.advance_due()
    for hint in bench.work.hints():
        lose(bench, hint)
    bench.work.advance_due()
    with pytest.raises(Conflict, match="submit a new one"):
        bench.services.searches.resume(search_id, owner=OWNER)


def test_an_opening_is_fenced_and_counted_every_time(bench):
    search_id = bench.submit()
    hint = final_hint(bench, search_id)
    bench.claim(hint)
    assert bench.work.open_test(hint, worker_run="worker")
    bench.work.give_back(hint, "crashed after opening", worker_run="worker")
    assert not bench.work.open_test(hint, worker_run="worker")
    bench.complete(search_id)
    result = bench.services.searches.result(search_id, owner=OWNER)
    assert (result.test.attempts, result.test.dataset_openings) == (2, 2)


def test_an_exploring_job_cannot_open_the_test_part(bench):
    bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    bench.claim(hint)
    assert not bench.work.open_test(hint, worker_run="worker")


def test_many_who_advance_at_once_make_one_round(bench):
    search_id = bench.submit()
    for number in (1, 2, 3):
        start = threading.Barrier(6)
        moved = []

        def advance(start=start, moved=moved):
            start.wait()
            moved.append(bench.work.advance(search_id))

        threads = [threading.Thread(target=advance) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(moved) == [False] * 5 + [True]
        rounds = bench.services.searches.rounds(search_id, owner=OWNER).items
        assert len(rounds) == number
        while hints := bench.work.hints():
            for hint in hints:
                bench.do(hint)
    assert kinds(bench, search_id)["advanced"] == 2


def test_a_plan_that_cannot_be_written_fails_its_search_alone(bench, monkeypatch, caplog):
    first = bench.submit()
    with monkeypatch.context() as faulty:
        # No job is without a deadline.
        faulty.setattr(advance, "deadlines", lambda _, plan, __: [None] * len(plan.jobs))
        assert bench.work.advance_due() == 1
    second = bench.submit()
    assert bench.work.advance_due() == 1
    status = bench.status(first)
    assert status.state is SearchState.FAILED
    assert status.reason.startswith("internal error after round 0: IntegrityError: ")
    assert "INSERT" not in status.reason
    assert bench.status(second).state is SearchState.RUNNING
    assert caplog.text.count("the search cannot go on") == 1


@pytest.mark.parametrize(
    "fault",
    [LookupError("a fault of ours"), InvalidSpec("stored by another version", []), Corrupt("?")],
)
def test_a_search_that_is_stuck_holds_up_no_other(bench, monkeypatch, caplog, fault):
    first, second = bench.submit(), bench.submit()
    moved = bench.work.advance

    def odd(search_id):
        if search_id == first:
            raise fault
        return moved(search_id)

    monkeypatch.setattr(bench.work, "advance", odd)
    assert bench.work.advance_due() == 1
    assert bench.status(second).state is SearchState.RUNNING
    assert bench.work.advance_due() == 0
    assert caplog.text.count("the search is stuck") == 1
    monkeypatch.undo()
    assert bench.work.advance_due() == 1


def test_a_decision_that_refuses_what_is_stored_fails_its_search_alone(bench, monkeypatch):
    first = bench.submit()

    def refuse(*_, **__):
        raise InvalidRequest("no such thing")

    with monkeypatch.context() as faulty:
        faulty.setattr(advance, "decide", refuse)
        assert bench.work.advance_due() == 1
    status = bench.status(first)
    assert status.state is SearchState.FAILED
    assert status.reason == "internal error after round 0: InvalidRequest: no such thing"


def test_many_who_claim_at_once_get_each_job_once(bench):
    bench.submit(trials_per_round=32)
    bench.work.advance_due()
    hints = bench.work.hints()
    got = Counter()
    lock = threading.Lock()

    def claim(run):
        for hint in hints:
            if bench.work.claim(hint, worker_run=run) is not None:
                with lock:
                    got[hint.job_id] += 1

    threads = [threading.Thread(target=claim, args=(str(i),)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {hint.job_id: 1 for hint in hints}


def test_the_window_is_small_and_takes_turns_between_searches(bench):
    bench.submit(trials_per_round=640, rounds=1)
    small = bench.submit(trials_per_round=8, rounds=1)
    bench.work.advance_due()
    hints = bench.work.hints()
    assert len(hints) == bench.services.settings.hints_per_slot
    bench.work.published(hints)
    assert bench.work.hints() == []
    owners = [bench.claim(hint).search_id for hint in hints]
    assert owners.count(small) == len(owners) / 2


def test_a_hint_is_sent_again_when_the_broker_has_lost_it(bench):
    bench.submit()
    bench.work.advance_due()
    hints = bench.work.hints()
    bench.work.published(hints)
    assert bench.work.hints() == []
    until(lambda: bench.work.hints(broker_is_empty=True) == hints, what="hints sent 2 s ago")


def test_live_workers_widen_the_window(bench):
    bench.submit(trials_per_round=640, rounds=1)
    bench.work.advance_due()
    for name in "abc":
        bench.work.register(name, host="h", pid=1, fingerprint={})
        bench.work.register(name, host="h", pid=1, fingerprint={})
    assert len(bench.work.hints()) == 3 * bench.services.settings.hints_per_slot
    bench.work.unregister("a")
    assert len(bench.work.hints()) == 2 * bench.services.settings.hints_per_slot
    bench.work.sweep_workers()
    assert len(bench.work.hints()) == 2 * bench.services.settings.hints_per_slot


def test_pause_keeps_what_runs_and_starts_nothing(bench):
    search_id = bench.submit()
    bench.work.advance_due()
    first, second, *_ = bench.work.hints()
    order = bench.claim(first)
    bench.services.searches.pause(search_id, owner=OWNER)
    assert bench.work.claim(second, worker_run="worker") is None
    assert bench.work.hints() == []
    assert bench.work.heartbeat(first, worker_run="worker")
    assert order.indices
    paused = bench.status(search_id)
    assert (paused.state, paused.trials.running) == (SearchState.PAUSED, len(order.indices))
    bench.services.searches.resume(search_id, owner=OWNER)
    bench.work.give_back(first, "so that the bench finds it", worker_run="worker")
    bench.complete(search_id)


def test_a_paused_queued_search_resumes_as_queued(bench):
    search_id = bench.submit()
    bench.services.searches.pause(search_id, owner=OWNER)
    bench.work.advance_due()
    assert bench.status(search_id).rounds.completed == 0
    assert bench.services.searches.resume(search_id, owner=OWNER).state is SearchState.QUEUED
    bench.complete(search_id)


def test_cancel_fences_what_runs(bench, formula):
    search_id = bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    report = formula(bench.claim(hint))
    status = bench.services.searches.cancel(search_id, owner=OWNER)
    assert (status.state, status.trials.running, status.trials.pending) == ("cancelled", 0, 0)
    assert not bench.work.heartbeat(hint, worker_run="worker")
    assert bench.work.finish(hint, report, worker_run="worker") is Written.FENCED
    assert bench.work.hints() == []
    with pytest.raises(Conflict, match="cannot be cancelled"):
        bench.services.searches.cancel(search_id, owner=OWNER)
    with pytest.raises(Conflict, match="is cancelled"):
        bench.services.searches.pause(search_id, owner=OWNER)


def test_mixed_fingerprints_withhold_the_digest(bench, formula):
    search_id = bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    other = replace(formula(bench.claim(hint)), fingerprint={"machine": "another"})
    bench.work.finish(hint, other, worker_run="worker")
    bench.complete(search_id)
    result = bench.services.searches.result(search_id, owner=OWNER)
    assert result.digest is None
    assert "2 numeric fingerprints" in (result.digest_reason or "")


def test_a_decision_of_another_machine_withholds_the_digest(bench, monkeypatch):
    """It drew the trials, from a model whose last bits are its own."""
    search_id = bench.submit()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("hpsearch.service.advance.fingerprint", lambda: {"machine": "another"})
        bench.work.advance_due()
    bench.complete(search_id)
    result = bench.services.searches.result(search_id, owner=OWNER)
    assert result.digest is None
    assert "2 numeric fingerprints" in (result.digest_reason or "")


def test_the_job_size_does_not_change_the_digest(bench, configured, database_url):
    digests = set()
    for size in (1, 3, 32):
        with build(configured(database_url=database_url, job_size=size)) as services:
            other = Bench(services)
            search_id = other.submit()
            other.complete(search_id)
            digests.add(services.searches.result(search_id, owner=OWNER).digest)
    assert len(digests) == 1


def test_a_decision_that_raises_fails_its_search_alone(bench, monkeypatch):
    from hpsearch.service import advance

    broken, sound = bench.submit(seed=1), bench.submit(seed=2)
    decide = advance.decide

    def picky(now, **options):
        if now.resolved.spec.seed == 1:
            raise ZeroDivisionError("a fault of ours")
        return decide(now, **options)

    monkeypatch.setattr(advance, "decide", picky)
    bench.work.advance_due()
    status = bench.status(broken)
    assert status.state is SearchState.FAILED
    assert "ZeroDivisionError: a fault of ours" in (status.reason or "")
    assert bench.status(sound).state is SearchState.RUNNING


def test_if_revision_is_kept_by_the_write(bench):
    search_id = bench.submit()
    revision = bench.status(search_id).revision
    bench.work.advance_due()
    for act in (
        bench.services.searches.pause,
        bench.services.searches.resume,
        bench.services.searches.cancel,
    ):
        with pytest.raises(Stale, match="read it again"):
            act(search_id, owner=OWNER, if_revision=revision)
    now = bench.status(search_id).revision
    assert bench.services.searches.pause(search_id, owner=OWNER, if_revision=now).state == "paused"


def test_a_new_small_search_does_not_wait_behind_many_large_ones(bench):
    """One worker, four searches that fill the window for ever, then one of 8 trials."""
    large = [bench.submit(trials_per_round=320, rounds=1, seed=n) for n in range(4)]
    bench.work.advance_due()
    for hint in bench.work.hints():
        bench.do(hint)
    small = bench.submit(rounds=1)
    bench.work.advance_due()
    served = []
    while small not in served:
        served += [bench.claim(hint).search_id for hint in bench.work.hints()]
        assert len(served) <= 2 * len(large)


def test_the_best_trial_does_not_depend_on_who_finishes_first(bench, formula):
    found = set()
    for order_of_hints in (list, reversed):
        search_id = bench.submit()
        bench.work.advance_due()
        for hint in order_of_hints(bench.work.hints()):
            report = formula(bench.claim(hint))
            alike = [replace(t, correct=50, score=0.5, loss=0.0) for t in report.trials]
            bench.work.finish(hint, replace(report, trials=alike), worker_run="worker")
        best = bench.status(search_id).best
        assert best is not None
        found.add(best.trial)
        bench.services.searches.cancel(search_id, owner=OWNER)
    assert found == {"1-0"}


def test_a_resume_that_comes_late_does_not_undo_the_first_round(bench):
    search_id = bench.submit()
    bench.services.searches.pause(search_id, owner=OWNER)
    bench.services.searches.resume(search_id, owner=OWNER)
    bench.work.advance_due()
    bench.services.searches.pause(search_id, owner=OWNER)
    bench.services.store.write(lambda tx: tx.searches.unpause(search_id, None))
    assert bench.status(search_id).state is SearchState.RUNNING
    with pytest.raises(Conflict, match="takes one that is paused"):
        bench.services.searches.resume(search_id, owner=OWNER)
    bench.complete(search_id)


def test_an_opening_whose_answer_was_lost_counts_once(bench):
    search_id = bench.submit()
    hint = final_hint(bench, search_id)
    report_of = bench.claim(hint)
    for _ in range(2):
        assert bench.work.open_test(hint, worker_run="worker")
    assert not bench.work.open_test(hint, worker_run="somebody else")
    bench.work.finish(hint, formula_of(report_of), worker_run="worker")
    bench.work.advance_due()
    result = bench.services.searches.result(search_id, owner=OWNER)
    assert (result.test.attempts, result.test.dataset_openings) == (1, 1)


def test_a_failure_while_completing_can_be_resumed(bench, monkeypatch):
    from hpsearch.service import advance

    search_id = bench.submit()
    hint = final_hint(bench, search_id)
    bench.do(hint)
    with monkeypatch.context() as patched:
        patched.setattr(advance.digest, "withheld", lambda *_, **__: 1 / 0)
        bench.work.advance_due()
    assert "ZeroDivisionError" in (bench.status(search_id).reason or "")
    bench.services.searches.resume(search_id, owner=OWNER)
    bench.work.advance_due()
    assert bench.status(search_id).state is SearchState.COMPLETED


def test_a_machine_out_of_memory_fails_no_search(bench, monkeypatch):
    from hpsearch.service import advance

    search_id = bench.submit()
    with monkeypatch.context() as patched:
        patched.setattr(advance, "decide", lambda *_, **__: (_ for _ in ()).throw(MemoryError()))
        bench.work.advance_due()
    assert bench.status(search_id).state is SearchState.QUEUED
    bench.complete(search_id)


@pytest.mark.parametrize("what", ["pause", "resume", "cancel", "edit", "delete"])
def test_a_change_whose_answer_was_lost_is_made_once_and_not_refused(bench, monkeypatch, what):
    search_id = bench.submit()
    searches = bench.services.searches
    if what == "resume":
        searches.pause(search_id, owner=OWNER)
    if what == "delete":
        searches.cancel(search_id, owner=OWNER)
    engines = bench.services.store.engines
    commits = Commits(engines, broken(engines))
    changes = {"changes": {"rounds": 3}} if what == "edit" else {}

    def armed(work, begin=bench.services.store.write, **options):
        commits.armed = "after"
        return begin(work, **options)

    monkeypatch.setattr(bench.services.store, "write", armed)
    getattr(searches, what)(search_id, owner=OWNER, **changes)
    assert commits.armed is None
    done = {"pause": "paused", "resume": "resumed", "cancel": "cancelled", "edit": "edited"}
    assert kinds(bench, search_id)[done.get(what, "deleted")] == 1


def test_a_worker_gives_back_its_own_job_alone(bench):
    bench.submit()
    bench.work.advance_due()
    hint = bench.hint()
    bench.claim(hint, "first")
    assert bench.work.give_back(hint, "mine?", worker_run="second") is Written.FENCED
    assert bench.work.heartbeat(hint, worker_run="first")


def test_a_job_taken_under_a_lost_answer_is_taken_again(bench, monkeypatch):
    """The COMMIT went through, its answer did not arrive, and the work is repeated."""
    bench.submit()
    bench.work.advance_due()
    write = bench.services.store.write

    def answered_at_the_second_time(work, **options):
        write(work, **options)
        return write(work, **options)

    monkeypatch.setattr(bench.services.store, "write", answered_at_the_second_time)
    taken, _ = bench.work.take(worker_run="worker", seconds=math.inf)
    running = bench.services.store.read(lambda tx: tx.queue.running())
    assert [row.id for row in running] == [hint.job_id for hint, _ in taken]
    assert len(taken) == 1


def test_what_is_taken_is_not_with_the_broker_and_not_for_long(bench):
    bench.submit(trials_per_round=16)
    bench.work.advance_due()
    hints = bench.work.hints()
    bench.work.published(hints[:1])
    assert not bench.work.take(worker_run="worker", seconds=1.0)[0]
    ((hint, order),), left = bench.work.take(worker_run="worker", seconds=math.inf)
    assert hint == hints[1]
    assert hints[0] not in left
    assert hint not in left
    assert order.indices


@pytest.fixture
def many_jobs(configured, database_url):
    """A bench whose searches have a job for each trial."""
    with build(configured(database_url=database_url, job_size=1)) as services:
        yield Bench(services)


def together(bench, most, run="worker"):
    taken, left = bench.work.take(worker_run=run, seconds=math.inf, most=lambda *_: most)
    return list(taken), left


def test_jobs_taken_together_are_of_one_round_and_none_is_with_the_broker(many_jobs):
    first = many_jobs.submit(trials_per_round=8)
    many_jobs.submit(trials_per_round=8, seed=1)
    many_jobs.work.advance_due()
    sent = many_jobs.work.hints()
    many_jobs.work.published(sent[:2])  # the first job of each search
    taken, _ = together(many_jobs, 4)
    other, left = together(many_jobs, 4, "other")
    assert [order.indices for _, order in taken] == [[1], [2], [3], [4]]
    assert {order.search_id for _, order in taken} == {first}
    assert {order.search_id for _, order in other} != {first}  # in turn, as ever
    hints = {hint for hint, _ in (*taken, *other)}
    assert len(hints) == 8
    assert not hints & {*sent[:2], *left}
    running = many_jobs.services.store.read(lambda tx: tx.queue.running())
    assert {row.id for row in running} == {hint.job_id for hint in hints}
    assert Counter(kinds(many_jobs, first))["claimed"] == 4


def test_a_paused_search_gives_no_further_jobs(many_jobs):
    """It was paused after the first of several jobs was claimed."""
    search_id = many_jobs.submit(trials_per_round=4)
    many_jobs.work.advance_due()
    store, lease = many_jobs.services.store, many_jobs.services.settings.lease_seconds
    hint = many_jobs.hint()
    first = store.write(lambda tx: tx.queue.claim(hint, worker_run="worker", lease=lease))

    def further():
        return store.write(
            lambda tx: tx.queue.claim_beside(
                first, worker_run="worker", lease=lease, most=2, seconds=math.inf, republish=60.0
            )
        )

    many_jobs.services.searches.pause(search_id, owner=OWNER)
    assert further() == []
    many_jobs.services.searches.resume(search_id, owner=OWNER)
    assert len(further()) == 2


def test_what_was_lost_once_is_taken_alone(many_jobs):
    """Whatever ends its worker is not to cost the same neighbours their attempts again and again."""
    many_jobs.submit(trials_per_round=4)
    many_jobs.work.advance_due()
    taken, _ = together(many_jobs, 4)
    for hint, _ in taken[:3]:
        many_jobs.work.give_back(hint, "killed", worker_run="worker")
    hints, search_id = [hint for hint, _ in taken], taken[0][1].search_id
    assert many_jobs.work.put_back(hints, search_id, worker_run="worker") == 1
    assert many_jobs.work.put_back(hints, search_id, worker_run="worker") == 0
    until(lambda: len(many_jobs.work.hints()) == 4, what="the lost jobs")
    assert sorted(len(together(many_jobs, 4, str(n))[0]) for n in range(4)) == [1, 1, 1, 1]


def test_where_no_loss_is_borne_a_job_is_taken_alone(configured, database_url):
    settings = configured(database_url=database_url, job_size=1, max_losses=1)
    with build(settings) as services:
        bench = Bench(services)
        bench.submit(trials_per_round=4)
        bench.work.advance_due()
        assert len(together(bench, 4)[0]) == 1


def test_results_written_together_are_those_written_one_by_one(many_jobs):
    changes = {"trials_per_round": 7, "rounds": 1}
    alone, ids = many_jobs.submit(**changes), []
    many_jobs.complete(alone)
    ids.append(many_jobs.submit(**changes))
    many_jobs.work.advance_due()
    written = []
    while (batch := together(many_jobs, 3)[0]) and batch[0][1].kind is not RoundKind.FINAL:
        reports = [(hint, formula_of(order)) for hint, order in batch]
        written += many_jobs.work.finish_together(reports, worker_run="worker")
    assert written == [*[Written.DONE] * 6, Written.ROUND_OVER]
    assert Counter(kinds(many_jobs, ids[0]))["done"] == 7
    many_jobs.complete(ids[0])
    searches = many_jobs.services.searches
    one, other = (searches.result(i, owner=OWNER) for i in (alone, *ids))
    assert one.digest == other.digest
    of_one, of_other = (searches.rounds(i, owner=OWNER).items[0] for i in (alone, *ids))
    assert of_one.trials == of_other.trials
    assert of_one.epochs_trained == of_other.epochs_trained


def test_of_results_written_together_each_is_fenced_for_itself(many_jobs):
    """One job was taken away: the others are written all the same, once."""
    search_id = many_jobs.submit(trials_per_round=4)
    many_jobs.work.advance_due()
    taken, _ = together(many_jobs, 3)
    reports = [(hint, formula_of(order)) for hint, order in taken]
    many_jobs.work.give_back(taken[1][0], "taken away", worker_run="worker")
    expected = [Written.DONE, Written.FENCED, Written.DONE]
    assert many_jobs.work.finish_together(reports, worker_run="worker") == expected
    again = [Written.REPEATED, Written.FENCED, Written.REPEATED]
    assert many_jobs.work.finish_together(reports, worker_run="worker") == again
    assert many_jobs.status(search_id).trials.completed == 2
    verify(many_jobs.services.settings.database, ended=False, replan=False)


def test_of_results_written_together_the_one_that_cannot_be_stored_fails_alone(many_jobs):
    search_id = many_jobs.submit(trials_per_round=4)
    many_jobs.work.advance_due()
    taken, _ = together(many_jobs, 3)
    reports = [(hint, formula_of(order)) for hint, order in taken]
    hint, culprit = reports[1]
    broken_trial = replace(culprit.trials[0], metrics={"m": object()})
    reports[1] = (hint, replace(culprit, trials=[broken_trial]))
    with pytest.raises((StatementError, TypeError, ValueError)):
        many_jobs.work.finish_together(reports, worker_run="worker")
    assert many_jobs.status(search_id).trials.completed == 2
    running = many_jobs.services.store.read(lambda tx: tx.queue.running())
    assert [row.id for row in running] == [hint.job_id]


def lose_first_answers(bench, monkeypatch):
    """The answer to a transaction's first COMMIT is lost, and it is tried again."""
    write = bench.services.store.write

    def answered_at_the_second_time(work, **options):
        write(work, **options)
        return write(work, **options)

    monkeypatch.setattr(bench.services.store, "write", answered_at_the_second_time)


def test_of_jobs_held_of_two_rounds_those_of_one_are_taken_again(many_jobs, monkeypatch):
    """Older claims, whose answers were lost as well, are no part of what is trained together."""
    for seed in (0, 1):
        many_jobs.submit(trials_per_round=8, seed=seed)
    many_jobs.work.advance_due()
    older, _ = together(many_jobs, 3)
    lose_first_answers(many_jobs, monkeypatch)
    taken, _ = together(many_jobs, 3)
    assert len(taken) == 3
    assert len({(order.search_id, order.round) for _, order in taken}) == 1
    assert {hint for hint, _ in taken}.isdisjoint(hint for hint, _ in older)


def test_jobs_taken_together_under_a_lost_answer_are_all_taken_again(many_jobs, monkeypatch):
    many_jobs.submit(trials_per_round=8)
    many_jobs.work.advance_due()
    lose_first_answers(many_jobs, monkeypatch)
    taken, _ = together(many_jobs, 3)
    running = many_jobs.services.store.read(lambda tx: tx.queue.running())
    assert {row.id for row in running} == {hint.job_id for hint, _ in taken}
    assert len(taken) == 3


def test_the_window_looks_at_a_few_jobs_of_a_search(bench, configured, database_url):
    """However many are queued: what is read must not grow with them."""
    settings = configured(database_url=database_url, job_size=1)
    with build(settings) as services:
        for seed in range(3):
            Bench(services).submit(trials_per_round=64, seed=seed)
        services.jobs.advance_due()
        waiting = services.store.read(
            lambda tx: tx.window.waiting(per_slot=4, alive=30, republish=60)
        )
    assert (len(waiting.window), len(waiting.beyond)) == (4, 1)
    searches = services.store.read(
        lambda tx: [tx.queue.get(h.job_id).search_id for h in waiting.window]
    )
    assert len(set(searches)) == 3
