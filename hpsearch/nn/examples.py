"""Examples with targets, and the buffers through which minibatches of them reach the network.

N   rows of the data      F   values of an example      n   rows of this part of the data
B   examples of a minibatch
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Rows, Targets


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Some rows of data, which may be memory-mapped and are never copied as a whole.

    x (N, F) or (N, *example_shape), uint8 or float32; y (N,) or (N, K), of the type that the loss
    takes; rows (n,) the rows of this part; shift, scale float32, shaped like an example: the
    network sees (x - shift) * scale. A scale of 0 silences a constant feature.

    Raises: InvalidRequest, when made, if these do not fit each other.
    """

    x: NDArray[Any]
    y: Targets
    rows: Rows
    shift: NDArray[np.float32]
    scale: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.x.ndim < 2 or self.x.dtype not in (np.uint8, np.float32):
            raise InvalidRequest(
                f"x is {self.x.dtype} with {self.x.ndim} dimensions; "
                "uint8 or float32 with 2 or more wanted"
            )
        if self.y.shape[:1] != self.x.shape[:1]:
            raise InvalidRequest(f"y must hold one target per row of x ({len(self.x)})")
        for name, values in (("shift", self.shift), ("scale", self.scale)):
            if values.shape != self.x.shape[1:] or values.dtype != np.float32:
                raise InvalidRequest(f"{name} must be float32, one per feature ({self.features})")
        if self.rows.ndim != 1 or self.rows.dtype != np.intp or not len(self.rows):
            raise InvalidRequest("rows must be a vector of intp with at least one row")
        if self.rows.min() < 0 or self.rows.max() >= len(self.x):
            raise InvalidRequest(f"rows must lie in 0..{len(self.x) - 1}")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def features(self) -> int:
        """F."""
        return math.prod(self.x.shape[1:])

    @property
    def targets(self) -> Targets:
        """(n, ...) the targets of this part, in the order of `rows`."""
        return self.y[self.rows]


class Feeder:
    """Buffers that one block of B examples is gathered into; filling them allocates nothing.

    `x` (F + 1, B): values down, examples across, and a last row of ones for the bias.
    `targets` (B, ...).
    """

    def __init__(self, examples: Examples, length: int, dtype: DTypeLike) -> None:
        features = examples.features
        self._source = examples
        self._index = np.empty(length, np.intp)
        self._raw = np.empty((length, *examples.x.shape[1:]), examples.x.dtype)
        self._raw_t = self._raw.reshape(length, features).T
        self._turned = np.empty((features, length), examples.x.dtype)
        # Spread over the examples: a product with a broadcast column takes twice as long.
        self._shift = np.repeat(examples.shift.reshape(-1, 1).astype(dtype), length, axis=1)
        self._scale = np.repeat(examples.scale.reshape(-1, 1).astype(dtype), length, axis=1)
        self.x = np.ones((features + 1, length), dtype)
        self.targets = np.empty((length, *examples.y.shape[1:]), examples.y.dtype)
        self._inputs = self.x[:-1]

    def fill(self, positions: Rows) -> None:
        """Gather the examples at `positions` (B,), counted within the part.

        uint8 rows are turned as bytes, which is cheaper than turning floats.
        """
        source = self._source
        # mode="clip" writes straight into `out`; the positions are known to be valid
        np.take(source.rows, positions, out=self._index, mode="clip")
        np.take(source.x, self._index, axis=0, out=self._raw, mode="clip")
        np.take(source.y, self._index, axis=0, out=self.targets, mode="clip")
        np.copyto(self._turned, self._raw_t)
        np.copyto(self._inputs, self._turned)
        np.subtract(self._inputs, self._shift, self._inputs)
        np.multiply(self._inputs, self._scale, self._inputs)
