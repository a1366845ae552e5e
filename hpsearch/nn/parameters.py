"""The place of each parameter of a network in one flat row of values, and rows of trained networks.

T   trials          P   values in a trial's row

A trial's parameters are one contiguous row, so that an optimizer walks them without knowing of
layers. The row has no gaps: padding would keep what a diverged trial left in the gradient buffer,
which trials share, and hand it to a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import numpy as np
from numpy.typing import DTypeLike

from hpsearch.errors import InvalidRequest
from hpsearch.nn.arrays import Array
from hpsearch.nn.initializers import INITIALIZERS
from hpsearch.nn.layer import ExampleShape, LayerSpec, Parameter, Plan
from hpsearch.nn.shape import Member, Shape


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a parameter in a row."""

    name: str
    parameter: Parameter
    start: int

    @property
    def place(self) -> slice:
        """Its values in a row."""
        return slice(self.start, self.start + self.parameter.size)

    def view(self, flat: Array) -> Array:
        """(T, P) -> (T, *shape)."""
        return flat[:, self.place].reshape(len(flat), *self.parameter.shape)


@dataclass(frozen=True, slots=True)
class Place:
    """A layer's part of a row, of the running statistics and of dropout's masked units.

    `before_dropout`: dropout may rewrite the layer's output.
    """

    spec: LayerSpec
    plan: Plan
    source: ExampleShape
    parameters: slice
    running: slice
    dropout: slice
    before_dropout: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of all layers and parameters, and their totals.

    `size` is P; `running_units` and `dropout_units` are those of all layers.
    """

    places: tuple[Place, ...]
    slots: tuple[Slot, ...]
    size: int
    running_units: int
    dropout_units: int

    @property
    def weights(self) -> tuple[Slot, ...]:
        """The slots of weights: drawn at the start, and the only values that weight decay meets."""
        return tuple(slot for slot in self.slots if slot.parameter.fan_in)


@lru_cache(maxsize=256)
def layout(shape: Shape) -> Layout:
    """The layout of a shape's parameters, layer behind layer.

    A name has a number, layer0.weight, which rises as soon as it has that name already: batch
    norm's gamma has the number of the weights before it.
    """
    places: list[Place] = []
    slots: dict[str, Slot] = {}
    start = running = dropout = number = 0
    source, plans = shape.example_shape or (shape.inputs,), shape.plans
    for index, (spec, plan) in enumerate(zip(shape.sequence, plans, strict=True)):
        first = start
        if any(f"layer{number}.{parameter.name}" in slots for parameter in plan.parameters):
            number += 1
        for parameter in plan.parameters:
            name = f"layer{number}.{parameter.name}"
            slots[name] = Slot(name, parameter, start)
            start += parameter.size
        rewriting = takewhile(lambda later: later.buffer != "new", plans[index + 1 :])
        places.append(
            Place(
                spec,
                plan,
                source,
                slice(first, start),
                slice(running, running + plan.running_units),
                slice(dropout, dropout + plan.dropout_units),
                any(later.dropout_units for later in rewriting),
            )
        )
        running, dropout = running + plan.running_units, dropout + plan.dropout_units
        source = plan.shape
    return Layout(tuple(places), tuple(slots.values()), start, running, dropout)


def initial(shape: Shape, members: Sequence[Member], dtype: DTypeLike = np.float32) -> Array:
    """(T, P) initial parameters: each trial from its own stream, whatever stands beside it."""
    place = layout(shape)
    flat = np.zeros((len(members), place.size), dtype)
    for slot in place.slots:
        if slot.parameter.start:
            slot.view(flat)[...] = slot.parameter.start
    weights = [(slot.parameter, slot.view(flat)) for slot in place.weights]
    for t, member in enumerate(members):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(member.init_key)))
        rule = INITIALIZERS[member.initializer]
        for parameter, view in weights:
            std = np.float32(rule(parameter.fan_in, member.init_std, shape.activation))
            view[t] = rng.standard_normal(parameter.shape, dtype=np.float32) * std
    return flat


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Trained parameters of T networks of one shape.

    `flat` (T, P) as `layout` says; `mean` and `variance` (T, normalised units) are batch norm's
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
        """Copies of these members, in this order."""
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
        return {name: view.copy() for name, view in self._views().items()}

    @classmethod
    def from_arrays(cls, shape: Shape, named: Mapping[str, Array]) -> Weights:
        """The inverse of `arrays`. Raises: InvalidRequest if a name or a size is not the shape's."""
        place = layout(shape)
        try:
            trials = len(named[place.slots[0].name])
            flat = np.zeros((trials, place.size), np.float32)
            weights = cls(shape, flat, *running_statistics(shape, trials))
            for name, view in weights._views().items():
                _fill(view, named, name)
        except (KeyError, ValueError) as error:
            raise InvalidRequest(f"these arrays are not a network of {shape}: {error}") from error
        return weights

    def _views(self) -> dict[str, Array]:
        views = {slot.name: slot.view(self.flat) for slot in layout(self.shape).slots}
        # A file names them where batch norm was asked for, even where no layer is normalised.
        if self.shape.batch_norm or layout(self.shape).running_units:
            views |= {"running.mean": self.mean, "running.variance": self.variance}
        return views


def _fill(place: Array, named: Mapping[str, Array], name: str) -> None:
    """Copy an array to its place, which it must fit as it is: nothing is spread over it."""
    if named[name].shape != place.shape:
        raise ValueError(f"{name} is {named[name].shape}, expected {place.shape}")
    place[...] = named[name]


def running_statistics(
    shape: Shape, trials: int, dtype: DTypeLike = np.float32
) -> tuple[Array, Array]:
    """Means of 0 and variances of 1 for every normalised unit: (T, normalised units) each."""
    units = layout(shape).running_units
    return np.zeros((trials, units), dtype), np.ones((trials, units), dtype)
