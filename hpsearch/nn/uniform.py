"""Uniform numbers of a stream: NumPy's generator, or the same generator in machine code.

Dropout draws float32 numbers from a PCG64 of each trial. NumPy calls a function for each of them;
compiled, the generator takes four steps at a time. Numbers and their order are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.passes import uses_compiled


class Uniform(Protocol):
    """A stream of float32 numbers in [0, 1), multiples of 2^-24."""

    def random(self, *, dtype: type[np.float32], out: NDArray[np.float32]) -> object:
        """Fill `out`, contiguous, with the next numbers."""


def uniform(key: Sequence[int]) -> Uniform:
    """The stream of a key: the same numbers, whoever computes them."""
    stream = np.random.PCG64(np.random.SeedSequence(key))
    if not uses_compiled():
        return np.random.Generator(stream)
    from hpsearch.nn.pcg64 import Pcg64  # an extra, which others have not

    return Pcg64(stream)
