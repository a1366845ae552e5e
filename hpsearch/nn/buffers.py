"""The buffers that activations live in: one column per example, one row per unit.

T trials   U units   B examples

Inside the engine a layer's activations are (T, U + 1, B), units down, examples across. Every
matrix product then reads its operands the way BLAS likes them best, softmax works on whole rows
of examples, and the last row, always 1, lets the bias be the last row of the weights: adding it
and summing its gradient happen inside the matrix products.

The units of an example that has a shape, an image's (height, width), lie in the order of that
shape: `rows` reshaped to (T, *shape, B) is a view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from hpsearch.nn.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """A layer's activations for a minibatch, four views of one buffer, and their gradient.

    The inputs have no axis T, as all trials share them, and an empty `d`.
    """

    with_ones: Array  # (T, U + 1, B)
    rows: Array  # (T, U, B), without the row of ones
    flat: Array  # (T, U * B), the same
    whole: Array  # (T * (U + 1) * B,), contiguous, the ones included
    d: Array  # (T, U, B), dL/dh; a layer in place makes it dL/dz
    d_flat: Array  # (T, U * B), the same

    @classmethod
    def make(cls, trials: int, units: int, examples: int, dtype: DTypeLike) -> Units:
        """A buffer of zeros with its row of ones."""
        full = np.zeros((trials, units + 1, examples), dtype)
        full[:, -1] = 1
        flat = full.reshape(trials, -1)[:, : units * examples]
        d = np.empty((trials, units, examples), dtype)
        return cls(full, full[:, :-1], flat, full.reshape(-1), d, d.reshape(trials, -1))

    @classmethod
    def outputs(cls, trials: int, units: int, examples: int, dtype: DTypeLike) -> Units:
        """The network's last buffer: no row of ones, and the gradient in place of the values."""
        rows = np.empty((trials, units, examples), dtype)
        flat = rows.reshape(trials, -1)
        return cls(rows, rows, flat, rows.reshape(-1), rows, flat)

    @classmethod
    def inputs(cls, x: Array) -> Units:
        """The inputs x (F + 1, B), their row of ones included."""
        nothing = np.empty((0, 0), x.dtype)
        rows = x[:-1]
        return cls(x, rows, rows.reshape(1, -1), x.reshape(-1), nothing, nothing)
