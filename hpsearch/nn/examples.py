"""Examples with targets, and the buffers through which minibatches of them reach the network.

N   rows of the data      F   inputs of an example      n   rows of this part of the data
B   examples of a minibatch
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hpsearch.encoding import Encoding
from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array, Rows, Targets
from hpsearch.nn.encoding import Encoder
from hpsearch.nn.passes import bind


@dataclass(frozen=True, slots=True)
class TargetScale:
    """The standardisation of targets that are numbers: a network learns (y - shift) / scale.

    Raises: InvalidRequest, when made, if these are not finite, or the scale is not above 0.
    """

    shift: float
    scale: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.shift) and 0 < self.scale < math.inf):
            raise InvalidRequest(f"targets cannot be standardised by {self.shift}, {self.scale}")

    def back(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The values in the units of the targets, in float64."""
        return values.astype(np.float64) * self.scale + self.shift


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Some rows of data, which may be memory-mapped and are never copied as a whole.

    x (N, F) or (N, *example_shape), uint8 or float32; y (N,) or (N, K), of the type that the loss
    takes; rows (n,) the rows of this part; shift, scale float32, shaped like an example: the
    network sees (x - shift) * scale. A scale of 0 silences a constant feature. Where there is an
    `encoding`, the network sees what it makes of these, and x may have gaps. target: see
    `TargetScale`; None for targets that are learned as they are. weights (n,) float64, in the order
    of `rows`: how much each example counts in losses and scores, above 0; None where all count the
    same.

    Raises: InvalidRequest, when made, if these do not fit each other.
    """

    x: NDArray[Any]
    y: Targets
    rows: Rows
    shift: NDArray[np.float32]
    scale: NDArray[np.float32]
    encoding: Encoding | None = None
    target: TargetScale | None = None
    weights: NDArray[np.float64] | None = None

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
                count = math.prod(self.x.shape[1:])
                raise InvalidRequest(f"{name} must be float32, one per feature ({count})")
        if self.encoding is not None and not self.encoding.fits(math.prod(self.x.shape[1:])):
            raise InvalidRequest("the encoding reads columns that x has not")
        if self.rows.ndim != 1 or self.rows.dtype != np.intp or not len(self.rows):
            raise InvalidRequest("rows must be a vector of intp with at least one row")
        if self.rows.min() < 0 or self.rows.max() >= len(self.x):
            raise InvalidRequest(f"rows must lie in 0..{len(self.x) - 1}")
        weights = self.weights
        if weights is not None and not _weigh(weights, len(self.rows)):
            raise InvalidRequest(
                f"weights must be {len(self.rows)} finite float64 above 0, one for each of `rows`"
            )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def features(self) -> int:
        """F, the width of the network's inputs."""
        if self.encoding is not None:
            return self.encoding.width
        return math.prod(self.x.shape[1:])

    @property
    def targets(self) -> Targets:
        """(n, ...) the targets of this part, in the order of `rows`."""
        return self.y[self.rows]


def _weigh(weights: NDArray[Any], count: int) -> bool:
    fits = weights.shape == (count,) and weights.dtype == np.float64
    return fits and bool(np.isfinite(weights).all()) and bool((weights > 0).all())


class Feeder:
    """Buffers that one block of B examples is gathered into; filling them allocates nothing.

    `x` (F + 1, B): values down, examples across, and a last row of ones for the bias.
    `targets` (B, ...), standardised where the examples say so.
    """

    def __init__(self, examples: Examples, length: int, dtype: DTypeLike) -> None:
        width, encoding = math.prod(examples.x.shape[1:]), examples.encoding
        self._source = examples
        self._index = np.empty(length, np.intp)
        self._raw = np.empty((length, *examples.x.shape[1:]), examples.x.dtype)
        self._raw_t = self._raw.reshape(length, width).T
        self._turned = np.empty((width, length), examples.x.dtype)
        # Spread over the examples: a product with a broadcast column takes twice as long.
        shift = np.repeat(examples.shift.reshape(-1, 1).astype(dtype), length, axis=1)
        scale = np.repeat(examples.scale.reshape(-1, 1).astype(dtype), length, axis=1)
        self.x = np.ones((examples.features + 1, length), dtype)
        self.targets = np.empty((length, *examples.y.shape[1:]), examples.y.dtype)
        inputs = self.x[:-1]
        self._columns = inputs if encoding is None else np.empty((width, length), dtype)
        self._scaled = bind(_scale, (self._turned, shift, scale, self._columns))
        self._encoder = None if encoding is None else Encoder(encoding, self._columns, inputs)

    def fill(self, positions: Rows) -> None:
        """Gather the examples at `positions` (B,), counted within the part.

        uint8 rows are turned as bytes, which is cheaper than turning floats.
        """
        source = self._source
        # mode="clip" writes straight into `out`; the positions are known to be valid
        np.take(source.rows, positions, out=self._index, mode="clip")
        np.take(source.x, self._index, axis=0, out=self._raw, mode="clip")
        np.take(source.y, self._index, axis=0, out=self.targets, mode="clip")
        if source.target is not None:
            np.subtract(self.targets, source.target.shift, self.targets)
            np.divide(self.targets, source.target.scale, self.targets)
        np.copyto(self._turned, self._raw_t)
        self._scaled()
        if self._encoder is not None:
            self._encoder.fill()


def _scale(stored: Array, shift: Array, scale: Array, inputs: Array) -> None:
    np.copyto(inputs, stored)
    np.subtract(inputs, shift, inputs)
    np.multiply(inputs, scale, inputs)
