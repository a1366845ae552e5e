"""Metrics: values on one split, pooling, and what every entry has to promise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score

from hpsearch.metrics import METRICS, SplitScore, mean_loss, sign, wilson

splits = st.lists(
    st.builds(
        lambda loss, correct, more, measured: SplitScore(loss, correct, correct + more, measured),
        st.floats(0, 1e6),
        st.integers(0, 50),
        st.integers(1, 50),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=6,
)
answers = st.integers(2, 6).flatmap(
    lambda classes: st.integers(1, 40).flatmap(
        lambda n: st.tuples(*[st.lists(st.integers(0, classes - 1), min_size=n, max_size=n)] * 2)
    )
)


@given(answers)
def test_balanced_accuracy_is_the_mean_recall(drawn: tuple[Sequence[int], Sequence[int]]) -> None:
    """Against scikit-learn; a class that validation lacks has no share."""
    y, predicted = map(np.array, drawn)
    value = METRICS["balanced_accuracy"].compute(predicted, y)
    present = np.unique(y)
    recalls = [(predicted[y == c] == c).mean() for c in present]
    assert value == pytest.approx(np.mean(recalls), rel=1e-14)
    # The reference warns of answers that never occur: those rows belong to other classes.
    if set(predicted.tolist()) <= set(y.tolist()) and len(present) > 1:
        assert value == pytest.approx(balanced_accuracy_score(y, predicted), rel=1e-14)


@given(splits)
def test_pooled_values(scores: list[SplitScore]) -> None:
    examples = sum(s.examples for s in scores)
    assert METRICS["accuracy"].rank_value(scores) == sum(s.correct for s in scores) / examples
    mean = np.mean([s.measured for s in scores])
    assert METRICS["balanced_accuracy"].rank_value(scores) == pytest.approx(mean)
    loss = sum(s.loss * s.examples for s in scores) / examples
    assert mean_loss(scores) == pytest.approx(loss)
    assert METRICS["log_loss"].rank_value(scores) == -mean_loss(scores)


def test_a_single_split_is_not_rounded() -> None:
    assert mean_loss([SplitScore(0.1 + 0.2, 1, 3)]) == 0.1 + 0.2


@pytest.mark.parametrize("name", sorted(METRICS))
def test_rank_values_lie_within_their_bounds(name: str) -> None:
    metric = METRICS[name]
    value = metric.rank_value([SplitScore(2.0, 3, 4, 0.5)])
    low, high = metric.rank_bounds
    assert low <= value <= high
    assert str(low) != "-0.0"
    assert str(high) != "-0.0"
    assert metric.sign == sign(name)


def test_a_metric_to_minimise_ranks_by_its_negative() -> None:
    assert [sign(name) for name in ("accuracy", "log_loss", "external")] == [1, -1, 1]
    assert METRICS["log_loss"].rank_bounds == (-math.inf, 0.0)


def test_values_for_people() -> None:
    assert METRICS["accuracy"].text(0.98765) == "0.9877"
    assert METRICS["log_loss"].text(12.3456) == "12.35"
    assert METRICS["accuracy"].text(None) == "-"


@given(examples=st.integers(1, 100_000), data=st.data())
def test_the_interval_of_an_accuracy_is_the_score_interval(examples: int, data) -> None:
    correct = data.draw(st.integers(0, examples))
    reference = binomtest(correct, examples).proportion_ci(method="wilson")
    low, high = METRICS["accuracy"].interval(correct, examples)
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=1e-12)
    assert 0 <= low <= correct / examples <= high <= 1


def test_confidence_is_a_choice() -> None:
    reference = binomtest(7, 10).proportion_ci(0.8, method="wilson")
    assert wilson(7, 10, confidence=0.8) == pytest.approx(tuple(reference))
