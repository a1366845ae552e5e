"""The tuning curve: the best score of k trials, for each k, with a band that holds for all k at once.

If F is the distribution of a trial's score, the best of k independent trials has F^k. Every point here is a
function of F (Dodge et al. 2019, equation 5, for the mean; Lourie, Cho and He 2023, "Show Your Work with
Confidence", for the median and the bands): with the draws' own distribution in place of F it is the estimate,
with the ends of a band of F it is the ends of a band of the curve. The mean needs bounds of the score, for a
band leaves some probability beyond the best draw; the median does without.

n   draws   k   trials   y   (n,) scores in rising order, the larger the better
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpsearch.report.tuning.band import Band

if TYPE_CHECKING:
    from hpsearch.arrays import Floats

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its band; an end is None where there is no band, or where the draws do not bound it."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The scores of n draws, as rank values.

    ordered
        (n,) in rising order; a draw without a score has the worst one that there is.
    lost
        How many have none: the first ones of `ordered`. They lie anywhere above `least`.
    least, most
        Bounds of the score, infinite where it has none.
    """

    ordered: Floats
    lost: int
    least: float
    most: float

    @classmethod
    def of(cls, scores: Sequence[float | None], bounds: tuple[float, float]) -> Scores:
        """The scores of draws in any order, of which one at least is a number."""
        known = sorted(score for score in scores if score is not None)
        lost = len(scores) - len(known)
        return cls(np.array([known[0]] * lost + known), lost, *bounds)

    @property
    def lowest(self) -> Floats:
        """(n,) as `ordered`, with the lost ones as bad as can be."""
        return np.concatenate([np.full(self.lost, self.least), self.ordered[self.lost :]])


def expected_best(scores: Scores, k: int, band: Band | None = None) -> Estimate:
    """The mean of the best of `k` trials."""
    n = len(scores.ordered)
    value = _mean(scores.ordered, np.arange(n + 1) / n, k)
    if band is None:
        return Estimate(value)
    lower = _mean(
        np.concatenate([[scores.least], scores.lowest]),
        np.concatenate([[0.0], band.high, [1.0]]),
        k,
    )
    upper = _mean(
        np.concatenate([scores.ordered, [scores.most]]),
        np.concatenate([[0.0], band.low, [1.0]]),
        k,
    )
    return Estimate(value, _finite(lower), _finite(upper))


def _mean(values: Floats, steps: Floats, k: int) -> float:
    """The mean of the best of k, where values (m,) have F in steps (m + 1,): from one to the next."""
    weights = np.diff(steps**k)
    return math.fsum(w * y for w, y in zip(weights.tolist(), values.tolist(), strict=True) if w)


def median_best(scores: Scores, k: int, band: Band | None = None) -> Estimate:
    """The median of the best of `k` trials: the least score that half of them reach."""
    n = len(scores.ordered)
    value = _quantile(scores.ordered, np.arange(1, n + 1) / n, k, scores.most)
    if band is None:
        return Estimate(value)
    below = np.concatenate([[scores.least], scores.lowest])
    lower = _quantile(below, np.concatenate([band.high, [1.0]]), k, scores.most)
    upper = _quantile(scores.ordered, band.low, k, scores.most)
    return Estimate(value, _finite(lower), _finite(upper))


def _quantile(values: Floats, steps: Floats, k: int, most: float) -> float:
    """The first of values (m,) at which F^k, F being steps (m,) there, is a half; else `most`."""
    at = int(np.searchsorted(steps, HALF ** (1.0 / k)))
    return float(values[at]) if at < len(values) else most


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
