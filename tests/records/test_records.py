"""Records: their JSON comes back as it was, and rows of early versions are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import RECOMMENDED, make_round, make_trial

from hpsearch.evidence import DivergenceBoundary, Evidence, Finalist, Importance, Surface
from hpsearch.reasons import StoredReason
from hpsearch.records import (
    Edit,
    Recommended,
    loss_drop,
    observation_from_json,
    observation_to_json,
    observations,
    sparse_curve,
)
from hpsearch.space import params_from_json
from hpsearch.trials import Observation, Role, RoundKind, TrialReport, TrialState, rank_key

levels = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(),
    st.lists(st.integers()).map(tuple),
)  # fmt: skip
params = st.dictionaries(st.text(), levels)
scores = st.none() | st.floats(-1e100, 1e100)


def again(value: Any) -> Any:
    """`value` as it comes back from a JSON column."""
    return json.loads(json.dumps(value))


@given(params)
def test_parameters_come_back(values: Any) -> None:
    assert params_from_json(again(values)) == values


@given(
    params=params, state=st.sampled_from(list(TrialState)), epochs=st.integers(0), loss=scores,
    score=scores, source=st.integers(1), examples=st.integers(0),
    curve=st.lists(st.tuples(st.integers(1), st.floats(-1, 1))).map(tuple),
)  # fmt: skip
def test_observations_come_back(**fields: Any) -> None:
    before = Observation(round=0, index=3, correct=0, **fields)
    stored = again(observation_to_json(before))
    assert observation_from_json(stored, 3) == before
    assert observation_to_json(observation_from_json(stored, 3)) == {
        **stored, "params": dict(before.params),
    }  # fmt: skip


def test_edits_and_recommendations_come_back() -> None:
    edit = Edit(2, {"rounds": 6, "space": {"x": {"low": 1}}}, 0.5)
    assert Edit.from_json(again(edit.to_json())) == edit
    assert edit.space == {"x": {"low": 1}}
    assert Edit(2, {"rounds": 6}, 0.5).space == {}
    assert Recommended.from_json(again(RECOMMENDED.to_json())) == RECOMMENDED


def test_a_recommendation_of_an_early_version_knows_less() -> None:
    early = {"round": 1, "index": 4, "params": {"sizes": [5, 6]}, "correct": 9, "examples": 10}
    assert Recommended.from_json(early) == Recommended(1, 4, {"sizes": (5, 6)}, 9, 10)


def test_evidence_comes_back() -> None:
    finalist = Finalist({"x": 0.1}, 4, 0.9, None, 0.9, 0.0, None, False, True)
    evidence = Evidence(
        epochs=8, noise_sd=0.01, expected_gain=0.1,
        importance=(Importance("x", 0.1, 0.2, 0.0, 1.0, 0.3),),
        boundary=DivergenceBoundary("learning_rate", 1, 2, 0.5, 0.4, 0.45),
        surface=Surface("x", "y", [0.0], [1.0], [[0.5]], [[0.1]], {"x": 0.0}),
        agreement={1: 0.9}, explored=StoredReason("enough"), seconds=2.0, finalists=(finalist,),
    )  # fmt: skip
    assert Evidence.from_json(again(evidence.to_json())) == evidence
    assert Evidence.from_json({"frontier": None, "of_a_later_version": 1}) == Evidence()


@pytest.mark.parametrize("length", range(1, 20))
def test_a_sparse_curve_has_the_powers_of_two_and_the_end(length: int) -> None:
    curve = [(epoch, 1.0, 5, epoch / 100) for epoch in range(1, length + 1)]
    kept = [epoch for epoch, _ in sparse_curve(curve)]
    assert kept == sorted({1, 2, 4, 8, 16, length} & set(range(1, length + 1)))


def test_a_curve_without_scores_or_losses_tells_less() -> None:
    assert sparse_curve([(1, 1.0, 5), (2, 0.5, 6)]) == ()
    assert sparse_curve([(1, 1.0, 5, None), (2, 0.5, 6, 0.6)]) == ((2, 0.6),)
    assert loss_drop([(1, 1.0, 5, 0.1)]) is None
    assert loss_drop([(1, None, 5, 0.1), (2, 0.5, 6, 0.6)]) is None
    assert loss_drop([(1, 1.0, 5, 0.1), (2, 0.25, 6, 0.6)]) == 0.75


def test_observations_are_trials_that_have_ended() -> None:
    trials = [
        make_trial(idx=0, curve=[(1, 1.0, 5, 0.5), (2, 0.5, 6, 0.6)]),
        make_trial(idx=1, state="failed"),
        make_trial(idx=2, state="diverged", score=None),
        make_trial(idx=3, role="drawn"),
    ]
    first, second = observations(trials)
    assert (first.index, first.curve, first.loss_drop) == (0, ((1, 0.5), (2, 0.6)), 0.5)
    assert (second.index, second.finite, second.curve) == (2, False, ())


def test_a_trial_has_the_shares_that_were_counted() -> None:
    assert make_trial().validation_accuracy == 0.9
    assert make_trial(examples=0, rank_value=0.4).validation_accuracy is None
    assert make_trial().test_accuracy is None
    tested = make_trial(role=Role.DRAWN, test_correct=3, test_examples=4)
    assert tested.test_accuracy == 0.75


def test_a_round_of_an_early_version_has_one_rung() -> None:
    early = make_round(rungs=None, epochs_planned=None, kind=RoundKind.EXPLORE)
    assert (early.ladder, early.epochs_in_full, early.ended) == ([2], 64, 32)
    assert make_round(rungs=(2, 4)).ladder == (2, 4)


@pytest.mark.parametrize(
    ("fields", "rank"),
    [
        ({"correct": 3, "examples": 4, "score": -0.2}, 0.75),
        ({"state": TrialState.STOPPED, "correct": 1, "examples": 4}, 0.25),
        ({"state": TrialState.DIVERGED, "correct": 3, "examples": 4}, None),
        ({"score": -1.0}, -1.0),  # of an external search, whose examples nobody counts
        ({"state": TrialState.FAILED, "score": 1.0}, None),
        ({}, None),  # a model of the final test that was not validated
    ],
)
def test_a_trial_ranks_by_its_accuracy_or_its_score(
    fields: dict[str, Any], rank: float | None
) -> None:
    assert TrialReport(**{"index": 0, "state": TrialState.COMPLETED, **fields}).rank_value == rank


def test_the_best_is_scored_high_then_low_in_loss_then_the_older_one() -> None:
    ordered = [(0.9, 0.1, 2, 5), (0.9, 0.2, 1, 0), (0.9, 0.2, 1, 1), (0.9, None, 1, 0),
               (-3.0, 0.0, 1, 0), (None, 0.0, 1, 0)]  # fmt: skip
    assert sorted(ordered[3:] + ordered[:3], key=lambda place: rank_key(*place)) == ordered
