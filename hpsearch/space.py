"""Choices, and the spaces and boxes that ranges and choices form together.

Notation
    value        what a trial trains with, e.g. a learning rate of 0.01
    coordinate   the value in its own scale: log10(value) on a log range, the value itself otherwise
    unit         the place inside one range, 0 at its low edge and 1 at its high edge
    width        high minus low in coordinates: decades on a log range

A *space* holds the ranges that were asked for, a *box* those that the search draws from now. Both
have the same form: a box is a space whose edges have moved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    model_validator,
)

from hpsearch.combinations import (
    Combination,
    Condition,
    Conditions,
    Level,
    Params,
    active,
    holds,
    level_text,
    parents_first,
    permits,
    same_level,
)
from hpsearch.digits import in_full, rounded
from hpsearch.ranges import WHEN_TEXT, Range, When
from hpsearch.rules import Since, to_json

__all__ = [
    "Box",
    "Choices",
    "Combination",
    "Condition",
    "Conditions",
    "Dimension",
    "Level",
    "Params",
    "Range",
    "Space",
    "TaggedDimension",
    "allowed",
    "box_from_json",
    "box_to_json",
    "conditions_in",
    "fitted",
    "guesses_in",
    "inside",
    "level_text",
    "params_from_json",
    "plain",
    "same_level",
    "typed",
    "unfit",
    "widest",
]

SAME = 1e-4  # of the gap between two choices: as near to one of them, a value is equal to it


class Choices(BaseModel):
    """A closed list of levels."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    choices: tuple[Level, ...] = Field(
        min_length=1, max_length=64, description="The levels to choose from."
    )
    when: Annotated[When | None, Since("0.2")] = Field(None, description=WHEN_TEXT)

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("choices"), list):
            levels = [tuple(x) if isinstance(x, list) else x for x in data["choices"]]
            return {**data, "choices": tuple(levels)}
        return data

    @model_validator(mode="after")
    def _distinct(self) -> Choices:
        if len({(type(x) is bool, x) for x in self.choices}) != len(self.choices):
            raise ValueError(f"the choices must differ from each other, got {list(self.choices)}")
        return self

    def from_unit(self, unit: float) -> Level:
        """The level at `unit` in [0, 1]; every level gets the same share."""
        return self.choices[min(int(unit * len(self.choices)), len(self.choices) - 1)]

    def grid(self) -> tuple[Level, ...]:
        """The levels that a shape dimension is drawn from: all of them."""
        return self.choices

    def contains(self, value: Level) -> bool:
        """Say whether `value` is among the levels."""
        return any(same_level(value, x) for x in self.choices)


def widest(dimension: Dimension) -> Dimension:
    """`dimension` as far as its hard limits let it grow."""
    if isinstance(dimension, Choices):
        return dimension
    low = dimension.low if dimension.hard_low is None else dimension.hard_low
    high = dimension.high if dimension.hard_high is None else dimension.hard_high
    return dimension.model_copy(update={"low": low, "high": high})


