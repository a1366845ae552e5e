"""Directional gradient checks in float64: layers, activations, the loss, and all of them together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.nn.activations import ACTIVATIONS
from hpsearch.nn.buffers import Units
from hpsearch.nn.layers import BatchNorm, Dense, Dropout, Noise
from hpsearch.nn.losses import SoftmaxCrossEntropy
from hpsearch.nn.parameters import layout
from hpsearch.nn.stack import Stack

STEP = 1e-6
TRIALS, UNITS, EXAMPLES = 3, 5, 7


def draws(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def slopes(f: Callable[[np.ndarray], np.ndarray], at: np.ndarray, along: np.ndarray) -> np.ndarray:
    """(T,) central differences of f (T,) at a point, along a direction."""
    return (f(at + STEP * along) - f(at - STEP * along)) / (2 * STEP)


def inner(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(T,) products summed within each trial."""
    return (a * b).reshape(len(a), -1).sum(1)


def units_of(z: np.ndarray) -> Units:
    units = Units.make(*z.shape, np.float64)
    units.rows[...] = z
    return units


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str, keep: bool) -> None:
    z, along, weigh = (draws(TRIALS, UNITS, EXAMPLES, seed=s) for s in (1, 2, 3))

    def f(at: np.ndarray) -> np.ndarray:
        units = units_of(at)
        ACTIVATIONS[name](units, keep=keep).forward()
        return inner(units.rows, weigh)

    units = units_of(z)
    activation = ACTIVATIONS[name](units, keep=keep)
    activation.forward()
    assert (units.with_ones[:, -1] == 1).all()
    if keep:
        units.flat[...] *= 2  # what dropout does to the value must not reach the slope
    units.d[...] = weigh
    activation.backward()
    np.testing.assert_allclose(inner(units.d, along), slopes(f, z, along), rtol=1e-6)


def test_dense() -> None:
    w, h, weigh = (
        draws(TRIALS, 4, UNITS),
        draws(TRIALS, 3, EXAMPLES),
        draws(TRIALS, UNITS, EXAMPLES),
    )
    source, output = units_of(h), units_of(np.empty_like(weigh))
    dense = Dense(w, source, output)
    dense.forward()
    np.testing.assert_allclose(output.rows, np.einsum("tio,tib->tob", w, source.with_ones))
    output.d[...] = weigh
    dense.backward()
    along = draws(*h.shape, seed=5)

    def f(at: np.ndarray) -> np.ndarray:
        return inner(np.einsum("tio,tib->tob", w[:, :-1], at) + w[:, -1][:, :, None], weigh)

    np.testing.assert_allclose(inner(source.d, along), slopes(f, h, along), rtol=1e-6)


def norm_of(units: Units, gamma: np.ndarray, beta: np.ndarray) -> BatchNorm:
    return BatchNorm(units, gamma, beta, np.zeros_like(gamma), np.ones_like(gamma))


