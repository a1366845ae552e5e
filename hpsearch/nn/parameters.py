"""Where each parameter of a network lies in one flat row of values, and the rows of trained nets.

T   trials          P   values in a trial's row          L   layers of weights

A trial's parameters are one contiguous row, so that an optimizer walks them without knowing of
layers. The row has no gaps: padding would keep what a diverged trial left in the gradient buffer,
which trials share, and hand it to a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.initializers import INITIALIZERS
from hpsearch.nn.shape import Member, Shape

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Slot:
    """One layer's place in a row: `rows` x `units` weights, then one or two rows of `units`.

    Without batch norm one row follows, the bias; with it two, gamma and beta, and no bias, which
    the mean would take out again.
    """

    start: int
    rows: int
    units: int
    batch_norm: bool

    @property
    def decayed(self) -> slice:
        """The weights: the only values that weight decay meets."""
        return slice(self.start, self.start + self.rows * self.units)

    @property
    def stop(self) -> int:
        """Where the layer ends."""
        rows = self.rows + (2 if self.batch_norm else 1)
        return self.start + rows * self.units

    def weight(self, flat: Array) -> Array:
        """(T, P) -> (T, rows, units)."""
        return flat[:, self.decayed].reshape(len(flat), self.rows, self.units)

    def affine(self, flat: Array) -> Array:
        """(T, P) -> what multiplies the layer's input: the weights and, below, the bias if any."""
        if self.batch_norm:
            return self.weight(flat)
        return flat[:, self.start : self.stop].reshape(len(flat), self.rows + 1, self.units)

    def vector(self, flat: Array, index: int) -> Array:
        """(T, P) -> (T, units): row `index` behind the weights (0 bias or gamma, 1 beta)."""
        start = self.start + (self.rows + index) * self.units
        return flat[:, start : start + self.units]


@dataclass(frozen=True, slots=True)
class Layout:
    """The slots of every layer and the length of a row."""

    slots: tuple[Slot, ...]
    size: int

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Per layer, the names of its arrays in `Weights.arrays`."""
        return tuple(
            ("weight", "gamma", "beta") if slot.batch_norm else ("weight", "bias")
            for slot in self.slots
        )


@lru_cache(maxsize=256)
def layout(shape: Shape) -> Layout:
    """The layout of a shape's parameters; the last layer is never normalised."""
    slots: list[Slot] = []
    start = 0
    for rows, units in zip(shape.sizes[:-1], shape.sizes[1:], strict=True):
        hidden = len(slots) < len(shape.hidden_sizes)
        slots.append(Slot(start, rows, units, shape.batch_norm and hidden))
        start = slots[-1].stop
    return Layout(tuple(slots), start)


def initial(shape: Shape, members: Sequence[Member], dtype: DTypeLike = np.float32) -> Array:
    """(T, P) initial parameters: each trial from its own stream, whatever stands beside it."""
    place = layout(shape)
    flat = np.zeros((len(members), place.size), dtype)
    for t, member in enumerate(members):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(member.init_key)))
        row = flat[t : t + 1]
        for slot in place.slots:
            rule = INITIALIZERS[member.initializer]
            std = np.float32(rule(slot.rows, member.init_std, shape.activation))
            draw = rng.standard_normal((slot.rows, slot.units), dtype=np.float32)
            slot.weight(row)[0] = draw * std
            if slot.batch_norm:
                slot.vector(row, 0)[:] = 1
    return flat


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Trained parameters of T networks of one shape.

    `flat` (T, P) as `layout` says; `mean` and `variance` (T, all hidden units) are batch norm's
    running statistics, (T, 0) without it.
    """

    shape: Shape
    flat: Array
    mean: Array
    variance: Array

    def __len__(self) -> int:
        return len(self.flat)

    def __iter__(self) -> Iterator[Weights]:
        return (self.take([t]) for t in range(len(self)))

    def take(self, members: Sequence[int]) -> Weights:
        """The given members, in the given order, as copies."""
        at = np.asarray(members, np.intp)
        return Weights(self.shape, self.flat[at], self.mean[at], self.variance[at])

    @staticmethod
    def stack(parts: Sequence[Weights]) -> Weights:
        """Networks of one shape, one behind the other. Raises: InvalidRequest."""
        if not parts or any(part.shape != parts[0].shape for part in parts):
            raise InvalidRequest("only networks of one shape can be stacked, and at least one")
        return Weights(
            parts[0].shape,
            np.concatenate([part.flat for part in parts]),
            np.concatenate([part.mean for part in parts]),
            np.concatenate([part.variance for part in parts]),
        )

    def arrays(self) -> dict[str, Array]:
        """Copies by name: layer0.weight (T, fan_in, fan_out), layer0.bias (T, fan_out), ..."""
        place = layout(self.shape)
        named: dict[str, Array] = {}
        for index, (slot, names) in enumerate(zip(place.slots, place.names, strict=True)):
            named[f"layer{index}.{names[0]}"] = slot.weight(self.flat).copy()
            for row, name in enumerate(names[1:]):
                named[f"layer{index}.{name}"] = slot.vector(self.flat, row).copy()
        if self.shape.batch_norm:
            named |= {"running.mean": self.mean.copy(), "running.variance": self.variance.copy()}
        return named

    @classmethod
    def from_arrays(cls, shape: Shape, named: Mapping[str, Array]) -> Weights:
        """The inverse of `arrays`. Raises: InvalidRequest if a name or a size is not the shape's."""
        place = layout(shape)
        try:
            trials = len(named["layer0.weight"])
            flat = np.zeros((trials, place.size), np.float32)
            for index, (slot, names) in enumerate(zip(place.slots, place.names, strict=True)):
                _fill(slot.weight(flat), named, f"layer{index}.{names[0]}")
                for row, name in enumerate(names[1:]):
                    _fill(slot.vector(flat, row), named, f"layer{index}.{name}")
            mean, variance = running_statistics(shape, trials)
            if shape.batch_norm:
                _fill(mean, named, "running.mean")
                _fill(variance, named, "running.variance")
        except (KeyError, ValueError) as error:
            raise InvalidRequest(f"these arrays are not a network of {shape}: {error}") from error
        return cls(shape, flat, mean, variance)


def _fill(place: Array, named: Mapping[str, Array], name: str) -> None:
    """Copy an array to its place, which it must fit as it is: nothing is spread over it."""
    if named[name].shape != place.shape:
        raise ValueError(f"{name} is {named[name].shape}, expected {place.shape}")
    place[...] = named[name]


def running_statistics(
    shape: Shape, trials: int, dtype: DTypeLike = np.float32
) -> tuple[Array, Array]:
    """Means of 0 and variances of 1 for every normalised unit: (T, units of all hidden layers)."""
    units = sum(shape.hidden_sizes) if shape.batch_norm else 0
    return np.zeros((trials, units), dtype), np.ones((trials, units), dtype)
