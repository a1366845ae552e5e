"""Ends of external trials: returned, early, too long, failed finals; and nobody who trains."""

from __future__ import annotations

import pytest
from support.bench import OWNER
from support.outside import SMALL, lose, trial_of, trials, truth
from support.waiting import until

from hpsearch.errors import Conflict, InvalidRequest
from hpsearch.service import replay
from hpsearch.service.external import TrialUpdate
from hpsearch.service.liveness import LivenessMonitor
from hpsearch.store.tables import job, round_, search
from hpsearch.trials import SearchState, TrialState


def returned(outside, order):
    told = TrialUpdate(order.lease.token, returned=True)
    return outside.services.external.report(order.search, order.trial, told, owner=OWNER)


def test_a_trial_that_is_returned_is_claimed_again_at_once(outside, begun):
    """It is no loss, however often; what it had reported is forgotten."""
    job = None
    for attempt in range(1, 6):
        order = outside.claim(begun)
        assert (order.trial, order.attempt) == ("1-0", attempt)
        outside.report(order, 1, score=0.5)
        for _ in range(2):  # said twice, as after a lost answer
            assert returned(outside, order).stop
        assert trials(outside, begun)[0].curve == []
        job = outside.services.store.read(lambda tx: tx.cohorts.job_of(begun, 1, 0))
        assert (job.state, job.attempt, job.losses) == ("queued", attempt + 1, 0)
        with pytest.raises(Conflict, match="waits to be claimed"):
            outside.report(order, 2, score=0.5)
    last = outside.claim(begun)
    with pytest.raises(Conflict, match="somebody else trains it"):
        returned(outside, order)
    assert not outside.report(last, 1, score=0.1).stop


def test_what_the_service_has_stopped_is_not_returned(outside, begun):
    order = outside.claim(begun)
    outside.report(order, None, state=TrialState.DIVERGED)
    assert returned(outside, order).reason == "it is over already"
    job = outside.services.store.read(lambda tx: tx.cohorts.job_of(begun, 1, 0))
    assert (job.state, job.attempt) == ("done", 1)
    other = outside.claim(begun)
    outside.services.searches.cancel(begun, owner=OWNER)
    with pytest.raises(Conflict, match="cancelled"):
        returned(outside, other)


def test_a_final_trial_can_be_returned(outside):
    search_id = outside.submit(**SMALL)
    until(lambda: outside.turn(search_id) is SearchState.FINALIZING)
    order = outside.claim(search_id)
    returned(outside, order)
    again = outside.claim(search_id)
    assert (again.trial, again.attempt) == (order.trial, 2)
    outside.report(again, 4)
    assert outside.train(search_id).state is SearchState.COMPLETED
    assert outside.services.searches.result(search_id, owner=OWNER).digest is not None


def test_a_training_that_ends_early_keeps_its_scores(outside, begun):
    """Its last score is compared at later rungs, and stands for a full training."""
    orders = [outside.claim(begun) for _ in range(4)]
    completed = {"state": TrialState.COMPLETED}
    with pytest.raises(InvalidRequest, match="has a score"):
        outside.report(orders[0], None, **completed)
    said = outside.report(orders[0], 1, score=0.9, **completed)
    assert (said.stop, "1 of 4 epochs" in said.reason) == (True, True)
    assert outside.report(orders[0], 1, score=0.9, **completed).stop  # said twice
    with pytest.raises(Conflict, match="another score"):
        outside.report(orders[0], 1, score=0.8)
    outside.report(orders[1], 1, score=0.5)
    outside.report(orders[1], 2, score=0.8)
    assert outside.report(orders[1], 3, score=0.8, **completed).stop
    for order, score in zip(orders[2:], (0.2, 0.1), strict=True):
        assert outside.report(order, 1, score=score).stop
    found = [(t.state, t.epochs, t.score) for t in trials(outside, begun, round=1)]
    assert found == [
        ("completed", 1, 0.9), ("completed", 3, 0.8), ("stopped", 1, 0.2), ("stopped", 1, 0.1),
    ]  # fmt: skip
    assert outside.status(begun).epochs.trained == 6
    status = outside.train(begun)
    assert status.state is SearchState.COMPLETED
    assert replay.decisions(outside.services, begun).differences == []


