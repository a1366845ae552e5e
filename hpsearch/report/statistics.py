"""The few statistics that a result states."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean_sd(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation; None where there are too few values."""
    if not values:
        return None, None
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, None
    if min(values) == max(values):  # rounding of the mean is no spread
        return values[0], 0.0
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def binomial_sd(correct: int, examples: int) -> float:
    """Standard deviation of an accuracy measured on `examples` independent examples."""
    p = correct / examples
    return math.sqrt(p * (1 - p) / examples)


def so_few_by_chance(inside: int, trials: int, share: float) -> float:
    """Probability of `inside` or fewer successes of `trials`, each of probability `share`."""
    ways = (
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(inside + 1)
    )
    return min(1.0, math.fsum(ways))
