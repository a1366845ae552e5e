"""Uniform draws, and the making of parameters from them: levels dealt, shape dimensions in groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc

from hpsearch.arrays import Floats
from hpsearch.samplers import GROUP, Sampler
from hpsearch.samplers.levels import dealt, shares, times_tried
from hpsearch.space import Box, Choices, Level, Params, Space, typed
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Observation


def propose_random(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
    n: int,
    rng: np.random.Generator,
) -> list[Params]:
    """`n` points drawn uniformly, each in its dimension's own scale; levels are dealt."""
    names = free(space, box)
    return assembled(space, box, observations, rng.random((n, len(names))), rng)


def propose_sobol(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
    n: int,
    rng: np.random.Generator,
) -> list[Params]:
    """`n` points of a scrambled Sobol sequence (Sobol 1967, Owen scrambling)."""
    names = free(space, box)
    return assembled(space, box, observations, sobol(len(names), n, rng), rng)


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

    Levels are dealt, those first that the observations have least of.
    """
    n = len(units)
    shapes = shape_draws(space, box, observations, max(1, n // GROUP), rng)
    columns = [
        _column(name, box, observations, unit, rng)
        for name, unit in zip(free(space, box), units.T, strict=True)
    ]
    trials: list[Params] = []
    for i, params in enumerate(zip(*columns, strict=True) if columns else [()] * n):
        drawn = {**shapes[i * len(shapes) // n], **dict(zip(free(space, box), params, strict=True))}
        trials.append({name: drawn[name] for name in space.names})
    return trials


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
    """Deal all shape dimensions to groups of trials, each one's least tried values first."""
    draws: list[dict[str, Level]] = [{} for _ in range(groups)]
    for name in sorted(space.shaping):
        levels = box[name].grid()
        given = shares(times_tried(name, box[name], observations), groups, rng)
        for draw, k in zip(
            draws, rng.permutation(np.repeat(np.arange(len(levels)), given)), strict=True
        ):
            draw[name] = typed(box[name], levels[int(k)])
    return draws


RANDOM, SOBOL = Sampler(propose_random), Sampler(propose_sobol)
