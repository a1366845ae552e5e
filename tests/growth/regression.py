"""A metric of regression, and data for one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics import Metric, mean_measured

EXAMPLES = 240


def mean_distance(predicted: NDArray[Any], targets: NDArray[Any]) -> float:
    return float(np.abs(predicted - targets).mean())


DISTANCE = Metric(
    title="mean absolute error",
    task="regression",
    direction="minimise",
    unit="number",
    low=0.0,
    high=float("inf"),
    pooled=mean_measured,
    compute=mean_distance,
)


def plane() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x (n, 2) and y (n,): a slope, a bend, and noise of standard deviation 0.1."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (EXAMPLES, 2))
    return x, 3 + 2 * x[:, 0] + np.sin(2 * x[:, 1]) + rng.normal(0, 0.1, EXAMPLES)


def content() -> str:
    """The same, as lines of `target; feature; feature`."""
    x, y = plane()
    return "\n".join(f"{target};{a};{b}" for (a, b), target in zip(x, y, strict=True))
