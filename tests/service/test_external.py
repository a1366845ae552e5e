"""Searches that are trained elsewhere, on each kind of database; no trainer has a machine here."""

from __future__ import annotations

import pytest
from support.bench import OWNER
from support.commits import Commits, broken
from support.outside import SMALL, lose, trial_of, trials, truth
from support.waiting import until

from hpsearch.errors import Conflict, InvalidRequest, InvalidSpec, NotFound
from hpsearch.service import replay
from hpsearch.service.external import TrialUpdate
from hpsearch.trials import SearchState, TrialState


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # HTTP's tests have SQLite
def test_a_whole_search_comes_out_the_same_whoever_trains_it(outside):
    searches = [outside.submit(), outside.submit()]
    one, three = (
        outside.train(search_id, trainers=trainers)
        for search_id, trainers in zip(searches, (1, 3), strict=True)
    )
    assert one.state is three.state is SearchState.COMPLETED, one.reason
    assert (one.dataset, one.objective) == (None, "external")
    assert one.trials.stopped > 0
    result, other = (
        outside.services.searches.result(search_id, owner=OWNER) for search_id in searches
    )
    assert result.digest is not None
    assert result.digest == other.digest
    assert 0.003 < result.ranges["alpha"].low < result.ranges["alpha"].high < 0.04
    assert result.recommended.params["kernel"] == "round"
    assert result.recommended.validation_accuracy is None
    assert len(result.finalists) > 1
    assert replay.decisions(outside.services, searches[0]).differences == []
    with pytest.raises(Conflict, match="--decisions"):
        replay.again(outside.services, searches[0])


def test_what_the_result_says_of_its_test(outside):
    search_id = outside.submit(**SMALL)
    outside.train(search_id)
    result = outside.services.searches.result(search_id, owner=OWNER)
    models = trials(outside, search_id, round=3)
    assert [m.role for m in models] == ["recommended", "drawn", "drawn"]
    assert [m.score for m in result.test.models] == [m.score for m in models]
    assert result.test.score == models[0].score == truth(models[0].params, 4, seed_of(result))
    assert result.test.score_mean == pytest.approx((models[1].score + models[2].score) / 2)
    assert (result.test.accuracy, result.optimism, result.test.examples) == (None, None, 0)
    assert (result.test.sealed, result.test.attempts) == (False, 1)
    assert any("promise" in note for note in result.health)


def test_a_baseline_is_compared_by_the_trainers_word(outside):
    base = {"alpha": 0.5, "depth": 20, "kernel": "flat"}
    with pytest.raises(InvalidSpec) as refused:
        outside.submit(**SMALL, baseline={"alpha": -1.0, "kernel": "flat", "width": 3})
    assert {m.path for m in refused.value.mistakes} == {
        "baseline.alpha", "baseline.depth", "baseline.width",
    }  # fmt: skip
    search_id = outside.submit(**SMALL, baseline=base, try_first=[{**base, "depth": 6}])
    outside.train(search_id)
    result = outside.services.searches.result(search_id, owner=OWNER)
    assert trials(outside, search_id, round=1)[0].params == {**base, "depth": 6}
    gain, mine = (
        result.gain,
        [m for m in trials(outside, search_id, round=3) if m.role == "baseline"],
    )
    assert [m.params for m in mine] == [base] * 3
    assert gain.value == pytest.approx(gain.recommended - sum(m.score for m in mine) / 3)
    assert 0 < gain.low < gain.value < gain.high
    assert not gain.paired
    assert "the trainer's word" in gain.note
    assert result.digest is not None
    assert replay.decisions(outside.services, search_id).differences == []
    single = outside.submit(**SMALL, baseline=base, final={"models": 1})
    outside.train(single)
    one = outside.services.searches.result(single, owner=OWNER).gain
    assert one.low is None
    assert "one model each" in one.note


def seed_of(result):
    return result.test.models[0].seed[0]


