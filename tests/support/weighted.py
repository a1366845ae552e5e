"""A table whose rows count by weights that turn the answer round: most rows say one thing, most of the weight another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

SHARE = 0.6  # of the rows with weight 1 that follow the sign; the others count 10 and contradict it
SPEC: Mapping[str, Any] = {
    "dataset": "weighted",
    "model": {"hidden_sizes": [6], "batch_size": 16, "optimizer": "adam"},
    "space": {"learning_rate": {"low": 3e-3, "high": 0.1, "scale": "log"}},
    "rounds": 3,
    "trials_per_round": 4,
    "epochs": {"first": 2, "last": 8},
    "stop_early": False,
    "final": {"epochs": 8, "models": 2},
}


def rows(count: int = 400, zeros: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (n, 2), y (n,) of 0 and 1, and weights (n,), `zeros` of them 0."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(count, 2))
    follows = rng.random(count) < SHARE
    y = ((x[:, 0] > 0) == follows).astype(int)
    weights = np.where(follows, 1.0, 10.0)
    weights[rng.choice(count, zeros, replace=False)] = 0.0
    return x, y, weights


def table(*, numbers: bool = False, **sizes: int) -> str:
    """The same as CSV: columns a, b, w, and y, which is "no" or "yes", or numbers."""
    x, y, weights = rows(**sizes)
    noise = np.random.default_rng(4).normal(0, 0.3, len(y))
    told = [f"{t:.4f}" for t in 2 * y - 1 + noise] if numbers else np.array(["no", "yes"])[y]
    lines = [f"{a:.4f},{b:.4f},{w:g},{t}" for (a, b), w, t in zip(x, weights, told, strict=True)]
    return "\n".join(["a,b,w,y", *lines, ""])
