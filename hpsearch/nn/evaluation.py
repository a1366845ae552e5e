"""Scores and probabilities of a stack in inference: running statistics, no dropout.

T trials   n examples   C classes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.examples import Examples, Feeder, Rows
from hpsearch.nn.loss import SoftmaxCrossEntropy
from hpsearch.nn.network import Network, Parameters
from hpsearch.nn.numerics import engine_arithmetic
from hpsearch.nn.parameters import Weights
from hpsearch.nn.shape import Shape

Array = NDArray[np.floating[Any]]

_VALUES = 2**19  # activations of one trial that a block may have


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Mean cross-entropy (T,) in float64, right answers (T,), and the answers (T, n).

    `balanced` (T,) is the mean recall of the classes, None where it was not asked for.
    """

    losses: NDArray[np.float64]
    correct: NDArray[np.intp]
    predicted: NDArray[np.intp]
    balanced: NDArray[np.float64] | None = None


def block_length(shape: Shape) -> int:
    """How many examples are evaluated at a time: by the shape alone, since it fixes bits."""
    length = _VALUES // sum(shape.sizes)
    return min(512, max(64, 1 << max(length.bit_length() - 1, 0)))


class Recall:
    """The mean over the classes of the share that is recognised: balanced accuracy.

    A class without examples in the part has no share in the mean.
    """

    def __init__(self, examples: Examples) -> None:
        self._y = examples.classes_of_rows.astype(np.intp)
        counts = np.bincount(self._y)
        self._present = np.flatnonzero(counts)
        self._counts = counts[self._present]

    def mean(self, predicted: NDArray[np.intp]) -> NDArray[np.float64]:
        """(T, n) answers -> (T,)."""
        means = np.empty(len(predicted))
        for t, answers in enumerate(predicted):  # one by one: every sum stays inside a trial
            hits = np.bincount(self._y[answers == self._y], minlength=self._present[-1] + 1)
            means[t] = np.add.reduce(hits[self._present] / self._counts) / len(self._counts)
        return means


class _Pass:
    """Inference over blocks of one length."""

    def __init__(
        self, shape: Shape, parameters: Parameters, examples: Examples, length: int
    ) -> None:
        self.feeder = Feeder(examples, length, parameters.flat.dtype)
        self.network = Network(shape, parameters, self.feeder.x)
        self.loss = SoftmaxCrossEntropy(self.network.logits)

    def run(self, positions: Rows) -> Array:
        """(T, C, B) logits."""
        self.feeder.fill(positions)
        self.network.infer()
        return self.network.logits


class Evaluator:
    """Scores a stack on one part of the data, with buffers kept from call to call."""

    def __init__(
        self,
        shape: Shape,
        parameters: Parameters,
        examples: Examples,
        *,
        balanced: bool = False,
    ) -> None:
        self._trials, self._count = len(parameters.flat), len(examples)
        self._recall = Recall(examples) if balanced else None
        self._classes = shape.classes
        self._positions = np.arange(self._count, dtype=np.intp)
        self._length = block_length(shape)
        lengths = {min(self._length, self._count), self._count % self._length or self._length}
        self._passes = {
            length: _Pass(shape, parameters, examples, length)
            for length in lengths
            if length <= self._count
        }

    def score(self) -> Scores:
        """Losses and answers of every trial."""
        losses = np.zeros(self._trials)
        predicted = np.empty((self._trials, self._count), np.intp)
        correct = np.zeros(self._trials, np.intp)
        for here, block in self._blocks():
            logits = block.run(self._positions[here])
            np.argmax(logits, axis=1, out=predicted[:, here])
            correct += np.count_nonzero(predicted[:, here] == block.feeder.y, axis=1)
            losses += block.loss.forward(block.feeder.y).astype(np.float64) * len(block.feeder.y)
        balanced = self._recall.mean(predicted) if self._recall else None
        return Scores(losses / self._count, correct, predicted, balanced)

    def probabilities(self) -> Array:
        """(T, n, C) softmax of the logits."""
        out = np.empty((self._trials, self._count, self._classes), np.float32)
        for here, block in self._blocks():
            logits = block.run(self._positions[here])
            block.loss.forward(block.feeder.y)
            out[:, here] = (logits / logits.sum(axis=1, keepdims=True)).swapaxes(1, 2)
        return out

    def _blocks(self) -> Iterator[tuple[slice, _Pass]]:
        for start in range(0, self._count, self._length):
            stop = min(start + self._length, self._count)
            yield slice(start, stop), self._passes[stop - start]


def predict_proba(shape: Shape, weights: Weights, examples: Examples) -> NDArray[np.float32]:
    """(T, n, C) probabilities of each member for each example, in the order of `examples.rows`.

    Raises: InvalidRequest if shape, weights and examples do not belong together.
    """
    if weights.shape != shape or examples.features != shape.inputs:
        raise InvalidRequest(
            f"weights of {weights.shape} and {examples.features} features do not fit {shape}"
        )
    parameters = Parameters(weights.flat, weights.mean, weights.variance)
    with engine_arithmetic():  # weights that overflow give NaN, which the caller sees
        return Evaluator(shape, parameters, examples).probabilities().astype(np.float32)


def ensemble_proba(
    shape: Shape, weights: Weights | Sequence[Weights], examples: Examples
) -> NDArray[np.float32]:
    """(n, C) the mean of the members' probabilities."""
    members = weights if isinstance(weights, Weights) else Weights.stack(weights)
    mean: NDArray[np.float32] = predict_proba(shape, members, examples).mean(0, np.float32)
    return mean