def fitted(dimension: Dimension, value: Level) -> Level:
    """`value` as the dimension has it, where it lies there but for digits that are rounded away.

    Other programs count 0.1, 0.2, 0.30000000000000004. Whole numbers have no such digits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if allowed(dimension, value):
        return value
    if isinstance(dimension, Choices):
        equal = _same_choices(dimension, value)
    else:
        limits = [x for x in (dimension.hard_low, dimension.hard_high) if x is not None]
        equal = [
            x for x in limits if not _whole(x, value) and dimension.kept(x) == dimension.kept(value)
        ]
    return min(equal, key=lambda x: abs(x - value), default=value)


def _same_choices(dimension: Choices, value: float) -> list[float]:
    """The numbers among the levels that a value is equal to, beside the distance to the next one."""
    numbers = [
        x for x in dimension.choices if isinstance(x, int | float) and not isinstance(x, bool)
    ]
    ordered = sorted(numbers)
    gap = min((b - a for a, b in pairwise(ordered)), default=math.inf)
    return [
        x for x in numbers
        if not _whole(x, value) and rounded(x) == rounded(value) and abs(x - value) <= SAME * gap
    ]  # fmt: skip


def _whole(one: float, other: float) -> bool:
    """True of two whole numbers: they have no digits that are rounded away."""
    return float(one).is_integer() and float(other).is_integer()


def unfit(dimension: Dimension, value: Level) -> str | None:
    """The reason why no search of this dimension could hold such a value."""
    if isinstance(dimension, Choices):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        got = level_text(value) if value is None else repr(value)
        return f"a number is wanted, got {got:.60}"
    if dimension.integer and value != int(value):
        return f"a whole number is wanted, got {in_full(value)}"
    return None


def allowed(dimension: Dimension, value: Level) -> bool:
    """True of a value that a search of this dimension, its limits filled in, may come to."""
    if isinstance(dimension, Choices):
        return dimension.contains(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = dimension.hard_low, dimension.hard_high
    return (low is None or value >= low) and (high is None or value <= high)


def _kind(data: Any) -> str:
    choices = isinstance(data, Choices) or (isinstance(data, dict) and "choices" in data)
    return "choices" if choices else "range"


Dimension = Range | Choices
TaggedDimension = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices")], Discriminator(_kind)
]
Box = Mapping[str, Dimension]
_BOX: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, TaggedDimension])


def box_to_json(box: Box) -> dict[str, Any]:
    """`box` as plain JSON values, names sorted."""
    return {name: to_json(box[name]) for name in sorted(box)}


def params_from_json(data: Mapping[str, Any]) -> Params:
    """Parameters as they were before JSON turned tuples into lists."""
    if list not in map(type, data.values()):  # most have none, and pages have thousands
        return data
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


def box_from_json(data: Mapping[str, Any]) -> Box:
    """The box that `box_to_json` wrote."""
    return _BOX.validate_python(dict(data))


def typed(dimension: Dimension, value: float | Level) -> Level:
    """`value` as trials have it: whole numbers of a range as int."""
    if isinstance(dimension, Range) and dimension.integer:
        return int(value)  # type: ignore[arg-type]  # a range holds numbers
    return value


def inside(box: Box, params: Params) -> bool:
    """Say whether every parameter lies in its dimension of the box; those that are not active do."""
    return all(name not in params or box[name].contains(params[name]) for name in box)  # type: ignore[arg-type]  # a dimension only ever meets values drawn from it


def conditions_in(asked: Box) -> Conditions:
    """The conditions of the asked ranges and choices, those that have one."""
    return {name: d.when for name, d in asked.items() if d.when is not None}


def guesses_in(asked: Box) -> Mapping[str, float]:
    """The guesses of the asked ranges, those that have one."""
    return {
        name: d.guess for name, d in asked.items() if isinstance(d, Range) and d.guess is not None
    }


def plain(dimension: Dimension) -> Dimension:
    """`dimension` as boxes have it: when it is active, and a guess, are the space's to know."""
    if isinstance(dimension, Range) and dimension.guess is not None:
        dimension = dimension.model_copy(update={"guess": None})
    return dimension if dimension.when is None else dimension.model_copy(update={"when": None})


@dataclass(frozen=True, slots=True)
class Space:
    """The asked ranges, limits filled in, and the names of those that change a network's shape.

    conditions
        Those of the hyperparameters that are not active in every trial.
    forbidden
        Values that no trial may have together.
    guesses
        The values that the user believes in, of some ranges.
    order
        The names of hyperparameters, each behind those that its condition is about.
    """

    dimensions: Box
    shaping: frozenset[str] = frozenset()
    conditions: Conditions = field(default_factory=dict)
    forbidden: Sequence[Combination] = ()
    guesses: Mapping[str, float] = field(default_factory=dict)
    order: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", parents_first(self.dimensions, self.conditions))

    @property
    def names(self) -> Sequence[str]:
        """The hyperparameters searched, in the one order used everywhere."""
        return sorted(self.dimensions)

    @property
    def restricted(self) -> bool:
        """True where some places of the box are none of the space: conditions, or what is forbidden."""
        return bool(self.conditions or self.forbidden)

    def active(self, params: Params) -> Params:
        """The values of the active hyperparameters among `params`."""
        return active(params, self.order, self.conditions)

    def lacking(self, params: Params) -> list[str]:
        """The hyperparameters that are active beside `params` and have no value there."""
        lacking = []
        on: dict[str, Level] = {}
        for name in self.order:
            if not holds(self.conditions.get(name, {}), on):
                continue
            if name in params:
                on[name] = params[name]
            else:
                lacking.append(name)
        return lacking

    def fits(self, params: Params) -> bool:
        """Tell whether `params` has a value of each active hyperparameter, and of no other."""
        return not self.lacking(params) and len(self.active(params)) == len(params)

    def permits(self, params: Params) -> bool:
        """Tell whether a trial may have these values: nothing forbidden is among them."""
        return permits(self.forbidden, params)

    def drawn(
        self, units: Sequence[float], held: Mapping[str, Sequence[Level]] | None = None
    ) -> Params:
        """The setting at units (D,), in the order of `order`, as samplers draw it from the asked ranges.

        Those that shape a network have values of their grids alone. A hyperparameter in `held` has one of the
        levels given there.
        """
        params: dict[str, Level] = {}
        for name, unit in zip(self.order, units, strict=True):
            dimension, levels = self.dimensions[name], (held or {}).get(name, ())
            if not levels and (name in self.shaping or isinstance(dimension, Choices)):
                levels = dimension.grid()
            value = levels[int(unit * len(levels))] if levels else dimension.from_unit(unit)
            params[name] = typed(dimension, value)
        return self.active(params)

    def reached(self, box: Box) -> frozenset[str]:
        """The hyperparameters that are active in some trial of the box."""
        on: set[str] = set()
        for name in self.order:
            condition = self.conditions.get(name, {})
            if all(p in on and any(map(box[p].contains, ls)) for p, ls in condition.items()):  # type: ignore[arg-type]  # levels of choices
                on.add(name)
        return frozenset(on)
