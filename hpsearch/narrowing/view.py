"""What the surrogate says about a box: its level set, and what each range is worth inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.narrowing import candidates
from hpsearch.narrowing.candidates import SEED, Axis
from hpsearch.narrowing.relevance import supports
from hpsearch.space import Box, Space, inside
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Observation

C_EACH = 0.2  # standard deviations on either side for each hyperparameter,
C_LEAST, C_MOST = 0.5, 2.0  # within these
HULL = 8  # 2 to this power: candidates between the ends of the level set
MEMBERS, DRAWS = 96, 256  # places and posterior draws behind a probability
TRIED = 64  # trials, the luckiest first, that the best one is looked for among
SLICE = 13  # places along a range, through the best one

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The posterior over m candidates, computed once for all hyperparameters.

    places (m, D); mean, sd (m,) of the score; `level` (m,) the members of the level set
    {mean + c sd >= threshold}, threshold = max(mean - c sd); `best` the candidate of the
    highest mean inside the box; `tried` (D,) the trial of the highest mean there, None without
    any; `often` (m,) the share of posterior draws in which a candidate
    is the best of all; `trials` counts the finite ones inside the box; `supports` is that of
    `relevance`.
    """

    model: Surrogate
    axes: Mapping[str, Axis]
    c: float
    places: Floats
    mean: Floats
    sd: Floats
    threshold: float
    level: Bools
    best: int
    tried: Floats | None
    often: Floats
    trials: int
    supports: Mapping[str, float]

    @classmethod
    def of(
        cls, space: Space, box: Box, observations: Sequence[Observation], model: Surrogate
    ) -> View:
        """The view of a box after `observations`."""
        axes = candidates.axes(space, box, observations, model.encoding)
        c = caution(len(space.names))
        places, mean, sd = _predicted(space, box, observations, model, axes, c)
        threshold = float(np.max(mean - c * sd))
        level = mean + c * sd >= threshold
        within = [o for o in observations if o.finite and inside(box, o.params)]
        return cls(
            model, axes, c, places, mean, sd, threshold, level,
            best=int(np.argmax(np.where(_within(axes, places), mean, -np.inf))),
            tried=_tried(model, within),
            often=_often(model, places, mean + c * sd, level),
            trials=len(within),
            supports=supports(model),
        )  # fmt: skip

    def effects(self, axis: Axis) -> Floats:
        """(DRAWS,) posterior draws of what the range changes at the best place of the box.

        Largest minus least score between the edges of the range, everything else held.
        """
        places = np.repeat(self.places[self.best][None], SLICE, axis=0)
        axis.put(places, np.linspace(0.0, 1.0, SLICE))
        draws = self.model.sample(places, DRAWS, np.random.default_rng(SEED))
        found: Floats = np.ptp(draws, axis=1)
        return found

    def chance(self, where: Bools) -> float:
        """The probability that the best place is one of `where` (m,)."""
        return float(self.often[where].sum())


def _predicted(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate,
    axes: Mapping[str, Axis],
    c: float,
) -> tuple[Floats, Floats, Floats]:
    """Candidates (m, D) with mean and sd (m,): a first look, then a closer one where it is good."""
    places = candidates.first(space, box, model.encoding, axes, observations)
    stable = _stable(axes, places)
    places = places[stable] if stable.any() else places
    mean, sd = model.predict(places)
    upper = mean + c * sd
    level = upper >= float(np.max(mean - c * sd))
    spans = {a.name: _ends(a, places[level]) for a in axes.values()}
    more = np.concatenate([
        candidates.drawn(space, box, model.encoding, axes, spans, HULL),
        candidates.sweeps(axes, places[np.argsort(-upper, kind="stable")]),
    ])  # fmt: skip
    more = more[_stable(axes, more)]
    further = model.predict(more)
    return (
        np.concatenate([places, more]),
        np.concatenate([mean, further[0]]),
        np.concatenate([sd, further[1]]),
    )


def _tried(model: Surrogate, within: Sequence[Observation]) -> Floats | None:
    """The place (D,) of the trial to recommend, among those `within` the box.

    Of the trials that were trained in full, if there are any: the range has to hold what will be
    recommended.
    """
    full = [o for o in within if o.epochs >= model.epochs and not o.source] or within
    if not full:
        return None
    places = model.encoding.encode(
        [o.params for o in sorted(full, key=lambda o: o.rank_key)[:TRIED]]
    )
    latent = model.cross(places) @ model.alpha  # the order of the scores, without their doubt
    best: Floats = places[int(np.argmax(latent))]
    return best


def caution(dimensions: int) -> float:
    """Standard deviations that a place may lie behind, and the best one ahead, to count as equal.

    The more hyperparameters, the less a process knows about each, and the more of a box lies in
    its corners: half a standard deviation is enough for two, and too bold for seven.
    """
    return min(max(C_EACH * dimensions, C_LEAST), C_MOST)


def _often(model: Surrogate, places: Floats, upper: Floats, level: Bools) -> Floats:
    """(m,) how often a candidate is the best of the level set, over posterior draws."""
    order = np.argsort(np.where(level, -upper, np.inf), kind="stable")
    members = order[: min(MEMBERS, int(level.sum()))]
    draws = model.sample(places[members], DRAWS, np.random.default_rng(SEED))
    often = np.zeros(len(places))
    np.add.at(often, members[np.argmax(draws, axis=1)], 1.0 / DRAWS)
    return often


def _stable(axes: Mapping[str, Axis], places: Floats) -> Bools:
    """(m,) which places do not lie where nearly every trial diverged."""
    stable = np.ones(len(places), dtype=bool)
    for axis in axes.values():
        units = axis.units(places)
        stable &= (units >= axis.territory.stable_low) & (units <= axis.territory.stable_high)
    return stable


def _within(axes: Mapping[str, Axis], places: Floats) -> Bools:
    """(m,) which places lie in the box."""
    within = np.ones(len(places), dtype=bool)
    for axis in axes.values():
        units = axis.units(places)
        within &= (units >= -1e-9) & (units <= 1 + 1e-9)
    return within


def _ends(axis: Axis, members: Floats) -> tuple[float, float]:
    """Where the level set begins and ends along a range, as far as it is in reach."""
    low, high = candidates.reach(axis)
    units = np.clip(axis.units(members), low, high)
    return float(units.min()), float(units.max())
