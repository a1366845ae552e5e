"""Metrics of weighted examples: known cases, scikit-learn, and weight 2 as the row twice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from hpsearch.evidence import Doubt
from hpsearch.metrics import METRICS, SplitScore, fitting
from hpsearch.metrics.tested import Answers, score
from hpsearch.metrics.weights import effective

NUMBERS = fitting("regression", 0)
TWO, THREE = fitting("classification", 2), fitting("classification", 3)


def weighted(name: str, needed, targets, weights) -> float:
    metric, needed = METRICS[name], np.asarray(needed)
    targets = np.asarray(targets, needed.dtype if metric.task == "regression" else np.intp)
    return metric.weighted(needed, targets, np.asarray(weights, float))


def of_classes(probabilities, targets, weights=None) -> Answers:
    """Answers of a network that says these probabilities (n, K)."""
    p, targets = np.asarray(probabilities, np.float64), np.asarray(targets, np.intp)
    losses = -np.log(p[np.arange(len(p)), targets])
    return Answers(
        targets, p.argmax(axis=1), p, losses, np.log(p),
        weights=None if weights is None else np.asarray(weights, float),
    )  # fmt: skip


def of_numbers(predicted, targets, weights=None) -> Answers:
    predicted, targets = np.asarray(predicted, float), np.asarray(targets, float)
    return Answers(
        targets, predicted, predicted[:, None], np.square(predicted - targets) / 2,
        weights=None if weights is None else np.asarray(weights, float),
    )  # fmt: skip


def random_answers(rng: np.random.Generator, classes: int, n: int = 60):
    """Arguments of `of_classes` or, of no classes, of `of_numbers`; every class is there."""
    if not classes:
        return rng.normal(size=n), rng.normal(size=n)
    p = rng.dirichlet(np.ones(classes), n)
    return p, np.append(rng.integers(0, classes, n - classes), np.arange(classes))


def reference_value(name: str, part: Answers) -> float:
    """The same by scikit-learn."""
    y, predicted, p, w = part.targets, part.predicted, part.values, part.weights
    two = p.shape[1] == 2
    if name == "roc_auc":
        scores = p[:, 1] if two else p
        return reference.roc_auc_score(y, scores, multi_class="ovr", sample_weight=w)
    if name in ("average_precision", "brier"):
        by = reference.average_precision_score if name != "brier" else reference.brier_score_loss
        return by(y, p[:, 1] if two else p, sample_weight=w)
    if name == "log_loss":
        return reference.log_loss(y, p, sample_weight=w)
    simple = {
        "accuracy": reference.accuracy_score, "rmse": reference.root_mean_squared_error,
        "balanced_accuracy": reference.balanced_accuracy_score, "r2": reference.r2_score,
        "mse": reference.mean_squared_error, "mae": reference.mean_absolute_error,
    }  # fmt: skip
    if name in simple:
        return simple[name](y, predicted, sample_weight=w)
    if name == "macro_f1":
        return reference.f1_score(y, predicted, average="macro", sample_weight=w)
    beta = float(name.removeprefix("f").replace("_", "."))
    return reference.fbeta_score(y, predicted, beta=beta, sample_weight=w)


def test_2_an_area_of_weighted_rows() -> None:
    z = np.log([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])
    assert weighted("roc_auc", z, [0, 0, 1, 1], [1, 2, 1, 1]) == pytest.approx(2 / 3, abs=1e-15)
    assert weighted("roc_auc", z, [0, 0, 1, 1], [1, 0, 1, 1]) == 1.0


def test_3_a_class_of_weight_0_is_not_there() -> None:
    part = of_classes(
        [[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]], [0, 0, 1, 1], [1, 1, 0, 0]
    )
    scored = score(METRICS["roc_auc"], part)
    assert (scored.value, scored.doubt, scored.label) == (None, Doubt.ONE_CLASS, 0)
    assert math.isnan(weighted("roc_auc", part.outputs, part.targets, part.weights))


def test_15_errors_of_weighted_rows() -> None:
    part = of_numbers([1.0, 4.0, 3.0], [1.0, 2.0, 3.0], [1, 2, 1])
    values = {name: score(METRICS[name], part).value for name in NUMBERS}
    assert values["rmse"] == pytest.approx(math.sqrt(2), abs=1e-15)
    assert (values["mae"], values["r2"], values["mse"]) == (1.0, -3.0, 2.0)


def test_16_one_row_that_counts_has_no_r2() -> None:
    scored = score(METRICS["r2"], of_numbers([1.0, 3.0], [1.0, 2.0], [1, 0]))
    assert (scored.value, scored.doubt) == (None, Doubt.CONSTANT)


@pytest.mark.parametrize(
    ("name", "classes"),
    [*((n, 0) for n in NUMBERS), *((n, 2) for n in TWO), *((n, 3) for n in THREE)],
)
@given(seed=st.integers(0, 10**6))
def test_weight_2_is_the_row_twice_as_in_scikit_learn(name: str, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given_, make = random_answers(rng, classes), of_classes if classes else of_numbers
    weights = rng.integers(1, 4, len(given_[1])).astype(float)
    twice = make(*(np.repeat(part, weights.astype(int), axis=0) for part in given_))
    part, metric = make(*given_, weights), METRICS[name]
    assert part.value(metric) == pytest.approx(twice.value(metric), abs=1e-12, rel=1e-12)
    assert part.value(metric) == pytest.approx(reference_value(name, part), abs=1e-12, rel=1e-12)
    scaled = make(*given_, weights * 1e6)
    assert scaled.value(metric) == pytest.approx(part.value(metric), abs=1e-12, rel=1e-12)


@pytest.mark.parametrize(("name", "classes"), [*((n, 0) for n in NUMBERS), *((n, 2) for n in TWO)])
def test_a_row_of_weight_0_moves_nothing(name: str, classes: int) -> None:
    rng, make = np.random.default_rng(3), of_classes if classes else of_numbers
    given_ = random_answers(rng, classes, 150)
    weights = rng.integers(0, 3, 150).astype(float)
    kept = weights > 0
    without = make(*(part[kept] for part in given_), weights[kept])
    assert score(METRICS[name], make(*given_, weights)) == score(METRICS[name], without)


@pytest.mark.parametrize("name", [*NUMBERS, *TWO])
def test_equal_weights_have_the_value_without_weights(name: str) -> None:
    rng, classes = np.random.default_rng(4), 0 if name in NUMBERS else 2
    given_, make = random_answers(rng, classes, 200), of_classes if classes else of_numbers
    plain, equal = (score(METRICS[name], make(*given_, w)) for w in (None, np.full(200, 7.0)))
    assert equal.value == pytest.approx(plain.value, rel=1e-12)
    assert equal.baseline == pytest.approx(plain.baseline, rel=1e-12, abs=1e-12)
    width = plain.ci95[1] - plain.ci95[0]
    assert equal.ci95 == pytest.approx(plain.ci95, abs=0.2 * width)


@pytest.mark.parametrize("name", ["accuracy", "roc_auc", "rmse"])
def test_the_interval_carries_the_weight_along(name: str) -> None:
    """Weights written out as copies would promise more than there is."""
    rng, classes = np.random.default_rng(5), 0 if name == "rmse" else 2
    given_, make = random_answers(rng, classes, 200), of_classes if classes else of_numbers
    weights = rng.integers(1, 10, 200)
    low, high = score(METRICS[name], make(*given_, weights)).ci95
    copies = make(*(np.repeat(part, weights, axis=0) for part in given_))
    narrow = score(METRICS[name], copies).ci95
    assert high - low > 1.8 * (narrow[1] - narrow[0])


def test_weighted_intervals_of_accuracy_cover() -> None:
    """Half the rows count five times as much and are right less often.

    They cover .92: fewer than .82 of 150 come once in 50,000 times. Weights as copies cover .62.
    """
    rng, covered, true = np.random.default_rng(6), 0, (0.9 + 5 * 0.7) / 6
    for _ in range(150):
        heavy = rng.random(150) < 0.5
        right = rng.random(150) < np.where(heavy, 0.7, 0.9)
        targets = np.zeros(150, np.intp)
        p = np.where(right[:, None], [[0.8, 0.2]], [[0.2, 0.8]])
        part = of_classes(p, targets, np.where(heavy, 5.0, 1.0))
        low, high = score(METRICS["accuracy"], part).ci95
        covered += low <= true <= high
    assert covered / 150 >= 0.82


def test_weights_as_uneven_as_few_rows_leave_no_interval() -> None:
    given_ = random_answers(np.random.default_rng(7), 2, 100)
    weights = np.ones(100)
    weights[:4] = 1000.0
    for name in ("accuracy", "log_loss", "roc_auc"):
        scored = score(METRICS[name], of_classes(*given_, weights))
        assert scored.value is not None
        assert (scored.ci95, scored.doubt) == (None, Doubt.UNEVEN)
        assert scored.rows <= 4


def test_one_class_with_one_heavy_row_leaves_none_of_the_classes() -> None:
    p, targets = random_answers(np.random.default_rng(8), 2, 200)
    weights = np.ones(200)
    weights[np.flatnonzero(targets == 1)[0]] = 60.0
    part = of_classes(p, targets, weights)
    assert score(METRICS["roc_auc"], part).doubt is Doubt.UNEVEN
    assert score(METRICS["roc_auc"], part).label == 1
    assert score(METRICS["accuracy"], part).ci95 is not None


def test_the_baseline_is_of_the_weights() -> None:
    part = of_classes(np.tile([[0.6, 0.4]], (30, 1)), np.repeat([0, 1], [20, 10]),
                      np.repeat([1.0, 5.0], [20, 10]))  # fmt: skip
    assert score(METRICS["accuracy"], part).baseline == pytest.approx(5 / 7)
    shares = np.array([2 / 7, 5 / 7])
    entropy = -float(shares @ np.log(shares))
    assert score(METRICS["log_loss"], part).baseline == pytest.approx(entropy)


def test_folds_are_pooled_by_their_weights() -> None:
    folds = [SplitScore(1.0, 3, 4, 0.5, 6.0, 4.5), SplitScore(2.0, 1, 4, 0.9, 2.0, 0.5)]
    assert METRICS["accuracy"].pooled(folds) == 5 / 8
    assert METRICS["log_loss"].pooled(folds) == pytest.approx(10 / 8)
    assert METRICS["mse"].pooled(folds) == pytest.approx(0.6)


def test_effective_rows() -> None:
    assert effective(np.full(7, 3.0)) == pytest.approx(7)
    assert effective(np.array([1e200, 1e200, 1e-200])) == pytest.approx(2)
    assert effective(np.array([1.0, 3.0])) == pytest.approx(16 / 10)
