"""Batches of trials where the surrogate expects the most improvement.

Acquisition: log expected improvement (Ament et al. 2023) of the warped score over a *bar*. That is
the best posterior mean, for with noisy scores the highest observed score is mostly luck. For every
fourth trial it lies `FURTHER` standard deviations of a training's noise higher: near the best place
no such gain is left, and these trials look elsewhere, where a search that only refines its best
never looks again.

One trial is chosen after the other from a pool of candidates; each is believed (`KrigingBeliever`)
before the next, so that a batch spreads, and every now and then the best of the pool are improved
along the exact gradient and from level to level (`surrogate.acquisition_optimizer`). A large batch takes
its other trials by Thompson sampling: each is the best place of one draw from the posterior.

Where ranges have guesses, each place counts by them as well, the less the more trials there are
(`surrogate.guesses`).

Levels are weighed like places: one that is clearly worse comes when little is to be gained elsewhere. Of a level that
no trial has had the surrogate knows nothing but what the others share, so each of these is tried first, at
the best place with such a level in every choice that has one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from hpsearch.arrays import Bools, Floats
from hpsearch.samplers import GROUP, Sampler
from hpsearch.samplers.draws import propose_sobol
from hpsearch.samplers.levels import untried_levels
from hpsearch.space import Box, Params, Range, Space
from hpsearch.surrogate import (
    Belief,
    CandidatePool,
    KrigingBeliever,
    SearchBounds,
    Surrogate,
    best_levels,
    candidates,
    completed,
    log_ei,
    maximize_log_ei,
    permitted,
    posterior_draws,
)
from hpsearch.surrogate.acquisition_optimizer import WIDE
from hpsearch.trials import Observation

BELIEVED = 64  # trials of a batch that are chosen one after the other
ASCENTS = 4  # times that the best of the pool are improved while a batch is made
STARTS = 4  # how many of them do
FURTHER = 2.0  # standard deviations of the noise that the higher bar lies above the lower one
FURTHER_EVERY = 4  # one of so many trials has the higher bar
GROUPS = 16  # of one shape, at most, in a batch
SHAPES_OF = 3  # every third candidate is asked which shape a group gets
DRAWS = 256  # of the posterior at a time
APART = 0.01  # of the box, in some dimension, that two trials of a batch are to differ
TINY = 1e-6  # of the asked width: that of a column that has none


def propose_gp(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
    n: int,
    rng: np.random.Generator,
) -> list[Params]:
    """`n` points of high expected improvement; a Sobol sequence while there is no model.

    Groups of at least `GROUP` trials share their shape dimensions, so that they can be stacked.
    """
    if model is None:
        return propose_sobol(space, box, observations, model, n, rng)
    batch = _Batch(space, model, box, observations, n, rng)
    groups = min(max(1, n // GROUP), GROUPS) if space.shaping else 1
    for group in range(groups):
        batch.choose((group + 1) * n // groups - group * n // groups, BELIEVED // groups)
    return batch.chosen


class _Batch:
    """A batch in the making."""

    def __init__(
        self,
        space: Space,
        model: Surrogate,
        box: Box,
        observations: Sequence[Observation],
        n: int,
        rng: np.random.Generator,
    ) -> None:
        self.model, self.box, self.n, self.rng = model, box, n, rng
        self.space, self.observations = space, observations
        self.untried = _untried_columns(model, box, observations, rng)
        self.bounds = SearchBounds.of(model, box)
        self.least = APART * np.maximum(self.bounds.high - self.bounds.low, TINY)
        self.believer = KrigingBeliever(model, min(n, BELIEVED))
        self.belief = Belief.of(model.encoding)
        c, best = model.constants, model.best_latent()[1]
        self.bars = (best, best + FURTHER * math.sqrt(c.noise + c.seed))
        self.chosen: list[Params] = []
        self.places: list[Floats] = []

    def choose(self, size: int, believed: int) -> None:
        """Add a group of `size` trials of one shape, the first `believed` one after the other."""
        shaping = bool(self.model.encoding.space.shaping)
        wide = max(WIDE // 2 if shaping else WIDE, 2 ** (2 * size - 1).bit_length())
        places = candidates(self.model, self.bounds, self.rng, wide=wide)
        places = self._allowed(self._snapped(self._shaped(places) if shaping else places))
        if not len(places):
            self._draw_elsewhere(size)
            return
        pool = CandidatePool(self.believer, places)
        taken = self._taken(pool.places)
        every = max(1, min(self.n, BELIEVED) // ASCENTS)
        for k in range(min(size, believed)):
            further = (len(self.chosen) + 1) % FURTHER_EVERY == 0
            bar = self.bars[further]
            if (k // FURTHER_EVERY if further else k) % every == 0:
                ends = self._improved(pool, taken, bar)
                if len(ends):
                    pool.add(ends)
                taken = np.concatenate([taken, self._taken(ends)])
            place = self._untried_place(pool, bar)
            if place is None:
                place = pool.places[_best(self._value(pool, bar), taken)]
            pool.believe(self._add(place))
            taken |= self._near(pool.places, place)
        self._draw(pool.places, size - believed)

    def _improved(self, pool: CandidatePool, taken: Bools, bar: float) -> Floats:
        """(m, D) local maxima of log EI near the best free places of the pool."""
        value = np.where(taken, -np.inf, self._value(pool, bar))
        tops = pool.places[np.argsort(-value, kind="stable")[:STARTS]]
        return self._allowed(self._snapped(self._maximized(self._switched(tops, bar), bar)))

    def _value(self, pool: CandidatePool, bar: float) -> Floats:
        """(p,) the logarithm of the acquisition at the places of a pool."""
        value = pool.log_ei(bar)
        return value if self.belief is None else value + self._believed(pool.places)[0]

    def _believed(self, places: Floats) -> tuple[Floats, Floats]:
        """(m,) the guesses' part of it at places (m, D), for the next trial, and its gradient (m, D)."""
        assert self.belief is not None
        return self.belief.log_density(places, len(self.observations) + len(self.chosen) + 1)

    def _maximized(self, starts: Floats, bar: float) -> Floats:
        """(m, D) local maxima of the acquisition from starts (m, D)."""
        weigh = None if self.belief is None else self._believed
        return maximize_log_ei(self.believer, self.bounds, starts, bar, weigh)

    def _switched(self, places: Floats, bar: float) -> Floats:
        """The places (m, D), each with the levels that have the highest log EI there."""
        space = self.model.encoding.space
        return best_levels(self.believer, self.bounds, places, bar, held=space.shaping)

    def _untried_place(self, pool: CandidatePool, bar: float) -> Floats | None:
        """The best place (D,) with an untried level in each choice that has one; None without any."""
        shaping = self.model.encoding.space.shaping
        names = [name for name in self.untried if name not in shaping]
        if not names:
            return None
        places = self._with_untried(pool.places, names)
        if self.space.restricted:
            places = self._allowed(self._snapped(self._completed(places)))
            places = places[self._has_untried(places, names)]
            if not len(places):
                return None
        value = self._value(CandidatePool(self.believer, places), bar)
        tops = places[np.argsort(-value, kind="stable")[:STARTS]]
        ends = self._snapped(self._maximized(tops, bar))
        if self.space.restricted:
            ends = np.concatenate([self._allowed(ends), tops])
        value, _ = log_ei(self.believer, ends, bar)
        if self.belief is not None:
            value = value + self._believed(ends)[0]
        best: Floats = ends[int(np.argmax(value))]
        return best

    def _has_untried(self, places: Floats, names: Iterable[str]) -> Bools:
        """(m,) whether places (m, D) have an untried level of some choice."""
        columns = [k for name in names for k in self.untried[name]]
        untried: Bools = np.count_nonzero(places[:, columns], axis=1) > 0
        return untried

    def _completed(self, places: Floats) -> Floats:
        return completed(self.model, self.bounds, places, self.rng)

    def _allowed(self, places: Floats) -> Floats:
        """(k, D) those of places (m, D) at which the trials that come of them are not forbidden."""
        if not self.space.forbidden:
            return places
        places = permitted(self.model, places)
        trials = self.model.encoding.decode(places, self.box)
        return places[[i for i, one in enumerate(trials) if self.space.permits(one)]]

    def _draw_elsewhere(self, size: int) -> None:
        """Add `size` trials by draws, where all candidates of the box are forbidden."""
        drawn = propose_sobol(self.space, self.box, self.observations, None, size, self.rng)
        self.chosen += drawn
        self.places += list(self.model.encoding.encode(drawn))

    def _draw(self, places: Floats, size: int) -> None:
        """Add `size` trials, each the best of `places` in one draw of the posterior."""
        taken = self._taken(places)
        for start in range(0, size, DRAWS):
            for values in posterior_draws(self.model, places, min(DRAWS, size - start), self.rng):
                place = self._add(places[_best(values, taken)])
                np.logical_or(taken, self._near(places, place), out=taken)

    def _taken(self, places: Floats) -> Bools:
        """(m,) mask of the places (m, D) that a trial of the batch is near to."""
        taken: Bools = np.zeros(len(places), dtype=np.bool_)
        for place in self.places:
            np.logical_or(taken, self._near(places, place), out=taken)
        return taken

    def _near(self, places: Floats, place: Floats) -> Bools:
        near: Bools = np.all(np.abs(places - place) < self.least, axis=1)
        return near

    def _add(self, place: Floats) -> Floats:
        """Choose the trial at a place (D,)."""
        self.chosen += self.model.encoding.decode(place[None], self.box)
        self.places.append(place)
        left = {n: [k for k in at if not place[k]] for n, at in self.untried.items()}
        self.untried = {name: at for name, at in left.items() if at}
        return place

    def _with_untried(self, places: Floats, names: Iterable[str]) -> Floats:
        """The places (m, D) with the next untried level of each of these choices."""
        places = places.copy()
        for name in names:
            places[:, self.model.encoding.columns[name]] = 0.0
            places[:, self.untried[name][0]] = 1.0
        return places

    def _snapped(self, places: Floats) -> Floats:
        return self.model.encoding.snapped(places, self.box)

    def _shaped(self, places: Floats) -> Floats:
        """The places on the grid of the shape dimensions, all with the shape of the highest log EI.

        One that no trial has had goes first.
        """
        encoding = self.model.encoding
        shaped = self._on_grid(places)
        shaped = self._with_untried(shaped, encoding.space.shaping & self.untried.keys())
        some = self._snapped(shaped[::SHAPES_OF])
        if self.space.restricted:
            shaped = encoding.settled(self._on_grid(self._completed(shaped)))
            some = self._allowed(self._snapped(shaped[::SHAPES_OF]))
            if not len(some):
                return some
        few = CandidatePool(self.believer, some)
        best = few.places[int(np.argmax(self._value(few, self.bars[0])))]
        for name in encoding.space.shaping:
            shaped[:, encoding.columns[name]] = best[encoding.columns[name]]
        return self._completed(shaped)

    def _on_grid(self, places: Floats) -> Floats:
        """The places (m, D) on the grid of the ranges that shape a network."""
        encoding, moved = self.model.encoding, places.copy()
        for name in encoding.space.shaping:
            now, asked, at = self.box[name], encoding.space.dimensions[name], encoding.columns[name]
            if isinstance(now, Range) and isinstance(asked, Range):
                levels = np.array([asked.to_unit(v) for v in now.grid()])
                nearest = np.abs(moved[:, at.start, None] - levels).argmin(axis=1)
                moved[:, at.start] = levels[nearest]
        return moved


def _untried_columns(
    model: Surrogate, box: Box, observations: Sequence[Observation], rng: np.random.Generator
) -> dict[str, list[int]]:
    """The columns of the levels that no trial has had, by choice, in an order by chance."""
    encoding = model.encoding
    return {
        name: [encoding.column(name, levels[k]) for k in rng.permutation(len(levels))]
        for name, levels in sorted(untried_levels(encoding.space, box, observations).items())
    }


def _best(values: Floats, taken: Bools) -> int:
    """The index of the highest value among the free places; of all, where none is free."""
    return int(np.argmax(values if taken.all() else np.where(taken, -np.inf, values)))


GP = Sampler(propose_gp, model_based=True)