def test_a_trial_is_cut_back_to_the_rung_at_which_its_cohort_left_it(outside, begun):
    """The first trial is trained in full, for nobody was there to compare it with."""
    scores = {0: 0.1, 1: 0.4, 2: 0.3, 3: 0.2}
    orders = [outside.claim(begun) for _ in scores]
    assert [o.trial for o in orders] == ["1-0", "1-1", "1-2", "1-3"]
    assert {(o.epochs, tuple(o.rungs), o.kind) for o in orders} == {(4, (1, 2, 4), "explore")}
    assert len({o.seed for o in orders}) == 4
    for epoch in (1, 2, 3, 4):
        said = outside.report(orders[0], epoch, score=scores[0], loss=1.0)
    assert (said.stop, said.reason) == (True, "trained in full")
    assert trials(outside, begun)[0].state == "pending"
    assert trials(outside, begun)[0].score == 0.1
    assert not outside.report(orders[1], 1, score=scores[1]).stop
    assert not outside.report(orders[2], 1, score=scores[2]).stop
    assert outside.report(orders[3], 1, score=scores[3]).stop
    for order in orders[1:3]:
        assert not outside.report(order, 2, score=0.5).stop
        assert outside.report(order, 4, score=0.6).stop
    found = {t.index: (t.state, t.epochs, t.score) for t in trials(outside, begun, round=1)}
    assert found == {
        0: ("stopped", 1, 0.1), 1: ("completed", 4, 0.6), 2: ("completed", 4, 0.6),
        3: ("stopped", 1, 0.2),
    }  # fmt: skip
    status = outside.status(begun)
    assert (status.trials.stopped, status.trials.completed, status.epochs.trained) == (2, 2, 10)
    assert status.best.trial == "1-1"
    assert (status.best.score, status.best.validation_accuracy) == (0.6, None)
    best_first = trials(outside, begun, sort="-validation_accuracy")
    assert [t.score for t in best_first] == [0.6, 0.6, 0.2, 0.1]


def test_the_same_report_again_changes_nothing(outside, begun):
    order = outside.claim(begun)
    first = outside.report(order, 1, score=0.5)
    assert outside.report(order, 1, score=0.5) == first
    assert [p[0] for p in trials(outside, begun)[0].curve] == [1]
    with pytest.raises(Conflict, match="another score"):
        outside.report(order, 1, score=0.6)
    outside.report(order, 2, score=0.5)
    assert outside.report(order, 4, score=0.7).stop
    assert outside.report(order, 4, score=0.7).stop
    assert outside.status(begun).trials.running == 0


@pytest.mark.parametrize(
    ("said", "error", "what"),
    [
        ({"epoch": 2, "score": 1.0}, InvalidRequest, "after epoch 1 has to be reported"),
        ({"score": 1.0}, InvalidRequest, "after epoch 1 has to be reported"),
        ({"epoch": 5, "score": 1.0}, InvalidRequest, "not one of the 4"),
        ({"epoch": 1, "score": 1.0, "token": "forged"}, Conflict, "somebody else trains it"),
        ({"epoch": 1, "score": 1.0, "trial": "1-9"}, NotFound, "no trial 1-9"),
        ({"epoch": 1, "score": 1.0, "trial": "1-1"}, Conflict, "waits to be claimed"),
        ({}, InvalidRequest, "score"),
    ],
)
def test_reports_that_mean_nothing_are_refused(outside, begun, said, error, what):
    order = outside.claim(begun)
    said = {"token": order.lease.token, "trial": order.trial, **said}
    trial = said.pop("trial")
    before = outside.status(begun).revision
    with pytest.raises(error, match=what):
        outside.services.external.report(begun, trial, TrialUpdate(**said), owner=OWNER)
    assert outside.status(begun).revision == before
    with pytest.raises(NotFound):
        outside.services.external.claim(begun, owner="a stranger")


