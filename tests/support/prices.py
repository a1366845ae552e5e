"""A small table whose last column is a number, and a search on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

EXAMPLES = 240
SPEC: Mapping[str, Any] = {
    "name": "prices",
    "dataset": "prices",
    "model": {"hidden_sizes": [12], "batch_size": 16, "optimizer": "adam"},
    "space": {"learning_rate": {"low": 1e-4, "high": 0.3, "scale": "log"}},
    "rounds": 3,
    "trials_per_round": 8,
    "epochs": {"first": 2, "last": 12},
    "stop_early": False,
    "final": {"epochs": 24, "models": 3},
}


def table(*, noise: float = 5_000.0, slope: float = 900.0) -> str:
    """A CSV file of 240 flats: size, floor and price, whose mean is about 300,000."""
    rng = np.random.default_rng(3)
    size, floor = rng.uniform(20, 180, EXAMPLES), rng.integers(0, 9, EXAMPLES)
    price = 200_000 + slope * size + 4_000 * np.sin(floor) + rng.normal(0, noise, EXAMPLES)
    rows = zip(size, floor, price, strict=True)
    return "size,floor,price\n" + "".join(f"{s:.4f},{f},{p:.2f}\n" for s, f, p in rows)


def examples() -> tuple[np.ndarray, np.ndarray]:
    """x (240, 2) and y (240,) of the table."""
    values = np.array([line.split(",") for line in table().splitlines()[1:]], np.float64)
    return values[:, :2], values[:, 2]
