"""Examples that count by weights: the loss and its gradient, scores, and what must not change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.errors import InvalidRequest
from hpsearch.nn.loss import WeightedLoss
from hpsearch.nn.stack import training_weights

TRIALS, COUNT, EXAMPLES, STEP = 3, 4, 7, 1e-6
SHAPE = nn.Shape(5, (6,), 3, batch_size=40)


def examples(rows, weights=None, outputs: int = 3) -> nn.Examples:
    rng = np.random.default_rng(1)
    y = rng.integers(0, outputs, 60)
    x = (rng.normal(size=(60, 5)) + y[:, None]).astype(np.float32)
    flat = np.zeros(5, np.float32), np.ones(5, np.float32)
    return nn.Examples(x, y, np.asarray(rows, np.intp), *flat, weights=weights)


def members(count: int = 2) -> list[nn.Member]:
    return [nn.Member(0.1, init_key=(1, k), dropout_key=(2, k)) for k in range(count)]


def trained(part: nn.Examples, *, validation: nn.Examples | None = None, **options):
    shape = replace(SHAPE, batch_size=len(part))
    return nn.train(
        shape, members(), part, validation, epochs=3, keep_weights="last",
        order=lambda epoch: np.arange(len(part)), **options,
    )  # fmt: skip


@pytest.mark.parametrize("name", nn.LOSSES)
def test_the_gradient_of_every_loss(name: str) -> None:
    rng = np.random.default_rng(0)
    z, along = rng.normal(0, 2, (2, TRIALS, COUNT, EXAMPLES))
    classes = nn.LOSSES[name].task == "classification"
    y = rng.integers(0, COUNT, EXAMPLES) if classes else rng.normal(0, 2, (EXAMPLES, COUNT))
    weights = rng.lognormal(0, 1, EXAMPLES)

    def bound(at: np.ndarray) -> WeightedLoss:
        return WeightedLoss(nn.LOSSES[name].bind(at.copy()), weights, TRIALS)

    loss = bound(z)
    value = loss.forward(y).copy()
    each = loss.losses.copy()
    gradient = loss.backward()
    np.testing.assert_allclose(value, each @ weights / EXAMPLES)
    slopes = (bound(z + STEP * along).forward(y) - bound(z - STEP * along).forward(y)) / (2 * STEP)
    np.testing.assert_allclose((gradient * along).sum((1, 2)), slopes, rtol=1e-6)


def test_weight_2_trains_as_the_row_twice_in_one_batch() -> None:
    """One minibatch of all rows: every batch's mean is then the part's."""
    rows, weights = np.arange(40), np.random.default_rng(2).integers(1, 4, 40).astype(float)
    twice = trained(examples(np.repeat(rows, weights.astype(int))))
    once = trained(examples(rows, weights * 1e6))  # the scale of weights says nothing
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_allclose(a.weights.flat, b.weights.flat, atol=2e-5)
        assert a.curve[-1].train_loss == pytest.approx(b.curve[-1].train_loss, rel=1e-5)


def test_class_weights_multiply() -> None:
    rows, weights = np.arange(40), np.random.default_rng(3).integers(1, 4, 40).astype(float)
    twice, once = examples(np.repeat(rows, weights.astype(int))), examples(rows, weights)
    balanced = nn.balanced_weights(once, 3)
    np.testing.assert_allclose(balanced, nn.balanced_weights(twice, 3), rtol=1e-6)
    a = trained(once, class_weights=balanced)
    b = trained(twice, class_weights=balanced)
    np.testing.assert_allclose(a[0].weights.flat, b[0].weights.flat, atol=2e-5)
    by_row = training_weights(once, balanced)
    assert by_row.mean() == pytest.approx(1)
    for k in range(3):  # and every class weighs the same in sum
        assert by_row[once.targets == k].sum() == pytest.approx(40 / 3, rel=1e-6)


def test_scores_are_weighted_and_counts_are_not() -> None:
    rows, weights = np.arange(20, 60), np.random.default_rng(4).integers(1, 5, 40).astype(float)
    measure = {
        "m": nn.Measure(
            lambda p, y: float((p == y).mean()), "predicted",
            lambda p, y, w: float(np.average(p == y, weights=w)),
        )
    }  # fmt: skip
    part, copies = examples(rows, weights), examples(np.repeat(rows, weights.astype(int)))
    train = examples(np.arange(20))
    once = trained(train, validation=part, measures=measure, score_train=True)[0].curve[-1]
    twice = trained(train, validation=copies, measures=measure)[0].curve[-1]
    assert once.loss == pytest.approx(twice.loss, rel=1e-6)
    assert once.weight == twice.examples == weights.sum()
    assert once.right == twice.n_correct
    assert once.accuracy == once.measures["m"] == twice.accuracy
    assert once.examples == 40
    assert once.n_correct <= 40
    assert once.n_correct != once.right


def test_scores_of_the_training_part_are_weighted() -> None:
    weights = np.ones(40)
    weights[0] = 1e9
    score = trained(examples(np.arange(40), weights), score_train=True)[0].curve[-1]
    assert score.train_accuracy in (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-6))


def test_a_measure_that_takes_no_weights_is_refused() -> None:
    part = examples(np.arange(40), np.ones(40))
    with pytest.raises(InvalidRequest, match="m takes no weights"):
        trained(part, validation=part, measures={"m": nn.Measure(lambda p, y: 0.0)})


@pytest.mark.parametrize(
    "weights",
    [np.ones(39), np.zeros(40), np.full(40, np.nan), np.full(40, -1.0), np.ones(40, np.float32)],
)
def test_weights_that_are_none(weights: np.ndarray) -> None:
    with pytest.raises(InvalidRequest, match="40 finite float64 above 0"):
        examples(np.arange(40), weights)


def test_weights_of_any_size_are_scaled_without_overflow() -> None:
    part = examples(np.arange(40), np.full(40, 1e308))
    np.testing.assert_allclose(training_weights(part, None), 1)
    plain, scaled = trained(examples(np.arange(40))), trained(part)
    np.testing.assert_allclose(plain[0].weights.flat, scaled[0].weights.flat, atol=1e-5)