def test_a_trainer_that_falls_silent_loses_its_trial(outside):
    search_id = outside.submit(**{**SMALL, "trials_per_round": 1})
    outside.services.jobs.advance_due()
    first = outside.claim(search_id, lease=0.2)
    assert outside.claim(search_id) is None
    outside.report(first, 1, score=0.9)
    second = lose(outside, first)
    assert (second.trial, second.attempt, second.seed) == (first.trial, 2, first.seed)
    assert second.lease.token != first.lease.token
    assert trial_of(outside, second).curve == []
    for late in (
        lambda: outside.report(first, 2, score=0.9),
        lambda: outside.services.external.heartbeat(
            search_id, first.trial, first.lease.token, owner=OWNER
        ),
    ):
        with pytest.raises(Conflict, match="somebody else trains it"):
            late()
    third = lose(outside, second)
    assert lose(outside, third) is True
    assert "stopped sending" in trial_of(outside, third).error
    with pytest.raises(Conflict, match="given up"):
        outside.report(third, 1, score=0.9)
    outside.services.jobs.advance_due()
    assert outside.status(search_id).state is SearchState.FAILED


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_heartbeats_keep_a_trial(outside, begun):
    order = outside.claim(begun, lease=0.5)
    beats = []

    def reaped_often():
        beats.append(
            outside.services.external.heartbeat(
                begun, order.trial, order.lease.token, owner=OWNER
            ).seconds
        )
        assert outside.services.jobs.reap() == 0
        return len(beats) > 30

    until(reaped_often)
    assert set(beats) == {0.5}
    assert not outside.report(order, 1, score=0.5).stop


def test_a_training_that_came_to_nothing(outside):
    search_id = outside.submit(**SMALL)
    outside.services.jobs.advance_due()
    orders = [outside.claim(search_id) for _ in range(4)]
    for order in orders[:2]:
        outside.report(order, 1, score=0.5)
        assert outside.report(order, 2, score=0.5).stop is False
    said = outside.report(orders[2], None, state=TrialState.FAILED, message="out of memory")
    assert (said.stop, said.reason) == (True, "it failed")
    assert outside.report(orders[3], None, state=TrialState.DIVERGED).stop
    for order in orders[:2]:
        outside.report(order, 4, score=0.5)
    found = [(t.state, t.epochs, t.error) for t in trials(outside, search_id)]
    assert found == [
        ("completed", 4, None), ("completed", 4, None), ("failed", 0, "out of memory"),
        ("diverged", 0, None),
    ]  # fmt: skip
    status = outside.train(search_id)
    assert status.state is SearchState.COMPLETED
    assert status.best.trial == "1-0"  # of equal ones the older


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_where_everything_diverges_the_search_says_so(outside):
    outside.truth = lambda *_: None
    search_id = outside.submit(**SMALL)
    status = outside.train(search_id)
    assert status.state is SearchState.FAILED
    assert status.reason == "all 8 trials diverged; search other ranges"


def test_a_final_trial_that_fails_is_handed_out_again_and_then_waits_for_resume(outside):
    search_id = outside.submit(**SMALL)
    until(lambda: outside.turn(search_id) is SearchState.FINALIZING)
    ended = outside.status(search_id).reason
    finals = [outside.claim(search_id) for _ in range(3)]
    assert {o.kind for o in finals} == {"final"}
    assert {tuple(o.rungs) for o in finals} == {(4,)}
    assert outside.claim(search_id) is None
    assert outside.report(finals[1], 4, score=0.4).stop
    again = finals[0]
    for _ in range(3):
        failed = {"state": TrialState.FAILED, "message": "no test part"}
        for _ in range(2):  # said twice, as after a lost answer, it counts once
            assert outside.report(again, None, **failed).reason == "no test part"
        if outside.status(search_id).state is SearchState.FINALIZING:
            again = until(lambda: outside.claim(search_id))
            assert again.params == finals[0].params
            with pytest.raises(Conflict, match="somebody else trains it"):
                outside.report(finals[0], None, **failed)
    assert "no test part" in outside.status(search_id).reason
    outside.services.searches.resume(search_id, owner=OWNER)
    assert "runs again on request" in outside.status(search_id).reason
    assert outside.report(finals[2], 4, score=0.3).stop
    assert outside.train(search_id).state is SearchState.COMPLETED
    result = outside.services.searches.result(search_id, owner=OWNER)
    assert result.ended == ended == "all 2 rounds are done"
    assert [m.score for m in result.test.models][1:] == [0.4, 0.3]
    assert result.test.attempts == 4


