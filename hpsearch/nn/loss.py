"""Softmax with cross-entropy: the loss, and its gradient in place of the logits.

T trials   C classes   B examples   z logits   k the right class of an example

nll = log(sum_c exp(z_c - m)) - (z_k - m) with m = max_c z_c: no exponent exceeds 0, so nothing
overflows, and a wrong answer of any confidence has a finite loss. L = sum_b s_b nll_b with
s_b = 1 / B, or with class weights w: s_b = w_k / sum of w over the minibatch.
dL/dz_c = s_b (softmax(z)_c - [c = k]).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


class SoftmaxCrossEntropy:
    """The loss of T networks on one minibatch, on a given buffer of logits (T, C, B)."""

    def __init__(self, logits: Array, class_weights: Array | None = None) -> None:
        trials, classes, examples = logits.shape
        dtype = logits.dtype
        self._z = logits
        self._flat = logits.reshape(trials, classes * examples)
        self._max, self._folds = _folds(logits)
        self._sum = np.empty((trials, 1, examples), dtype)
        self._right = np.empty((trials, examples), dtype)
        self._ones = np.ones((1, classes), dtype)
        self._target = np.zeros(classes * examples, dtype)  # s_b at the right class, else 0
        self._at = np.zeros(examples, np.intp)
        self._examples = np.array(examples, np.intp)
        self._columns = np.arange(examples, dtype=np.intp)
        self._weights = None if class_weights is None else class_weights.astype(dtype)
        self._s = np.full(examples, 1.0 / examples, dtype)
        self._column = self._s[:, None]
        self._losses = np.empty((trials, 1, 1), dtype)

    def forward(self, y: NDArray[np.integer[Any]]) -> Array:
        """(T,) mean losses for the classes y (B,); the logits become exp(z - m)."""
        self._aim(y)
        for left, right, folded in self._folds:
            np.maximum(left, right, out=folded)
        np.subtract(self._z, self._max, self._z)
        np.take(self._flat, self._at, axis=1, out=self._right, mode="clip")
        np.exp(self._z, self._z)
        np.matmul(self._ones, self._z, self._sum)
        nll = self._max[:, 0]
        np.log(self._sum[:, 0], nll)
        np.subtract(nll, self._right, nll)
        np.matmul(self._max, self._column, self._losses)
        return self._losses[:, 0, 0]

    def backward(self) -> Array:
        """(T, C, B) dL/dz, in the buffer of the logits."""
        np.divide(self._s, self._sum, self._sum)
        np.multiply(self._z, self._sum, self._z)
        np.subtract(self._flat, self._target, self._flat)
        return self._z

    def _aim(self, y: NDArray[np.integer[Any]]) -> None:
        """Find the right class of each example among the logits, and set the targets there."""
        self._target[self._at] = 0
        np.copyto(self._at, y, casting="unsafe")  # a small integer type would overflow below
        if self._weights is not None:
            np.take(self._weights, self._at, out=self._s, mode="clip")
            np.divide(self._s, self._s.sum(), self._s)
        np.multiply(self._at, self._examples, self._at)
        np.add(self._at, self._columns, self._at)
        self._target[self._at] = self._s


def _folds(z: Array) -> tuple[Array, list[tuple[Array, Array, Array]]]:
    """A buffer for the maximum over the classes, and the steps that fill it: z folded in halves.

    The halves overlap in the middle class where the number is odd. Folding works on long runs of
    numbers, where np.maximum.reduce would work on one row of examples at a time.
    """
    steps: list[tuple[Array, Array, Array]] = []
    while z.shape[1] > 1:
        half = -(-z.shape[1] // 2)
        folded = np.empty((z.shape[0], half, z.shape[2]), z.dtype)
        steps.append((_long(z[:, :half]), _long(z[:, -half:]), _long(folded)))
        z = folded
    return z, steps


def _long(z: Array) -> Array:
    """(T, C, B) whose last two axes lie in one piece -> (T, C * B)."""
    return z.reshape(len(z), -1)
