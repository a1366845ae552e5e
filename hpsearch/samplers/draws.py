"""Uniform draws, and the making of parameters from them: levels dealt, shape dimensions in groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from scipy.stats import qmc

from hpsearch.arrays import Floats
from hpsearch.samplers import GROUP, Sampler
from hpsearch.samplers.levels import dealt, shares, times_tried
from hpsearch.space import Box, Choices, Dimension, Level, Params, Range, Space, typed
from hpsearch.surrogate import Surrogate, drawn_near, guessed_places
from hpsearch.trials import Observation, TrialState

MORE, BATCH = 16, 1024  # draws at a time in place of forbidden ones, at the least and at the most
IN_BOX = 4096  # draws from the box; as many again, and more, come from the asked ranges
EVERYWHERE = 65_536  # draws, by which one in a hundred has come up


def propose_random(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
    n: int,
    rng: np.random.Generator,
) -> list[Params]:
    """`n` points drawn uniformly, each in its dimension's own scale; levels are dealt."""

    def draw(box: Box, tried: Sequence[Observation], n: int) -> list[Params]:
        return assembled(space, box, tried, rng.random((n, len(free(space, box)))), rng)

    return permitted(space, box, observations, n, draw)


def propose_sobol(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
    n: int,
    rng: np.random.Generator,
) -> list[Params]:
    """`n` points of a scrambled Sobol sequence (Sobol 1967, Owen scrambling)."""

    def draw(box: Box, tried: Sequence[Observation], n: int) -> list[Params]:
        return assembled(space, box, tried, sobol(len(free(space, box)), n, rng), rng)

    return permitted(space, box, observations, n, draw)


def draw_near_guesses(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    n: int,
    rng: np.random.Generator,
) -> list[Params]:
    """At most `n` points of a Sobol sequence that lie about the guesses in the ranges that have one.

    Of a range that shapes a network it is the value of its grid nearest to the guess, so that all of these
    trials can be stacked. Those that are forbidden are left out: nothing else about them is worth a trial.
    """
    places = guessed_places(space)
    units, names = sobol(len(free(space, box)), n, rng), free(space, box)
    for name in places.keys() & set(names):
        column = names.index(name)
        units[:, column] = drawn_near(units[:, column], places[name])
    drawn = assembled(space, box, observations, units, rng)
    nearest = {
        name: _nearest(box[name], space.guesses[name]) for name in places if name not in names
    }
    drawn = [{k: nearest.get(k, v) for k, v in one.items()} for one in drawn]
    return [one for one in drawn if space.permits(one)]


def _nearest(now: Dimension, guess: float) -> Level:
    """The value of a range's grid that lies nearest to a guess."""
    assert isinstance(now, Range)
    return typed(now, min(now.grid(), key=lambda v: abs(now.to_unit(v) - now.to_unit(guess))))


Draw: TypeAlias = Callable[[Box, Sequence[Observation], int], list[Params]]
"""Box, trials before, number -> so many points."""


def permitted(
    space: Space, box: Box, observations: Sequence[Observation], n: int, draw: Draw
) -> list[Params]:
    """`n` points of which none is forbidden: each that is gives its place to a later draw.

    The stream of draws goes on, so that the same seed has the same points everywhere. Where `IN_BOX`
    draws from the box do not do, it may be forbidden as a whole, or dealing may give every turn to what is
    forbidden, for it was never tried: the others come from the asked ranges, of which a spec leaves
    `spec.combinations.LEFT_LEAST` at the least, and are told of no trials.
    """
    trials: list[Params | None] = list(draw(box, observations, n))
    if not space.forbidden:
        return [one for one in trials if one is not None]
    trials = [one if one is not None and space.permits(one) else None for one in trials]
    drawn = 0
    while None in trials:
        if drawn >= EVERYWHERE:
            raise ValueError(f"{drawn} draws from the asked ranges, and all are forbidden")
        left = trials.count(None)
        count = min(max(left, MORE), BATCH)
        if drawn < IN_BOX:
            kept = (_untold(one) for one in trials if one is not None)
            further = draw(box, [*observations, *kept], count)
        else:
            further = draw(space.dimensions, (), count)
        drawn += count
        fit = iter([one for one in further if space.permits(one)])
        trials = [next(fit, None) if one is None else one for one in trials]
    return [one for one in trials if one is not None]


def _untold(params: Params) -> Observation:
    """A point that was drawn, as a trial of which nothing is known: its levels have had their turn."""
    pending = TrialState.PENDING
    return Observation(0, 0, params, pending, epochs=0, correct=0, examples=0, loss=None)


def sobol(dimensions: int, n: int, rng: np.random.Generator) -> Floats:
    """(n, dimensions) the first n points of a scrambled Sobol sequence."""
    if not dimensions:
        return np.empty((n, 0))
    engine = qmc.Sobol(dimensions, scramble=True, rng=rng)
    points: Floats = engine.random_base2(max(0, n - 1).bit_length())[:n]
    return points


def free(space: Space, box: Box) -> list[str]:
    """The dimensions drawn for every trial by itself."""
    return [name for name in space.names if name not in space.shaping and name in box]


def assembled(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    units: Floats,
    rng: np.random.Generator,
) -> list[Params]:
    """Parameters from `units` (n, free dimensions), shape dimensions drawn once per group.

    Levels are dealt, those first that the observations have least of; of a hyperparameter that is not
    active everywhere, among the trials in which it is. Every coordinate is drawn, and those that are not
    active are left out.
    """
    n = len(units)
    shapes = shape_draws(space, box, observations, max(1, n // GROUP), rng)
    trials: list[dict[str, Level]] = [dict(shapes[i * len(shapes) // n]) for i in range(n)]
    columns = dict(zip(free(space, box), units.T, strict=True))
    for name in space.order:
        if name not in columns:
            continue
        active: Sequence[int] = range(n)
        if name in space.conditions:
            active = [i for i in active if name in space.lacking(trials[i])]
        values = _column(name, box, observations, columns[name][list(active)], rng)
        for i, value in zip(active, values, strict=True):
            trials[i][name] = value
    return [
        space.active({name: one[name] for name in space.names if name in one}) for one in trials
    ]


def _column(
    name: str,
    box: Box,
    observations: Sequence[Observation],
    units: Floats,
    rng: np.random.Generator,
) -> list[Level]:
    """A dimension's value for each of the units (n,)."""
    now = box[name]
    if isinstance(now, Choices):
        at = dealt(units, times_tried(name, now, observations), rng)
        return [now.choices[k] for k in at]
    return [typed(now, now.from_unit(float(unit))) for unit in units]


def shape_draws(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    groups: int,
    rng: np.random.Generator,
) -> list[dict[str, Level]]:
    """Deal all shape dimensions to groups of trials, each one's least tried values first.

    A value that is forbidden beside all others gets no turn, unless there are no others.
    """
    draws: list[dict[str, Level]] = [{} for _ in range(groups)]
    for name in sorted(space.shaping):
        now = box[name]
        levels = [typed(now, level) for level in now.grid()]
        open_ = [k for k, level in enumerate(levels) if space.permits({name: level})]
        open_ = open_ or list(range(len(levels)))
        given = shares(times_tried(name, now, observations)[open_], groups, rng)
        for draw, k in zip(draws, rng.permutation(np.repeat(open_, given)), strict=True):
            draw[name] = levels[int(k)]
    return draws


RANDOM, SOBOL = Sampler(propose_random), Sampler(propose_sobol)
