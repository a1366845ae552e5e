"""Searches from elsewhere that minimise: decided as those that maximise, shown as they were reported."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bench import OWNER
from support.outside import SMALL, Outside, trials, truth

from hpsearch.directions import turned
from hpsearch.errors import InvalidSpec
from hpsearch.report import gain_words
from hpsearch.service import replay
from hpsearch.trials import SearchState

MINIMIZE = {**SMALL, "direction": "minimize"}


def error(params, epoch, seed):
    """The truth as an error: the lower the better."""
    return turned(truth(params, epoch, seed), -1)


def ended(outside, of, **spec):
    played = Outside(outside.services, of)
    search_id = played.submit(**{**SMALL, **spec})
    status = played.train(search_id)
    assert status.state is SearchState.COMPLETED, status.reason
    return search_id


def views(outside, search_id):
    searches = outside.services.searches
    return {
        "status": searches.status(search_id, owner=OWNER),
        "rounds": searches.rounds(search_id, owner=OWNER).items,
        "trials": searches.trials(search_id, owner=OWNER, curve=True).items,
        "result": searches.result(search_id, owner=OWNER),
        "surface": outside.services.figures.surface(search_id, owner=OWNER),
    }


def test_it_decides_as_a_search_that_maximises_the_other_sign(outside):
    high, low = (
        views(outside, ended(outside, of, direction=way))
        for of, way in ((truth, "maximize"), (error, "minimize"))
    )
    assert (high["status"].direction, low["status"].direction) == ("maximize", "minimize")
    for one, other in zip(high["trials"], low["trials"], strict=True):
        assert (one.params, one.state, one.epochs) == (other.params, other.state, other.epochs)
        assert one.score == turned(other.score, -1)
        assert [(e, turned(s, -1)) for e, _, _, s in one.curve] == [
            (e, s) for e, _, _, s in other.curve
        ]
    for one, other in zip(high["rounds"], low["rounds"], strict=True):
        assert one.ranges == other.ranges
        assert (one.best is None) == (other.best is None)
        for name, decision in one.decisions.items():
            mirrored = other.decisions[name]
            assert decision.reason == mirrored.reason
            threshold = mirrored.numbers.get("threshold")
            assert decision.numbers.get("threshold") == turned(threshold, -1)
    result, mirrored = high["result"], low["result"]
    assert result.recommended.params == mirrored.recommended.params
    assert mirrored.recommended.score == turned(result.recommended.score, -1) > 0
    assert mirrored.best_trial.score == low["status"].best.score > 0
    assert mirrored.test.score == turned(result.test.score, -1)
    assert mirrored.test.score_mean == pytest.approx(-result.test.score_mean)
    assert [f.difference for f in mirrored.finalists] == [f.difference for f in result.finalists]
    assert [f.mean for f in mirrored.finalists] == [turned(f.mean, -1) for f in result.finalists]
    if high["surface"] is not None:
        assert low["surface"].mean[0][0] == turned(high["surface"].mean[0][0], -1)


def test_best_first_replay_and_what_can_be_submitted_again(outside):
    search_id = ended(outside, error, direction="minimize")
    best_first = [t.score for t in trials(outside, search_id, sort="-score") if t.score is not None]
    assert best_first == sorted(best_first)
    by_rank = trials(outside, search_id, sort="-validation_accuracy")
    assert [t.id for t in by_rank] == [t.id for t in trials(outside, search_id, sort="-score")]
    assert outside.status(search_id).best.score == min(
        t.score for t in trials(outside, search_id) if t.score is not None and t.role is None
    )
    assert replay.decisions(outside.services, search_id).differences == []
    assert outside.services.searches.spec(search_id, owner=OWNER)["direction"] == "minimize"
    usual = outside.submit(**SMALL)
    assert "direction" not in outside.services.searches.spec(usual, owner=OWNER)


def test_a_warm_start_keeps_its_direction(outside):
    earlier = ended(outside, error, direction="minimize")
    with pytest.raises(InvalidSpec, match='begin with it under "direction": "minimize"'):
        outside.submit(**SMALL, warm_start=[earlier])
    assert outside.status(outside.submit(**MINIMIZE, warm_start=[earlier])).warm_start_trials > 0


def test_provided_trials_are_as_they_were_reported(outside):
    params = {"alpha": 0.01, "depth": 5, "kernel": "flat"}
    seen = {"params": params, "epochs": 4, "score": 0.25, "curve": [[1, 0.5]]}
    search_id = outside.submit(**MINIMIZE, warm_start=[{"observations": [seen]}])
    again = outside.services.searches.spec(search_id, owner=OWNER)["warm_start"][0]
    assert again["observations"] == [{**seen, "state": "completed"}]
    stored = outside.services.store.read(lambda tx: tx.searches.get(search_id)).warm_start[0]
    assert (stored.score, stored.curve) == (-0.25, ((1, -0.5), (4, -0.25)))


MINE = {"alpha": 0.5, "depth": 30, "kernel": "flat"}
SHORT = {"rounds": 1, "trials_per_round": 4, "epochs": {"first": 1, "last": 1}}


def test_a_gain_goes_by_what_is_better_beside_scores_as_reported(outside):
    made = {**SHORT, "direction": "minimize", "baseline": MINE, "final": {"models": 2}}
    played = Outside(outside.services, error)
    search_id = played.submit(**made)
    outside.services.jobs.advance_due()
    assert played.turn(search_id) is SearchState.FINALIZING
    notes = outside.services.searches.health(search_id, owner=OWNER).notes
    assert "baseline_not_beaten" not in [note.code for note in notes]  # nothing is compared yet
    played.train(search_id)
    result = outside.services.searches.result(search_id, owner=OWNER)
    gain = result.gain
    assert 0 < gain.recommended < gain.baseline
    assert gain.value == pytest.approx(gain.baseline - gain.recommended)
    assert gain.recommended == pytest.approx(result.test.score, rel=0.05)
    assert gain.probability > 0.99
    said = dict(gain_words.lines(result))["test score"]
    assert said.startswith(f"recommended {gain.recommended:.4f}, yours {gain.baseline:.4f}")
    assert said.endswith("lower is better")


def test_the_same_setting_and_what_was_validated_are_shown_as_reported(outside):
    best = {"alpha": 0.01, "depth": 6, "kernel": "round"}
    search_id = ended(outside, error, **SHORT, direction="minimize", baseline=best)
    result = outside.services.searches.result(search_id, owner=OWNER)
    assert (result.gain.same_setting, result.gain.value) == (True, 0.0)
    assert result.gain.recommended == result.gain.baseline == result.test.score > 0
    assert result.baseline.validation_score > 0


def test_a_baseline_that_diverges_is_not_said_to_be_the_better_one(outside):
    steep = {**MINE, "alpha": 0.99}
    search_id = ended(outside, error, **SHORT, direction="minimize", baseline=steep)
    notes = outside.services.searches.health(search_id, owner=OWNER).notes
    note = next(note for note in notes if note.code == "baseline_not_beaten")
    assert note.message.startswith(
        "nothing tells whether the search has beaten your setting: no gain"
    )
    assert "none to keep" in note.advice


@settings(max_examples=200)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_turned_twice_is_the_same(score):
    assert turned(turned(score, -1), -1) == score
    assert turned(score, 1) is score
    assert str(turned(0.0, -1)) == "0.0"
