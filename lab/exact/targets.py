"""Targets of the process: scores with their bad tail cut, mean 0 and variance 1.

A learning rate a decade too high scores like chance. Such points say "not here"; how far below the
others they lie says nothing, and a stationary process that must reach them fits nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Floats
from hpsearch.errors import InvalidRequest

FLOOR = 3.0  # standard deviations below the median at which the lower tail is cut


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """values (n,) = (winsorised score - shift) / scale; `cut` is the score at which it was cut."""

    values: Floats
    shift: float
    scale: float
    cut: float


def standardised(scores: Floats, *, floor: float = FLOOR) -> Targets:
    """Winsorise the lower tail of scores (n,) at `floor` sd, then standardise.

    The sd is that of the upper half about the median: the tail itself must not widen its own
    limit. A score that is not finite is a diverged trial's and takes the value of the cut. Where all
    scores are one, or one alone is finite, the scale is 1.

    Raises: InvalidRequest if no score is finite.
    """
    finite = scores[np.isfinite(scores)]
    if not finite.size:
        raise InvalidRequest(f"none of {scores.size} scores is finite: there is nothing to fit")
    median = float(np.median(finite))
    upper = finite[finite >= median]
    spread = math.sqrt(float(np.mean(np.square(upper - median)))) or float(np.std(finite))
    cut = max(median - floor * spread, float(finite.min()))
    values = np.maximum(np.where(np.isfinite(scores), scores, cut), cut)
    shift, scale = float(values.mean()), float(values.std())
    if not scale > 1e-12 * max(1.0, abs(shift)):
        scale = 1.0
    return Targets((values - shift) / scale, shift, scale, cut)
