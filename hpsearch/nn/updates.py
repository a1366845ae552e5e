"""The optimizer's walk over a stack's parameters, in blocks that stay in the cache.

T trials   P values per trial   R trials of a tile   K values of a block's row

A tile is as many trials as fit a block, at least one; its gradients are computed and used before
the next tile's, so that one gradient buffer (R, P) serves the whole stack and is still in the
cache when the optimizer reads it. How trials are tiled never changes a bit of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.arrays import Array, Vector
from hpsearch.nn.network import Gradients, Network
from hpsearch.nn.optimizers import OPTIMIZERS, Columns, Optimizer, Rates
from hpsearch.nn.parameters import layout
from hpsearch.nn.passes import Bound, bind
from hpsearch.nn.schedules import SCHEDULES
from hpsearch.nn.shape import Member, Shape

BLOCK = 131_072  # values per block; measured, see docs/engine.md
AHEAD = 64  # updates whose coefficients are computed at once


class Coefficients:
    """The optimizer's coefficients of the current step, as columns for a stack's T trials."""

    def __init__(
        self, shape: Shape, members: Sequence[Member], epochs: int, dtype: np.dtype[Any]
    ) -> None:
        self.optimizer: Optimizer = OPTIMIZERS[shape.optimizer]
        self._members = list(members)
        self._epochs = epochs
        self._base = _per_trial([member.learning_rate for member in members])
        self._rates = Rates(
            self._base.copy(),
            _per_trial([member.weight_decay for member in members]),
            {
                c.name: _per_trial([member.constants.get(c.name, c.default) for member in members])
                for c in self.optimizer.constants
            },
        )
        count = len(self.optimizer.coefficients(self._rates, 1))
        self.columns = np.empty((count, len(members), 1), dtype)
        self.decay = np.empty((len(members), 1), dtype)
        # Members are sorted so that those with decay come first: nobody else is touched by it.
        self.decaying = sum(member.weight_decay > 0 for member in members)
        self.clip = None
        if any(member.clip_norm is not None for member in members):
            norms = [np.inf if m.clip_norm is None else m.clip_norm for m in members]
            self.clip = np.array(norms, dtype)[:, None]
        self._scheduled = any(member.schedule != "constant" for member in members)
        self._ahead = np.empty((AHEAD, *self.columns.shape), dtype)
        self._start = -AHEAD  # the update that the first of these coefficients is of
        self._set(1)

    def advance(self, e: float, t: int) -> None:
        """Set the coefficients of update t (from 1), after e epochs."""
        if self._scheduled:
            for i, m in enumerate(self._members):
                factor = SCHEDULES[m.schedule](e, self._epochs, m.step_every, m.step_gamma)
                self._rates.learning_rate[i] = self._base[i] * factor
            self._set(t)
        elif not self.optimizer.steady:
            if self.optimizer.columns:
                self._look_up(t)
            else:
                self._set(t)

    def _look_up(self, t: int) -> None:
        """Set the coefficients of update t alone, which were computed with those of its neighbours."""
        # NumPy raises to the powers 1 and 2 by a product where the exponent is one number, and
        # by the general function in a column of them.
        if t < 3:
            self._set(t)
            return
        if not self._start <= t < self._start + AHEAD:
            self._start = t
            steps = np.arange(t, t + AHEAD)[:, None]
            for k, values in enumerate(self.optimizer.coefficients(self._rates, steps)):
                self._ahead[:, k, :, 0] = values
        np.copyto(self.columns, self._ahead[t - self._start])

    def _set(self, t: int) -> None:
        rates = self._rates
        coefficients = self.optimizer.coefficients(rates, t)
        for column, values in zip(self.columns, coefficients, strict=True):
            column[:, 0] = values
        if self.optimizer.decoupled:
            self.decay[:, 0] = 1.0 - rates.learning_rate * rates.weight_decay
        else:
            self.decay[:, 0] = rates.weight_decay


def _per_trial(values: Sequence[float]) -> Vector:
    return np.array(values, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some values of some trials, and the calls that move them."""

    decays: tuple[Bound, ...]
    update: Bound

    def move(self) -> None:
        """Take a step of the optimizer, weight decay first."""
        for decay in self.decays:
            decay()
        self.update()


def _update(
    optimizer: Optimizer, w: Array, g: Array, state: Columns, c: Columns, spare: Array
) -> Bound:
    """Bind an optimizer's update of a block: w, g, state and spare (R, K), c (R, 1) each."""
    count = len(state)

    def update(w: Array, *others: Array) -> None:
        *kept, g, spare = others
        optimizer.update(w, g, tuple(kept[:count]), tuple(kept[count:]), spare)

    return bind(update, (w, *state, *c), (g, spare))


