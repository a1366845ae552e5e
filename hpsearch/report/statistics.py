"""The few statistics that a result states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist


def wilson(correct: int, examples: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval for a proportion (Wilson 1927, equation for the score interval).

    Parameters
    ----------
    correct, examples
        Successes and trials; examples > 0.

    Returns
    -------
    tuple
        (low, high), within [0, 1].
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)  # SciPy would cost the API a start
    p, n = correct / examples, float(examples)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # Rounding must not push 0 of n or n of n out of its own interval.
    return max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))


def mean_sd(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation; None where there are too few values."""
    if not values:
        return None, None
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, None
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def binomial_sd(correct: int, examples: int) -> float:
    """Standard deviation of an accuracy measured on `examples` independent examples."""
    p = correct / examples
    return math.sqrt(p * (1 - p) / examples)
