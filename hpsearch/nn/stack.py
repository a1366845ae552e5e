"""The trials that train together: parameters, optimizer state, streams, and the step on them.

T trials   P values per trial   S states of the optimizer   B examples of a minibatch
n training examples
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from hpsearch.nn.arrays import Array, Rows, Vector
from hpsearch.nn.examples import Examples, Feeder
from hpsearch.nn.loss import BatchLoss, WeightedLoss
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.network import Network, Parameters
from hpsearch.nn.optimizers import OPTIMIZERS
from hpsearch.nn.parameters import Weights, initial, running_statistics
from hpsearch.nn.shape import Member, Shape
from hpsearch.nn.uniform import uniform
from hpsearch.nn.updates import Coefficients, Updates


class Step:
    """A training step on minibatches of one length; all its buffers are made here."""

    def __init__(self, stack: Stack, length: int) -> None:
        self._stack = stack
        self._feeder = Feeder(stack.examples, length, stack.parameters.flat.dtype)
        rates = np.array([member.dropout for member in stack.members])
        self._network = Network(stack.shape, stack.parameters, self._feeder.x, rates)
        loss = LOSSES[stack.shape.loss].bind(self._network.outputs, stack.class_weights)
        self._loss: BatchLoss = loss
        self._updates = Updates(
            stack.shape, self._network, stack.parameters.flat, stack.state, stack.coefficients
        )

    def run(self, positions: Rows) -> Array:
        """Train on the examples at `positions` (B,); the (T,) mean losses before the update."""
        self._feeder.fill(positions)
        self._network.forward(self._stack.streams)
        losses = self._loss.forward(self._feeder.targets)
        self._loss.backward()
        self._network.backward()
        self._updates.apply()
        return losses


class WeightedStep(Step):
    """The same where examples count by weights."""

    def __init__(self, stack: Stack, length: int, weights: Array) -> None:
        super().__init__(stack, length)
        self._of_all = weights
        self._here = np.empty(length, weights.dtype)
        loss = LOSSES[stack.shape.loss].bind(self._network.outputs)
        self._loss = WeightedLoss(loss, self._here, len(stack))

    def run(self, positions: Rows) -> Array:
        """Train on the examples at `positions` (B,); the (T,) weighted losses before the update."""
        np.take(self._of_all, positions, out=self._here, mode="clip")
        return super().run(positions)


def training_weights(examples: Examples, class_weights: Array | None) -> Vector | None:
    """(n,) how much each example counts in the loss, 1 on average; None where all count the same.

    Its weight, times that of its class where classes have weights.
    """
    if examples.weights is None:
        return None
    weights: Vector = examples.weights / examples.weights.max()  # so that no sum overflows
    if class_weights is not None:
        weights = weights * class_weights.astype(np.float64)[examples.targets]
    scaled: Vector = weights / weights.mean()
    return scaled


class Stack:
    """T live trials; `at` has each one's number among the caller's members."""

    def __init__(
        self,
        shape: Shape,
        members: Sequence[Member],
        examples: Examples,
        *,
        epochs: int,
        class_weights: Array | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        # Trials with weight decay first, so that it can be left out for the others: see Updates.
        self.at = sorted(range(len(members)), key=lambda i: members[i].weight_decay == 0)
        self.members = [members[i] for i in self.at]
        self.shape, self.examples, self.class_weights = shape, examples, class_weights
        self._epochs = epochs
        weights = training_weights(examples, class_weights)
        self._weights = None if weights is None else weights.astype(dtype)
        flat = initial(shape, self.members, dtype)
        self.parameters = Parameters(flat, *running_statistics(shape, len(members), dtype))
        self.state = np.zeros((OPTIMIZERS[shape.optimizer].states, *flat.shape), dtype)
        self.streams = [uniform(member.dropout_key) for member in self.members]
        self._bind()

    def __len__(self) -> int:
        return len(self.at)

    def step(self, positions: Rows, e: float, t: int) -> Array:
        """Update t (from 1), after e epochs, on the examples at `positions`; (T,) losses."""
        self.coefficients.advance(e, t)
        length = len(positions)
        if length not in self._steps:
            self._steps[length] = self._step(length)
        return self._steps[length].run(positions)

    def _step(self, length: int) -> Step:
        if self._weights is None:
            return Step(self, length)
        return WeightedStep(self, length, self._weights)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with the trials at `rows` alone, in this order; nobody's bits change."""
        at = np.asarray(rows, np.intp)
        self.at = [self.at[t] for t in rows]
        self.members = [self.members[t] for t in rows]
        self.streams = [self.streams[t] for t in rows]
        old = self.parameters
        self.parameters = Parameters(old.flat[at], old.mean[at], old.variance[at])
        self.state = self.state[:, at]
        self._bind()

    def release_buffers(self) -> None:
        """Free the buffers until the next step."""
        self._steps.clear()

    def weights(self, row: int) -> Weights:
        """A copy of one trial's parameters."""
        p = self.parameters
        return Weights(self.shape, p.flat, p.mean, p.variance).take([row])

    def _bind(self) -> None:
        self.coefficients = Coefficients(
            self.shape, self.members, self._epochs, self.parameters.flat.dtype
        )
        self._steps: dict[int, Step] = {}
