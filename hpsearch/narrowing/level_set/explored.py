"""The surroundings of a range: where trials have been, and where they only diverge.

A place in a range is counted in its present width: 0 at the low edge, 1 at the high edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hpsearch.narrowing.step_limits import EXPANSION, limits
from hpsearch.reasons import Side
from hpsearch.space import Range
from hpsearch.trials import Observation

DIVERGED_LEAST = 3  # diverged trials that make a boundary
DIVERGED_SHARE = 0.8  # of the trials beyond it
SURE = 0.01  # p below which so many of them diverged for where they are, and not by chance

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Edge:
    """An end of a range and its surroundings, in places of that range.

    home
        The place of the edge itself.
    explored
        The outermost finite trial, or the edge where no trial lies beyond it.
    stable
        The place beyond which nearly every trial diverged; infinite where there is no such border.
    growth
        The furthest place to which the range may grow in one round.
    """

    side: Side
    home: float
    explored: float
    stable: float
    growth: float

    @classmethod
    def of(cls, side: Side, now: Range, finite: Floats, diverged: Floats) -> Edge:
        """The end of a range, after finite and diverged trials at those places."""
        home, outward = (0.0, -1.0) if side is Side.LOW else (1.0, 1.0)
        limit = dict(zip(Side, limits(now), strict=True))[side]
        stable = outward * divergence_boundary(outward * finite, outward * diverged)
        return cls(
            side=side,
            home=home,
            explored=side.outermost(home, *finite),
            stable=stable,
            growth=side.outermost(home, side.innermost(limit, home + outward * EXPANSION, stable)),
        )

    @property
    def judged(self) -> float:
        """The furthest place to which the range can be judged: in reach, and explored."""
        return self.side.innermost(self.growth, self.explored)

    def outward(self, place: float) -> float:
        """The distance of a place from the edge, outward; below 0 it lies inside."""
        return -place if self.side is Side.LOW else place - 1

    def further(self, place: float, distance: float) -> float:
        """The place that lies `distance` further out than another one."""
        return place - distance if self.side is Side.LOW else place + distance

    def outer(self, places: Floats, part: float) -> Bools:
        """(m,) True for places (m,) in the outer part of the range, or beyond it."""
        outer: Bools = places <= part if self.side is Side.LOW else places >= 1 - part
        return outer

    def at_limit(self, now: Range) -> bool:
        """Tell whether nothing but its hard limit keeps the edge from growing."""
        at_limit = self.side.edge(now) == self.side.hard_limit(now)
        return at_limit and self.outward(self.stable) > 0


@dataclass(frozen=True, slots=True)
class ExploredRegion:
    """The two ends of a range."""

    low: Edge
    high: Edge

    @classmethod
    def of(
        cls, name: str, now: Range, finite: Sequence[Observation], diverged: Sequence[Observation]
    ) -> ExploredRegion:
        """The surroundings of one range, after all trials so far."""
        sound, lost = units(name, now, finite), units(name, now, diverged)
        return cls(*(Edge.of(side, now, sound, lost) for side in Side))

    @property
    def edges(self) -> tuple[Edge, Edge]:
        """The low end, and the high end."""
        return self.low, self.high

    @property
    def stable(self) -> tuple[float, float]:
        """The places between which trials do not diverge as a rule."""
        return self.low.stable, self.high.stable

    @property
    def judged(self) -> tuple[float, float]:
        """The places between which the range can be judged."""
        return self.low.judged, self.high.judged


def units(name: str, now: Range, trials: Sequence[Observation]) -> Floats:
    """(n,) places of the trials in the range, those that have a value of it."""
    values = np.array([o.params[name] for o in trials if name in o.params], dtype=np.float64)
    coordinates = np.log10(values) if now.scale == "log" else values
    places: Floats = (coordinates - now.coordinate(now.low)) / now.width
    return places


def divergence_boundary(finite: Floats, diverged: Floats) -> float:
    """Return the place above which nearly every trial diverged; infinite where there is none.

    Of all such places it is the one that leaves the fewest trials on the wrong side. So many
    diverged trials above it have to be a surprise, given how many diverged anywhere (Fisher's
    exact test, one-sided).
    """
    places = np.concatenate([finite, diverged])
    lost = np.concatenate([np.zeros(len(finite)), np.ones(len(diverged))])
    order = np.lexsort((lost, places))[::-1]  # from the top down
    places, lost = places[order], lost[order]
    count = np.cumsum(lost)
    share = count / np.arange(1, len(lost) + 1)
    last = np.append(places[1:] < places[:-1], True)  # equal places stay together
    border = last & (count >= DIVERGED_LEAST) & (share >= DIVERGED_SHARE)
    if not border.any():
        return math.inf
    correct = np.where(border, 2 * count - np.arange(1, len(lost) + 1), -np.inf)
    cut = int(np.argmax(correct))
    total, all_lost = len(lost), int(count[-1])
    if stats.hypergeom.sf(count[cut] - 1, total, all_lost, cut + 1) >= SURE:
        return math.inf
    below = places[cut + 1] if cut + 1 < len(places) else places[cut]
    return float(places[cut] + below) / 2
