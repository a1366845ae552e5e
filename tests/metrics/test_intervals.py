"""Intervals of metrics on a test part: their methods, and when there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap, rankdata

from hpsearch.evidence import Doubt
from hpsearch.metrics import METRICS, fitting
from hpsearch.metrics.ranking import delong
from hpsearch.metrics.resampling import RESAMPLES, SEED, resamples
from hpsearch.metrics.tested import Answers, score


def classified(n: int, rare: int, seed: int = 1, classes: int = 2, spread: float = 1.0) -> Answers:
    """Answers of a model that is good, not perfect; `rare` examples of the last class."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % (classes - 1)
    truth[:rare] = classes - 1
    z = rng.normal(0, spread, (n, classes)) + 1.2 * np.eye(classes)[truth]
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    losses = -np.log(p[np.arange(n), truth])
    return Answers(truth, z.argmax(1), p, losses, z)


def regressed(n: int, seed: int = 1, *, heavy: bool = False) -> Answers:
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 3, n)
    errors = rng.standard_t(3, n) if heavy else rng.normal(0, 1, n)
    predicted = truth + errors
    return Answers(truth, predicted, predicted[:, None], errors**2, mean=10.0)


def test_the_interval_of_an_area_is_delongs_on_the_logit() -> None:
    """Against the covariance of DeLong's placements, computed pair by pair."""
    part = classified(120, 40)
    x = part.outputs[:, 1] - part.outputs[:, 0]
    inside, outside = x[part.targets == 1], x[part.targets == 0]
    wins = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
    area = wins.mean()
    variance = wins.mean(1).var(ddof=1) / len(inside) + wins.mean(0).var(ddof=1) / len(outside)
    middle, half = math.log(area / (1 - area)), 1.959964 * math.sqrt(variance) / (area * (1 - area))
    wanted = [1 / (1 + math.exp(-end)) for end in (middle - half, middle + half)]
    scored = score(METRICS["roc_auc"], part)
    assert scored.value == pytest.approx(area)
    assert scored.ci95 == pytest.approx(wanted, abs=1e-6)
    assert scored.baseline == 0.5
    ranked = (rankdata(x)[part.targets == 1].sum() - 40 * 41 / 2) / (40 * 80)
    assert scored.value == pytest.approx(ranked)


def test_an_area_of_one_is_no_certainty() -> None:
    z = np.column_stack([np.zeros(60), np.arange(60.0)])
    truth = (np.arange(60) >= 30).astype(np.intp)
    assert delong(z, truth) is None
    part = Answers(truth, truth, np.full((60, 2), 0.5), None, z)
    scored = score(METRICS["roc_auc"], part)
    assert (scored.value, scored.ci95, scored.doubt) == (1.0, None, Doubt.ALL_ALIKE)


@pytest.mark.parametrize("name", ["average_precision", "macro_f1", "brier", "f1"])
def test_resampled_intervals_are_those_of_scipy(name: str) -> None:
    part, metric = classified(160, 60), METRICS[name]
    reference = bootstrap(
        (np.arange(160),), lambda rows: part.value(metric, rows), vectorized=False,
        n_resamples=4999, method="BCa", rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    scored, width = score(metric, part), reference.high - reference.low
    assert scored.ci95 == pytest.approx((reference.low, reference.high), abs=0.1 * width)
    assert scored.ci95 == score(metric, part).ci95  # the same from call to call


def test_the_interval_of_r2_is_that_of_scipy() -> None:
    part, metric = regressed(100), METRICS["r2"]
    reference = bootstrap(
        (np.arange(100),), lambda rows: part.value(metric, rows), vectorized=False,
        n_resamples=4999, method="BCa", rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    width = reference.high - reference.low
    assert score(metric, part).ci95 == pytest.approx(
        (reference.low, reference.high), abs=0.1 * width
    )


def test_errors_have_bootstrap_t_intervals() -> None:
    """Of many examples they are those of the normal distribution; MSE's is the square of RMSE's."""
    part = regressed(3000)
    squares = (part.predicted - part.targets) ** 2
    root = math.sqrt(squares.mean())
    half = 1.96 * squares.std() / math.sqrt(3000) / (2 * root)
    rmse, mse, mae = (score(METRICS[name], part) for name in ("rmse", "mse", "mae"))
    assert rmse.ci95 == pytest.approx((root - half, root + half), rel=0.005)
    assert mse.ci95 == pytest.approx([end**2 for end in rmse.ci95])
    distances = np.abs(part.predicted - part.targets)
    half = 1.96 * distances.std() / math.sqrt(3000)
    assert mae.ci95 == pytest.approx((mae.value - half, mae.value + half), rel=0.005)
    assert rmse.doubt is mse.doubt is mae.doubt is None


def test_few_errors_are_more_uncertain_upwards() -> None:
    low, high = score(METRICS["rmse"], regressed(30)).ci95
    value = score(METRICS["rmse"], regressed(30)).value
    assert high - value > 1.2 * (value - low) > 0


def test_heavy_tails_are_said() -> None:
    for name, said in (("rmse", True), ("mse", True), ("r2", True), ("mae", False)):
        scored = score(METRICS[name], regressed(300, seed=3, heavy=True))
        assert (scored.doubt is Doubt.HEAVY_TAILS) is said
        assert scored.ci95 is not None
    assert score(METRICS["rmse"], regressed(300)).doubt is None


def test_the_baseline_of_numbers_is_the_mean_of_the_training_targets() -> None:
    part = regressed(200)
    off = part.targets - 10.0
    assert score(METRICS["rmse"], part).baseline == pytest.approx(math.sqrt((off**2).mean()))
    assert score(METRICS["mae"], part).baseline == pytest.approx(np.abs(off).mean())
    below = 1 - (off**2).mean() / part.targets.var()
    assert score(METRICS["r2"], part).baseline == pytest.approx(below)
    assert below <= 0


def test_14_a_constant_truth_has_no_r2() -> None:
    part = Answers(np.full(20, 0.1), np.full(20, 0.2), np.full((20, 1), 0.2), None)
    scored = score(METRICS["r2"], part)
    assert (scored.value, scored.ci95, scored.doubt) == (None, None, Doubt.CONSTANT)
    assert score(METRICS["rmse"], part).value == pytest.approx(0.1)
    assert score(METRICS["mae"], part).ci95 is None


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "macro_f1", "f1"])
@pytest.mark.parametrize(
    ("rare", "doubt"), [(9, Doubt.FEW_ROWS), (10, Doubt.ROUGH), (19, Doubt.ROUGH), (20, None)]
)
def test_few_examples_of_the_rarest_class(name: str, rare: int, doubt: Doubt | None) -> None:
    part = classified(200, rare, spread=0.6)
    part = Answers(part.targets, part.targets, part.values, part.losses, part.outputs)
    scored = score(METRICS[name], part)
    assert (scored.doubt in (doubt, Doubt.ALL_ALIKE)) is True
    if doubt is Doubt.FEW_ROWS:
        assert (scored.ci95, scored.rows, scored.label) == (None, rare, 1)
    elif scored.doubt is not Doubt.ALL_ALIKE:
        assert scored.ci95 is not None


