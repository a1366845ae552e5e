"""Estimates: floating-point operations, the stack size, and balanced class weights."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.examples import Examples
from hpsearch.nn.optimizers import OPTIMIZERS
from hpsearch.nn.parameters import layout
from hpsearch.nn.shape import Shape

_CACHED_BYTES, _MEMORY_BYTES = 4e6, 256e6


def flops(
    shape: Shape, count: int, examples: int, epochs: int, *, validation_examples: int = 0
) -> float:
    """Floating-point operations of training `count` trials; the products and the optimizer.

    A product of (a, b) and (b, c) counts 2 a b c; each layer has three per minibatch (forward, the
    weights' gradient, the input's gradient, which the first layer lacks), inference has one.
    """
    products = [plan.products for plan in shape.plans if plan.products]
    per_example = 2.0 * (3 * sum(products) - products[0])
    steps = -(-examples // shape.batch_size)
    update = 12.0 * layout(shape).size * steps
    inference = 2.0 * sum(products) * validation_examples
    return count * epochs * (per_example * examples + update + inference)


def best_stack_size(shape: Shape) -> int:
    """The trials to train together: a power of two up to 32, which never changes a result.

    More trials share the price of gathering a minibatch and of calling NumPy; fewer stay in the
    cache from one pass to the next. Measured (docs/engine.md), the best stacks are those whose
    parameters, optimizer state and activations are below about four million bytes, and four
    trials where even those are more, as long as memory allows.
    """
    values = layout(shape).size * (1 + OPTIMIZERS[shape.optimizer].states)
    per_unit = 6 if shape.batch_norm else 3  # buffers: values, slopes, masks, centred values, ...
    values += per_unit * shape.batch_size * sum(shape.sizes[1:])
    trials = max(_CACHED_BYTES / (4 * values), min(4, _MEMORY_BYTES / (4 * values)), 1)
    return int(min(32, 2 ** math.floor(math.log2(trials))))


def resident_bytes(shape: Shape) -> int:
    """Bytes that a trial holds while its training pauses: parameters and the optimizer's state."""
    return 4 * layout(shape).size * (1 + OPTIMIZERS[shape.optimizer].states)


def balanced_weights(examples: Examples, classes: int) -> NDArray[np.float32]:
    """(C,) n / (C n_c): every class weighs the same in sum; a class without examples weighs 1.

    Where examples have weights, n and n_c are sums of them.
    """
    counts = np.bincount(examples.targets, examples.weights, minlength=classes)
    total = len(examples) if examples.weights is None else counts.sum()
    least = np.where(counts, counts, 1)
    return np.where(counts, total / (classes * least), 1.0).astype(np.float32)
