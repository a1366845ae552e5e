"""The part of a space in which requirements on known quantities can be met at all.

A known quantity rises, or falls, all the way along a range of whole numbers. So what cannot meet a
requirement wherever the other hyperparameters are is one end of a range, and is cut off; a level that
cannot is dropped. What is left still has settings that break a requirement: these are not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from hpsearch.errors import Mistake
from hpsearch.space import Box, Choices, Conditions, Dimension, Level, Params, Space, typed
from hpsearch.spec import needs

if TYPE_CHECKING:
    from hpsearch.spec.needs import Requirement
    from hpsearch.spec.resolved import ResolvedSpec

CORNERS_MOST = 4_096  # of the hyperparameters that a quantity depends on; with more nothing is cut
DRAWS = 2_000  # settings by which it is told how much of the space is left
SHARE_LEAST = 0.01  # of them that have to meet every requirement


def cut(resolved: ResolvedSpec, space: Space) -> Space:
    """The space without what cannot meet a requirement on a known quantity.

    A range of which nothing, or a single value, would be left stays as it is.
    """
    box: Box = space.dimensions
    for one in needs.known_ones(resolved):
        box = {**box, **_cut_by(resolved, box, space.conditions, one)}
    return space if box == space.dimensions else replace(space, dimensions=box)


def too_little(resolved: ResolvedSpec) -> list[Mistake]:
    """The mistake of a space in which hardly any setting that may be drawn meets what is required."""
    asked = needs.known_ones(resolved)
    if not asked:
        return []
    rng = np.random.default_rng(0)  # the same settings for everybody who asks for this
    space = resolved.space
    draws = [space.drawn(rng.random(len(space.order)).tolist()) for _ in range(DRAWS)]
    good = sum(space.permits(p) and not needs.breaks(resolved, p) for p in draws)
    if good >= SHARE_LEAST * DRAWS:
        return []
    counts = [sum(one in needs.breaks(resolved, p) for p in draws) for one in asked]
    worst = asked[counts.index(max(counts))]
    values = [needs.known(resolved, params)[worst.metric] for params in draws]
    beside, or_forbid = (" and are not forbidden", ", forbid less") if space.forbidden else ("", "")
    message = (
        f"{good} of {DRAWS:,} settings drawn from the ranges meet it{beside}, {DRAWS * SHARE_LEAST:g} at the "
        f"least are needed; {worst.metric} goes from {min(values):,.6g} to {max(values):,.6g} there: require "
        f"less{or_forbid}, or search other ranges"
    )
    return [Mistake(f"require[{[*resolved.spec.require].index(worst)}]", message)]


def _cut_by(
    resolved: ResolvedSpec, box: Box, conditions: Conditions, one: Requirement
) -> Mapping[str, Dimension]:
    """The dimensions that one requirement makes smaller."""
    names = [name for name in sorted(box) if name in resolved.workload.sizing]
    # One with a condition may have no value at all.
    ends = {
        name: [{name: value} for value in _ends(box[name])] + [{}] * (name in conditions)
        for name in names
    }
    if prod(map(len, ends.values())) > CORNERS_MOST:
        return {}
    rest = {name: _first(box[name]) for name in box if name not in ends}

    def met(name: str, value: Level) -> bool:
        return any(
            one.met_by(needs.known(resolved, {**rest, **_joined(corner), name: value})[one.metric])
            for corner in product(*(ends[other] for other in names if other != name))
        )

    smaller = {name: _smaller(box[name], lambda v, name=name: met(name, v)) for name in names}  # type: ignore[misc]  # a default binds it
    return {name: dimension for name, dimension in smaller.items() if dimension != box[name]}


def _joined(corner: Iterable[Params]) -> Params:
    return {name: value for part in corner for name, value in part.items()}


def _smaller(dimension: Dimension, met: Callable[[Level], bool]) -> Dimension:
    """A dimension without the levels, or the end of a range, that cannot meet a requirement."""
    if isinstance(dimension, Choices):
        levels = tuple(level for level in dimension.choices if met(level))
        return dimension.model_copy(update={"choices": levels}) if levels else dimension
    low, high = (int(end) for end in _ends(dimension))  # type: ignore[arg-type]  # numbers
    if not dimension.integer or met(low) == met(high):
        return dimension
    good, bad = (low, high) if met(low) else (high, low)
    first_good = good
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if met(middle) else (good, middle)
    hard_low, hard_high = sorted((float(first_good), float(good)))
    lowest, highest = max(dimension.low, hard_low), min(dimension.high, hard_high)
    if not lowest < highest:
        return dimension
    edges = {"low": lowest, "high": highest, "hard_low": hard_low, "hard_high": hard_high}
    return dimension.model_copy(update=edges)


def _ends(dimension: Dimension) -> Sequence[Level]:
    """All levels, or the limits of a range."""
    if isinstance(dimension, Choices):
        return dimension.choices
    low = dimension.low if dimension.hard_low is None else dimension.hard_low
    high = dimension.high if dimension.hard_high is None else dimension.hard_high
    return typed(dimension, low), typed(dimension, high)


def _first(dimension: Dimension) -> Level:
    return dimension.choices[0] if isinstance(dimension, Choices) else dimension.low