def test_ranks_need_no_predictions() -> None:
    """Who never answers a class may rank it well all the same."""
    part = classified(200, 50)
    never = Answers(part.targets, np.zeros(200, np.intp), part.values, part.losses, part.outputs)
    assert score(METRICS["roc_auc"], never).ci95 is not None
    assert score(METRICS["macro_f1"], never).doubt is Doubt.FEW_PREDICTED


def test_29_two_of_a_class_all_right() -> None:
    truth = np.repeat([0, 1], [38, 2])
    scored = score(METRICS["macro_f1"], Answers(truth, truth, np.eye(2)[truth], None))
    assert (scored.value, scored.ci95, scored.doubt) == (1.0, None, Doubt.FEW_ROWS)


def test_27_forty_of_forty() -> None:
    truth = np.arange(40) % 2
    scored = score(METRICS["accuracy"], Answers(truth, truth, np.eye(2)[truth], None))
    assert (scored.value, scored.ci95) == (1.0, (pytest.approx(0.912, abs=5e-4), 1.0))


@pytest.mark.parametrize("name", ["roc_auc", "macro_f1", "average_precision", "f1"])
def test_5_one_class_alone(name: str) -> None:
    truth = np.zeros(30, np.intp)
    z = np.random.default_rng(0).normal(size=(30, 2))
    scored = score(METRICS[name], Answers(truth, z.argmax(1), np.full((30, 2), 0.5), None, z))
    assert (scored.value, scored.doubt, scored.label) == (None, Doubt.ONE_CLASS, 0)


def test_every_metric_has_an_interval_on_a_usual_part() -> None:
    for part, names in (
        (classified(300, 100), fitting("classification", 2)),
        (classified(300, 100, classes=4), fitting("classification", 4)),
        (regressed(300), fitting("regression", 0)),
    ):
        for name in names:
            scored = score(METRICS[name], part)
            low, high = scored.ci95
            assert low < scored.value < high, name
            assert scored.baseline is not None
            assert METRICS[name].low <= low < high <= METRICS[name].high


def test_the_positive_class_is_one_for_all() -> None:
    part = classified(200, 60)
    other = Answers(
        part.targets, part.predicted, part.values, part.losses, part.outputs, positive=0
    )
    for name in ("f1", "average_precision"):
        one, two = score(METRICS[name], part), score(METRICS[name], other)
        assert one.value != two.value
        assert two.ci95[0] < two.value < two.ci95[1]
    assert score(METRICS["average_precision"], part).baseline == pytest.approx(0.3)
    assert score(METRICS["average_precision"], other).baseline == pytest.approx(0.7)
    assert score(METRICS["roc_auc"], part) == score(METRICS["roc_auc"], other)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_interval_of_an_area_covers(classes: int) -> None:
    """95 % of 200 parts of 150 examples, give or take three standard errors."""
    truth = score(METRICS["roc_auc"], classified(200_000, 60_000, 0, classes)).value
    held = 0
    for seed in range(200):
        part = classified(150, 45, seed + 1, classes)
        low, high = delong(part.outputs, part.targets)
        held += low <= truth <= high
    assert 0.95 - 3 * 0.0154 <= held / 200 <= 1


@pytest.mark.parametrize("n", [1, 7, 150, 20_000])
def test_resamples_are_those_of_one_draw_after_the_other(n: int) -> None:
    """They are drawn many at a time; stored intervals hang on each of them."""
    rng = np.random.default_rng(SEED)
    found = resamples(n)
    for _ in range(RESAMPLES if n < 1000 else 5):
        np.testing.assert_array_equal(next(found), np.bincount(rng.integers(0, n, n), minlength=n))
    if n < 1000:
        assert next(found, None) is None
