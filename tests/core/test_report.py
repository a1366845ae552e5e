"""Values for people: statistics, status, rounds, trials, datasets and keys."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from core.builders import FACTS, resolve
from core.report_rows import Made, Round, Search, Trial, json_of, rate
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from hpsearch.report import build, statistics
from hpsearch.space import Choices, Range, box_to_json
from hpsearch.trials import TrialState


class TestStatistics:
    @given(examples=st.integers(1, 100_000), data=st.data())
    def test_wilson_is_the_score_interval(self, examples, data):
        correct = data.draw(st.integers(0, examples))
        reference = binomtest(correct, examples).proportion_ci(method="wilson")
        low, high = statistics.wilson(correct, examples)
        assert (low, high) == pytest.approx((reference.low, reference.high), abs=1e-12)
        assert 0 <= low <= correct / examples <= high <= 1

    def test_confidence_is_a_choice(self):
        reference = binomtest(7, 10).proportion_ci(0.8, method="wilson")
        assert statistics.wilson(7, 10, confidence=0.8) == pytest.approx(tuple(reference))

    def test_mean_and_deviation(self):
        assert statistics.mean_sd([]) == (None, None)
        assert statistics.mean_sd([0.5]) == (0.5, None)
        mean, sd = statistics.mean_sd([0.1, 0.2, 0.6])
        assert (mean, sd) == (pytest.approx(0.3), pytest.approx(math.sqrt(0.07)))

    def test_deviation_of_an_accuracy(self):
        assert statistics.binomial_sd(50, 100) == 0.05
        assert statistics.binomial_sd(100, 100) == 0


def status(search=None, rounds=None, running=None, now=1_700_000_110.0):
    rounds = [Round()] if rounds is None else rounds
    return build.status(search or Search(), resolve(), rounds, running or {}, now)


class TestStatus:
    def test_of_a_running_search(self):
        second = Round(
            2, epochs=3, created_at=1_700_000_060.0, finished_at=None, open_jobs=2, completed=4
        )
        view = status(rounds=[Round(), second], running={2: 5})
        assert view.created_at == "2023-11-14T22:13:20.000Z"
        assert view.started_at == "2023-11-14T22:13:30.000Z"
        assert view.finished_at is None
        assert (view.rounds.planned, view.rounds.completed) == (4, 1)
        trials = view.trials
        assert (trials.planned, trials.running, trials.completed) == (128, 5, 24)
        assert (trials.stopped, trials.diverged, trials.failed) == (2, 4, 6)
        assert trials.pending == 64 - 5 - 24 - 2 - 4 - 6
        planned = 32 * sum(resolve().epochs(r) for r in (1, 2, 3, 4))
        assert (view.epochs.planned, view.epochs.trained) == (planned, 100)
        # 100 seconds for 100 epochs. Round 1 is over, whatever its trials did not train; the
        # final trains six models for 20 epochs each.
        ahead = 32 * sum(resolve().epochs(r) for r in (3, 4))
        assert view.eta_seconds == (32 * 3 - 50) + ahead + 120
        assert view.best is not None
        assert (view.best.trial, view.best.validation_accuracy) == ("1-4", 0.93)
        assert set(view.links) == {"self", "rounds", "trials", "result"}
        assert view.links["trials"] == "/api/v1/searches/s1/trials"

    def test_before_the_first_round(self):
        search = Search(state="queued", started_at=None, best_accuracy=None, best_round=None)
        view = status(search, rounds=())
        assert view.best is None
        assert view.eta_seconds is None
        assert view.trials.pending == 0
        assert view.model_dump(mode="json")["ranges"] == {
            "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"}
        }

    @pytest.mark.parametrize("state", ["queued", "paused", "completed", "cancelled", "failed"])
    def test_a_search_that_does_not_run_has_no_time_left(self, state):
        assert status(Search(state=state)).eta_seconds is None

    def test_without_a_pace_there_is_no_time_left(self):
        assert status(rounds=[Round(epochs_trained=0)]).eta_seconds is None
        assert status(rounds=[]).eta_seconds is None

    def test_in_the_final_only_its_models_are_left(self):
        final = Round(
            2, kind="final", created_at=1_700_000_060.0, finished_at=None, open_jobs=1,
            completed=0, planned=6, epochs_trained=0,
        )  # fmt: skip
        view = status(Search(state="finalizing"), [Round(), final])
        assert view.eta_seconds == 120 - 50  # a second an epoch, and 50 seconds have passed
        assert view.trials.completed == 20
        assert view.rounds.completed == 1

    def test_a_clock_that_went_back_gives_no_negative_time(self):
        assert status(rounds=[Round(finished_at=0.0)], now=0.0).eta_seconds == 0

    def test_a_cancelled_round_is_not_completed(self):
        view = status(Search(state="cancelled"), [Round(cancelled=6)])
        assert view.rounds.completed == 0
        assert view.trials.pending == 0

    def test_ranges_are_those_of_the_last_round_without_nulls(self):
        box = {
            "a": Choices(choices=(True, (5, 6))), "batch_size": Range(low=8, high=9, integer=True),
        }  # fmt: skip
        text = status(rounds=[Round(box=box_to_json(box))]).model_dump_json()
        assert json.loads(text)["ranges"] == {
            "a": {"choices": [True, [5, 6]]},
            "batch_size": {"low": 8.0, "high": 9.0, "scale": "linear", "integer": True},
        }


class TestRoundsAndTrials:
    def test_decisions_belong_to_the_round_whose_evidence_they_are(self):
        rounds = [Round(), Round(2, best_accuracy=None)]
        made = [Made(after=json_of(rate(low=1e-4)), numbers={"p": 0.01, "top": 8})]
        first, second = build.round_views(rounds, made, {2: 3})
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

    def test_a_trial(self):
        view = build.trial_view(Trial(2, 7))
        assert (view.id, view.validation_accuracy, view.validation_loss) == ("2-7", 0.9, 0.5)
        gone = build.trial_view(Trial(state="diverged", accuracy=-1.0, loss=None, error="inf"))
        assert gone.validation_accuracy is None
        assert gone.state is TrialState.DIVERGED
        assert gone.error == "inf"


@dataclass(frozen=True)
class Stored:
    name: str = "digits"
    info: dict[str, Any] = field(default_factory=lambda: {
        "digest": FACTS.digest, "kind": "image", "shape": [8, 8], "features": 64,
        "n_train": 1437, "n_test": 360, "classes": ["0", "1"], "test_split": "made",
        "licence": "CC BY 4.0", "source": "scikit-learn", "path": "/secret",
    })  # fmt: skip


def test_a_dataset():
    view = build.dataset_view(Stored(), builtin=True)
    assert view.builtin
    assert view.n_test == 360
    assert "path" not in view.model_dump()


@dataclass(frozen=True)
class Key:
    id: str = "k"
    name: str = "mine"
    owner: str = "me"
    scopes: str = "read submit"
    created_at: float = 0.5
    expires_at: float | None = None
    revoked_at: float | None = 1.25
    secret_sha256: str = "never shown"


def test_a_key_without_its_secret():
    view = build.key_view(Key())
    assert view.scopes == ["read", "submit"]
    assert (view.created_at, view.expires_at) == ("1970-01-01T00:00:00.500Z", None)
    assert view.revoked_at == "1970-01-01T00:00:01.250Z"
    assert "never" not in view.model_dump_json()


@given(st.floats(0, 4e9))
def test_moments_keep_milliseconds(seconds):
    assume(seconds >= 0)
    text = build.moment(seconds)
    assert text is not None
    assert text.endswith("Z")
    assert len(text) == len("2023-11-14T22:13:20.000Z")
    assert build.moment(None) is None
