"""A training step allocates nothing that grows with the network, the batch or the stack."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from support.allocated import least_allocated

from hpsearch import nn
from hpsearch.nn.numerics import engine_arithmetic
from hpsearch.nn.stack import Stack


def stack_of(shape: nn.Shape, dropout: float) -> Stack:
    draws = np.random.default_rng(0)
    x = draws.integers(0, 256, (300, shape.inputs), dtype=np.uint8)
    y = draws.integers(0, shape.outputs, 300)
    flat = np.ones(shape.inputs, np.float32)
    examples = nn.Examples(x, y, np.arange(300), 128 * flat, flat / 64)
    members = [
        nn.Member(0.01, 1e-3, dropout=dropout, clip_norm=1.0, schedule="cosine", init_key=(t,))
        for t in range(16)
    ]
    return Stack(shape, members, examples, epochs=3)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("optimizer", nn.OPTIMIZERS)
def test_a_step_allocates_nothing(optimizer: str, batch_norm: bool, dropout: float) -> None:
    shape = nn.Shape(100, (60, 40), 10, "tanh", optimizer, 64, batch_norm)
    stack = stack_of(shape, dropout)
    positions = np.arange(64)
    steps = itertools.count(1)

    def train() -> None:
        for _ in range(5):
            stack.step(positions, 0.5, next(steps))

    with engine_arithmetic():
        train()
        peak, left = least_allocated(train)
    # The smallest array that a layer needs has 16 * 10 * 64 * 4 = 40,960 bytes. What is left are
    # views, one number per trial, and NumPy's own buffers for broadcasting, 2,048 values each.
    assert peak < 38_000
    assert left < 4_000


def test_partial_batches_have_buffers_of_their_own_made_once(blobs: Callable) -> None:
    stack = stack_of(nn.Shape(100, (20,), 10, batch_size=64), 0.0)
    for t in range(1, 5):
        stack.step(np.arange(64), 0.0, t)
        stack.step(np.arange(44), 0.0, t)
    assert set(stack._steps) == {64, 44}


def test_a_large_stack_is_small() -> None:
    """32 trials of 784-100-10 beside mapped data: below 300 MB; NumPy reports to tracemalloc."""
    shape = nn.Shape(784, (100,), 10, optimizer="adam", batch_size=100)
    draws = np.random.default_rng(0)
    x = draws.integers(0, 256, (1200, 784), dtype=np.uint8)
    y = draws.integers(0, 10, 1200)
    flat = np.ones(784, np.float32)
    parts = [
        nn.Examples(x, y, rows, 128 * flat, flat / 64)
        for rows in (np.arange(200), np.arange(200, 1200))
    ]
    members = [nn.Member(1e-3, init_key=(t,)) for t in range(32)]
    tracemalloc.start()
    nn.train(shape, members, *parts, epochs=1, order=lambda epoch: np.arange(200))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6