def test_a_final_trial_whose_claim_was_not_answered_is_opened_once(outside):
    search_id = outside.submit(**SMALL)
    until(lambda: outside.turn(search_id) is SearchState.FINALIZING)
    engines = outside.services.store.engines
    commits = Commits(engines, broken(engines))
    commits.armed = "after"
    order = outside.claim(search_id)
    assert (order.trial, commits.armed) == ("3-0", None)
    outside.report(order, 4)
    assert outside.train(search_id).state is SearchState.COMPLETED
    assert outside.services.searches.result(search_id, owner=OWNER).test.attempts == 1


def test_a_search_that_does_not_work_hands_nothing_out(outside, begun):
    order = outside.claim(begun)
    outside.services.searches.pause(begun, owner=OWNER)
    assert outside.claim(begun) is None
    assert not outside.report(order, 1, score=0.5).stop
    outside.services.searches.resume(begun, owner=OWNER)
    assert outside.claim(begun).trial == "1-1"
    outside.services.searches.cancel(begun, owner=OWNER)
    with pytest.raises(Conflict, match="nothing is left to train"):
        outside.claim(begun)
    with pytest.raises(Conflict, match="cancelled"):
        outside.report(order, 2, score=0.5)
    outside.services.searches.delete(begun, owner=OWNER)
    with pytest.raises(NotFound):
        outside.report(order, 2, score=0.5)


def test_workers_and_trainers_never_take_each_others_jobs(outside, bench):
    theirs = outside.submit(**SMALL)
    ours = bench.submit()
    bench.work.advance_due()
    hints = bench.work.hints()
    assert {bench.claim(h).search_id for h in hints} == {ours}
    hint = outside.services.store.read(lambda tx: tx.queue.waiting_of(theirs, 1))[0]
    assert bench.work.claim(hint, worker_run="worker") is None
    assert not bench.work.take(worker_run="worker", seconds=1e9)[0]
    with pytest.raises(Conflict, match="trained by the service on 'iris'"):
        outside.claim(ours)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_score_that_nobody_could_square_is_refused(outside):
    """Before it is stored, where it would make a decision that no database takes."""
    params = {"alpha": 0.01, "depth": 6, "kernel": "flat"}
    seen = [{"params": params, "epochs": 4, "score": score} for score in (0.5, 1e308)]
    with pytest.raises(InvalidSpec) as caught:
        outside.submit(**SMALL, warm_start=[{"observations": seen}])
    (mistake,) = caught.value.mistakes
    assert mistake.path == "warm_start[0].observations[1].score"
    assert "1e+308" in mistake.message


def test_it_is_edited_continued_and_never_mixed_with_another_kind(outside, bench):
    first = outside.submit(**SMALL)
    outside.train(first)
    spec = outside.services.searches.spec(first, owner=OWNER)
    second = outside.submit(**{**spec, "warm_start": [first], "seed": 9})
    outside.services.jobs.advance_due()
    changes = {"space": {"alpha": {"low": 1e-3, "high": 0.1}}}
    planned = outside.services.searches.preview(second, changes, owner=OWNER)
    assert planned.ranges["alpha"].high == 0.1
    outside.services.searches.edit(second, changes, owner=OWNER)
    assert outside.train(second).state is SearchState.COMPLETED
    ours = bench.submit()
    bench.services.searches.pause(ours, owner=OWNER)
    with pytest.raises(InvalidSpec, match="1 mistake") as found:
        outside.submit(**{**SMALL, "warm_start": [ours]})
    assert "another objective: accuracy, not external" in found.value.mistakes[0].message
