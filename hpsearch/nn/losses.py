"""The losses that there are, and cross-entropy, the one of classes.

T trials   K outputs   B examples   z outputs   n examples of a part
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array, Targets
from hpsearch.nn.loss import BatchLoss, Loss
from hpsearch.nn.number_losses import Huber, SquaredError
from hpsearch.nn.passes import bind
from hpsearch.registry import Registry


class CrossEntropy(Loss):
    """Softmax with cross-entropy; targets are integer classes (n,)."""

    task = "classification"
    least_outputs = 2
    predicted_dtype = np.intp

    def outputs(self, targets: Targets) -> int:
        """The number of the highest class and one, at least two."""
        if targets.ndim != 1 or targets.dtype.kind not in "iu":
            raise InvalidRequest(
                f"targets are {targets.dtype} {targets.shape}; one integer class each is wanted"
            )
        return max(self.least_outputs, int(targets.max()) + 1)

    def check(self, targets: Targets, outputs: int) -> None:
        """Refuse what is no class. Raises: InvalidRequest."""
        if self.outputs(targets) > outputs or targets.min() < 0:
            raise InvalidRequest(f"classes must lie in 0..{outputs - 1}")

    def bind(self, outputs: Array, class_weights: Array | None = None) -> BatchLoss:
        """Compute on these outputs."""
        return SoftmaxCrossEntropy(outputs, class_weights)

    def values(self, outputs: Array) -> Array:
        """(T, B, K) probabilities: the softmax of the outputs."""
        np.subtract(outputs, outputs.max(axis=1, keepdims=True), outputs)
        np.exp(outputs, outputs)
        shares: Array = outputs / outputs.sum(axis=1, keepdims=True)
        return shares.swapaxes(1, 2)

    def predict(self, outputs: Array, out: NDArray[Any]) -> None:
        """Write the class with the largest output."""
        np.argmax(outputs, axis=1, out=out)


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy as one, the gradient in place of the outputs.

    With k the class of an example and m = max_c z_c: nll = log(sum_c exp(z_c - m)) - (z_k - m).
    No exponent exceeds 0, so nothing overflows, and a wrong answer of any confidence has a finite
    loss. L = sum_b s_b nll_b with s_b = 1 / B, or with class weights w: s_b = w_k / sum of w over
    the minibatch. dL/dz_c = s_b (softmax(z)_c - [c = k]).
    """

    def __init__(self, outputs: Array, class_weights: Array | None = None) -> None:
        trials, classes, examples = outputs.shape
        dtype = outputs.dtype
        self._z = outputs
        self._flat = outputs.reshape(trials, classes * examples)
        self._max, self._folds = _folds(outputs)
        self.losses = self._max[:, 0]
        self._sum = np.empty((trials, 1, examples), dtype)
        self._z_of_class = np.empty((trials, examples), dtype)
        self._ones = np.ones((1, classes), dtype)
        self._target = np.zeros(classes * examples, dtype)  # s_b at the example's class, else 0
        self._at = np.zeros(examples, np.intp)
        self._examples = np.array(examples, np.intp)
        self._columns = np.arange(examples, dtype=np.intp)
        self._weights = None if class_weights is None else class_weights.astype(dtype)
        self._s = np.full(examples, 1.0 / examples, dtype)
        self._shift = bind(_subtract, (self._max, outputs))
        self._divide = bind(_divide, (self._s, self._sum))
        target = self._target.reshape(classes, examples)
        self._slope = bind(_slope, (self._sum, target, outputs))
        self._column = self._s[:, None]
        self._losses = np.empty((trials, 1, 1), dtype)

    def forward(self, targets: Targets) -> Array:
        """(T,) mean losses for the classes (B,); the outputs become exp(z - m)."""
        self._aim(targets)
        for left, right, folded in self._folds:
            np.maximum(left, right, out=folded)
        self._shift()
        np.take(self._flat, self._at, axis=1, out=self._z_of_class, mode="clip")
        np.exp(self._z, self._z)
        np.matmul(self._ones, self._z, self._sum)
        np.log(self._sum[:, 0], self.losses)
        np.subtract(self.losses, self._z_of_class, self.losses)
        np.matmul(self._max, self._column, self._losses)
        return self._losses[:, 0, 0]

    def backward(self) -> Array:
        """(T, K, B) dL/dz."""
        self._divide()
        self._slope()
        return self._z

    def _aim(self, classes: Targets) -> None:
        """Locate each example's class among the outputs, and set the targets there."""
        self._target[self._at] = 0
        np.copyto(self._at, classes, casting="unsafe")  # a small integer type would overflow below
        if self._weights is not None:
            np.take(self._weights, self._at, out=self._s, mode="clip")
            np.divide(self._s, self._s.sum(), self._s)
        np.multiply(self._at, self._examples, self._at)
        np.add(self._at, self._columns, self._at)
        self._target[self._at] = self._s


def _subtract(most: Array, z: Array) -> None:
    np.subtract(z, most, z)


def _divide(s: Array, total: Array) -> None:
    np.divide(s, total, total)


def _slope(share: Array, target: Array, z: Array) -> None:
    np.multiply(z, share, z)
    np.subtract(z, target, z)


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


LOSSES: Registry[Loss] = Registry(
    "loss",
    {"cross_entropy": CrossEntropy(), "squared_error": SquaredError(), "huber": Huber()},
)
