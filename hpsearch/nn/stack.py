"""The trials that train together: parameters, optimizer state, streams, and the step on them.

T trials   P values per trial   S states of the optimizer   B examples of a minibatch
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from hpsearch.nn.arrays import Array, Rows
from hpsearch.nn.examples import Examples, Feeder
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.network import Network, Parameters
from hpsearch.nn.optimizers import OPTIMIZERS
from hpsearch.nn.parameters import Weights, initial, running_statistics
from hpsearch.nn.shape import Member, Shape
from hpsearch.nn.updates import Coefficients, Updates


class Step:
    """A training step on minibatches of one length; all its buffers are made here."""

    def __init__(self, stack: Stack, length: int) -> None:
        self._stack = stack
        self._feeder = Feeder(stack.examples, length, stack.parameters.flat.dtype)
        rates = np.array([member.dropout for member in stack.members])
        self._network = Network(stack.shape, stack.parameters, self._feeder.x, rates)
        self._loss = LOSSES[stack.shape.loss].bind(self._network.outputs, stack.class_weights)
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
        flat = initial(shape, self.members, dtype)
        self.parameters = Parameters(flat, *running_statistics(shape, len(members), dtype))
        self.state = np.zeros((OPTIMIZERS[shape.optimizer].states, *flat.shape), dtype)
        self.streams = [
            np.random.Generator(np.random.PCG64(np.random.SeedSequence(member.dropout_key)))
            for member in self.members
        ]
        self._bind()

    def __len__(self) -> int:
        return len(self.at)

    def step(self, positions: Rows, e: float, t: int) -> Array:
        """Update t (from 1), after e epochs, on the examples at `positions`; (T,) losses."""
        self.coefficients.advance(e, t)
        length = len(positions)
        if length not in self._steps:
            self._steps[length] = Step(self, length)
        return self._steps[length].run(positions)

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
