"""The surrogate over a box: its level set, and the effect of each range inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.narrowing.level_set import evaluation_grid as grid
from hpsearch.narrowing.level_set.evaluation_grid import SEED, Axis
from hpsearch.narrowing.level_set.explored import Bools, Floats
from hpsearch.narrowing.level_set.relevance import supports
from hpsearch.space import Box, Range, Space, inside
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Numbers, Observation

C_EACH = 0.2  # standard deviations on either side for each hyperparameter,
C_LEAST, C_MOST = 0.5, 2.0  # within these
HULL = 8  # 2 to this power: places between the ends of the level set
MEMBERS, DRAWS = 96, 256  # places and posterior draws behind a probability
TRIED = 64  # trials, the luckiest first, that the best one is looked for among
SLICE = 13  # places along a range, through the best one


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorSummary:
    """The posterior over m places, computed once for all hyperparameters.

    places (m, D); mean, sd (m,) of the score; `members` (m,) those of the level set
    {mean + c sd >= threshold}, threshold = max(mean - c sd); `best` the place of the
    highest mean inside the box; `best_trial` (D,) the trial of the highest mean there, None
    without any; `wins` (m,) the share of posterior draws in which a place
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
    members: Bools
    best: int
    best_trial: Floats | None
    wins: Floats
    trials: int
    supports: Mapping[str, float]

    @classmethod
    def of(
        cls, space: Space, box: Box, observations: Sequence[Observation], model: Surrogate
    ) -> PosteriorSummary:
        """The summary of a box after `observations`."""
        axes = grid.axes(space, box, observations, model.encoding)
        c = caution(len(space.names))
        places, mean, sd = _predictions(space, box, observations, model, axes, c)
        within = [
            o
            for o in observations
            if o.finite and inside(box, o.params) and space.permits(o.params)
        ]
        return cls._over(model, axes, c, (places, mean, sd), within, supports(model))

    @classmethod
    def _over(
        cls,
        model: Surrogate,
        axes: Mapping[str, Axis],
        c: float,
        predictions: tuple[Floats, Floats, Floats],
        within: Sequence[Observation],
        supports: Mapping[str, float],
    ) -> PosteriorSummary:
        """The summary of some places with their mean and sd, and of the finite trials in the box."""
        places, mean, sd = predictions
        threshold = float(np.max(mean - c * sd))
        members = mean + c * sd >= threshold
        return cls(
            model, axes, c, places, mean, sd, threshold, members,
            best=int(np.argmax(np.where(grid.within_box(axes, places), mean, -np.inf))),
            best_trial=_best_trial(model, within),
            wins=_wins(model, places, mean + c * sd, members),
            trials=len(within),
            supports=supports,
        )  # fmt: skip

    def where_active(
        self, name: str, box: Box, observations: Sequence[Observation]
    ) -> PosteriorSummary | None:
        """The summary of the places and trials that have a value of a hyperparameter.

        What is best there, and what may be as good, is judged among them alone: it says which values
        to take where there is one to take. None without such a place.
        """
        encoding = self.model.encoding
        if name not in encoding.space.conditions:
            return self
        on = encoding.present(self.places, name)
        if not on.any():
            return None
        within = [
            o
            for o in observations
            if o.finite and name in o.params and inside(box, o.params)
            if encoding.space.permits(o.params)
        ]
        predictions = self.places[on], self.mean[on], self.sd[on]
        return self._over(self.model, self.axes, self.c, predictions, within, self.supports)

    def with_places(self, places: Floats) -> PosteriorSummary:
        """This summary with mean and sd at more places (m, D), which are no members of the level set."""
        mean, sd = self.model.predict(places)
        more = np.zeros(len(places))
        return replace(
            self,
            places=np.concatenate([self.places, places]),
            mean=np.concatenate([self.mean, mean]),
            sd=np.concatenate([self.sd, sd]),
            members=np.concatenate([self.members, more.astype(np.bool_)]),
            wins=np.concatenate([self.wins, more]),
        )

    def effect(self, axis: Axis) -> Effect:
        """The effect of a range at the best place of the box.

        Largest minus least score between the edges of the range, everything else held.
        """
        places = np.repeat(self.places[self.best][None], SLICE, axis=0)
        places = axis.moved(places, np.linspace(0.0, 1.0, SLICE))
        draws = self.model.sample(places, DRAWS, np.random.default_rng(SEED))
        effects: Floats = np.ptp(draws, axis=1)
        return Effect(
            trials=self.trials,
            noise_sd=self.model.noise_sd,
            effect=float(np.median(effects)),
            effect_high=float(np.quantile(effects, 0.95)),
            p_below_noise=float(np.mean(effects < self.model.noise_sd)),
            support=self.supports[axis.name],
            c=self.c,
            threshold=self.threshold,
        )

    def probability_of_best(self, places: Bools) -> float:
        """The probability that the best place is one of `places` (m,)."""
        return float(self.wins[places].sum())


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one range inside the box, and the doubts about it.

    `effect` is its median over posterior draws, `effect_high` the 95 % quantile, `p_below_noise`
    the share of draws in which it is below the noise of one training.
    """

    trials: int
    noise_sd: float
    effect: float
    effect_high: float
    p_below_noise: float
    support: float
    c: float
    threshold: float

    def numbers(self, before: Range, after: Range) -> Numbers:
        """The numbers of a decision that rests on it."""
        return {
            "trials": self.trials, "noise_sd": self.noise_sd, "effect": self.effect,
            "effect_high": self.effect_high, "p_below_noise": self.p_below_noise,
            "support": self.support, "c": self.c, "threshold": self.threshold,
            "width_before": before.width, "width_after": after.width,
        }  # fmt: skip


def _predictions(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate,
    axes: Mapping[str, Axis],
    c: float,
) -> tuple[Floats, Floats, Floats]:
    """Places (m, D) with mean and sd (m,): a first look, then a closer one where it is good."""
    places = grid.evaluation_grid(space, box, model.encoding, axes, observations)
    stable = grid.stable(axes, places) & model.encoding.permitted(places)
    places = places[stable] if stable.any() else places
    mean, sd = model.predict(places)
    upper = mean + c * sd
    members = places[upper >= float(np.max(mean - c * sd))]
    spans = {a.name: grid.extent(a, members) for a in axes.values()}
    more = np.concatenate([
        grid.spread(space, box, model.encoding, axes, spans, HULL),
        grid.sweeps(axes, places[np.argsort(-upper, kind="stable")]),
    ])  # fmt: skip
    more = more[grid.stable(axes, more) & model.encoding.permitted(more)]
    if not len(more):
        return places, mean, sd
    further = model.predict(more)
    return (
        np.concatenate([places, more]),
        np.concatenate([mean, further[0]]),
        np.concatenate([sd, further[1]]),
    )


def _best_trial(model: Surrogate, within: Sequence[Observation]) -> Floats | None:
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


def _wins(model: Surrogate, places: Floats, upper: Floats, members: Bools) -> Floats:
    """(m,) shares of posterior draws in which a place is the best of the level set."""
    order = np.argsort(np.where(members, -upper, np.inf), kind="stable")
    likely = order[: min(MEMBERS, int(members.sum()))]
    draws = model.sample(places[likely], DRAWS, np.random.default_rng(SEED))
    wins = np.zeros(len(places))
    np.add.at(wins, likely[np.argmax(draws, axis=1)], 1.0 / DRAWS)
    return wins
