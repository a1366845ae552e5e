"""Values are checked where they are made; weights go to arrays and back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.errors import InvalidRequest
from hpsearch.nn.evaluation import block_length

SHAPE = nn.Shape(6, (4, 5), 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inputs": 0}, "inputs is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"outputs": 1}, "outputs is 1"),
        ({"loss": "hinge"}, "'hinge' is unknown; it is one of cross_entropy"),
        ({"hidden_sizes": (4, 0)}, r"hidden_sizes\[1\] is 0"),
        ({"activation": "swish"}, "'swish' is unknown; it is one of relu, sigmoid, tanh"),
        ({"optimizer": "lion"}, "'lion' is unknown"),
    ],
)
def test_shapes(change: dict, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        dataclasses.replace(SHAPE, **change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"learning_rate": -1.0}, "learning_rate -1.0"),
        ({"learning_rate": math.inf}, "learning_rate inf"),
        ({"weight_decay": math.nan}, "weight_decay nan"),
        ({"dropout": 1.0}, "dropout"),
        ({"step_gamma": 1.5}, r"step_gamma 1.5 must lie in \[0, 1\]"),
        ({"step_every": 0}, "step_every"),
        ({"clip_norm": 0.0}, "clip_norm"),
        ({"init_key": (-1,)}, "init_key"),
        ({"initializer": "orthogonal"}, "'orthogonal' is unknown"),
        ({"schedule": "warmup"}, "'warmup' is unknown"),
    ],
)
def test_members(change: dict, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        dataclasses.replace(nn.Member(0.1), **change)
    nn.Member(0.1, step_gamma=1.0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"x": np.zeros((4, 2))}, "float64 with 2"),
        ({"x": np.zeros(4, np.float32)}, "1 dimensions"),
        ({"y": np.zeros(3, int)}, "one target per row"),
        ({"shift": np.zeros(3, np.float32)}, "shift"),
        ({"scale": np.zeros(2)}, "scale"),
        ({"rows": np.zeros(0, np.intp)}, "at least one row"),
        ({"rows": np.array([4], np.intp)}, r"0\.\.3"),
        ({"rows": np.array([-1], np.intp)}, r"0\.\.3"),
    ],
)
def test_examples(change: dict, says: str) -> None:
    one = np.ones(2, np.float32)
    good = nn.Examples(np.zeros((4, 2), np.uint8), np.zeros(4, int), np.arange(4), one, one)
    assert len(good) == 4
    with pytest.raises(InvalidRequest, match=says):
        dataclasses.replace(good, **change)


def trained(blobs: Callable, order: Callable, *, batch_norm: bool) -> list[nn.Weights]:
    train, _ = blobs()
    shape = dataclasses.replace(SHAPE, batch_norm=batch_norm)
    members = [nn.Member(0.1, init_key=(k,)) for k in range(3)]
    outcomes = nn.train(shape, members, train, None, epochs=1, order=order, keep_weights=True)
    return [outcome.weights for outcome in outcomes if outcome.weights]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_weights_survive_arrays(blobs: Callable, order: Callable, batch_norm: bool) -> None:
    stack = nn.Weights.stack(trained(blobs, order, batch_norm=batch_norm))
    assert len(stack) == 3
    named = stack.arrays()
    assert named["layer0.weight"].shape == (3, 6, 4)
    assert ("layer0.bias" in named) is not batch_norm
    assert named["layer2.bias"].shape == (3, 3)
    back = nn.Weights.from_arrays(stack.shape, named)
    assert np.array_equal(back.flat, stack.flat)
    assert np.array_equal(back.mean, stack.mean)
    assert np.array_equal(back.variance, stack.variance)
    named["layer0.weight"][:] = 0
    assert stack.flat[:, :24].any(), "arrays are copies"


def test_members_of_a_stack_predict_what_they_predict_alone(
    blobs: Callable, order: Callable
) -> None:
    _, validation = blobs()
    parts = trained(blobs, order, batch_norm=True)
    stack = nn.Weights.stack(parts)
    together = nn.predict_values(stack.shape, stack, validation)
    assert together.shape == (3, 30, 3)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together.sum(-1), 1, rtol=1e-5)
    for alone, probabilities in zip(stack, together, strict=True):
        assert np.array_equal(nn.predict_values(stack.shape, alone, validation)[0], probabilities)
    mean = nn.ensemble_values(stack.shape, parts, validation)
    np.testing.assert_allclose(mean, together.mean(0), rtol=1e-6)
    assert np.array_equal(mean, nn.ensemble_values(stack.shape, stack, validation))


def test_foreign_weights_are_refused(blobs: Callable, order: Callable) -> None:
    _, validation = blobs()
    plain = trained(blobs, order, batch_norm=False)
    other = dataclasses.replace(SHAPE, outputs=4)
    with pytest.raises(InvalidRequest, match="do not fit"):
        nn.predict_values(other, plain[0], validation)
    with pytest.raises(InvalidRequest, match="one shape"):
        nn.Weights.stack([plain[0], *trained(blobs, order, batch_norm=True)])
    with pytest.raises(InvalidRequest, match="at least one"):
        nn.Weights.stack([])
    named = plain[0].arrays()
    for broken in (
        {"layer0.weight": named["layer0.weight"]},
        named | {"layer0.bias": np.ones((1, 9))},
    ):
        with pytest.raises(InvalidRequest, match="not a network"):
            nn.Weights.from_arrays(SHAPE, broken)


def test_initial_spreads(blobs: Callable) -> None:
    """The standard deviation of fresh weights is what the initialiser promises; biases are 0."""
    x = np.zeros((2, 400), np.uint8)
    one = np.ones(400, np.float32)
    train = nn.Examples(x, np.arange(2), np.arange(2), one, one)
    wanted = {
        ("zeros", "relu"): 0.0, ("normal", "relu"): 0.03, ("xavier", "relu"): 400**-0.5,
        ("he", "tanh"): (2 / 400) ** 0.5, ("auto", "relu"): (2 / 400) ** 0.5,
        ("auto", "tanh"): 400**-0.5, ("auto", "sigmoid"): 400**-0.5,
    }  # fmt: skip
    for (initializer, activation), std in wanted.items():
        member = nn.Member(0.0, initializer=initializer, init_std=0.03)
        weights = nn.train(
            nn.Shape(400, (300,), 2, activation), [member], train, None, epochs=1,
            order=lambda epoch: np.arange(2), keep_weights=True,
        )[0].weights.arrays()  # fmt: skip
        assert weights["layer0.weight"].std() == pytest.approx(std, rel=0.02)
        assert not weights["layer0.bias"].any()
    assert {name for name, _ in wanted} == nn.INITIALIZERS.keys()


def test_estimates(blobs: Callable) -> None:
    train, _ = blobs()
    small, large = nn.Shape(64, (50,), 10), nn.Shape(784, (100,) * 5, 10)
    assert nn.flops(small, 1, 100, 2) * 8 == pytest.approx(nn.flops(small, 4, 100, 4))
    assert nn.flops(large, 1, 100, 1) > 10 * nn.flops(small, 1, 100, 1)
    assert nn.flops(small, 1, 100, 1, validation_examples=50) > nn.flops(small, 1, 100, 1)
    assert nn.best_stack_size(small) >= nn.best_stack_size(large) >= 1
    huge = nn.Shape(784, (4096,) * 2, 10, optimizer="adam")
    assert nn.best_stack_size(huge) == 1
    assert (block_length(small), block_length(large), block_length(huge)) == (512, 256, 64)
    assert block_length(nn.Shape(10**7, (), 2)) == 64
    weights = nn.balanced_weights(train, 4)
    counts = np.bincount(train.targets, minlength=4)
    np.testing.assert_allclose((weights * counts)[:3], 50 / 4, rtol=1e-6)
    assert weights[3] == 1


def test_a_loss_of_any_size_is_finite() -> None:
    from hpsearch.nn.losses import SoftmaxCrossEntropy

    z = np.array([1e30, -1e30, 0.0], np.float32).reshape(1, 3, 1)
    loss = SoftmaxCrossEntropy(z).forward(np.array([1]))
    assert loss[0] == pytest.approx(2e30)