def test_a_search_whose_trainings_all_have_one_score(outside):
    search_id = outside.submit(**{**SMALL, "epochs": {"first": 2, "last": 8}})
    services = outside.services

    def step():
        services.jobs.advance_due()
        while outside.status(search_id).finished_at is None:
            order = outside.claim(search_id)
            if order is None:
                break
            score = truth(order.params, 1, order.seed)
            end = (
                {"score": score, "state": TrialState.COMPLETED}
                if score
                else {"state": TrialState.DIVERGED}
            )
            assert outside.report(order, 1 if score else None, **end).stop
        return outside.status(search_id).finished_at is not None

    until(step)
    result = services.searches.result(search_id, owner=OWNER)
    assert result.test.score is not None
    assert result.recommended.trainings >= 1
    assert {t.epochs for t in trials(outside, search_id)} <= {0, 1}


def test_another_score_is_refused_after_the_end_too(outside, begun):
    order = outside.claim(begun)
    for epoch in (1, 2, 4):
        outside.report(order, epoch, score=0.5)
    before = outside.status(begun).revision
    assert outside.report(order, 4, score=0.5).stop
    assert outside.report(order, 1, score=0.5).stop
    for epoch in (1, 4):
        with pytest.raises(Conflict, match=f"epoch {epoch} has another score"):
            outside.report(order, epoch, score=0.6)
    with pytest.raises(Conflict, match="epoch 4 has another score"):
        outside.report(order, 4, score=0.5, loss=1.0)
    assert outside.status(begun).revision == before
    others = [outside.claim(begun) for _ in range(3)]
    for other, score in zip(others, (0.9, 0.8, 0.1), strict=True):
        last = outside.report(other, 1, score=score)
    assert last.stop
    assert outside.report(others[2], 2, score=0.2).stop  # a later epoch of a stopped trial
    with pytest.raises(Conflict, match="epoch 1 has another score"):
        outside.report(others[2], 1, score=0.2)


class Reaper:
    """The service's own clock, moved by hand."""

    def __init__(self, services):
        self.now, self._jobs = 0.0, services.jobs
        services.jobs.liveness = LivenessMonitor(
            lease=30.0, heartbeat=5.0, tick=5.0, clock=lambda: self.now
        )

    def passes(self, seconds, each=lambda: None):
        for _ in range(int(seconds / 5)):
            self._jobs.reap()
            each()
            self.now += 5.0
        return self._jobs.reap()


def test_a_trial_that_takes_too_long_is_failed_and_not_handed_out_again(outside):
    search_id = outside.submit(**SMALL, external={"trial_seconds": 60})
    clock = Reaper(outside.services)
    outside.services.jobs.advance_due()
    hung, quick = outside.claim(search_id, lease=3600), outside.claim(search_id, lease=3600)

    def beats():
        outside.services.external.heartbeat(search_id, hung.trial, hung.lease.token, owner=OWNER)

    clock.passes(55, beats)
    assert trial_of(outside, hung).state == "pending"
    outside.report(quick, None, state=TrialState.DIVERGED)
    clock.passes(20)
    ended = outside.report(hung, 2, score=0.5)
    assert (ended.stop, ended.reason) == (
        True, "it took longer than external.trial_seconds, 60 s",
    )  # fmt: skip
    with pytest.raises(Conflict, match="it is over already"):
        beats()
    left = [outside.claim(search_id) for _ in range(3)]
    assert [order and order.trial for order in left] == ["1-2", "1-3", None]
    for order in left[:2]:
        for epoch in (1, 2, 4):
            outside.report(order, epoch)
    assert trial_of(outside, hung).state == "failed"
    assert outside.train(search_id).state is SearchState.COMPLETED
    result = outside.services.searches.result(search_id, owner=OWNER)
    assert (result.digest is not None, result.digest_reason) == (True, None)


