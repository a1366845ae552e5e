"""The user's guesses as a density over places, by which an acquisition is weighed (piBO).

Hvarfner, Stoll, Souza, Lindauer, Hutter and Nardi (2022), "πBO: Augmenting Acquisition Functions with User
Beliefs for Bayesian Optimization", multiply the acquisition of the n-th trial by π(x)^(β/n): a belief counts
for much while little is known, and for nothing in the end.

π is a product over the ranges that have a guess. Each factor is a normal density of standard deviation
`SPREAD` about the guess, cut off at the edges of the asked range, and for `DOUBT` of it uniform: a guess
that is far off keeps no place out. A factor is relative to the uniform density, and 1 where its range is not
active, so that a condition is neither favoured nor avoided.

m   places   D   columns of the encoding   u   place in the asked range, 0 to 1
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from hpsearch.arrays import Floats
from hpsearch.space import Range, Space
from hpsearch.surrogate.encoding import Encoding

SPREAD = 0.1  # of the asked width: the standard deviation of what a guess means
DOUBT = 0.1  # of the density is uniform
WEIGHT = 5.0  # β: trials after which the exponent is 1


def guessed_places(space: Space) -> Mapping[str, float]:
    """The place u of each guess in its range; in [0, 1], also where a requirement cut the range."""
    places = {}
    for name, guess in space.guesses.items():
        asked = space.dimensions[name]
        assert isinstance(asked, Range)  # no choice has a guess
        places[name] = min(max(asked.to_unit(guess), 0.0), 1.0)
    return places


def drawn_near(units: Floats, place: float) -> Floats:
    """(m,) places u about a guess's, as units (m,) in [0, 1) are of a uniform draw."""
    start, stop = ndtr(-place / SPREAD), ndtr((1.0 - place) / SPREAD)
    near: Floats = np.clip(place + SPREAD * ndtri(start + units * (stop - start)), 0.0, 1.0)
    return near


@dataclass(frozen=True, slots=True)
class Belief:
    """π over encoded places; `places` are those of the guesses, by hyperparameter."""

    encoding: Encoding
    places: Mapping[str, float]

    @classmethod
    def of(cls, encoding: Encoding) -> Belief | None:
        """The belief of a space's guesses; None where it has none."""
        places = guessed_places(encoding.space)
        return cls(encoding, places) if places else None

    def log_density(self, x: Floats, n: int) -> tuple[Floats, Floats]:
        """(m,) β/n log π at places x (m, D) for the n-th trial, and its gradient (m, D)."""
        value, gradient = np.zeros(len(x)), np.zeros(x.shape)
        for name in sorted(self.places):
            column, guess = self.encoding.columns[name].start, self.places[name]
            present = self.encoding.present(x, name)
            away = (x[:, column] - guess) / SPREAD
            mass = float(ndtr((1.0 - guess) / SPREAD) - ndtr(-guess / SPREAD))
            peak = (1.0 - DOUBT) / (mass * SPREAD * math.sqrt(2.0 * math.pi))
            bell = peak * np.exp(-0.5 * np.square(away))
            value += np.where(present, np.log(bell + DOUBT), 0.0)
            slope = -away / SPREAD * bell / (bell + DOUBT)
            gradient[:, column] = np.where(present, slope, 0.0)
        return WEIGHT / n * value, WEIGHT / n * gradient
