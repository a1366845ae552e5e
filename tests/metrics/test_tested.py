"""Scores on a test part: intervals against SciPy and known cases, and yardsticks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.dummy import DummyClassifier
from sklearn.metrics import balanced_accuracy_score, log_loss

from hpsearch.evidence import Doubt
from hpsearch.metrics import METRICS, Metric, mean_loss, mean_measured
from hpsearch.metrics.tested import Answers, constant, score

BALANCED, LOSS = METRICS["balanced_accuracy"], METRICS["log_loss"]
DISTANCE = Metric(
    title="mean absolute error", task="regression", direction="minimise", unit="number", low=0.0,
    high=np.inf, pooled=mean_measured, compute=lambda p, y: float(np.abs(p - y).mean()),
)  # fmt: skip


def answers(targets, predicted, probability=0.9, classes=None) -> Answers:
    """Answers that are as sure of each prediction as `probability` (n,) says."""
    targets, predicted = np.asarray(targets, np.intp), np.asarray(predicted, np.intp)
    count = classes or int(max(targets.max(), predicted.max())) + 1
    sure = np.broadcast_to(probability, len(targets))
    values = np.repeat((1 - sure)[:, None] / max(count - 1, 1), count, axis=1)
    values[np.arange(len(targets)), predicted] = sure
    return Answers(targets, predicted, values, -np.log(values[np.arange(len(targets)), targets]))


def some(n=200, rare=60, seed=1) -> Answers:
    rng = np.random.default_rng(seed)
    targets = (np.arange(n) < rare).astype(np.intp)
    wrong = rng.random(n) < np.where(targets == 1, 0.3, 0.1)
    return answers(targets, np.where(wrong, 1 - targets, targets), rng.uniform(0.6, 0.99, n))


@pytest.mark.parametrize("metric", [BALANCED, LOSS])
def test_the_interval_is_the_one_of_scipy(metric: Metric) -> None:
    part = some()
    reference = bootstrap(
        (np.arange(200),), lambda rows: part.value(metric, rows), vectorized=False,
        n_resamples=9999, method="BCa", rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    scored = score(metric, part)
    width = reference.high - reference.low
    assert scored.ci95 == pytest.approx((reference.low, reference.high), abs=0.06 * width)
    assert scored.ci95 == score(metric, part).ci95  # the same from call to call


def test_values_and_baselines_against_scikit_learn() -> None:
    part = some()
    x = np.zeros((200, 1))
    dummy = DummyClassifier(strategy="prior").fit(x, part.targets)
    truth = part.targets
    assert score(METRICS["accuracy"], part).baseline == dummy.score(x, truth) == 0.7
    scored = score(BALANCED, part)
    assert scored.value == pytest.approx(balanced_accuracy_score(truth, part.predicted))
    assert scored.baseline == pytest.approx(balanced_accuracy_score(truth, dummy.predict(x)))
    scored = score(LOSS, part)
    assert scored.value == pytest.approx(log_loss(truth, part.values))
    assert scored.baseline == pytest.approx(log_loss(truth, dummy.predict_proba(x)))


@pytest.mark.parametrize(
    ("rare", "doubt"),
    [(3, Doubt.FEW_ROWS), (9, Doubt.FEW_ROWS), (10, Doubt.ROUGH), (19, Doubt.ROUGH), (20, None)],
)
def test_few_examples_of_a_class_leave_no_interval_of_its_mean(rare: int, doubt: Doubt) -> None:
    targets = np.repeat([0, 1], [285, rare])
    predicted = targets.copy()
    predicted[0] = 1
    scored = score(BALANCED, answers(targets, predicted))
    assert scored.value == pytest.approx((284 / 285 + 1) / 2)
    assert scored.doubt is doubt
    assert (scored.rows, scored.label) == ((None, None) if doubt is None else (rare, 1))
    assert (scored.ci95 is None) is (doubt is Doubt.FEW_ROWS)
    assert score(LOSS, answers(targets, predicted)).ci95 is not None
    assert score(METRICS["accuracy"], answers(targets, predicted)).ci95 is not None


def test_a_class_that_is_seldom_predicted_leaves_none_either() -> None:
    scored = score(BALANCED, answers(np.repeat([0, 1], [200, 40]), np.zeros(240, int)))
    assert (scored.value, scored.baseline, scored.ci95) == (0.5, 0.5, None)
    assert (scored.doubt, scored.rows, scored.label) == (Doubt.FEW_PREDICTED, 0, 1)


def test_all_right_is_no_certainty() -> None:
    targets = np.repeat([0, 1], 20)
    right = answers(targets, targets)
    low, high = score(METRICS["accuracy"], right).ci95
    assert (low, high) == (pytest.approx(0.912, abs=5e-4), 1.0)
    assert (score(BALANCED, right).ci95, score(BALANCED, right).doubt) == (None, Doubt.ALL_ALIKE)


def test_one_class_alone_has_no_balanced_accuracy() -> None:
    scored = score(BALANCED, answers([1, 1, 1], [1, 1, 0]))
    assert (scored.value, scored.doubt, scored.label) == (None, Doubt.ONE_CLASS, 1)


def test_a_class_without_examples_has_no_share() -> None:
    scored = score(BALANCED, answers([0, 0, 1], [0, 2, 1], classes=4))
    assert scored.value == 0.75
    assert scored.baseline == 0.5


def test_probabilities_that_are_sure_and_wrong_have_a_finite_loss() -> None:
    targets, predicted = np.zeros(30, np.intp), np.arange(30) % 2
    part = answers(targets, predicted, 0.9)
    sure = Answers(part.targets, part.predicted, part.values, np.where(predicted, 300.0, 0.0))
    scored = score(LOSS, sure)
    assert scored.value == 150.0
    assert 0 < scored.ci95[0] < 150 < scored.ci95[1]


def test_a_loss_that_is_not_finite_has_no_value() -> None:
    part = answers([0, 1], [0, 1])
    broken = Answers(part.targets, part.predicted, part.values, np.array([0.0, np.inf]))
    assert score(LOSS, broken).value is None
    assert score(LOSS, broken).doubt is Doubt.NOT_FINITE


def test_numbers_are_held_against_their_mean() -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(5, 2, 100)
    predicted = y + rng.normal(0, 0.5, 100)
    part = Answers(y, predicted, predicted[:, None], (predicted - y) ** 2)
    scored = score(DISTANCE, part)
    assert scored.baseline == pytest.approx(np.abs(y - y.mean()).mean())
    assert scored.ci95[0] < scored.value < scored.ci95[1] < scored.baseline
    assert constant(part, classes=False).predicted == pytest.approx(np.full(100, y.mean()))
    squared = Metric("loss", "regression", "minimise", "number", 0.0, np.inf, pooled=mean_loss)
    assert score(squared, part).baseline is None


def test_large_parts_are_not_left_out_one_by_one() -> None:
    part = some(n=3000, rare=900)
    scored = score(LOSS, part)
    losses = part.losses
    half = 1.96 * losses.std() / np.sqrt(3000)
    assert scored.ci95 == pytest.approx((scored.value - half, scored.value + half), rel=0.02)
