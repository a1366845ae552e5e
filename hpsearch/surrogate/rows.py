"""Observations as rows of the process: one for each trial and each epoch it was looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Floats, Ints
from hpsearch.surrogate.encoding import Encoding
from hpsearch.trials import Observation

SPARSE = 1.8  # two rows of one trial differ at least by this factor in their epochs
TRIALS_PER_FACTOR = 20.0  # and by that of trials over this: many speak for themselves
LONG = 1.0 / 6.0  # of the full epochs, from where a training is long,
LONG_ENOUGH = 64  # and as many rows as long make shorter ones needless


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n rows: places, log epochs, scores (nan: diverged), trial numbers, sources.

    places (n, D), log_epochs (n,), scores (n,), trials (n,), sources (n,); `chance` (n,) is the
    binomial standard deviation of the score where examples were counted, else nan.
    """

    places: Floats
    log_epochs: Floats
    scores: Floats
    trials: Ints
    sources: Ints
    chance: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, index: Ints) -> Rows:
        """The rows at `index`, in that order."""
        return Rows(
            self.places[index], self.log_epochs[index], self.scores[index],
            self.trials[index], self.sources[index], self.chance[index],
        )  # fmt: skip


def rows_of(encoding: Encoding, observations: Sequence[Observation], *, epochs: int) -> Rows:
    """Make rows of the observations, in their order.

    A diverged trial is one row, at `epochs`: it would not have come back. The more trials there are,
    the fewer rows has each of them: what its early epochs say of the late ones is only a model's
    opinion, and it makes the process too sure of itself.
    """
    sparse = max(SPARSE, len(observations) / TRIALS_PER_FACTOR)
    trials: list[int] = []
    ats: list[float] = []
    scores: list[float] = []
    for number, one in enumerate(observations):
        for epoch, score in _looks(one, epochs, sparse):
            trials.append(number)
            ats.append(math.log(epoch))
            scores.append(score)
    places = encoding.encode([one.params for one in observations])
    sources = np.array([one.source for one in observations], dtype=np.intp)
    chance = np.array([_chance(one) for one in observations])
    index = np.array(trials, dtype=np.intp)
    rows = Rows(
        places[index], np.array(ats), np.array(scores), index, sources[index], chance[index]
    )
    return rows.take(_remembered(rows, math.log(max(epochs * LONG, 1.0))))


def _remembered(rows: Rows, long: float) -> Ints:
    """Leave out rows of short trainings, as far as there are enough long ones.

    `long` is in log epochs. What a few epochs say of many is right about what is poor, and too sure
    about what is best: at the end of a search that costs more than it helps. Earlier searches keep
    their rows, which may be all they have.
    """
    own = rows.sources == 0
    if own.sum() <= LONG_ENOUGH:
        return np.arange(len(rows))
    least = min(long, float(np.sort(rows.log_epochs[own])[-LONG_ENOUGH]))
    return np.flatnonzero(~own | (rows.log_epochs >= least))


def _looks(one: Observation, epochs: int, sparse: float) -> list[tuple[int, float]]:
    """List (epoch, score) of a trial, the last first, then back in ever smaller epochs."""
    value = one.value
    if value is None or not math.isfinite(value):
        return [(epochs, math.nan)]
    looks = [(max(one.epochs, 1), value)]
    for epoch, score in reversed(one.curve):
        if epoch * sparse <= looks[-1][0] and epoch >= 1 and math.isfinite(score):
            looks.append((epoch, score))
    return looks


def _chance(one: Observation) -> float:
    """The binomial sd of the score; nan where nothing was counted."""
    if one.examples <= 0 or not one.finite:
        return math.nan
    share = (one.correct + 1) / (one.examples + 2)
    return math.sqrt(share * (1 - share) / one.examples)
