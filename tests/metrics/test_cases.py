"""Metrics at the edges: known cases, and scikit-learn where it is right.

Cases have numbers, which are those of the list that they were written from.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as reference

from hpsearch.metrics import METRICS, SplitScore, fitting
from hpsearch.metrics.ranking import logits


def compute(name: str, needed, targets, positive: int = 1) -> float:
    metric = METRICS[name]
    needed = np.asarray(needed)
    targets = np.asarray(targets, needed.dtype if metric.task == "regression" else np.intp)
    return metric.compute(*metric.oriented(needed, targets, positive))


def outputs(probabilities) -> np.ndarray:
    """Outputs (n, K) of a network that says these probabilities, of class 1 where they are (n,)."""
    p = np.asarray(probabilities, np.float64)
    return np.log(np.stack([1 - p, p], axis=1) if p.ndim == 1 else p)


def test_1_all_scores_equal() -> None:
    z, truth = outputs([0.5] * 4), [0, 1, 0, 1]
    assert compute("roc_auc", z, truth) == compute("average_precision", z, truth) == 0.5


def test_2_an_area() -> None:
    z, truth = outputs([0.1, 0.4, 0.35, 0.8]), [0, 0, 1, 1]
    assert compute("roc_auc", z, truth) == 0.75


def test_2_counts_stand_for_rows() -> None:
    """An example that counts twice is the example twice, and one that does not count is not there."""
    z, truth = outputs([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    value = METRICS["roc_auc"].bind(z, truth)
    assert value(np.array([1.0, 2.0, 1.0, 1.0])) == pytest.approx(2 / 3)
    assert value(np.array([1.0, 0.0, 1.0, 1.0])) == 1.0
    assert math.isnan(value(np.array([1.0, 1.0, 0.0, 0.0])))


def test_4_one_positive_of_four() -> None:
    assert compute("average_precision", outputs([0.5] * 4), [1, 0, 0, 0]) == 0.25


def test_5_one_class_alone_has_no_rank() -> None:
    z = outputs([0.2, 0.4, 0.6])
    assert math.isnan(compute("roc_auc", z, [0, 0, 0]))
    assert math.isnan(compute("average_precision", z, [0, 0, 0]))


def test_6_one_positive_class_for_all_metrics() -> None:
    z, truth = outputs([0.1, 0.2, 0.8, 0.9]), [0, 0, 1, 1]
    predicted = z.argmax(axis=1)
    for positive in (0, 1):  # the classes told apart without a mistake, whichever is meant
        assert compute("roc_auc", z, truth, positive) == 1.0
        assert compute("average_precision", z, truth, positive) == 1.0
        assert compute("f1", predicted, truth, positive) == 1.0


def test_7_macro_f1_of_a_class_that_is_only_answered() -> None:
    assert compute("macro_f1", [0, 2, 1], [0, 0, 1]) == pytest.approx(5 / 9)


def test_8_balanced_accuracy_is_of_the_classes_present() -> None:
    assert compute("balanced_accuracy", [0, 2, 1], [0, 0, 1]) == 0.75


def test_9_three_classes() -> None:
    truth, predicted = [0, 0, 0, 1, 2], [0, 0, 1, 1, 1]
    assert compute("balanced_accuracy", predicted, truth) == pytest.approx(5 / 9)
    assert compute("macro_f1", predicted, truth) == pytest.approx(0.4333, abs=5e-5)


def test_10_f_of_the_positive_class() -> None:
    truth, predicted = [1, 1, 1, 0, 0], [1, 0, 0, 1, 0]
    assert compute("f1", predicted, truth) == pytest.approx(0.4)
    assert compute("f2", predicted, truth) == pytest.approx(0.3571, abs=5e-5)
    assert compute("f0_5", predicted, truth) == pytest.approx(0.4545, abs=5e-5)
    flipped = compute("f2", [0, 1, 1, 0, 1], [0, 0, 0, 1, 1], positive=0)
    assert flipped == pytest.approx(0.3571, abs=5e-5)


def test_f_without_a_positive_has_no_value() -> None:
    assert math.isnan(compute("f1", [0, 0], [0, 0]))
    assert compute("f1", [1, 0], [0, 0]) == compute("f1", [0, 0], [1, 0]) == 0.0


def test_12_brier_and_one_against_the_rest() -> None:
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.3, 0.2], [0.3, 0.6, 0.1]])
    truth = [0, 1, 2, 1]
    for shares in (p, (p * 0.999).astype(np.float32)):  # rows need not sum to 1
        assert compute("brier", outputs(shares), truth) == pytest.approx(0.47, abs=1e-6)
        assert compute("roc_auc", outputs(shares), truth) == pytest.approx(0.8889, abs=5e-5)


def test_13_sure_and_wrong() -> None:
    far = np.full((3, 3), -500.0)
    far[:, 0] = 500.0
    assert compute("brier", far, [1, 2, 1]) == 2.0
    assert compute("brier", far[:, :2], [1, 1, 1]) == 1.0
    assert compute("brier", far, [0, 0, 0]) == 0.0


def test_14_a_constant_truth_has_no_r2() -> None:
    for count in range(1, 50):  # whatever the rounding of their mean
        truth, predicted = np.full(count, 0.1), np.full(count, 0.2)
        assert math.isnan(compute("r2", predicted, truth))
        assert compute("rmse", predicted, truth) == pytest.approx(0.1)
        assert compute("mae", predicted, truth) == pytest.approx(0.1)


def test_15_and_16_counts_stand_for_rows() -> None:
    predicted, truth, twice = np.array([1.0, 4, 3]), np.array([1.0, 2, 3]), np.array([1.0, 2, 1])
    for name, value in (("rmse", math.sqrt(2)), ("mae", 1.0), ("r2", -3.0)):
        assert METRICS[name].bind(predicted, truth)(twice) == pytest.approx(value)
    alone = METRICS["r2"].bind(np.array([1.0, 3]), np.array([1.0, 2]))
    assert math.isnan(alone(np.array([1.0, 0.0])))


def test_ranks_are_not_those_of_saturated_probabilities() -> None:
    """Outputs 36, 38, 40 and 42 are all 1.0 as 32-bit probabilities, and two of them in 64 bits."""
    z = np.array([[0.0, 36], [0, 38], [0, 40], [0, 42]], np.float32)
    assert compute("roc_auc", z, [0, 0, 1, 1]) == 1.0
    assert compute("average_precision", z, [0, 0, 1, 1]) == 1.0
    wide = np.column_stack([np.zeros((4, 2), np.float32), z[:, 1]])
    assert compute("roc_auc", wide, [0, 0, 2, 2]) == 1.0


def test_large_targets_are_told_apart() -> None:
    truth = 1e9 + np.arange(4.0)
    assert compute("rmse", truth + 1, truth) == 1.0
    assert compute("r2", truth + 1, truth) == pytest.approx(1 - 4 / 5)
    assert compute("mse", np.array([1e30]), np.array([0.0])) == pytest.approx(1e60)


def test_values_that_are_missing_are_left_out_of_the_mean_over_splits() -> None:
    splits = [SplitScore(1.0, 1, 2, value) for value in (0.5, math.nan, 0.7)]
    assert METRICS["roc_auc"].rank_value(splits) == pytest.approx(0.6)
    nothing = [SplitScore(1.0, 1, 2, math.nan)]
    assert METRICS["roc_auc"].rank_value(nothing) == 0.5
    assert METRICS["r2"].rank_value(nothing) == METRICS["f1"].rank_value(nothing) == 0.0


def test_metrics_that_fit() -> None:
    many = ("accuracy", "balanced_accuracy", "log_loss", "macro_f1", "roc_auc", "brier")
    assert fitting("classification", 5) == many
    assert set(fitting("classification", 2)) - set(many) == {
        "f1",
        "f2",
        "f0_5",
        "average_precision",
    }
    assert fitting("regression", 0) == ("rmse", "mse", "mae", "r2")


parts = st.integers(2, 4).flatmap(
    lambda classes: st.integers(4, 40).flatmap(
        lambda n: st.tuples(
            st.lists(st.integers(0, classes - 1), min_size=n, max_size=n),
            st.lists(st.lists(st.integers(-8, 8), min_size=classes, max_size=classes),
                     min_size=n, max_size=n),
        )
    )
)  # fmt: skip


@given(parts)
def test_scores_of_classes_against_scikit_learn(drawn) -> None:
    truth, z = np.array(drawn[0]), np.array(drawn[1], np.float32) / 4
    count = z.shape[1]
    p = np.exp(z.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    predicted = z.argmax(axis=1)
    present = np.unique(truth)
    either = np.union1d(truth, predicted)
    assert compute("macro_f1", predicted, truth) == pytest.approx(
        reference.f1_score(truth, predicted, labels=either, average="macro", zero_division=0)
    )
    onehot = np.eye(count)[truth]
    halves = 2 if count == 2 else 1
    assert compute("brier", z, truth) == pytest.approx(((p - onehot) ** 2).sum(1).mean() / halves)
    # Shares that are equal by algebra alone are tied or not as rounding has it, here and there.
    for shares in (p, logits(z)):
        gaps = np.diff(np.sort(shares, axis=0), axis=0)
        assume(not ((gaps > 0) & (gaps < 1e-9)).any())
    if len(present) > 1:
        # Rounded, so that equal probabilities which were computed in two ways stay equal.
        areas = [reference.roc_auc_score(truth == k, p[:, k].round(12)) for k in present]
        assert compute("roc_auc", z, truth) == pytest.approx(np.mean(areas), abs=1e-9)
    if count == 2 and len(present) == 2:
        for positive in (0, 1):
            wanted = reference.average_precision_score(truth == positive, p[:, positive].round(12))
            got = compute("average_precision", z, truth, positive)
            assert got == pytest.approx(wanted)
            for name, beta in (("f1", 1), ("f2", 2), ("f0_5", 0.5)):
                wanted = reference.fbeta_score(truth, predicted, beta=beta, pos_label=positive)
                assert compute(name, predicted, truth, positive) == pytest.approx(wanted)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=40))
def test_errors_against_scikit_learn(pairs) -> None:
    truth, predicted = np.array(pairs).T
    assert compute("rmse", predicted, truth) == pytest.approx(
        reference.root_mean_squared_error(truth, predicted)
    )
    assert compute("mse", predicted, truth) == pytest.approx(
        reference.mean_squared_error(truth, predicted)
    )
    assert compute("mae", predicted, truth) == pytest.approx(
        reference.mean_absolute_error(truth, predicted)
    )
    if np.ptp(truth) > 1e-3:
        wanted = reference.r2_score(truth, predicted)
        assert compute("r2", predicted, truth) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@given(st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=1, max_size=9))
def test_logits_are_those_of_the_softmax(rows) -> None:
    z = np.array(rows)
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    unsaturated = (p > 1e-9) & (p < 1 - 1e-9)
    p = np.clip(p, 1e-12, 1 - 1e-12)
    wanted = np.log(p) - np.log1p(-p)
    assert logits(z)[unsaturated] == pytest.approx(wanted[unsaturated], rel=1e-6, abs=1e-6)
