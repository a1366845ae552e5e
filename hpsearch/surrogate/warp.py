"""Scores as the process sees them: straight at the top, logarithmic below it.

    z = y                          for y >= 0
    z = -delta log(1 - y / delta)  for y < 0,       y = (score - top) / unit

`top` is the best score seen and `unit` the spread of the better half of them. What lies far below
the best is compressed: a learning rate a decade too high says "not here", and how far below the
others it lies says nothing. Near the best, and above it, z keeps the units of the score, so seed
noise stays of one size where it matters. delta is learned with the kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Bools, Floats

ULPS = 8  # in units of the last place of a score: two that are nearer to each other are equal
DEPTH = 12.0  # units below the top at which scores are cut; diverged trials lie there


@dataclass(frozen=True, slots=True)
class Scale:
    """The units of y: `top` and `unit` in score units, `floor` (< 0) where y is cut."""

    top: float
    unit: float
    floor: float

    @classmethod
    def of(cls, scores: Floats) -> Scale:
        """The scale of finite scores (n,), n >= 1."""
        top, median = float(scores.max()), float(np.median(scores))
        # What rounding leaves of equal scores, in whatever unit; a low score may be beyond measure.
        rounding = ULPS * math.ulp(max(abs(top), abs(median)))
        unit = top - median
        if not unit > rounding:
            unit = float(np.std(scores))
        if not unit > rounding:
            unit = 1.0
        worst = (float(scores.min()) - top) / unit
        return cls(top, unit, max(-DEPTH, min(worst, -1.0)))

    def units(self, scores: Floats) -> tuple[Floats, Bools]:
        """The y (n,) <= 0, and where it was cut; a score that is not finite is a diverged trial's."""
        raw = (np.where(np.isfinite(scores), scores, -math.inf) - self.top) / self.unit
        cut = raw <= self.floor
        return np.where(cut, self.floor, raw), cut


def warped(y: Floats, delta: float) -> Floats:
    """The z of y (n,)."""
    below = np.minimum(y, 0.0)
    z: Floats = np.maximum(y, 0.0) - delta * np.log1p(-below / delta)
    return z


@dataclass(frozen=True, slots=True)
class Warp:
    """The way back from z to scores; below the floor it goes on as a straight line."""

    scale: Scale
    delta: float

    @property
    def lowest(self) -> float:
        """The z at the floor."""
        return -self.delta * math.log1p(-self.scale.floor / self.delta)

    def score(self, z: Floats) -> Floats:
        """Scores of z, any shape."""
        inner = np.clip(z, self.lowest, 0.0)
        y = -self.delta * np.expm1(-inner / self.delta)
        y = y + np.maximum(z, 0.0) + np.minimum(z - self.lowest, 0.0) * self._steepest
        score: Floats = self.scale.top + self.scale.unit * y
        return score

    def slope(self, z: Floats) -> Floats:
        """The slope d score / d z, any shape; positive everywhere."""
        slope: Floats = self.scale.unit * np.exp(-np.clip(z, self.lowest, 0.0) / self.delta)
        return slope

    @property
    def _steepest(self) -> float:
        return 1.0 - self.scale.floor / self.delta
