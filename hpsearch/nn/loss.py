"""The interface of a loss: a mean loss, its gradient, and what outputs mean to people.

T trials   K outputs   B examples   z outputs   n examples of a part

A `Loss` has no memory; `bind` gives the `BatchLoss` that computes on the buffer of a minibatch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array, Targets

Task: TypeAlias = Literal["classification", "regression"]


class BatchLoss(Protocol):
    """A loss on the outputs (T, K, B) of a minibatch; every sum stays inside one trial."""

    @property
    def losses(self) -> Array:
        """(T, B) the examples' losses, after `forward`."""

    def forward(self, targets: Targets) -> Array:
        """(T,) mean losses for the targets (B, ...); the outputs may be overwritten."""

    def backward(self) -> Array:
        """(T, K, B) the gradient of the mean losses, in the buffer of the outputs."""


class WeightedLoss:
    """Another loss of examples that count by weights w: L = sum over b of w_b l_b / B.

    l_b are the other's losses (T, B), and dL/dz its gradient, which is of sum over b of l_b / B,
    times w_b: no loss needs to know of weights. `weights` (B,) is written before each `forward`.
    """

    def __init__(self, loss: BatchLoss, weights: Array, trials: int) -> None:
        self._loss, self._weights = loss, weights
        self._share = np.array(1 / len(weights), weights.dtype)
        self._column = np.empty((len(weights), 1), weights.dtype)
        self._means = np.empty((trials, 1, 1), weights.dtype)

    @property
    def losses(self) -> Array:
        """(T, B) the examples' losses, not weighted."""
        return self._loss.losses

    def forward(self, targets: Targets) -> Array:
        """(T,) weighted losses for the targets (B, ...)."""
        self._loss.forward(targets)
        np.multiply(self._weights, self._share, self._column[:, 0])
        np.matmul(self.losses[:, None], self._column, self._means)
        return self._means[:, 0, 0]

    def backward(self) -> Array:
        """(T, K, B) dL/dz."""
        gradient = self._loss.backward()
        np.multiply(gradient, self._weights, gradient)
        return gradient


class Loss(ABC):
    """A loss, and the meaning of a network's outputs under it.

    task
        Of a "classification" targets and predictions are classes 0..K-1: class weights may be
        set, and correct predictions are counted. Of a "regression" they are numbers.
    predicted_dtype
        The type of a prediction; predictions have the shape of the targets.
    """

    task: ClassVar[Task] = "regression"
    least_outputs: ClassVar[int] = 1
    predicted_dtype: ClassVar[DTypeLike] = np.float32

    @abstractmethod
    def outputs(self, targets: Targets) -> int:
        """The number of outputs that these targets (n, ...) need.

        Raises: InvalidRequest if they are not of the type or the range that the loss takes.
        """

    def check(self, targets: Targets, outputs: int) -> None:
        """Refuse targets that do not fit a network of so many outputs. Raises: InvalidRequest."""
        if self.outputs(targets) != outputs:
            raise InvalidRequest(
                f"targets {targets.shape} need {self.outputs(targets)} outputs, not {outputs}"
            )

    @abstractmethod
    def bind(self, outputs: Array, class_weights: Array | None = None) -> BatchLoss:
        """Compute on these outputs (T, K, B); class_weights (K,) in a classification alone."""

    def values(self, outputs: Array) -> Array:
        """(T, B, ...) new, of outputs (T, K, B): probabilities of classes, or predicted numbers.

        The outputs may be overwritten.
        """
        return outputs.swapaxes(1, 2).copy()

    def predict(self, outputs: Array, out: NDArray[Any]) -> None:
        """Write the predictions of outputs (T, K, B) to out (T, B, ...)."""
        np.copyto(out, self.values(outputs).reshape(out.shape))
