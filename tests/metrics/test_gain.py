"""Gains of one setting over another: what their intervals hold, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch.metrics import METRICS
from hpsearch.metrics.gain import ONE_EACH, gain, of_scores
from hpsearch.metrics.tested import Answers

CLASSES = 3


class Part:
    """A part whose examples are not equally hard, and models of it."""

    def __init__(self, seed: int, n: int = 200) -> None:
        self.rng = np.random.default_rng(seed)
        self.targets = self.rng.integers(0, CLASSES, n)
        self.hard = self.rng.normal(0, 0.3, n)

    def models(self, accuracy: float, *, luck: float = 0.0, count: int = 5) -> list[Answers]:
        return [self._model(accuracy + self.rng.normal(0, luck)) for _ in range(count)]

    def _model(self, accuracy: float) -> Answers:
        n = len(self.targets)
        right = self.rng.random(n) < np.clip(accuracy + self.hard, 0, 1)
        predicted = np.where(right, self.targets, (self.targets + 1) % CLASSES)
        values = np.full((n, CLASSES), 0.1)
        values[np.arange(n), predicted] = 0.8
        losses = -np.log(values[np.arange(n), self.targets])
        return Answers(self.targets, predicted, values, losses)


@pytest.mark.parametrize("luck", [0.0, 0.03])
def test_the_interval_holds_a_gain_of_none(luck: float) -> None:
    """Over 120 pairs of equal settings, whose trainings differ by luck."""
    held = 0
    for seed in range(120):
        part = Part(seed, 120)
        made = gain(METRICS["accuracy"], part.models(0.8, luck=luck), part.models(0.8, luck=luck))
        assert made.low is not None
        held += made.low <= 0 <= made.high
    assert held >= 0.93 * 120


def test_a_real_gain_is_seen_and_positive_is_better_for_every_metric() -> None:
    part = Part(1)
    better, worse = part.models(0.9), part.models(0.6)
    for name in ("accuracy", "log_loss", "brier", "macro_f1"):
        made = gain(METRICS[name], better, worse)
        assert made.low is not None
        assert 0 < made.low < made.value < made.high
        assert made.probability > 0.99
        turned = gain(METRICS[name], worse, better)
        assert turned.value == pytest.approx(-made.value)
        assert turned.probability < 0.01


def test_the_luck_of_trainings_widens_the_interval() -> None:
    part = Part(2)
    calm, lucky = (gain(METRICS["accuracy"], part.models(0.8, luck=sd), part.models(0.8, luck=sd))
                   for sd in (0.0, 0.1))  # fmt: skip
    assert lucky.high - lucky.low > 1.5 * (calm.high - calm.low)


def test_whole_groups_are_resampled() -> None:
    """Examples of a group are answered alike: they tell less than so many examples."""
    part = Part(3, 40)
    rows = np.repeat(np.arange(40), 10)
    part.targets, part.hard = part.targets[rows], part.hard[rows]
    ours, theirs = part.models(0.8, count=1), part.models(0.75, count=1)
    for one in (*ours, *theirs):
        one.predicted[:] = one.predicted[::10].repeat(10)
    alone = gain(METRICS["accuracy"], ours, theirs)
    grouped = gain(METRICS["accuracy"], ours, theirs, rows)
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    few = gain(METRICS["accuracy"], ours, theirs, rows // 10)
    assert few.low is None
    assert "4 groups" in (few.note or "")


def test_weights_count_as_copies_in_the_value() -> None:
    part = Part(4, 60)
    ours, theirs = part.models(0.8, count=2), part.models(0.7, count=2)
    weights = np.random.default_rng(0).integers(0, 3, 60).astype(np.float64)
    rows = np.repeat(np.arange(60), weights.astype(int))

    def weighed(one: Answers) -> Answers:
        return Answers(one.targets, one.predicted, one.values, one.losses, weights=weights)

    def copied(one: Answers) -> Answers:
        return Answers(one.targets[rows], one.predicted[rows], one.values[rows], one.losses[rows])

    for name in ("accuracy", "log_loss"):
        by_weight = gain(METRICS[name], [*map(weighed, ours)], [*map(weighed, theirs)])
        by_copies = gain(METRICS[name], [*map(copied, ours)], [*map(copied, theirs)])
        assert by_weight.value == pytest.approx(by_copies.value, abs=1e-12)
        assert by_weight.high - by_weight.low > by_copies.high - by_copies.low


def test_one_training_each_says_what_it_leaves_out() -> None:
    part = Part(5)
    made = gain(METRICS["accuracy"], part.models(0.8, count=1), part.models(0.7, count=1))
    assert made.low is not None
    assert made.note == ONE_EACH


def test_too_few_examples_give_no_verdict() -> None:
    part = Part(6, 12)
    ours = part.models(0.9, count=2)
    made = gain(METRICS["accuracy"], ours, ours)
    assert (made.value, made.low, made.probability) == (0.0, None, None)
    assert "no example differs" in (made.note or "")


def test_answers_to_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="same examples"):
        gain(METRICS["accuracy"], Part(1).models(0.8), Part(2).models(0.8))


def test_reported_scores_are_not_paired() -> None:
    made = of_scores([0.9, 0.92, 0.91], [0.8, 0.83, 0.79])
    assert 0 < made.low < made.value < made.high
    for unit in (1e-100, 1e100):  # as large and as small as scores may be
        scaled = of_scores(
            [0.9 * unit, 0.92 * unit, 0.91 * unit], [0.8 * unit, 0.83 * unit, 0.79 * unit]
        )
        assert scaled.low == pytest.approx(unit * made.low)
        assert scaled.probability == pytest.approx(made.probability)
    one = of_scores([0.9], [0.8])
    assert (one.value, one.low) == (pytest.approx(0.1), None)
    assert "one model each" in (one.note or "")
