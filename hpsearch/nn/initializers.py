"""Initial weights: a standard deviation each; biases start at zero.

"He": He et al. 2015, eq. 10, std = sqrt(2 / fan_in). "Xavier": Glorot and Bengio 2010 in the form
that looks at the incoming side alone, std = sqrt(1 / fan_in), eq. 10 being the case of equal sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from hpsearch.registry import Registry


def _he(fan_in: int, init_std: float, activation: str) -> float:
    return math.sqrt(2.0 / fan_in)


def _xavier(fan_in: int, init_std: float, activation: str) -> float:
    return math.sqrt(1.0 / fan_in)


def _auto(fan_in: int, init_std: float, activation: str) -> float:
    """He for ReLU, which drops half of its input, Xavier for the curves through the origin."""
    chosen = _he if activation == "relu" else _xavier
    return chosen(fan_in, init_std, activation)


def _normal(fan_in: int, init_std: float, activation: str) -> float:
    return init_std


def _zeros(fan_in: int, init_std: float, activation: str) -> float:
    return 0.0


# name -> (fan_in, init_std, activation) -> standard deviation
INITIALIZERS: Registry[Callable[[int, float, str], float]] = Registry(
    "initializer",
    {"auto": _auto, "xavier": _xavier, "he": _he, "normal": _normal, "zeros": _zeros},
)
