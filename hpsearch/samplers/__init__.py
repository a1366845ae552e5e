"""Where to look next: seeded, stateless proposals inside a box.

A sampler is a function of frozen values and a random generator. It keeps no memory between
calls, so a decision can be computed again from stored rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from hpsearch.space import Box, Choices, Dimension, Level, Params, Space
from hpsearch.spec import typed
from hpsearch.trials import Observation

GROUP = 8  # trials that share one draw of the shape dimensions, so that they can be stacked

Units = NDArray[np.float64]
Sampler = Callable[[Space, Box, Sequence[Observation], int, np.random.Generator], list[Params]]


def propose_random(
    space: Space, box: Box, observations: Sequence[Observation], n: int, rng: np.random.Generator
) -> list[Params]:
    """`n` points drawn uniformly, each in its dimension's own scale."""
    names = _free(space, box)
    return _assemble(space, box, rng.random((n, len(names))), n, rng)


def propose_sobol(
    space: Space, box: Box, observations: Sequence[Observation], n: int, rng: np.random.Generator
) -> list[Params]:
    """`n` points of a scrambled Sobol sequence (Sobol 1967, Owen scrambling)."""
    names = _free(space, box)
    if not names:
        return _assemble(space, box, np.empty((n, 0)), n, rng)
    engine = qmc.Sobol(len(names), scramble=True, rng=rng)
    units = engine.random_base2(max(0, n - 1).bit_length())[:n]
    return _assemble(space, box, units, n, rng)


SAMPLERS: Mapping[str, Sampler] = {"random": propose_random, "sobol": propose_sobol}


def _free(space: Space, box: Box) -> list[str]:
    """The dimensions drawn for every trial by itself."""
    return [name for name in space.names if name not in space.shaping and name in box]


def _assemble(
    space: Space, box: Box, units: Units, n: int, rng: np.random.Generator
) -> list[Params]:
    """Parameters from `units` (n, free dimensions), shape dimensions drawn once per group."""
    free = _free(space, box)
    shapes = _shape_draws(space, box, n, rng)
    trials: list[Params] = []
    for i in range(n):
        params: dict[str, Level] = dict(shapes[i * len(shapes) // n])
        for unit, name in zip(units[i], free, strict=True):
            params[name] = typed(name, from_unit(box[name], float(unit)))
        trials.append({name: params[name] for name in space.names})
    return trials


def _shape_draws(
    space: Space, box: Box, n: int, rng: np.random.Generator
) -> list[dict[str, Level]]:
    """One draw of all shape dimensions for each group of at least `GROUP` trials.

    Every dimension walks its grid in a shuffled order before it repeats a value.
    """
    groups = max(1, n // GROUP)
    draws: list[dict[str, Level]] = [{} for _ in range(groups)]
    for name in sorted(space.shaping):
        levels = grid(box[name])
        order = np.concatenate(
            [rng.permutation(len(levels)) for _ in range(-(-groups // len(levels)))]
        )
        for draw, k in zip(draws, order, strict=False):
            draw[name] = typed(name, levels[int(k)])
    return draws


def from_unit(dimension: Dimension, unit: float) -> Level:
    """The value of `dimension` at `unit` in [0, 1)."""
    if isinstance(dimension, Choices):
        return dimension.choices[
            min(int(unit * len(dimension.choices)), len(dimension.choices) - 1)
        ]
    return dimension.from_unit(unit)


def grid(dimension: Dimension) -> Sequence[Level]:
    """The levels that a shape dimension is drawn from."""
    return dimension.choices if isinstance(dimension, Choices) else dimension.grid()
