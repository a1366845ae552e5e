"""The buffers that activations live in: one column per example, one row per unit.

T trials   U units   B examples

Inside the engine a layer's activations are (T, U + 1, B), units down, examples across. Every
matrix product then reads its operands the way BLAS likes them best, softmax works on whole rows
of examples, and the last row, always 1, lets the bias be the last row of the weights: adding it
and summing its gradient happen inside the matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """One layer's activations for a minibatch, seen four ways; all views of one buffer."""

    with_ones: Array  # (T, U + 1, B)
    rows: Array  # (T, U, B), without the row of ones
    flat: Array  # (T, U * B), the same
    whole: Array  # (T * (U + 1) * B,), contiguous, the ones included

    @classmethod
    def make(cls, trials: int, units: int, examples: int, dtype: DTypeLike) -> Units:
        """A buffer of zeros with its row of ones."""
        full = np.zeros((trials, units + 1, examples), dtype)
        full[:, -1] = 1
        flat = full.reshape(trials, -1)[:, : units * examples]
        return cls(full, full[:, :-1], flat, full.reshape(-1))
