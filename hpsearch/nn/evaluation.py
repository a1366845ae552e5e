"""Scores and predictions of a stack in inference: running statistics, no dropout.

T trials   n examples   K outputs   B examples of a block
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array, Rows, Targets, Vector
from hpsearch.nn.examples import Examples, Feeder
from hpsearch.nn.loss import Loss
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.measures import Measure, Needs
from hpsearch.nn.network import Network, Parameters
from hpsearch.nn.numerics import engine_arithmetic
from hpsearch.nn.parameters import Weights
from hpsearch.nn.passes import bound_for_once
from hpsearch.nn.shape import Shape

Values: TypeAlias = NDArray[np.floating[Any]]

_VALUES = 2**19  # activations of one trial that a block may have


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Mean losses (T,), predictions (T, n, ...) and measures by name (T,).

    `n_correct` (T,) counts correct predictions; None in a regression. Of examples with weights,
    losses and measures are weighted, and `right` (T,) sums the weights of the correct ones. `inputs` (T, n, ...) are the
    numbers of single examples: predictions, and what a measure or the caller needs. Where targets are
    standardised, losses are of the standardised ones; predictions and values are in their units.
    """

    losses: Vector
    predicted: NDArray[Any]
    n_correct: NDArray[np.intp] | None
    measures: Mapping[str, Vector]
    inputs: Mapping[Needs, NDArray[Any]]
    right: Vector | None = None


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
        needs: Iterable[Needs] = (),
    ) -> None:
        self._trials, self._count = len(parameters.flat), len(examples)
        self._loss: Loss = LOSSES[shape.loss]
        self._measures = measures or {}
        for name, measure in self._measures.items():
            if examples.weights is not None and measure.weighted is None:
                raise InvalidRequest(f"{name} takes no weights, and the examples have some")
        self._needs = {*needs, *(measure.needs for measure in self._measures.values())}
        self._counts = self._loss.task == "classification"
        self._targets, self._scale = examples.targets, examples.target
        if self._counts:
            self._targets = self._targets.astype(np.intp)
        self._weights = examples.weights
        self._total = float(self._count if self._weights is None else self._weights.sum())
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
        dtype = self._loss.predicted_dtype if self._scale is None else np.float64
        predicted = np.empty((self._trials, *self._targets.shape), dtype)
        parts: dict[Needs, list[Array]] = {"values": [], "losses": [], "outputs": []}
        for here, block in self._blocks():
            outputs, targets = block.run(self._positions[here]), block.feeder.targets
            self._loss.predict(outputs, predicted[:, here])
            if self._counts:
                n_correct += np.count_nonzero(predicted[:, here] == targets, axis=1)
            if "outputs" in self._needs:
                parts["outputs"].append(outputs.swapaxes(1, 2).copy())
            if "values" in self._needs:
                parts["values"].append(self._loss.values(outputs.copy()))
            losses += self._losses(block, here, targets)
            if "losses" in self._needs:
                parts["losses"].append(block.loss.losses.copy())
        inputs: dict[Needs, NDArray[Any]] = {"predicted": predicted}
        inputs |= {need: np.concatenate(p, axis=1) for need, p in parts.items() if p}
        if self._scale is not None:
            inputs |= {
                n: self._scale.back(inputs[n]) for n in inputs.keys() & {"predicted", "values"}
            }
        right = None
        if self._counts and self._weights is not None:
            right = _sums(predicted == self._targets, self._weights)
        return Scores(
            losses / self._total,
            inputs["predicted"],
            n_correct if self._counts else None,
            {name: self._measure(m, inputs[m.needs]) for name, m in self._measures.items()},
            inputs,
            right,
        )

    def _losses(self, block: _Block, here: slice, targets: Targets) -> Vector:
        """(T,) the losses of a block's examples in sum, each by its weight."""
        means = block.loss.forward(targets)
        if self._weights is None:
            return means.astype(np.float64) * len(targets)
        return _sums(block.loss.losses, self._weights[here])

    def values(self) -> Values:
        """(T, n, K) probabilities or predicted numbers, as the loss says."""
        blocks = self._blocks()
        parts = [self._loss.values(block.run(self._positions[here])) for here, block in blocks]
        values: Values = np.concatenate(parts, axis=1).astype(np.float32, copy=False)
        return values if self._scale is None else self._scale.back(values)

    def _measure(self, measure: Measure, inputs: NDArray[Any]) -> Vector:
        # One by one: every sum stays inside a trial.
        weights, by_weight = self._weights, measure.weighted
        if weights is not None and by_weight is not None:
            return np.array([by_weight(row, self._targets, weights) for row in inputs], np.float64)
        return np.array([measure.compute(row, self._targets) for row in inputs], np.float64)

    def _blocks(self) -> Iterator[tuple[slice, _Block]]:
        for start in range(0, self._count, self._length):
            stop = min(start + self._length, self._count)
            yield slice(start, stop), self._blocks_by_length[stop - start]


def _sums(values: NDArray[Any], weights: Vector) -> Vector:
    """(T,) the sum of each trial's values (T, n) by weight; every sum stays inside a trial."""
    return np.array([row.astype(np.float64) @ weights for row in values], np.float64)


def evaluate(
    shape: Shape,
    weights: Weights,
    examples: Examples,
    measures: Mapping[str, Measure] | None = None,
    *,
    needs: Iterable[Needs] = (),
) -> Scores:
    """Each member's loss, predictions and measures on the examples, and what else is needed of them.

    Raises: InvalidRequest if shape, weights and examples do not belong together.
    """
    with engine_arithmetic():
        return _evaluator(shape, weights, examples, measures, needs).score()


def predict_values(shape: Shape, weights: Weights, examples: Examples) -> Values:
    """(T, n, K) each member's probabilities of the classes, or predicted numbers: see `Loss.values`.

    The examples are in the order of `examples.rows`. float32; numbers in the units of standardised
    targets are float64.

    Raises: InvalidRequest if shape, weights and examples do not belong together.
    """
    with engine_arithmetic():  # weights that overflow give NaN, which the caller sees
        return _evaluator(shape, weights, examples).values()


def _evaluator(
    shape: Shape,
    weights: Weights,
    examples: Examples,
    measures: Mapping[str, Measure] | None = None,
    needs: Iterable[Needs] = (),
) -> Evaluator:
    if weights.shape != shape or examples.features != shape.inputs:
        raise InvalidRequest(
            f"weights of {weights.shape} and {examples.features} features do not fit {shape}"
        )
    parameters = Parameters(weights.flat, weights.mean, weights.variance)
    with bound_for_once():
        return Evaluator(shape, parameters, examples, measures, needs)


def ensemble_values(
    shape: Shape, weights: Weights | Sequence[Weights], examples: Examples
) -> Values:
    """(n, K) the mean of the members' probabilities or predicted numbers."""
    members = weights if isinstance(weights, Weights) else Weights.stack(weights)
    values = predict_values(shape, members, examples)
    mean: Values = values.mean(0, values.dtype)
    return mean
