"""Conditions of hyperparameters, and forbidden combinations: their form in a spec, and their mistakes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from hpsearch.combinations import Combination, Interval, cycle, depth, needed
from hpsearch.errors import Mistake, suggestion
from hpsearch.space import (
    Box,
    Choices,
    Dimension,
    Level,
    Params,
    Range,
    Space,
    conditions_in,
    level_text,
    unfit,
)
from hpsearch.workloads import ValidParts, workload_of

DEEPEST = 5  # hyperparameters one above the other, over one with a condition
FORBIDDEN_MOST = 100
DRAWN = 4096  # settings that are drawn to see how much is left
LEFT_LEAST = 0.01  # of them, below which draws that are thrown away are too many
LEVEL_DRAWN = 256  # settings with a level, none of which is left where the level cannot occur
SEED = 20_170


class Between(BaseModel):
    """Numbers from `low` to `high`, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    low: float
    high: float


OneLevel = Annotated[bool | int | float | str | list[int] | None, Field(description="One value.")]
Part = Annotated[
    Annotated[Between, Tag("interval")]
    | Annotated[list[OneLevel], Field(min_length=1, max_length=64), Tag("values")]
    | Annotated[OneLevel, Tag("value")],
    Discriminator(
        lambda value: (
            "interval"
            if isinstance(value, dict | Between)
            else "values"
            if isinstance(value, list)
            else "value"
        )
    ),
]
Forbid = Annotated[
    tuple[Annotated[dict[str, Part], Field(min_length=1, max_length=20)], ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]


def combinations(forbid: Sequence[Mapping[str, Any]], asked: Box) -> tuple[Combination, ...]:
    """The forbidden combinations of a valid spec."""
    return tuple(
        Combination({name: _part(part, asked.get(name)) for name, part in one.items()})
        for one in forbid
    )


def _part(part: Any, asked: Dimension | None) -> Interval | tuple[Level, ...]:
    if isinstance(part, Between):
        return Interval(part.low, part.high)
    return _levels(part, asked)


def _levels(part: Any, asked: Dimension | None) -> tuple[Level, ...]:
    """The values that are meant; a list of whole numbers is one level where it is among the choices."""
    if not isinstance(part, list):
        return (part,)
    whole = all(isinstance(x, int) and not isinstance(x, bool) for x in part)
    if whole and isinstance(asked, Choices) and asked.contains(tuple(part)):
        return (tuple(part),)
    return tuple(tuple(x) if isinstance(x, list) else x for x in part)


def condition_mistakes(parts: ValidParts) -> list[Mistake]:
    """Conditions on what is not searched or has no levels, on levels that cannot occur, and cycles."""
    conditions, searched = conditions_in(parts.space), set(parts.searched)
    wrong = [
        mistake
        for name, condition in sorted(conditions.items())
        for parent, levels in sorted(condition.items())
        for mistake in _in_condition(name, parent, levels, parts.space, searched)
    ]
    if wrong:
        return wrong
    for name in sorted(conditions):
        around = cycle(name, conditions)
        if around:
            path = " -> ".join(around)
            said = f"it depends on itself: {path}; drop one{_following(parts, around)}"
            wrong.append(Mistake(f"space.{name}.when", said))
    return wrong or list(_too_deep(parts.space))


def _following(parts: ValidParts, around: Sequence[str]) -> str:
    """The conditions of a circle that nobody can drop, in words; empty where there is none."""
    table = workload_of(parts.data.get("objective")).conditions(parts.space)
    fixed = [
        f"{name} has an effect with some {parent} alone"
        for name, parent in pairwise(around)
        if name in table and table[name][0] == parent
    ]
    return f" of the others, for {' and '.join(fixed)}" if fixed else ""


def _in_condition(
    name: str, parent: str, levels: Sequence[Level], space: Box, searched: set[str]
) -> Iterator[Mistake]:
    path = f"space.{name}.when.{parent}"
    if parent not in searched:
        question = suggestion(parent, searched)
        known = f"{question} Searched are" if question else "searched are"
        yield Mistake(path, f"{parent} is not searched; {known} {', '.join(sorted(searched))}")
        return
    asked = space.get(parent)
    if isinstance(asked, Range):
        yield Mistake(
            path, f"{parent} is a range; a condition names levels of choices, so give it choices"
        )
    if not isinstance(asked, Choices):
        return  # it is itself mistaken
    for i, level in enumerate(levels):
        if not asked.contains(level):
            yield Mistake(
                f"{path}[{i}]",
                f"{_shown(level)} cannot occur: the choices of {parent} are "
                f"{', '.join(map(_shown, asked.choices))}",
            )


def _too_deep(space: Box) -> Iterator[Mistake]:
    conditions = conditions_in(space)
    for name in sorted(conditions):
        if depth(name, conditions) > DEEPEST:
            yield Mistake(
                f"space.{name}.when",
                f"it lies below more than {DEEPEST} others; let it depend on fewer",
            )
            continue
        never = sorted(p for p, levels in needed(name, conditions).items() if not levels)
        if never:
            yield Mistake(
                f"space.{name}.when",
                f"it can never be active: the conditions above it want different levels of {never[0]}",
            )


def forbid_mistakes(forbid: Sequence[Mapping[str, Any]], asked: Box) -> list[Mistake]:
    """Forbidden values of what is not searched, or that cannot occur."""
    return [
        mistake
        for i, one in enumerate(forbid)
        for name, part in one.items()
        for mistake in _in_forbidden(f"forbid[{i}].{name}", name, part, asked)
    ]


def _in_forbidden(path: str, name: str, part: Any, asked: Box) -> Iterator[Mistake]:
    dimension = asked.get(name)
    if dimension is None:
        question = suggestion(name, asked)
        known = f"{question} Searched are" if question else "searched are"
        yield Mistake(path, f"{name} is not searched; {known} {', '.join(sorted(asked))}")
    elif isinstance(part, Between):
        yield from _in_interval(path, part, dimension)
    else:
        for level in _levels(part, dimension):
            why = unfit(dimension, level)
            if isinstance(dimension, Choices) and not dimension.contains(level):
                why = f"cannot occur: the choices are {', '.join(map(_shown, dimension.choices))}"
                why = f"{_shown(level)} {why}"
            if why is not None:
                yield Mistake(path, why)


def _in_interval(path: str, part: Between, dimension: Dimension) -> Iterator[Mistake]:
    if part.low > part.high:
        yield Mistake(path, f"low={part.low:.15g} is above high={part.high:.15g}")
    elif isinstance(dimension, Choices) and not any(
        isinstance(x, int | float) and not isinstance(x, bool) and part.low <= x <= part.high
        for x in dimension.choices
    ):
        yield Mistake(
            path,
            f"no choice lies between {part.low:.15g} and {part.high:.15g}; they are "
            f"{', '.join(map(_shown, dimension.choices))}",
        )


def left_mistakes(space: Space) -> list[Mistake]:
    """The mistake of forbidding nearly everything, or all that is there beside some level.

    By seeded draws from the asked ranges, as samplers make them: the same spec has the same answer
    everywhere.
    """
    if not space.forbidden:
        return []
    rng = random.Random(SEED)  # noqa: S311 - no secret
    left = sum(space.permits(_drawn(space, rng)) for _ in range(DRAWN))
    if left < LEFT_LEAST * DRAWN:
        return [
            Mistake(
                "forbid",
                f"of {DRAWN:,} settings drawn from the ranges it leaves {left}, and a search needs "
                f"{LEFT_LEAST:.0%}; forbid less, or narrow the ranges and choices instead",
            )
        ]
    named = sorted({name for one in space.forbidden for name in one.parts})
    return [
        Mistake(
            "forbid",
            f"of {LEVEL_DRAWN} settings with {name} = {_shown(level)} it leaves none; drop the level "
            f"from space.{name}.choices",
        )
        for name in named
        for level in getattr(space.dimensions[name], "choices", ())
        if not _occurs(space, name, level, rng)
    ]


def _occurs(space: Space, name: str, level: Level, rng: random.Random) -> bool:
    held = {**needed(name, space.conditions), name: (level,)}
    return any(space.permits(_drawn(space, rng, held)) for _ in range(LEVEL_DRAWN))


def _drawn(
    space: Space, rng: random.Random, held: Mapping[str, Sequence[Level]] | None = None
) -> Params:
    return space.drawn([rng.random() for _ in space.order], held)


def inactive(space: Space, name: str) -> str:
    """The sentence that says beside which levels a hyperparameter is active."""
    conditions = " and ".join(
        f"{parent} = {' or '.join(map(_shown, levels))}"
        for parent, levels in sorted(space.conditions[name].items())
    )
    return f"{name} is active with {conditions} alone"


def forbidden_by(space: Space, params: Params) -> int | None:
    """The number of the first forbidden combination that a setting has; None where it has none."""
    return next((i for i, one in enumerate(space.forbidden) if one.matches(params)), None)


def _shown(level: Level) -> str:
    text = level_text(list(level) if isinstance(level, tuple) else level)
    return text if len(text) <= 40 else f"{text[:37]}..."
