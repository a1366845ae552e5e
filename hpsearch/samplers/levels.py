"""The memory of levels: how often each one has been tried, and which are next.

Nothing can be known of a level that no trial has had, so levels are dealt and not drawn. A round gives
each the same number of trials, and what is left over goes to the least tried ones. A level that has
fallen behind is not paid back: where every trial of it fails, it would take whole rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.arrays import Floats, Ints
from hpsearch.space import Box, Choices, Dimension, Level, Range, Space, same_level
from hpsearch.trials import Observation


def times_tried(name: str, now: Dimension, observations: Sequence[Observation]) -> Ints:
    """(k,) trials with each of the k values of `now.grid()`; those of a range count for the nearest."""
    grid, counts = now.grid(), np.zeros(len(now.grid()), dtype=np.intp)
    values = [one.params[name] for one in observations if name in one.params]
    if isinstance(now, Range):
        inside = np.array([v for v in values if now.contains(v)], dtype=np.float64)  # type: ignore[arg-type]  # a range holds numbers
        gaps = np.abs(now.to_units(inside)[:, None] - now.to_units(np.array(grid)))
        np.add.at(counts, gaps.argmin(axis=1), 1)
        return counts
    for value in values:
        for k, level in enumerate(grid):
            counts[k] += same_level(level, value)
    return counts


def untried_levels(
    space: Space, box: Box, observations: Sequence[Observation]
) -> dict[str, list[Level]]:
    """The levels of each choice in the box that no trial has had; choices without such are left out.

    So are those that are not active in any trial of the box.
    """
    untried, reached = {}, space.reached(box)
    for name, now in box.items():
        if isinstance(now, Choices) and name in reached:
            counts = times_tried(name, now, observations)
            missing = [level for level, n in zip(now.choices, counts, strict=True) if not n]
            if missing:
                untried[name] = missing
    return untried


def shares(counts: Ints, n: int, rng: np.random.Generator) -> Ints:
    """(k,) how many of n trials each of k values gets: even, the least tried ones first."""
    each, left = divmod(n, len(counts))
    dealt = np.full(len(counts), each, dtype=np.intp)
    by_chance = rng.permutation(len(counts))  # among equals
    dealt[np.lexsort((by_chance, counts))[:left]] += 1
    return dealt


def dealt(units: Floats, counts: Ints, rng: np.random.Generator) -> Ints:
    """(n,) a value's number for each unit (n,), in their order: what spreads the units spreads the values."""
    values: Ints = np.empty(len(units), dtype=np.intp)
    given = shares(counts, len(units), rng)
    values[np.argsort(units, kind="stable")] = np.repeat(np.arange(len(counts)), given)
    return values