def _shrink(decay: Array, w: Array) -> None:
    np.multiply(w, decay, w)


def _pull(w: Array, decay: Array, g: Array, spare: Array) -> None:
    np.multiply(w, decay, spare)
    np.add(g, spare, g)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """g = g min(1, clip / (|g| + 1e-6)), |g| over all of a trial's parameters (Pascanu 2013; torch)."""

    g: Array  # (R, P)
    limit: Array  # (R, 1), infinite where there is none
    norm: Array  # (R, 1, 1)
    unlimited: NDArray[np.bool_]  # (R, 1)

    @classmethod
    def bind(cls, g: Array, limit: Array) -> Clip:
        """Clip the gradients of a tile, in place."""
        return cls(g, limit, np.empty((len(g), 1, 1), g.dtype), np.isinf(limit))

    def apply(self) -> None:
        """Scale the gradients of every trial that has a limit."""
        np.matmul(self.g[:, None, :], self.g[:, :, None], self.norm)
        factor = self.norm[:, :, 0]
        np.sqrt(factor, factor)
        np.add(factor, self.norm.dtype.type(1e-6), factor)
        np.divide(self.limit, factor, factor)
        np.minimum(factor, self.norm.dtype.type(1), out=factor)
        # |g|² may overflow, and infinity over infinity is not 1: a trial alone is not scaled.
        np.copyto(factor, 1, where=self.unlimited)
        np.multiply(self.g, factor, self.g)


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Some trials of a stack: their gradients and the blocks of their parameters."""

    gradients: Gradients
    clip: Clip | None
    blocks: tuple[Block, ...]


class Updates:
    """An update of a stack: the gradients of a network, tile by tile, and the optimizer."""

    def __init__(
        self,
        shape: Shape,
        network: Network,
        flat: Array,
        state: Array,
        c: Coefficients,
        *,
        block: int = BLOCK,
    ) -> None:
        """Bind to a stack: flat (T, P), state (S, T, P)."""
        trials, size = flat.shape
        rows = max(1, min(trials, block // size))
        self._optimizer = c.optimizer
        self._flat, self._state, self._c = flat, state, c
        self._g = np.zeros((rows, size), flat.dtype)
        self._spare = np.empty((rows, min(size, block)), flat.dtype)
        self._decayed = [slot.place for slot in layout(shape).weights]
        self._columns = [slice(k, min(k + block, size)) for k in range(0, size, block)]
        self._tiles = tuple(
            self._tile(network, slice(t, min(t + rows, trials))) for t in range(0, trials, rows)
        )

    def apply(self) -> None:
        """Move the parameters by the gradients of the network's last backward pass."""
        for tile in self._tiles:
            tile.gradients.compute()
            if tile.clip is not None:
                tile.clip.apply()
            for block in tile.blocks:
                block.move()

    def _tile(self, network: Network, tile: slice) -> Tile:
        g = self._g[: tile.stop - tile.start]
        clip = None
        if self._c.clip is not None:
            clip = Clip.bind(g, self._c.clip[tile])
        blocks = tuple(self._block(g, tile, columns) for columns in self._columns)
        return Tile(network.gradients(tile, g), clip, blocks)

    def _block(self, g: Array, tile: slice, columns: slice) -> Block:
        update = _update(
            self._optimizer,
            self._flat[tile, columns],
            g[:, columns],
            tuple(self._state[:, tile, columns]),
            tuple(self._c.columns[:, tile]),
            self._spare[: len(g), : columns.stop - columns.start],
        )
        return Block(tuple(self._decays(g, tile, columns)), update)

    def _decays(self, g: Array, tile: slice, columns: slice) -> Iterator[Bound]:
        """The decayed values of a block: some of its trials, the weights among its columns."""
        stop = min(tile.stop, self._c.decaying)
        count = stop - tile.start
        for weights in self._decayed if count > 0 else ():
            low, high = max(columns.start, weights.start), min(columns.stop, weights.stop)
            if low < high:
                w, decay = self._flat[tile.start : stop, low:high], self._c.decay[tile.start : stop]
                if self._optimizer.decoupled:
                    yield bind(_shrink, (decay, w))
                else:
                    spare = self._spare[:count, : high - low]
                    yield bind(_pull, (w, decay, g[:count, low:high]), (spare,))
