"""The places at which the rule looks at the surrogate: many, even, and the same every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.stats import qmc

from hpsearch.narrowing.level_set.explored import Bools, ExploredRegion, Floats
from hpsearch.space import Box, Choices, Range, Space, inside
from hpsearch.surrogate import Encoding
from hpsearch.trials import Observation

WIDE, INNER = 7, 8  # 2 to this power: places over all that can be judged, and in the box
TRIALS = 256  # places of trials, the best and the latest of them where there are more
SWEEPS, STEPS = 256, 9  # places that differ from a leader in one coordinate; steps of it
ROUNDING = 1e-9  # of a width: rounding error of a place, where a float64 has digits to spare
SEED = 20260


@dataclass(frozen=True, slots=True)
class Axis:
    """A range as the surrogate sees it: its column, and the box's edges in that column.

    integers
        The only places there are, in the column; None where a place may be anywhere.
    present
        Tells at which of places (m, D) the range is active.
    """

    name: str
    column: int
    asked: Range
    now: Range
    low: float
    high: float
    explored: ExploredRegion
    integers: Sequence[float] | None
    present: Callable[[Floats], Bools]

    def units(self, places: Floats) -> Floats:
        """(m,) positions of places (m, D) in the box's range."""
        units: Floats = (places[:, self.column] - self.low) / (self.high - self.low)
        return units

    def values(self, units: Floats) -> Floats:
        """(m,) the column at `units` (m,) of the range, at the nearest value that exists."""
        column = self.low + units * (self.high - self.low)
        if self.integers is None:
            return column
        values = np.array(self.integers)
        at = np.clip(np.searchsorted(values, column), 1, max(len(values) - 1, 1))
        lower, upper = values[at - 1], values[np.minimum(at, len(values) - 1)]
        nearest: Floats = np.where(column - lower <= upper - column, lower, upper)
        return nearest

    def moved(self, places: Floats, units: Floats) -> Floats:
        """(m, D) places (m, D) with this coordinate at `units` (m,)."""
        moved = places.copy()
        moved[:, self.column] = self.values(units)
        return moved


def axes(
    space: Space, box: Box, observations: Sequence[Observation], encoding: Encoding
) -> Mapping[str, Axis]:
    """The ranges of the box by name."""
    low, high = encoding.bounds(box)
    ranges: dict[str, Axis] = {}
    finite = [o for o in observations if o.finite]
    diverged = [o for o in observations if not o.finite]
    for name in space.names:
        now, asked, column = box[name], space.dimensions[name], encoding.columns[name].start
        if isinstance(now, Range) and isinstance(asked, Range):
            explored = ExploredRegion.of(name, now, finite, diverged)
            integers = _integers(asked, now, explored) if now.integer else None
            edges = float(low[column]), float(high[column])
            present = partial(encoding.present, name=name)
            ranges[name] = Axis(name, column, asked, now, *edges, explored, integers, present)
    return ranges


def _integers(asked: Range, now: Range, explored: ExploredRegion) -> Sequence[float] | None:
    """Every whole number in reach, as places of the column; None where there are very many."""
    reach = (edge.side.outermost(edge.growth, edge.explored) for edge in explored.edges)
    start, end = (now.value(now.coordinate(now.low) + u * now.width) for u in reach)
    if end - start > TRIALS:
        return None
    return [asked.to_unit(start + k) for k in range(int(end - start) + 1)]


def evaluation_grid(
    space: Space,
    box: Box,
    encoding: Encoding,
    ranges: Mapping[str, Axis],
    observations: Sequence[Observation],
) -> Floats:
    """(m, D) places over all that can be judged, more of them in the box, and the trials.

    Where the range may only grow into the unknown, the unknown is left out: a surrogate has
    nothing to say there.
    """
    wide = {a.name: a.explored.judged for a in ranges.values()}
    inner = dict.fromkeys(ranges, (0.0, 1.0))
    return np.concatenate([
        spread(space, box, encoding, ranges, wide, WIDE),
        spread(space, box, encoding, ranges, inner, INNER),
        encoding.encode([o.params for o in _sample(box, observations)]),
    ])  # fmt: skip


