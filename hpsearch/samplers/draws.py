"""Uniform draws, and the making of parameters from them: shape dimensions in groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc

from hpsearch.arrays import Floats
from hpsearch.samplers import GROUP, Sampler
from hpsearch.space import Box, Level, Params, Space, typed
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
    """`n` points drawn uniformly, each in its dimension's own scale."""
    names = free(space, box)
    return assembled(space, box, rng.random((n, len(names))), n, rng)


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
    return assembled(space, box, sobol(len(names), n, rng), n, rng)


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
    space: Space, box: Box, units: Floats, n: int, rng: np.random.Generator
) -> list[Params]:
    """Parameters from `units` (n, free dimensions), shape dimensions drawn once per group."""
    names = free(space, box)
    shapes = shape_draws(space, box, n, rng)
    trials: list[Params] = []
    for i in range(n):
        params: dict[str, Level] = dict(shapes[i * len(shapes) // n])
        for unit, name in zip(units[i], names, strict=True):
            params[name] = typed(box[name], box[name].from_unit(float(unit)))
        trials.append({name: params[name] for name in space.names})
    return trials


def shape_draws(space: Space, box: Box, n: int, rng: np.random.Generator) -> list[dict[str, Level]]:
    """Draw all shape dimensions for each group of at least `GROUP` trials.

    Every dimension walks its grid in a shuffled order before it repeats a value.
    """
    groups = max(1, n // GROUP)
    draws: list[dict[str, Level]] = [{} for _ in range(groups)]
    for name in sorted(space.shaping):
        levels = box[name].grid()
        order = np.concatenate(
            [rng.permutation(len(levels)) for _ in range(-(-groups // len(levels)))]
        )
        for draw, k in zip(draws, order, strict=False):
            draw[name] = typed(box[name], levels[int(k)])
    return draws


RANDOM, SOBOL = Sampler(propose_random), Sampler(propose_sobol)
