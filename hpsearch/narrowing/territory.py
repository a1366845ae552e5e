"""How far out the evidence reaches: where trials have been, and where they only diverge.

A place in a range is counted in its present width: 0 at the low edge, 1 at the high edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hpsearch.narrowing.brakes import EXPANSION, limits
from hpsearch.space import Range
from hpsearch.trials import Observation

DIVERGED_LEAST = 3  # diverged trials that make a frontier
DIVERGED_SHARE = 0.8  # of the trials beyond it
SURE = 0.01  # p below which so many of them diverged for where they are, and not by chance

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Territory:
    """What may be said about the surroundings of a range, all in places of that range.

    seen_low, seen_high
        The outermost finite trials, or the edges where no trial lies beyond them.
    stable_low, stable_high
        Beyond these nearly every trial diverged; infinite where there is no such border.
    lowest, highest
        How far the range may grow in one round.
    """

    seen_low: float
    seen_high: float
    stable_low: float
    stable_high: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, name: str, now: Range, observations: Sequence[Observation]) -> Territory:
        """The territory of one range, after all trials so far."""
        finite = units(name, now, [o for o in observations if o.finite])
        gone = units(name, now, [o for o in observations if not o.finite])
        stable_high = frontier(finite, gone)
        stable_low = -frontier(-finite, -gone)
        lowest, highest = limits(now)
        return cls(
            seen_low=min(0.0, *finite),
            seen_high=max(1.0, *finite),
            stable_low=stable_low,
            stable_high=stable_high,
            lowest=min(0.0, max(lowest, -EXPANSION, stable_low)),
            highest=max(1.0, min(highest, 1 + EXPANSION, stable_high)),
        )


def units(name: str, now: Range, trials: Sequence[Observation]) -> Floats:
    """(n,) where the trials lie in the range."""
    values = np.array([o.params[name] for o in trials], dtype=np.float64)
    places = np.log10(values) if now.scale == "log" else values
    found: Floats = (places - now.coordinate(now.low)) / now.width
    return found


def frontier(finite: Floats, diverged: Floats) -> float:
    """The place above which nearly every trial diverged; infinite where there is none.

    Of all such places it is the one that leaves the fewest trials on the wrong side. So many
    diverged trials above it have to be a surprise, given how many diverged anywhere (Fisher's
    exact test, one-sided).
    """
    places = np.concatenate([finite, diverged])
    gone = np.concatenate([np.zeros(len(finite)), np.ones(len(diverged))])
    order = np.lexsort((gone, places))[::-1]  # from the top down
    places, gone = places[order], gone[order]
    count = np.cumsum(gone)
    share = count / np.arange(1, len(gone) + 1)
    last = np.append(places[1:] < places[:-1], True)  # equal places stay together
    border = last & (count >= DIVERGED_LEAST) & (share >= DIVERGED_SHARE)
    if not border.any():
        return math.inf
    right = np.where(border, 2 * count - np.arange(1, len(gone) + 1), -np.inf)
    cut = int(np.argmax(right))
    total, lost = len(gone), int(count[-1])
    if stats.hypergeom.sf(count[cut] - 1, total, lost, cut + 1) >= SURE:
        return math.inf
    below = places[cut + 1] if cut + 1 < len(places) else places[cut]
    return float(places[cut] + below) / 2
