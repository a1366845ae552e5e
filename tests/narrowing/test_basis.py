"""What a verdict rests on, and how it is worded where that is too little."""

from __future__ import annotations

import pytest

from hpsearch.narrowing.basis import basis_of
from hpsearch.report import words
from hpsearch.report.views import DecisionView
from hpsearch.space import Choices, Range
from hpsearch.trials import Basis, Verdict

RANGE = Range(low=1e-3, high=1.0, scale="log")
LEVELS = Choices(choices=("a", "b"))
FLAT = {"p_below_noise": 0.97, "trials": 30, "effect": 0.001, "noise_sd": 0.01}
ALIKE = {
    "level_0_trials": 9, "level_0_chance": 0.5, "level_1_trials": 8, "level_1_chance": 0.5,
    "effect": 0.001, "noise_sd": 0.01,
}  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "numbers", "kind", "now", "basis"),
    [
        ("unidentified", FLAT, "below_noise", RANGE, "enough"),
        ("unidentified", {**FLAT, "trials": 11}, "below_noise", RANGE, "too_few_trials"),
        ("unidentified", {**FLAT, "p_below_noise": 0.6}, "unsupported", RANGE, "too_few_trials"),
        ("unidentified", {"trials": 3}, "too_few_modelled", RANGE, "too_few_trials"),
        ("unidentified", {}, "all_diverged", RANGE, "all_diverged"),
        ("open_low", {}, "retreat", RANGE, "all_diverged"),
        ("unidentified", ALIKE, "any_may_be_best", LEVELS, "enough"),
        ("unidentified", {**ALIKE, "level_1_trials": 3}, "any_may_be_best", LEVELS, "too_few_trials"),
        ("unidentified", {**ALIKE, "level_1_trials": 0}, "any_may_be_best", LEVELS, "untried_levels"),
        ("narrowed", {**ALIKE, "level_1_trials": 0}, "unlikely_best", LEVELS, "untried_levels"),
        ("narrowed", {"trials": 9}, "part_may_be_best", RANGE, "enough"),
    ],
)  # fmt: skip
def test_a_verdict_has_a_basis(verdict, numbers, kind, now, basis):
    assert basis_of(verdict, numbers, {"kind": kind}, now, hyperparameters=3) == basis


def test_a_reason_about_another_is_looked_through():
    facts = {"kind": "by_ranks", "reason": {"kind": "all_diverged"}}
    found = basis_of("unidentified", FLAT, facts, RANGE, hyperparameters=1)
    assert found is Basis.ALL_DIVERGED


def test_levels_that_no_trial_has_had_come_before_too_few_trials():
    found = basis_of("unidentified", {}, None, LEVELS, hyperparameters=1, untried=True)
    assert found is Basis.UNTRIED_LEVELS


@pytest.mark.parametrize("basis", [b for b in Basis if b is not Basis.ENOUGH])
def test_too_little_evidence_is_no_verdict_for_people(basis):
    assert words.verdict(Verdict.UNIDENTIFIED, basis) == "not known yet"
    assert words.verdict(Verdict.OPEN_LOW, basis) == "open low"


@pytest.mark.parametrize("basis", [Basis.ENOUGH, None])
def test_shown_to_make_no_difference_is_said(basis):
    assert words.verdict(Verdict.UNIDENTIFIED, basis) == "unidentified"


def test_words_of_a_newer_service_are_texts():
    view = DecisionView.model_validate({
        "before": {}, "after": {}, "verdict": "moved_on", "reason": "", "numbers": {},
        "basis": "hearsay",
    })  # fmt: skip
    assert (view.verdict, view.basis) == ("moved_on", "hearsay")
    assert words.verdict(view.verdict, view.basis) == "moved on"
