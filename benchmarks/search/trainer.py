"""The simulated trainer that every peer drives: it counts what is spent and logs what was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from hpsearch.arrays import Floats


class SpentError(Exception):
    """The budget does not hold the training that was asked for."""


class Truth(Protocol):
    """The noise-free value of configurations trained for some epochs; higher is better."""

    def __call__(self, units: Floats, epochs: Floats) -> Floats:
        """Values (n,) at places (n, axes) after `epochs` (n,)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation: the budget spent by then, and its values."""

    spent: int
    trial: int
    epochs: int
    value: float


@dataclass(slots=True)
class Trainer:
    """Trainings of a search, one after the other, within `budget` epochs."""

    truth: Truth
    dimensions: int
    noise: float
    budget: int
    rng: np.random.Generator
    places: list[Floats] = field(default_factory=list)
    log: list[Seen] = field(default_factory=list)
    spent: int = 0
    _trained: list[int] = field(default_factory=list)

    def start(self, units: Floats) -> int:
        """A new trial at a place of the unit cube; its number."""
        self.places.append(np.clip(np.asarray(units, dtype=float), 0.0, 1.0))
        self._trained.append(0)
        return len(self.places) - 1

    def observe(self, trial: int, epochs: int) -> float:
        """The noisy value of `trial` after `epochs` in all; the epochs it lacks are trained."""
        cost = epochs - self._trained[trial]
        if self.spent + cost > self.budget:
            raise SpentError
        self.spent += cost
        self._trained[trial] = epochs
        exact = self.truth(self.places[trial][None], np.array([float(epochs)]))[0]
        value = float(exact + self.noise * self.rng.standard_normal())
        self.log.append(Seen(self.spent, trial, epochs, value))
        return value
