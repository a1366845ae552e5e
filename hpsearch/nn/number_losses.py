"""Losses of a regression: squared error, and Huber's, which large errors move less.

T trials   K outputs   B examples   z outputs   y targets   e = z - y

Both are means over the K outputs of an example and over the B examples. Targets are standardised
before they come here (`Examples.target`), so that a loss is in units of their standard deviation.
"""

from __future__ import annotations

import numpy as np

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array, Targets
from hpsearch.nn.loss import BatchLoss, Loss

DELTA = 1.0  # standard deviations of the target: where Huber's loss turns from square to slope


class SquaredError(Loss):
    """Half the squared error, e² / 2; targets are numbers (n,) or (n, K)."""

    def outputs(self, targets: Targets) -> int:
        """The targets of one example."""
        if targets.dtype.kind != "f" or targets.ndim > 2:
            raise InvalidRequest(f"targets are {targets.dtype} {targets.shape}; numbers are wanted")
        return 1 if targets.ndim == 1 else targets.shape[1]

    def bind(self, outputs: Array, class_weights: Array | None = None) -> BatchLoss:  # noqa: ARG002 - the interface's
        """Compute on these outputs."""
        return SquaredErrorOnBatch(outputs)


class Huber(SquaredError):
    """e² / 2 up to |e| = d, and d (|e| - d / 2) beyond (Huber 1964, page 75), with d = `DELTA`."""

    def bind(self, outputs: Array, class_weights: Array | None = None) -> BatchLoss:  # noqa: ARG002 - the interface's
        """Compute on these outputs."""
        return HuberOnBatch(outputs)


class SquaredErrorOnBatch:
    """L = sum over k, b of e² / (2 K B), and dL/dz = e / (K B)."""

    def __init__(self, outputs: Array) -> None:
        trials, count, examples = outputs.shape
        dtype = outputs.dtype
        self._z = outputs
        self._y = np.empty((count, examples), dtype)
        self._each = np.empty_like(outputs)
        self._mean = np.full((1, count), 0.5 / count, dtype)
        self._losses = np.empty((trials, 1, examples), dtype)
        self._column = np.full((examples, 1), 1 / examples, dtype)
        self._slope = np.array(1 / (count * examples), dtype)
        self.losses = self._losses[:, 0]

    def forward(self, targets: Targets) -> Array:
        """(T,) mean losses for the numbers (B,) or (B, K); the outputs become e."""
        np.copyto(self._y, targets.reshape(len(targets), -1).T, casting="same_kind")
        np.subtract(self._z, self._y, self._z)
        self._doubled()
        np.matmul(self._mean, self._each, self._losses)
        losses: Array = np.matmul(self._losses, self._column)[:, 0, 0]
        return losses

    def _doubled(self) -> None:
        """Write twice the loss of each output."""
        np.multiply(self._z, self._z, self._each)

    def backward(self) -> Array:
        """(T, K, B) dL/dz."""
        np.multiply(self._z, self._slope, self._z)
        return self._z


class HuberOnBatch(SquaredErrorOnBatch):
    """With c = min(|e|, d) twice the loss is c (2 |e| - c); dL/dz = e cut at -d and d, over K B."""

    def __init__(self, outputs: Array) -> None:
        super().__init__(outputs)
        self._cut = np.empty_like(outputs)
        self._low, self._high, self._two = (
            np.array(x, outputs.dtype) for x in (-DELTA, DELTA, 2.0)
        )

    def _doubled(self) -> None:
        np.abs(self._z, self._each)
        np.minimum(self._each, self._high, out=self._cut)
        np.multiply(self._each, self._two, self._each)
        np.subtract(self._each, self._cut, self._each)
        np.multiply(self._each, self._cut, self._each)

    def backward(self) -> Array:
        """(T, K, B) dL/dz."""
        np.minimum(self._z, self._high, out=self._z)
        np.maximum(self._z, self._low, out=self._z)
        return super().backward()