def _sample(box: Box, observations: Sequence[Observation]) -> Sequence[Observation]:
    """Finite trials whose categories are still chosen from: the best, and the latest."""
    choices = {name: now for name, now in box.items() if isinstance(now, Choices)}
    finite = [o for o in observations if o.finite and inside(choices, o.params)]
    if len(finite) <= TRIALS:
        return finite
    best = sorted(finite, key=lambda o: o.rank_key)[: TRIALS // 2]
    late = sorted(finite, key=lambda o: (-o.round, o.index))[: TRIALS // 2]
    return [*best, *late]


def spread(
    space: Space,
    box: Box,
    encoding: Encoding,
    ranges: Mapping[str, Axis],
    spans: Mapping[str, tuple[float, float]],
    power: int,
) -> Floats:
    """(2^power, D) places of a Sobol sequence between `spans`, in units of each range."""
    units = _sobol(len(space.names), power)
    places = np.zeros((len(units), encoding.width))
    for k, name in enumerate(space.names):
        if name in ranges:
            low, high = spans[name]
            places[:, ranges[name].column] = ranges[name].values(low + units[:, k] * (high - low))
            continue
        asked, now = space.dimensions[name], box[name]
        assert isinstance(asked, Choices)
        assert isinstance(now, Choices)
        open_ = np.array([i for i, x in enumerate(asked.choices) if now.contains(x)])
        category = open_[np.minimum((units[:, k] * len(open_)).astype(int), len(open_) - 1)]
        places[np.arange(len(units)), encoding.columns[name].start + category] = 1.0
    return encoding.settled(places)


@cache
def _sobol(dimensions: int, power: int) -> Floats:
    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(SEED))
    points: Floats = engine.random_base2(power)
    points.setflags(write=False)
    return points


def sweeps(ranges: Mapping[str, Axis], leaders: Floats) -> Floats:
    """(m, D) the leaders (l, D) with one coordinate after the other at even steps of its reach.

    The hull of a random sample ends short of the hull it was drawn from; these find the ends.
    """
    if not ranges:
        return leaders[:0]
    most = max(1, SWEEPS // (STEPS * len(ranges)))
    return np.concatenate([
        axis.moved(
            np.repeat(own, STEPS, axis=0), np.tile(np.linspace(*axis.explored.judged, STEPS), len(own))
        )
        for axis in ranges.values()
        for own in [leaders[axis.present(leaders)][:most]]
    ])  # fmt: skip


def stable(ranges: Mapping[str, Axis], places: Floats) -> Bools:
    """(m,) True for places (m, D) that do not lie where nearly every trial diverged."""
    return _between(ranges, places, {a.name: a.explored.stable for a in ranges.values()})


def within_box(ranges: Mapping[str, Axis], places: Floats) -> Bools:
    """(m,) True for places (m, D) in the box."""
    errors = {a.name: max(ROUNDING, a.now.place_noise) for a in ranges.values()}
    return _between(ranges, places, {name: (-e, 1 + e) for name, e in errors.items()})


def _between(
    ranges: Mapping[str, Axis], places: Floats, spans: Mapping[str, tuple[float, float]]
) -> Bools:
    between = np.ones(len(places), dtype=bool)
    for axis in ranges.values():
        units, (low, high) = axis.units(places), spans[axis.name]
        between &= (units >= low) & (units <= high) | ~axis.present(places)
    return between


def extent(axis: Axis, members: Floats) -> tuple[float, float]:
    """The ends of the level set's `members` (m, D) along a range, as far as it can be judged.

    All that can be judged, where the range is not active at any member.
    """
    members = members[axis.present(members)]
    if not len(members):
        return axis.explored.judged
    units = np.clip(axis.units(members), *axis.explored.judged)
    return float(units.min()), float(units.max())
