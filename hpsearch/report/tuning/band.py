"""A simultaneous confidence band of a distribution function, from independent draws.

The i-th of n ordered draws from F has F(y_i) = U_i, the i-th of n ordered uniform numbers, which is
Beta(i, n + 1 - i). The band takes of each U_i the interval between the same two quantiles of its Beta
distribution, t/2 and 1 - t/2, and t is such that all n intervals hold at once with the asked probability
(Berk and Jones 1979; Aldor-Noiman et al. 2013; "equal-tailed" in Lourie, Cho and He 2023, opda). Unlike that
of Kolmogorov it is narrow where the best of many trials lies.

That probability is computed and not simulated, so that it is the same everywhere: ordered uniform numbers are
the times of a Poisson process that has n of them by time 1 (Moscovich and Nadler 2017).

n   draws   low, high   (n,) bounds of U_i
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hpsearch.arrays import Floats

HALVINGS = 26  # of the interval in which log t lies: to a millionth
LEAST = 1e-12  # t


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Bounds (n,) of F at the draws in rising order."""

    low: Floats
    high: Floats


def chance_inside(low: Floats, high: Floats) -> float:
    """The probability that low_i <= U_i <= high_i for all i; both (n,) rise."""
    n = len(low)
    times = np.sort(np.concatenate([low, high]))
    least = np.searchsorted(high, times, side="right")  # as many have come by then
    most = np.searchsorted(low, times, side="left")  # and no more
    logs = np.cumsum(np.log(np.maximum(np.arange(n + 1), 1)))  # log j!
    chances, start, before = np.ones(1), 0, 0.0
    for time, lower, upper in zip(times, least, most, strict=True):
        if upper < lower:
            return 0.0
        chances = _advanced(chances, n * (time - before), logs, start, (lower, upper))
        start, before = int(lower), float(time)
    chances = _advanced(chances, n * (1.0 - before), logs, start, (n, n))
    return float(chances[0] / math.exp(-n + n * math.log(n) - logs[n]))


def _advanced(
    chances: Floats, mean: float, logs: Floats, start: int, window: tuple[int, int]
) -> Floats:
    """The chances of each count in a window, `mean` expected times after those of start, start + 1, ..."""
    lower, upper = window
    more = np.arange(upper - start + 1)
    if mean > 0.0:
        steps = np.exp(more * math.log(mean) - mean - logs[more])
    else:
        steps = (more == 0).astype(np.float64)
    reached: Floats = np.convolve(chances, steps)[lower - start : upper - start + 1]
    return reached


def bounds(n: int, tail: float) -> Band:
    """The intervals of U_1 to U_n that leave out `tail` of the probability of each."""
    from scipy.special import betaincinv  # an API's start does without

    ranks = np.arange(1, n + 1)
    shares = (tail / 2.0, 1.0 - tail / 2.0)
    low, high = (
        np.asarray(betaincinv(ranks, n + 1 - ranks, share), np.float64) for share in shares
    )
    return Band(low, high)


@lru_cache(maxsize=32)
def band(n: int, confidence: float) -> Band:
    """The band of n draws that holds everywhere with probability `confidence`."""
    wide, narrow = math.log(LEAST), 0.0
    for _ in range(HALVINGS):
        middle = (wide + narrow) / 2.0
        tried = bounds(n, math.exp(middle))
        if chance_inside(tried.low, tried.high) >= confidence:
            wide = middle
        else:
            narrow = middle
    return bounds(n, math.exp(wide))
