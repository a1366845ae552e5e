"""Learning-rate schedules: the factor on the learning rate after a number of epochs.

e   epochs behind us; a fraction within an epoch          E   epochs planned
"""

from __future__ import annotations

import math
from collections.abc import Callable

from hpsearch.registry import Registry


def _constant(e: float, epochs: int, every: int, gamma: float) -> float:
    return 1.0


def _step(e: float, epochs: int, every: int, gamma: float) -> float:
    """gamma^floor(e / every)."""
    return gamma ** math.floor(e / every)


def _cosine(e: float, epochs: int, every: int, gamma: float) -> float:
    """(1 + cos(pi e / E)) / 2: Loshchilov and Hutter 2017, eq. 5, without restarts, down to 0."""
    return 0.5 * (1.0 + math.cos(math.pi * min(e / epochs, 1.0)))


# name -> (e, E, step_every, step_gamma) -> factor
SCHEDULES: Registry[Callable[[float, int, int, float], float]] = Registry(
    "schedule", {"constant": _constant, "step": _step, "cosine": _cosine}
)
