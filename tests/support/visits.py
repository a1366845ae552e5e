"""Visits of people: what tells a person apart is no sign of anything, but rows of one are alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

PEOPLE, VISITS = 60, 5
HEADER = "person,day,a,b,c,d,sign,ill\n"
SPEC: Mapping[str, Any] = {
    "name": "visits",
    "dataset": "visits",
    "model": {"hidden_sizes": [32], "batch_size": 16, "optimizer": "adam"},
    "space": {"learning_rate": {"low": 3e-3, "high": 0.1, "scale": "log"}},
    "rounds": 2,
    "trials_per_round": 4,
    "epochs": {"first": 4, "last": 16},
    "stop_early": False,
    "final": {"epochs": 48, "models": 2},
}


def rows(people: int = PEOPLE, seed: int = 5) -> list[str]:
    """Lines of a table: four numbers that are nearly constant for a person, a weak sign, the class."""
    rng = np.random.default_rng(seed)
    made = []
    for person in range(people):
        own, ill = rng.normal(0, 1, 4), person % 2
        for visit in range(VISITS):
            marks = own + rng.normal(0, 0.05, 4)
            sign = 0.5 * ill + rng.normal(0, 1)
            numbers = ",".join(f"{v:.4f}" for v in (*marks, sign))
            day = person * 3 + visit
            made.append(f"s{seed}-{person},{day},{numbers},{'yes' if ill else 'no'}\n")
    return made


def table(people: int = PEOPLE, seed: int = 5) -> str:
    """A CSV file of the visits; the days of people follow each other, and overlap by two."""
    return HEADER + "".join(rows(people, seed))
