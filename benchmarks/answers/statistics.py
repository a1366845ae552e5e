"""Statistics of the rows; nothing here trains or reads a file.

n examples      k trainings of a setting      c_ki the score of training k on example i
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpsearch.arrays import Floats

NOISE = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting's mean score less another one's, and the standard error of that."""

    value: float
    error: float

    @property
    def worse(self) -> bool:
        """True where it lies below 0 by more than noise."""
        return self.value < -NOISE * self.error

    @property
    def better(self) -> bool:
        """True where it lies above 0 by more than noise."""
        return self.value > NOISE * self.error


def paired(one: Floats, other: Floats) -> Difference:
    """The difference of two settings (k, n), each trained k times, on the same examples.

    error² = var(d) / n + (s_a² - e_a²) / k + (s_b² - e_b²) / k, no part below 0, with d_i the
    difference of the settings' means on example i, s² the variance of a training's mean, and e² the
    part of it that single examples make, which the first term has counted.
    """
    d = one.mean(axis=0) - other.mean(axis=0)
    square = float(d.var(ddof=1)) / len(d) + _trainings(one) + _trainings(other)
    return Difference(float(d.mean()), float(np.sqrt(square)))


def _trainings(scores: Floats) -> float:
    """Part of the variance of a setting's mean that its trainings add, beyond single examples."""
    k, n = scores.shape
    if k < 2:
        return 0.0
    spread = float(scores.mean(axis=1).var(ddof=1))
    by_example = float(scores.var(axis=0, ddof=1).mean()) / n
    return max(0.0, spread - by_example) / k


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error; nan of a single value."""

    value: float
    error: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """The mean of independent values."""
        array = np.asarray(values, dtype=float)
        error = array.std(ddof=1) / np.sqrt(len(array)) if len(array) > 1 else np.nan
        return cls(float(array.mean()), float(error), len(array))


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with an exact 95 % interval (Clopper, Pearson 1934)."""

    hits: int
    of: int

    @classmethod
    def among(cls, hit: Sequence[bool]) -> Share:
        """The share of those that are True."""
        return cls(sum(hit), len(hit))

    @property
    def value(self) -> float:
        """The share; nan of none."""
        return self.hits / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends."""
        found = stats.binomtest(self.hits, self.of).proportion_ci(method="exact")
        return float(found.low), float(found.high)


def by_pair(
    one: Mapping[tuple[Hashable, int], float], other: Mapping[tuple[Hashable, int], float]
) -> Mean | None:
    """The mean of `one` less `other` over the (problem, seed) that both have; None without any."""
    common = sorted(one.keys() & other.keys(), key=str)
    return Mean.of([one[key] - other[key] for key in common]) if common else None
