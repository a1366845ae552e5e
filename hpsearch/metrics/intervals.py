"""Confidence intervals of metrics."""

from __future__ import annotations

import math
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
