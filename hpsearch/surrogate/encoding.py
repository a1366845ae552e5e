"""Encoding of parameters as places, between which the process measures distances.

A range takes one column, `asked.to_unit(value)`: 0 and 1 are the edges of the *asked* range, so a
place means the same in every round, however the box has moved since. Choices take one column per
level, 1 for the level a trial has. The columns of one hyperparameter share one length scale.

A hyperparameter that is not active in a trial has a place of its own, the same in every such trial: two
trials without it do not differ by it, and one without it differs from all that have it (after Swersky et
al. 2013, and Hutter and Osborne 2013). A range takes a second column for that: it is at `MIDDLE`, and
`APART` in the second one, where active trials have 0. Choices have 0 in the column of each level. Every
place is a point of one Euclidean space still, in which any Matérn covariance is positive semidefinite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from hpsearch.arrays import Bools, Floats
from hpsearch.combinations import Combination, Interval, among
from hpsearch.space import Box, Choices, Dimension, Level, Params, Range, Space, same_level, typed

MIDDLE = 0.5  # of the asked range: where a range lies that is not active
APART = 0.5  # of its width: from the middle of a range to the place of trials without it
DRAWS, SEED = 8, 271  # 2 to this power: places that the hyperparameters of a trial are counted at


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
            range_columns = 1 + (name in space.conditions)
            stop = start + (len(asked.choices) if isinstance(asked, Choices) else range_columns)
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
    def active_number(self) -> float:
        """The number of hyperparameters that a trial drawn from the asked space has, on average."""
        if not self.space.conditions:
            return float(len(self.columns))
        engine = qmc.Sobol(len(self.columns), scramble=True, rng=np.random.default_rng(SEED))
        places = self.spread(engine.random_base2(DRAWS), self.space.dimensions)
        return float(sum(mask.mean() for mask in self.active(places).values()))

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
            on: Sequence[int] = range(len(params))
            if name in self.space.conditions:
                on = [i for i in on if name in params[i]]
                self._without(places, name, [i for i, one in enumerate(params) if name not in one])
            if isinstance(asked, Choices):
                levels = {i: _position(asked, params[i][name]) for i in on}
                known = [i for i in on if levels[i] is not None]
                places[known, [part.start + (levels[i] or 0) for i in known]] = 1.0
            else:
                values = np.array([params[i][name] for i in on], dtype=np.float64)
                places[on, part.start] = asked.to_units(values)
        return places

    def _without(self, places: Floats, name: str, which: Sequence[int] | Bools) -> None:
        """Put some of places (m, D) where trials are in which a hyperparameter is not active."""
        part = self.columns[name]
        places[which, part] = 0.0
        if isinstance(self.space.dimensions[name], Range):
            places[which, part.start] = MIDDLE
            places[which, part.start + 1] = APART

    def active(self, places: Floats) -> dict[str, Bools]:
        """(m,) for each hyperparameter whether it is active at places (m, D), by the levels above it."""
        on: dict[str, Bools] = {}
        for name in self.space.order:
            mask = np.ones(len(places), dtype=np.bool_)
            for parent, levels in self.space.conditions.get(name, {}).items():
                mask &= on[parent] & self._has(places, parent, levels)
            on[name] = mask
        return on

    def present(self, places: Floats, name: str) -> Bools:
        """(m,) whether places (m, D) are those of trials that have a value of a hyperparameter."""
        part = self.columns[name]
        if name not in self.space.conditions:
            return np.ones(len(places), dtype=np.bool_)
        if isinstance(self.space.dimensions[name], Range):
            present: Bools = places[:, part.start + 1] == 0.0
        else:
            present = np.count_nonzero(places[:, part], axis=1) > 0
        return present

    def _has(self, places: Floats, name: str, levels: Sequence[Level]) -> Bools:
        """(m,) whether places (m, D) have one of some levels of a choice."""
        asked, part = self.space.dimensions[name], self.columns[name]
        assert isinstance(asked, Choices)
        at = [part.start + i for i, level in enumerate(asked.choices) if among(level, levels)]
        has: Bools = np.count_nonzero(places[:, at], axis=1) > 0
        return has

    def settled(self, places: Floats, fill: Floats | None = None) -> Floats:
        """(m, D) the places, each without what is not active there beside its levels.

        What has become active, by another level above it, has its value of `fill` (m, D); left out, it
        stays where it is. A space without conditions has such places alone.
        """
        if not self.space.conditions:
            return places
        settled = places.copy()
        for name in self.space.order:
            condition = self.space.conditions.get(name)
            if condition is None:
                continue
            # Those above have been settled: a level that is not active is in no column.
            on = np.ones(len(places), dtype=np.bool_)
            for parent, levels in condition.items():
                on &= self._has(settled, parent, levels)
            part, new = self.columns[name], on & ~self.present(settled, name)
            if fill is not None:
                settled[new, part] = fill[new, part]
            elif isinstance(self.space.dimensions[name], Range):
                settled[new, part.start + 1] = 0.0
            self._without(settled, name, ~on)
        return settled

    def permitted(self, places: Floats) -> Bools:
        """(m,) whether trials may be at places (m, D): nothing forbidden is there."""
        permitted = np.ones(len(places), dtype=np.bool_)
        for one in self.space.forbidden:
            permitted &= ~self._matches(places, one)
        return permitted

    def _matches(self, places: Floats, one: Combination) -> Bools:
        matches = np.ones(len(places), dtype=np.bool_)
        for name, part in one.parts.items():
            matches &= self.present(places, name) & self._in(places, name, part)
        return matches

    def _in(self, places: Floats, name: str, part: Interval | tuple[Level, ...]) -> Bools:
        """(m,) whether places (m, D) have a hyperparameter in an interval, or one of its values."""
        asked, start = self.space.dimensions[name], self.columns[name].start
        if isinstance(asked, Choices):
            inside = [x for x in asked.choices if Combination({name: part}).matches({name: x})]
            return self._has(places, name, inside)
        column, noise = places[:, start], asked.place_noise
        if isinstance(part, Interval):
            low, high = (_place(asked, edge) for edge in (part.low, part.high))
            between: Bools = (column >= low - noise) & (column <= high + noise)
            return between
        numbers = np.array([_place(asked, float(x)) for x in part])  # type: ignore[arg-type]  # a range holds numbers
        at: Bools = (np.abs(column[:, None] - numbers) <= noise).any(axis=1)
        return at

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
                low[part.start] = asked.to_unit(now.low)
                high[part.start] = asked.to_unit(now.high)
                high[part.start + 1 : part.stop] = APART
        return low, high

    def spread(self, units: Floats, box: Box) -> Floats:
        """(m, D) places in the box of units (m, hyperparameters) in [0, 1), as `from_unit` has it.

        Every level and every whole number of a linear range gets the same share; what is not active
        beside the others is left out.
        """
        return self.settled(self.filling(units, box))

    def filling(self, units: Floats, box: Box) -> Floats:
        """(m, D) as `spread`, but with a value of every hyperparameter, active or not."""
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
        return self.settled(snapped)

    def decode(self, places: Floats, box: Box) -> list[Params]:
        """The parameters inside the box that lie nearest to places (m, D)."""
        return [
            {
                name: typed(box[name], self._nearest(name, row[part], box[name]))
                for name, part in self.columns.items()
                if name not in self.space.conditions or self.present(row[None], name)[0]
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


def _place(asked: Range, value: float) -> float:
    """The place of a number in a range; below all of them where a log range has none."""
    return -np.inf if asked.scale == "log" and value <= 0 else asked.to_unit(value)


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
