"""Intervals of examples in groups: those of whole groups, widened for their number."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from hpsearch.evidence import Doubt, FinalScores
from hpsearch.metrics import METRICS, fitting, grouped
from hpsearch.metrics.tested import Answers, score
from hpsearch.report.yardsticks import metric_views


def labelled(groups: int, size: int, seed: int = 1) -> tuple[Answers, np.ndarray]:
    """One class a group, and a share of errors that is the group's own."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups) * 101 - 7, size)
    y = np.repeat(np.arange(groups) % 2, size).astype(np.intp)
    sure = 1 + np.repeat(rng.normal(0, 1.2, groups), size) + rng.normal(0, 0.7, len(y))
    outputs = np.zeros((len(y), 2))
    outputs[np.arange(len(y)), y] = sure
    values = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    losses = -np.log(values[np.arange(len(y)), y])
    return Answers(y, values.argmax(axis=1), values, losses, outputs), group


def numbers(groups: int, size: int, rng: np.random.Generator) -> tuple[Answers, np.ndarray]:
    """Targets and errors with an effect of the group, whose expected squared error is 2."""
    group = np.repeat(np.arange(groups), size)
    y = np.repeat(rng.normal(0, 2, groups), size) + rng.normal(0, 1, len(group))
    error = np.repeat(rng.normal(0, 1, groups), size) + rng.normal(0, 1, len(group))
    return Answers(y, y + error, (y + error)[:, None], None, mean=0.0), group


@pytest.mark.parametrize("metric", fitting("classification", 2))
def test_one_label_a_group_makes_every_interval_about_three_times_as_wide(metric: str) -> None:
    answers, groups = labelled(20, 25)
    alone, together = score(METRICS[metric], answers), score(METRICS[metric], answers, groups)
    assert (together.value, together.baseline) == (alone.value, alone.baseline)
    assert together.doubt is None
    (a, b), (low, high) = alone.ci95, together.ci95
    assert low < together.value < high
    assert 2.2 < (high - low) / (b - a) < 4.5


@pytest.mark.parametrize("metric", fitting("regression", 0))
def test_numbers_have_intervals_by_groups_as_well(metric: str) -> None:
    answers, groups = numbers(20, 25, np.random.default_rng(1))
    alone, together = score(METRICS[metric], answers), score(METRICS[metric], answers, groups)
    assert together.value == alone.value
    assert together.ci95[1] - together.ci95[0] > 1.3 * (alone.ci95[1] - alone.ci95[0])


def test_groups_of_one_are_rows() -> None:
    """The percentile interval of rows, widened by next to nothing."""
    answers, _ = labelled(400, 1)
    low, high = score(METRICS["log_loss"], answers, np.arange(400)).ci95
    a, b = score(METRICS["log_loss"], answers).ci95
    assert (low, high) == pytest.approx((a, b), abs=0.12 * (b - a))


def test_the_percentiles_are_those_of_the_formula() -> None:
    for count in (5, 10, 40):
        wide = np.sqrt(count / (count - 1)) * t.ppf(0.975, count - 1)
        assert grouped.levels(count) == pytest.approx([norm.cdf(-wide), norm.cdf(wide)])
    assert grouped.levels(100_000) == pytest.approx([0.025, 0.975], abs=1e-5)


def test_widened_intervals_of_whole_groups_cover(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 x 25 with a shared effect: rows .56, groups .91, widened .93 of .95 (RMSE)."""
    monkeypatch.setattr(grouped, "RESAMPLES", 199)
    rng, held, by_rows = np.random.default_rng(4), 0, 0
    for repeat in range(120):
        answers, groups = numbers(20, 25, rng)
        low, high = score(METRICS["rmse"], answers, groups).ci95
        held += low <= np.sqrt(2) <= high
        if repeat < 30:
            low, high = score(METRICS["rmse"], answers).ci95
            by_rows += low <= np.sqrt(2) <= high
    assert 0.87 <= held / 120 <= 0.99
    assert by_rows / 30 < 0.8


@pytest.mark.parametrize(
    ("count", "doubt", "said"),
    [
        (4, Doubt.FEW_GROUPS, "no interval: 4 groups of test examples; an interval takes 5"),
        (5, Doubt.NARROW_BY_GROUPS, "the interval is too narrow: 5 groups of test examples"),
        (9, Doubt.NARROW_BY_GROUPS, "the interval is too narrow: 9 groups of test examples"),
        (10, None, None),
    ],
)
def test_few_groups_are_said(count: int, doubt: Doubt | None, said: str | None) -> None:
    answers, groups = labelled(count, 50, seed=3)
    scored = score(METRICS["accuracy"], answers, groups)
    assert scored.doubt == doubt
    assert (scored.ci95 is None) == (doubt is Doubt.FEW_GROUPS)
    view = metric_views(FinalScores({"accuracy": scored}, ()), ("no", "yes"))["accuracy"]
    assert view.note == said


def test_a_class_in_few_groups_has_no_interval_where_classes_are_compared() -> None:
    answers, groups = labelled(12, 20)
    y = (groups == groups[0]).astype(np.intp)  # one group has all of a class
    one = Answers(y, answers.predicted, answers.values, answers.losses, answers.outputs)
    scored = score(METRICS["balanced_accuracy"], one, groups)
    assert (scored.ci95, scored.doubt) == (None, Doubt.CLASS_IN_FEW_GROUPS)
    assert score(METRICS["accuracy"], one, groups).ci95 is not None


def test_all_right_is_no_certainty() -> None:
    y = np.repeat(np.arange(20) % 2, 5).astype(np.intp)
    values = np.eye(2)[y]
    right = Answers(y, y, values, np.zeros(100), values * 9)
    scored = score(METRICS["accuracy"], right, np.repeat(np.arange(20), 5))
    assert (scored.value, scored.ci95, scored.doubt) == (1.0, None, Doubt.ALL_ALIKE)
