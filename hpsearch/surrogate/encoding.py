"""Encoding of parameters as places, between which the process measures distances.

A range takes one column, `asked.to_unit(value)`: 0 and 1 are the edges of the *asked* range, so a
place means the same in every round, however the box has moved since. Choices take one column per
level, 1 for the level a trial has. The columns of one hyperparameter share one length scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.arrays import Floats
from hpsearch.space import Box, Choices, Dimension, Level, Params, Range, Space, same_level, typed


@dataclass(frozen=True, slots=True)
class Encoding:
    """The columns of a space: `columns[name]` of the D columns belong to a hyperparameter."""

    space: Space
    columns: Mapping[str, slice]

    @classmethod
    def of(cls, space: Space) -> Encoding:
        """The encoding of an asked space, hyperparameters in the order of `space.names`."""
        columns, start = {}, 0
        for name in space.names:
            asked = space.dimensions[name]
            stop = start + (len(asked.choices) if isinstance(asked, Choices) else 1)
            columns[name] = slice(start, stop)
            start = stop
        return cls(space, columns)

    @property
    def width(self) -> int:
        """D, the number of columns."""
        return max((part.stop for part in self.columns.values()), default=0)

    @property
    def groups(self) -> NDArray[np.intp]:
        """(D,) for each column the number of its hyperparameter, in the order of the columns."""
        sizes = [part.stop - part.start for part in self.columns.values()]
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def noise(self) -> Floats:
        """(D,) the rounding error of a place in each column; none where levels are."""
        dimensions = [self.space.dimensions[name] for name in self.columns]
        errors = [d.place_noise if isinstance(d, Range) else 0.0 for d in dimensions]
        return np.array(errors)[self.groups]

    def encode(self, params: Sequence[Params]) -> Floats:
        """(n, D) the places of `params`; a range's column may lie outside [0, 1]."""
        places = np.zeros((len(params), self.width))
        for name, part in self.columns.items():
            asked = self.space.dimensions[name]
            if isinstance(asked, Choices):
                levels = [_position(asked, one[name]) for one in params]
                known = [i for i, level in enumerate(levels) if level is not None]
                places[known, [part.start + (levels[i] or 0) for i in known]] = 1.0
            else:
                values = np.array([one[name] for one in params], dtype=np.float64)
                places[:, part.start] = asked.to_units(values)
        return places

    def column(self, name: str, level: Level) -> int:
        """The column that is 1 at one of the asked levels of a choice."""
        asked = self.space.dimensions[name]
        assert isinstance(asked, Choices)
        at = _position(asked, level)
        assert at is not None  # a box has levels of its space
        return int(self.columns[name].start) + at

    def bounds(self, box: Box) -> tuple[Floats, Floats]:
        """The edges (D,) of the box; a level's column spans 0 to 1, a dropped level's is 0."""
        low, high = np.zeros(self.width), np.zeros(self.width)
        for name, part in self.columns.items():
            asked, now = self.space.dimensions[name], box[name]
            if isinstance(asked, Choices):
                high[part] = [float(now.contains(x)) for x in asked.choices]  # type: ignore[arg-type]  # a dimension only ever meets values drawn from it
            elif isinstance(now, Range):
                low[part] = asked.to_unit(now.low)
                high[part] = asked.to_unit(now.high)
        return low, high

    def spread(self, units: Floats, box: Box) -> Floats:
        """(m, D) places in the box of units (m, hyperparameters) in [0, 1), as `from_unit` has it.

        Every level and every whole number of a linear range gets the same share.
        """
        places = np.zeros((len(units), self.width))
        for unit, (name, part) in zip(units.T, self.columns.items(), strict=True):
            asked, now = self.space.dimensions[name], box[name]
            if isinstance(asked, Choices):
                allowed = np.flatnonzero([now.contains(x) for x in asked.choices])  # type: ignore[arg-type]  # see `bounds`
                level = allowed[np.minimum((unit * len(allowed)).astype(int), len(allowed) - 1)]
                places[np.arange(len(units)), part.start + level] = 1.0
            elif isinstance(now, Range):
                places[:, part.start] = asked.to_units(_values(now, unit))
        return places

    def snapped(self, places: Floats, box: Box) -> Floats:
        """(m, D) the places in the box that trials at `places` would have: whole numbers, one level."""
        snapped = np.zeros_like(places)
        low, high = self.bounds(box)
        for name, part in self.columns.items():
            asked, now = self.space.dimensions[name], box[name]
            if isinstance(asked, Choices):
                weights = np.where(high[part] > 0.0, places[:, part], -np.inf)
                snapped[np.arange(len(places)), part.start + weights.argmax(axis=1)] = 1.0
            else:
                column = np.clip(places[:, part.start], low[part.start], high[part.start])
                whole = isinstance(now, Range) and now.integer
                snapped[:, part.start] = _whole(asked, column) if whole else column
        return snapped

    def decode(self, places: Floats, box: Box) -> list[Params]:
        """The parameters inside the box that lie nearest to places (m, D)."""
        return [
            {
                name: typed(box[name], self._nearest(name, row[part], box[name]))
                for name, part in self.columns.items()
            }
            for row in places
        ]

    def _nearest(self, name: str, columns: Floats, now: Dimension) -> Level:
        asked = self.space.dimensions[name]
        if isinstance(asked, Choices):
            allowed = [
                (-weight, i) for i, weight in enumerate(columns)
                if now.contains(asked.choices[i])  # type: ignore[arg-type]  # see `bounds`
            ]  # fmt: skip
            return asked.choices[min(allowed)[1]]
        assert isinstance(now, Range)
        place = asked.coordinate(asked.low) + float(columns[0]) * asked.width
        return min(max(now.value(place), now.low), now.high)


def _position(asked: Choices, level: Level) -> int | None:
    """Index of a level among the asked ones; None for one that was not asked for."""
    for i, one in enumerate(asked.choices):
        if same_level(one, level):
            return i
    return None


def _whole(asked: Range, units: Floats) -> Floats:
    """Units (m,) of the whole numbers nearest to those at `units`."""
    coordinates = asked.coordinate(asked.low) + units * asked.width
    return asked.to_units(np.rint(10.0**coordinates if asked.scale == "log" else coordinates))


def _values(now: Range, units: Floats) -> Floats:
    """`now.from_unit` of many units at once, without its rounding to six digits."""
    half = 0.5 if now.integer else 0.0
    start, end = now.coordinate(now.low - half), now.coordinate(now.high + half)
    coordinates = start + units * (end - start)
    values = 10.0**coordinates if now.scale == "log" else coordinates
    values = np.clip(values, now.low, now.high)
    return np.clip(np.rint(values), now.low, now.high) if now.integer else values
