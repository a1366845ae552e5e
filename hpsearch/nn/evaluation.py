"""Scores and predictions of a stack in inference: running statistics, no dropout.

T trials   n examples   K outputs   B examples of a block
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array, Rows, Vector
from hpsearch.nn.examples import Examples, Feeder
from hpsearch.nn.losses import LOSSES, Loss
from hpsearch.nn.measures import Measure, Needs
from hpsearch.nn.network import Network, Parameters
from hpsearch.nn.numerics import engine_arithmetic
from hpsearch.nn.parameters import Weights
from hpsearch.nn.shape import Shape

_VALUES = 2**19  # activations of one trial that a block may have


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Mean losses (T,), predictions (T, n, ...) and measures by name (T,).

    `n_correct` (T,) counts correct predictions; None in a regression.
    """

    losses: Vector
    predicted: NDArray[Any]
    n_correct: NDArray[np.intp] | None
    measures: Mapping[str, Vector]


def block_length(shape: Shape) -> int:
    """The examples that are evaluated at a time: by the shape alone, since it fixes bits."""
    length = _VALUES // sum(shape.sizes)
    return min(512, max(64, 1 << max(length.bit_length() - 1, 0)))


class _Block:
    """Inference over blocks of one length."""

    def __init__(
        self, shape: Shape, parameters: Parameters, examples: Examples, length: int
    ) -> None:
        self.feeder = Feeder(examples, length, parameters.flat.dtype)
        self.network = Network(shape, parameters, self.feeder.x)
        self.loss = LOSSES[shape.loss].bind(self.network.outputs)

    def run(self, positions: Rows) -> Array:
        """(T, K, B) outputs."""
        self.feeder.fill(positions)
        self.network.infer()
        return self.network.outputs


class Evaluator:
    """The evaluation of a stack on one part of the data, with buffers kept from call to call."""

    def __init__(
        self,
        shape: Shape,
        parameters: Parameters,
        examples: Examples,
        measures: Mapping[str, Measure] | None = None,
    ) -> None:
        self._trials, self._count = len(parameters.flat), len(examples)
        self._loss: Loss = LOSSES[shape.loss]
        self._measures = measures or {}
        self._needs = {measure.needs for measure in self._measures.values()}
        self._counts = self._loss.task == "classification"
        self._targets = examples.targets
        if self._counts:
            self._targets = self._targets.astype(np.intp)
        self._positions = np.arange(self._count, dtype=np.intp)
        self._length = block_length(shape)
        lengths = {min(self._length, self._count), self._count % self._length or self._length}
        self._blocks_by_length = {
            length: _Block(shape, parameters, examples, length)
            for length in lengths
            if length <= self._count
        }

    def score(self) -> Scores:
        """Losses, predictions and measures of every trial."""
        losses = np.zeros(self._trials)
        n_correct = np.zeros(self._trials, np.intp)
        predicted = np.empty((self._trials, *self._targets.shape), self._loss.predicted_dtype)
        parts: dict[Needs, list[Array]] = {"values": [], "losses": []}
        for here, block in self._blocks():
            outputs, targets = block.run(self._positions[here]), block.feeder.targets
            self._loss.predict(outputs, predicted[:, here])
            if self._counts:
                n_correct += np.count_nonzero(predicted[:, here] == targets, axis=1)
            if "values" in self._needs:
                parts["values"].append(self._loss.values(outputs.copy()))
            losses += block.loss.forward(targets).astype(np.float64) * len(targets)
            if "losses" in self._needs:
                parts["losses"].append(block.loss.losses.copy())
        needed: dict[Needs, NDArray[Any]] = {"predicted": predicted}
        needed |= {need: np.concatenate(p, axis=1) for need, p in parts.items() if p}
        return Scores(
            losses / self._count,
            predicted,
            n_correct if self._counts else None,
            {name: self._measure(m, needed[m.needs]) for name, m in self._measures.items()},
        )

    def values(self) -> NDArray[np.float32]:
        """(T, n, K) probabilities or predicted numbers, as the loss says."""
        blocks = self._blocks()
        values = [self._loss.values(block.run(self._positions[here])) for here, block in blocks]
        return np.concatenate(values, axis=1).astype(np.float32, copy=False)

    def _measure(self, measure: Measure, needed: NDArray[Any]) -> Vector:
        # One by one: every sum stays inside a trial.
        return np.array([measure.compute(row, self._targets) for row in needed], np.float64)

    def _blocks(self) -> Iterator[tuple[slice, _Block]]:
        for start in range(0, self._count, self._length):
            stop = min(start + self._length, self._count)
            yield slice(start, stop), self._blocks_by_length[stop - start]


def predict_values(shape: Shape, weights: Weights, examples: Examples) -> NDArray[np.float32]:
    """(T, n, K) each member's probabilities of the classes, or predicted numbers: see `Loss.values`.

    The examples are in the order of `examples.rows`.

    Raises: InvalidRequest if shape, weights and examples do not belong together.
    """
    with engine_arithmetic():  # weights that overflow give NaN, which the caller sees
        return _evaluator(shape, weights, examples).values()


def score_weights(
    shape: Shape, weights: Weights, examples: Examples, measures: Mapping[str, Measure]
) -> Scores:
    """Score the members on examples, as validation does.

    Raises: InvalidRequest if shape, weights and examples do not belong together.
    """
    with engine_arithmetic():
        return _evaluator(shape, weights, examples, measures).score()


def ensemble_values(
    shape: Shape, weights: Weights | Sequence[Weights], examples: Examples
) -> NDArray[np.float32]:
    """(n, K) the mean of the members' probabilities or predicted numbers."""
    members = weights if isinstance(weights, Weights) else Weights.stack(weights)
    mean: NDArray[np.float32] = predict_values(shape, members, examples).mean(0, np.float32)
    return mean


def _evaluator(
    shape: Shape,
    weights: Weights,
    examples: Examples,
    measures: Mapping[str, Measure] | None = None,
) -> Evaluator:
    if weights.shape != shape or examples.features != shape.inputs:
        raise InvalidRequest(
            f"weights of {weights.shape} and {examples.features} features do not fit {shape}"
        )
    parameters = Parameters(weights.flat, weights.mean, weights.variance)
    return Evaluator(shape, parameters, examples, measures)