def test_a_recommended_model_that_takes_too_long_waits_for_resume(outside):
    search_id = outside.submit(**SMALL, external={"trial_seconds": 60})
    clock = Reaper(outside.services)
    until(lambda: outside.turn(search_id) is SearchState.FINALIZING)
    outside.claim(search_id, lease=3600)
    clock.passes(70)
    status = outside.status(search_id)
    assert (status.state, "trial_seconds, 60 s" in status.reason) == (SearchState.FAILED, True)
    outside.services.searches.resume(search_id, owner=OWNER)
    assert outside.train(search_id).state is SearchState.COMPLETED


def test_a_drawn_model_that_fails_scores_null_and_the_search_completes(outside):
    search_id = outside.submit(**SMALL)
    until(lambda: outside.turn(search_id) is SearchState.FINALIZING)
    finals = [outside.claim(search_id) for _ in range(3)]
    outside.report(finals[1], None, state=TrialState.FAILED, message="out of memory")
    assert outside.claim(search_id) is None  # it is not handed out again
    outside.report(finals[0], 4)
    outside.report(finals[2], 4)
    assert outside.train(search_id).state is SearchState.COMPLETED
    result = outside.services.searches.result(search_id, owner=OWNER)
    assert [m.error for m in result.test.models] == [None, "out of memory", None]
    assert [m.score is None for m in result.test.models] == [False, True, False]
    assert result.test.score_mean == result.test.models[2].score
    assert result.digest is not None
    assert any("1 of 3 final models failed: out of memory" in note for note in result.health)


def test_a_drawn_model_whose_trainers_are_lost_does_not_fail_the_search(outside):
    search_id = outside.submit(**SMALL)
    until(lambda: outside.turn(search_id) is SearchState.FINALIZING)
    order = outside.claim(search_id)
    outside.report(order, 4)
    drawn = outside.claim(search_id, lease=0.2)
    while drawn is not True:
        drawn = lose(outside, drawn)
    assert outside.train(search_id).state is SearchState.COMPLETED
    result = outside.services.searches.result(search_id, owner=OWNER)
    assert "lost" in result.digest_reason


def test_resume_completes_a_search_that_a_drawn_model_had_failed(outside):
    """As earlier builds left it: the drawn model's job is failed, its trial pending."""
    search_id = outside.submit(**SMALL)
    until(lambda: outside.turn(search_id) is SearchState.FINALIZING)
    finals = [outside.claim(search_id) for _ in range(3)]
    for order in (finals[0], finals[2]):
        outside.report(order, 4)
    with outside.services.store.engines.write.begin() as connection:
        mine = job.c.search_id == search_id, job.c.kind == "final", job.c.number == 1
        failed = {"state": "failed", "losses": 3, "error": "x > 5", "finished_at": 1.0}
        connection.execute(job.update().where(*mine).values(failed))
        connection.execute(
            search.update()
            .where(search.c.id == search_id)
            .values(state="failed", reason="the final test failed 3 times: x > 5", finished_at=1.0)
        )
    outside.services.searches.resume(search_id, owner=OWNER)
    outside.services.jobs.advance_due()
    assert outside.status(search_id).state is SearchState.COMPLETED
    result = outside.services.searches.result(search_id, owner=OWNER)
    assert [m.error for m in result.test.models] == [None, "x > 5", None]


def test_it_says_that_nobody_trains(outside, begun):
    assert outside.status(begun).waiting is None  # not yet
    with outside.services.store.engines.write.begin() as connection:
        earlier = round_.update().where(round_.c.search_id == begun)
        connection.execute(earlier.values(created_at=round_.c.created_at - 40))
    waiting = outside.status(begun).waiting
    assert waiting.message == "waiting for trainers: none has claimed for 40 s"
    assert (waiting.trials, round(waiting.seconds)) == (4, 40)
    note = outside.services.searches.health(begun, owner=OWNER).notes[0]
    assert (note.code, note.message) == ("waiting_for_trainers", waiting.message)
    order = outside.claim(begun)
    assert outside.status(begun).waiting is None
    returned(outside, order)
    assert outside.status(begun).waiting is None  # one was here just now
