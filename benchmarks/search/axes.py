"""The hyperparameters of a benchmark: places in the unit cube and what they stand for.

Every contender sees the same cube, each axis in its own scale, so that none is handed a
harder view of the problem than another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Floats


@dataclass(frozen=True, slots=True)
class Axis:
    """A hyperparameter: its name in the benchmark, its name in hpsearch, its range."""

    name: str
    ours: str
    low: float
    high: float
    log: bool = False
    integer: bool = False

    def values(self, units: Floats) -> Floats:
        """Values at places in [0, 1], whole where they must be."""
        if self.log:
            raw = self.low * (self.high / self.low) ** units
        else:
            raw = self.low + units * (self.high - self.low)
        return np.clip(np.rint(raw) if self.integer else raw, self.low, self.high)

    def units(self, values: Floats) -> Floats:
        """The places of `values`; the reverse of `values` but for rounding."""
        if self.log:
            return np.log(np.asarray(values) / self.low) / np.log(self.high / self.low)
        return (np.asarray(values) - self.low) / (self.high - self.low)


def decode(axes: Sequence[Axis], units: Floats) -> Floats:
    """Values (n, axes) at places (n, axes)."""
    columns = [axis.values(units[:, k]) for k, axis in enumerate(axes)]
    return np.stack(columns, axis=1)
