"""The places at which the rule looks at the surrogate: many, even, and the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from hpsearch.narrowing.territory import Territory
from hpsearch.space import Box, Choices, Range, Space, inside
from hpsearch.surrogate import Encoding
from hpsearch.trials import Observation

WIDE, INNER = 7, 8  # 2 to this power: candidates over all reachable places, and in the box
TRIALS = 256  # places of trials, the best and the latest of them where there are more
SWEEPS, STEPS = 256, 9  # candidates that differ from a leader in one coordinate; steps of it
SEED = 20260

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Axis:
    """One range as the surrogate sees it: its column, and the box's edges in that column."""

    name: str
    column: int
    asked: Range
    now: Range
    low: float
    high: float
    territory: Territory
    whole: Sequence[float] | None  # the only places there are, in the column; None: any

    def units(self, places: Floats) -> Floats:
        """(m,) where places (m, D) lie in the box's range."""
        found: Floats = (places[:, self.column] - self.low) / (self.high - self.low)
        return found

    def put(self, places: Floats, units: Floats) -> None:
        """Move places (m, D) to `units` (m,) of the range, to the nearest value that exists."""
        column = self.low + units * (self.high - self.low)
        if self.whole is not None:
            levels = np.array(self.whole)
            at = np.clip(np.searchsorted(levels, column), 1, max(len(levels) - 1, 1))
            lower, upper = levels[at - 1], levels[np.minimum(at, len(levels) - 1)]
            column = np.where(column - lower <= upper - column, lower, upper)
        places[:, self.column] = column


def axes(
    space: Space, box: Box, observations: Sequence[Observation], encoding: Encoding
) -> Mapping[str, Axis]:
    """The ranges of the box by name."""
    low, high = encoding.bounds(box)
    found: dict[str, Axis] = {}
    for name in space.names:
        now, asked, column = box[name], space.dimensions[name], encoding.columns[name].start
        if isinstance(now, Range) and isinstance(asked, Range):
            territory = Territory.of(name, now, observations)
            whole = _whole(asked, now, territory) if now.integer else None
            found[name] = Axis(
                name, column, asked, now, float(low[column]), float(high[column]), territory, whole
            )
    return found


def _whole(asked: Range, now: Range, territory: Territory) -> Sequence[float] | None:
    """Every whole number in reach, as places of the column; None where there are very many."""
    reach = (min(territory.lowest, territory.seen_low), max(territory.highest, territory.seen_high))
    start, end = (now.value(now.coordinate(now.low) + u * now.width) for u in reach)
    if end - start > TRIALS:
        return None
    return [asked.to_unit(start + k) for k in range(int(end - start) + 1)]


def first(
    space: Space,
    box: Box,
    encoding: Encoding,
    found: Mapping[str, Axis],
    observations: Sequence[Observation],
) -> Floats:
    """(m, D) candidates over all reachable places, more of them in the box, and the trials.

    Where the range may only grow into the unknown, the unknown is left out: a surrogate has
    nothing to say there.
    """
    wide = {a.name: reach(a) for a in found.values()}
    inner = dict.fromkeys(found, (0.0, 1.0))
    parts = [
        drawn(space, box, encoding, found, wide, WIDE),
        drawn(space, box, encoding, found, inner, INNER),
        encoding.encode([o.params for o in _known(box, observations)]),
    ]
    return np.concatenate(parts)


def reach(axis: Axis) -> tuple[float, float]:
    """The places from which to which the range can be judged."""
    t = axis.territory
    return max(t.lowest, t.seen_low), min(t.highest, t.seen_high)


def _known(box: Box, observations: Sequence[Observation]) -> Sequence[Observation]:
    """Finite trials whose levels are still chosen from: the best, and the latest."""
    levels = {name: now for name, now in box.items() if isinstance(now, Choices)}
    finite = [o for o in observations if o.finite and inside(levels, o.params)]
    if len(finite) <= TRIALS:
        return finite
    best = sorted(finite, key=lambda o: o.rank_key)[: TRIALS // 2]
    late = sorted(finite, key=lambda o: (-o.round, o.index))[: TRIALS // 2]
    return [*best, *late]


def drawn(
    space: Space,
    box: Box,
    encoding: Encoding,
    found: Mapping[str, Axis],
    spans: Mapping[str, tuple[float, float]],
    power: int,
) -> Floats:
    """(2^power, D) places of a Sobol sequence between `spans`, in units of each range."""
    units = _sobol(len(space.names), power)
    places = np.zeros((len(units), encoding.width))
    for k, name in enumerate(space.names):
        if name in found:
            low, high = spans[name]
            found[name].put(places, low + units[:, k] * (high - low))
            continue
        asked, now = space.dimensions[name], box[name]
        assert isinstance(asked, Choices)
        assert isinstance(now, Choices)
        kept = np.array([i for i, x in enumerate(asked.choices) if now.contains(x)])
        level = kept[np.minimum((units[:, k] * len(kept)).astype(int), len(kept) - 1)]
        places[np.arange(len(units)), encoding.columns[name].start + level] = 1.0
    return places


@cache
def _sobol(dimensions: int, power: int) -> Floats:
    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(SEED))
    points: Floats = engine.random_base2(power)
    points.setflags(write=False)
    return points


def sweeps(found: Mapping[str, Axis], leaders: Floats) -> Floats:
    """(m, D) the leaders (l, D) with one coordinate after the other at even steps of its reach.

    The hull of a random sample ends short of the hull it was drawn from; these find the ends.
    """
    if not found:
        return leaders[:0]
    count = max(1, SWEEPS // (STEPS * len(found)))
    parts = []
    for axis in found.values():
        places = np.repeat(leaders[:count], STEPS, axis=0)
        axis.put(places, np.tile(np.linspace(*reach(axis), STEPS), len(leaders[:count])))
        parts.append(places)
    return np.concatenate(parts)
