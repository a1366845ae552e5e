"""Values for people: statistics, status, rounds, trials, datasets and keys."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.builders import FACTS, resolve
from support.records import (
    json_of,
    make_decision,
    make_round,
    make_search,
    make_trial,
    not_begun,
    rate,
)

from hpsearch.evidence import DivergenceBoundary, Evidence, Importance
from hpsearch.reasons import StoredReason
from hpsearch.records import DatasetRecord, Edit, KeyRecord, RoundRecord
from hpsearch.report import build, datasets, statistics
from hpsearch.space import Choices, Range, box_to_json
from hpsearch.trials import TrialState


class TestStatistics:
    def test_mean_and_deviation(self):
        assert statistics.mean_sd([]) == (None, None)
        assert statistics.mean_sd([0.5]) == (0.5, None)
        mean, sd = statistics.mean_sd([0.1, 0.2, 0.6])
        assert (mean, sd) == (pytest.approx(0.3), pytest.approx(math.sqrt(0.07)))

    def test_deviation_of_an_accuracy(self):
        assert statistics.binomial_sd(50, 100) == 0.05
        assert statistics.binomial_sd(100, 100) == 0


def status(search=None, rounds=None, running=None, now=1_700_000_110.0, **fields):
    rounds = [make_round()] if rounds is None else rounds
    return build.status(search or make_search(), resolve(**fields), rounds, running or {}, now)


def over(number: int, kind: str = "explore", **fields: Any) -> RoundRecord:
    """A round that took a second an epoch."""
    start = 1_700_000_000.0 + 1000 * number
    more = {"created_at": start, "finished_at": start + 100, "epochs_trained": 100, **fields}
    return make_round(number, kind=kind, epochs_planned=100, **more)


class TestStatus:
    def test_of_a_running_search(self):
        second = make_round(
            2, epochs=3, created_at=1_700_000_060.0, finished_at=None, open_jobs=2, completed=4,
            stopped=0, diverged=0, epochs_planned=96,
        )  # fmt: skip
        view = status(rounds=[make_round(), second], running={2: 5})
        assert view.created_at == "2023-11-14T22:13:20.000Z"
        assert view.started_at == "2023-11-14T22:13:30.000Z"
        assert view.finished_at is None
        assert (view.rounds.planned, view.rounds.completed) == (4, 1)
        trials = view.trials
        assert (trials.planned, trials.running, trials.completed) == (128, 5, 26)
        assert (trials.stopped, trials.diverged, trials.failed) == (6, 4, 0)
        assert trials.pending == 64 - 5 - 26 - 6 - 4
        # Two rounds are as they were drawn; a third explores, and a fourth repeats in full.
        ahead = resolve().round_epochs(32, resolve().rungs(3)) + 32 * 8
        assert (view.epochs.planned, view.epochs.trained) == (64 + 96 + ahead, 100)
        # 100 seconds for 100 epochs. Round 1 is over, whatever its trials did not train; the
        # final trains six models for 20 epochs each.
        assert view.eta_seconds == (96 - 50) + ahead + 120
        assert view.best is not None
        assert (view.best.trial, view.best.validation_accuracy, view.best.score) == (
            "1-4", 0.93, 0.93,
        )  # fmt: skip
        assert set(view.links) == {
            "self", "rounds", "trials", "result", "model", "health", "spec", "report",
        }  # fmt: skip
        assert view.links["trials"] == "/api/v1/searches/s1/trials"

    def test_what_is_planned_before_the_first_round_is_the_spec(self):
        search = not_begun()
        resolved = resolve(trials_per_round={"first": 40, "last": 10}, rounds=6)
        view = build.status(search, resolved, (), {}, 0.0)
        assert view.trials.planned == resolved.trials_planned
        assert view.epochs.planned == resolved.epochs_planned
        assert view.rounds.planned == 6

    def test_a_search_that_stopped_early_plans_no_more(self):
        rounds = [over(1), over(2), over(3, "repeat")]
        view = status(make_search(state="finalizing"), rounds)
        assert (view.trials.planned, view.epochs.planned) == (96, 300)
        assert (view.rounds.completed, view.rounds.planned) == (3, 4)

    def test_once_finalists_are_repeated_nothing_is_explored_any_more(self):
        open_ = over(2, "repeat", open_jobs=1, finished_at=None, epochs_trained=60)
        view = status(rounds=[over(1), open_], now=1_700_002_060.0)
        assert (view.trials.planned, view.epochs.planned) == (64, 200)
        assert view.eta_seconds == 40 + 120

    def test_a_budget_bounds_what_is_planned(self):
        epochs = {"first": 2, "last": 8, "budget": 150}
        assert status(rounds=[over(1)], epochs=epochs).epochs.planned == 150
        assert status(rounds=[over(1), over(2)], epochs=epochs).epochs.planned == 200

    def test_a_time_limit_bounds_the_rest(self):
        search = make_search(started_at=1_700_001_000.0)
        view = status(search, [over(1)], now=1_700_001_100.0, max_seconds=130)
        assert view.eta_seconds == 30 + 120

    def test_a_row_of_an_older_version_has_the_epochs_of_its_trials(self):
        assert status(rounds=[make_round(epochs_planned=None)]).epochs.planned == (
            64 + status(rounds=[over(1)]).epochs.planned - 100
        )

    def test_edits_and_earlier_searches_are_shown(self):
        edit = Edit(2, {"rounds": 6}, 0.5)
        view = status(make_search(edits=[edit]), warm_start=["e1", "e2"])
        assert view.model_dump(mode="json")["edits"] == [
            {"after_round": 2, "changes": {"rounds": 6}, "at": "1970-01-01T00:00:00.500Z"}
        ]
        assert view.warm_start == ["e1", "e2"]
        assert view.links["warm_start_2"] == "/api/v1/searches/e2"

    def test_before_the_first_round(self):
        search = not_begun()
        view = status(search, rounds=())
        assert view.best is None
        assert view.eta_seconds is None
        assert view.trials.pending == 0
        assert view.model_dump(mode="json")["ranges"] == {
            "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"}
        }

    @pytest.mark.parametrize("state", ["queued", "paused", "completed", "cancelled", "failed"])
    def test_a_search_that_does_not_run_has_no_time_left(self, state):
        assert status(make_search(state=state)).eta_seconds is None

    def test_without_a_pace_there_is_no_time_left(self):
        assert status(rounds=[make_round(epochs_trained=0)]).eta_seconds is None
        assert status(rounds=[]).eta_seconds is None

    def test_in_the_final_only_its_models_are_left(self):
        final = make_round(
            2, kind="final", created_at=1_700_000_060.0, finished_at=None, open_jobs=1,
            completed=0, planned=6, epochs_trained=0,
        )  # fmt: skip
        view = status(make_search(state="finalizing"), [make_round(), final])
        assert view.eta_seconds == 120 - 50  # a second an epoch, and 50 seconds have passed
        assert view.trials.completed == 22
        assert view.rounds.completed == 1

    def test_a_clock_that_went_back_gives_no_negative_time(self):
        assert status(rounds=[make_round(finished_at=0.0)], now=0.0).eta_seconds == 0

    def test_a_cancelled_round_is_not_completed(self):
        view = status(make_search(state="cancelled"), [make_round(completed=16, cancelled=6)])
        assert view.rounds.completed == 0
        assert view.trials.pending == 0

    def test_ranges_are_those_of_the_last_round_without_nulls(self):
        box = {
            "a": Choices(choices=(True, (5, 6))), "batch_size": Range(low=8, high=9, integer=True),
        }  # fmt: skip
        text = status(rounds=[make_round(box=box_to_json(box))]).model_dump_json()
        assert json.loads(text)["ranges"] == {
            "a": {"choices": [True, [5, 6]]},
            "batch_size": {"low": 8.0, "high": 9.0, "scale": "linear", "integer": True},
        }


class TestRoundsAndTrials:
    def test_decisions_belong_to_the_round_whose_evidence_they_are(self):
        rounds = [make_round(), make_round(2, best_index=None)]
        made = [make_decision(after=json_of(rate(low=1e-4)), numbers={"p": 0.01, "top": 8})]
        first, second = build.round_views(rounds, made, {2: 3}, sign=1)
        assert first.decisions["learning_rate"].numbers == {"p": 0.01, "top": 8}
        assert first.decisions["learning_rate"].after.low == 1e-4
        assert second.decisions == {}
        assert second.best is None
        assert first.best is not None
        assert first.best.trial == "1-4"
        assert (first.trials.planned, first.trials.running) == (32, 0)
        assert second.trials.running == 3
        dumped = first.model_dump(mode="json")
        assert dumped["ranges"]["learning_rate"] == {"low": 1e-5, "high": 1.0, "scale": "log"}
        assert dumped["decisions"]["learning_rate"]["before"]["high"] == 1.0

    def test_a_round_has_its_rungs_its_epochs_and_what_it_taught(self):
        boundary = DivergenceBoundary("learning_rate", 2, 30, 3.0, 1.0, 1.7)
        share = Importance("learning_rate", 0.8, 0.9, 0.7, 1.0, 0.1)
        evidence = Evidence(
            boundary=boundary, epochs=8, noise_sd=0.01, expected_gain=0.002, importance=[share],
            agreement={1: 0.7}, explored=StoredReason("all 4 rounds are done"), finalists=[], seconds=3.0,
        )  # fmt: skip
        rounds = [
            make_round(rungs=[2, 4, 8], epochs=8, evidence=evidence),
            make_round(2, evidence=Evidence()),
            make_round(3, evidence=None, epochs_planned=None),
        ]
        full, little, none = build.round_views(rounds, [], {}, sign=1)
        assert (full.rungs, full.epochs_planned, full.epochs_trained) == ([2, 4, 8], 64, 50)
        shown = full.model_dump(mode="json")["evidence"]
        assert shown["frontier"] == asdict(boundary)
        assert shown["importance"] == [asdict(share)]
        assert (shown["noise_sd"], shown["agreement"]) == (0.01, {"1": 0.7})
        assert shown["explored"] == "all 4 rounds are done"
        assert "finalists" not in shown
        assert little.evidence is not None
        assert (little.evidence.frontier, little.evidence.noise_sd) == (None, None)
        assert (none.evidence, none.rungs, none.epochs_planned) == (None, [2], 64)

    def test_a_trial(self):
        view = build.trial_view(make_trial(2, 7, cohort=3, score=-0.4), sign=1)
        assert (view.id, view.validation_accuracy, view.validation_loss) == ("2-7", 0.9, 0.5)
        assert (view.score, view.cohort, view.role, view.curve) == (-0.4, 3, None, None)
        model = build.trial_view(make_trial(5, 0, role="drawn"), sign=1)
        assert (model.role, model.cohort) == ("drawn", None)
        gone = build.trial_view(
            make_trial(state="diverged", rank_value=None, loss=None, error="inf"), sign=1
        )
        assert gone.validation_accuracy is None
        assert gone.state is TrialState.DIVERGED
        assert gone.error == "inf"

    def test_a_learning_curve(self):
        now = make_trial(curve=[(1, 1.0, 50, -1.0), [2, None, None, None]])
        assert build.trial_view(now, curve=True, sign=1).curve == [
            (1, 1.0, 0.5, -1.0), (2, None, None, None),
        ]  # fmt: skip
        older = make_trial(curve=[[1, 1.0, 25]])
        assert build.trial_view(older, curve=True, sign=1).curve == [(1, 1.0, 0.25, 0.25)]
        assert build.trial_view(make_trial(), curve=True, sign=1).curve == []


INFO = {
    "digest": FACTS.digest, "kind": "image", "shape": [8, 8], "features": 64, "n_train": 1437,
    "n_test": 360, "classes": ["0", "1"], "test_split": "made", "licence": "CC BY 4.0",
    "source": "scikit-learn", "path": "/secret", "feature_names": [],
}  # fmt: skip


def test_a_dataset():
    view = datasets.dataset_view(DatasetRecord("", "digits", FACTS.digest, INFO), builtin=True)
    assert view.builtin
    assert view.n_test == 360
    assert "path" not in view.model_dump()


def test_a_key_without_its_secret():
    key = KeyRecord("k", "mine", "me", "never shown", "read submit", 0.5, revoked_at=1.25)
    view = build.key_view(key)
    assert view.scopes == ["read", "submit"]
    assert (view.created_at, view.expires_at) == ("1970-01-01T00:00:00.500Z", None)
    assert view.revoked_at == "1970-01-01T00:00:01.250Z"
    assert "never" not in view.model_dump_json()


@given(st.floats(0, 4e9))
def test_moments_keep_milliseconds(seconds):
    assume(seconds >= 0)
    text = build.format_rfc3339(seconds)
    assert text is not None
    assert text.endswith("Z")
    assert len(text) == len("2023-11-14T22:13:20.000Z")
    assert build.format_rfc3339(None) is None