def test_batch_norm() -> None:
    z, weigh = draws(TRIALS, UNITS, EXAMPLES), draws(TRIALS, UNITS, EXAMPLES, seed=1)
    gamma, beta = draws(TRIALS, UNITS, seed=2), draws(TRIALS, UNITS, seed=3)

    def f(z: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
        units = units_of(z)
        norm_of(units, gamma, beta).forward()
        return inner(units.rows, weigh)

    units = units_of(z)
    norm = norm_of(units, gamma, beta)
    norm.forward()
    units.d[...] = weigh
    norm.backward()
    along = draws(TRIALS, UNITS, EXAMPLES, seed=4)
    np.testing.assert_allclose(
        inner(units.d, along), slopes(lambda at: f(at, gamma, beta), z, along), rtol=1e-5
    )
    along = draws(TRIALS, UNITS, seed=5)
    np.testing.assert_allclose(
        inner(norm.d_gamma[:, :, 0], along),
        slopes(lambda at: f(z, at, beta), gamma, along),
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        inner(norm.d_beta[:, :, 0], along),
        slopes(lambda at: f(z, gamma, at), beta, along),
        rtol=1e-6,
    )


def test_dropout() -> None:
    h, weigh = draws(3, 8, 5), draws(3, 8, 5, seed=1)
    mask = np.random.default_rng(2).integers(0, 2, (3, 8, 5)) * 1.25
    units = units_of(h)
    units.d[...] = weigh
    dropout = Dropout(units, mask)
    dropout.infer()
    np.testing.assert_array_equal(units.rows, h)
    dropout.forward()
    np.testing.assert_array_equal(units.rows, h * mask)
    dropout.backward()
    np.testing.assert_array_equal(units.d, weigh * mask)


def test_dropout_masks() -> None:
    """Zeros and 1 / (1 - rate), each trial from its own stream, nothing drawn at rate 0."""
    rates = np.array([0.25, 0.0, 0.75, 0.999999])
    noise = Noise(rates, 7, 4001, np.dtype(np.float64))
    streams = [np.random.default_rng(t) for t in range(4)]
    noise.draw(streams)
    first = noise.masks[:, : 7 * 4001].copy()
    assert (first[1] == 1).all()
    assert streams[1].random() == np.random.default_rng(1).random()
    for row, rate in ((0, 0.25), (2, 0.75)):
        assert set(np.unique(first[row])) == {0.0, np.float32(1 / (1 - rate))}
        assert (first[row] == 0).mean() == pytest.approx(rate, abs=0.01)
        upper, lower = first[row, :14_003], first[row, 14_004:]  # of the same draws
        assert abs(np.corrcoef(upper > 0, lower > 0)[0, 1]) < 0.04
    assert np.isfinite(first).all()
    noise.draw(streams)
    assert (noise.masks[0, : 7 * 4001] != first[0]).any()


@pytest.mark.parametrize("weights", [None, np.array([0.5, 3.0, 1.0, 2.0])])
def test_loss(weights: np.ndarray | None) -> None:
    z, y = 3 * draws(TRIALS, 4, EXAMPLES), np.array([0, 1, 2, 3, 3, 1, 0])

    def f(at: np.ndarray) -> np.ndarray:
        return SoftmaxCrossEntropy(at.copy(), weights).forward(y).copy()

    loss = SoftmaxCrossEntropy(z.copy(), weights)
    loss.forward(y)
    gradient = loss.backward()
    along = draws(*z.shape, seed=6)
    np.testing.assert_allclose(inner(gradient, along), slopes(f, z, along), rtol=1e-6)


@pytest.mark.parametrize("trials", [1, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (8,), (9, 4, 7)])
def test_network(
    blobs: Callable, hidden: tuple[int, ...], activation: str, batch_norm: bool, dropout: float,
    trials: int,
) -> None:  # fmt: skip
    train, _ = blobs(features=6, classes=3)
    shape = nn.Shape(6, hidden, 3, activation, "sgd", 16, batch_norm)
    members = [
        nn.Member(0.0, dropout=dropout * (t > 0 or trials == 1), init_key=(t,), dropout_key=(9, t))
        for t in range(trials)
    ]
    weights = np.array([1.0, 2.0, 0.5])
    stack = Stack(shape, members, train, epochs=1, class_weights=weights, dtype=np.float64)
    flat = stack.parameters.flat
    flat += 0.1 * draws(*flat.shape, seed=3)  # so that biases and betas are not 0
    start, positions = flat.copy(), np.arange(16)

    def f(at: np.ndarray) -> np.ndarray:
        flat[...] = at
        stack.streams[:] = [np.random.default_rng(m.dropout_key) for m in stack.members]
        return stack.step(positions, 0.0, 1).copy()

    f(start)
    g = np.zeros_like(flat)
    stack._steps[16]._network.gradients(slice(0, trials), g).compute()
    for seed in range(3):
        along = draws(*flat.shape, seed=seed + 10)
        np.testing.assert_allclose(inner(g, along), slopes(f, start, along), rtol=2e-5, atol=1e-8)
    assert layout(shape).size == flat.shape[1]
