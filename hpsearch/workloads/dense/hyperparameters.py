"""The table of hyperparameters, read off the annotations of the model's fields."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from hpsearch.errors import Mistake, suggestion, with_question
from hpsearch.one_of import OneOf
from hpsearch.space import Choices, Dimension, Level, Range, level_text
from hpsearch.workloads.dense.constants import Declared, declared
from hpsearch.workloads.dense.model import (
    LAYERS_MAX,
    UNITS_MAX,
    Needs,
    Searchable,
    current_model,
)

Kind = Literal["float", "integer", "level", "sizes"]


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """The domain of one hyperparameter. Bounds are inclusive; `above_zero` excludes 0.

    nullable
        null is a choice, too: it means "none of it".
    shaping
        It decides which trials can be stacked.
    needs
        Values of another hyperparameter, by its name, without which this one has no effect:
        searching it in vain is a mistake that the user wants to hear about.
    """

    kind: Kind
    low: float = 0.0
    high: float = 0.0
    above_zero: bool = False
    levels_now: Callable[[], tuple[Level, ...]] = tuple
    nullable: bool = False
    shaping: bool = False
    needs: Needs | None = None

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels there are; names of a registry may be added at any time."""
        return self.levels_now()

    @property
    def domain(self) -> str:
        """The domain in words, for messages."""
        if self.kind == "sizes":
            return f"a list of units, one for each of up to {LAYERS_MAX} hidden layers"
        if self.kind == "level":
            return "one of " + ", ".join(map(level_text, self.levels))
        whole = "a whole number " if self.kind == "integer" else ""
        start = "above 0" if self.above_zero else f"from {self.low:g}"
        return f"{whole}{start} up to {self.high:g}{', or null' if self.nullable else ''}"

    def accepts(self, value: Level) -> bool:
        """Tell if a trial may have `value`."""
        if self.kind == "level":
            return any(value == x and type(value) is type(x) for x in self.levels)
        if self.kind == "sizes":
            units = value if isinstance(value, tuple) else (0,)
            return len(units) <= LAYERS_MAX and all(1 <= n <= UNITS_MAX for n in units)
        if value is None:
            return self.nullable
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if not self.low <= value <= self.high or (self.above_zero and value <= 0):
            return False
        return self.kind == "float" or float(value).is_integer()


# Each takes the place of hidden_sizes: so many units in every layer, so many layers of equal width.
ARCHITECTURE: Mapping[str, Hyperparameter] = {
    "hidden_units": Hyperparameter("integer", 1, UNITS_MAX, shaping=True),
    "hidden_layers": Hyperparameter("integer", 1, LAYERS_MAX, shaping=True),
}


def hyperparameters() -> Mapping[str, Hyperparameter]:
    """Every hyperparameter that can be searched, by its name."""
    return _table(declared())


def per_trial() -> Iterator[str]:
    """Names of those that may differ within a stack, the constants of optimizers aside."""
    own = declared().constants
    return (n for n, known in hyperparameters().items() if not known.shaping and n not in own)


def shaping() -> tuple[str, ...]:
    """Names of the model's fields that decide which trials can be stacked."""
    return _shaping(declared())


@lru_cache(maxsize=8)
def _shaping(now: Declared) -> tuple[str, ...]:
    return tuple(n for n, known in _table(now).items() if known.shaping and n not in ARCHITECTURE)


@lru_cache(maxsize=8)
def _table(now: Declared) -> Mapping[str, Hyperparameter]:
    constants, table = now.constants, {}
    for name, field in current_model().model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, Searchable):
                users = Needs("optimizer", now.users(name))
                needs = users if name in constants else mark.needs
                table[name] = _of_field(field, mark, needs)
    return {**table, **ARCHITECTURE}


def _of_field(field: FieldInfo, mark: Searchable, needs: Needs | None) -> Hyperparameter:
    kind, levels = _kind(field)
    bounds: dict[str, Any] = {}
    for rule in field.metadata:  # the bounds given to Field, one object each
        for bound in ("ge", "gt", "le"):
            if hasattr(rule, bound):
                bounds[bound] = getattr(rule, bound)
    return Hyperparameter(
        kind,
        low=bounds.get("ge", 0.0),
        high=bounds.get("le", 0.0),
        above_zero="gt" in bounds,
        levels_now=levels,
        nullable=type(None) in get_args(field.annotation),
        shaping=mark.shaping,
        needs=needs,
    )


def _kind(field: FieldInfo) -> tuple[Kind, Callable[[], tuple[Level, ...]]]:
    """The kind of a field, and its levels where it has some."""
    inner = (rule for kind in get_args(field.annotation) for rule in get_args(kind)[1:])
    for rule in (*field.metadata, *inner):
        if isinstance(rule, OneOf):
            return "level", rule.names
    kinds = get_args(field.annotation) or (field.annotation,)
    if get_origin(field.annotation) is Literal:
        return "level", lambda: kinds
    names = tuple(name for kind in kinds for name in get_args(kind))  # of a Literal
    if names and type(None) in kinds:
        return "level", lambda: (None, *names)
    if bool in kinds:
        return "level", lambda: (False, True)
    if float in kinds:
        return "float", tuple
    return ("integer" if field.annotation is int else "sizes"), tuple


def mistakes_in(name: str, dimension: Dimension | None) -> list[Mistake]:
    """Mistakes of searching `name` over `dimension`, each with its path.

    `dimension` is None where it did not validate by itself: the name still has to be known.
    """
    path, table = f"space.{name}", hyperparameters()
    known = table.get(name)
    if known is None:
        question = suggestion(name, table)
        known_are = f"{question} Known are" if question else "known are"
        return [Mistake(path, f"unknown hyperparameter; {known_are} {', '.join(sorted(table))}")]
    if dimension is None:
        return []
    if isinstance(dimension, Choices):
        names = [level for level in known.levels if isinstance(level, str)]
        return [
            Mistake(f"{path}.choices[{i}]",
                    with_question(f"{_shown(level)} is not {known.domain}", str(level), names))
            for i, level in enumerate(dimension.choices)
            if not known.accepts(level)
        ]  # fmt: skip
    if known.kind in ("level", "sizes"):
        return [Mistake(path, f'{name} takes {known.domain}; give {{"choices": [...]}}')]
    values: list[tuple[str, float | None]] = [
        ("low", dimension.low), ("high", dimension.high), ("guess", dimension.guess),
        ("hard_low", dimension.hard_low), ("hard_high", dimension.hard_high),
    ]  # fmt: skip
    return [
        Mistake(f"{path}.{field}", f"{value:.15g} is outside what {name} may be: {known.domain}")
        for field, value in values
        if value is not None and not known.accepts(value)
    ]


def without_effect(model: Mapping[str, Any], space: Mapping[str, Any]) -> list[str]:
    """The fields of a model that change nothing in it, whatever is searched: momentum beside sgd.

    Parameters
    ----------
    model, space
        As a spec's JSON has them, every default written out.
    """
    idle = []
    for name, known in hyperparameters().items():
        if name not in model or known.needs is None:
            continue
        searched = space.get(known.needs.other)
        if isinstance(searched, Mapping):
            values = searched.get("choices", ())
        elif known.needs.other in model:
            values = [model[known.needs.other]]
        else:
            continue  # other fields stand in its place
        if not any(map(known.needs.met_by, values)):
            idle.append(name)
    return sorted(idle)


def _shown(level: Level) -> str:
    if level is None:
        return level_text(level)
    return reprlib.repr(list(level) if isinstance(level, tuple) else level)


def limited(known: Hyperparameter, dimension: Dimension, *, highest: float | None) -> Dimension:
    """`dimension` with its hard limits filled in.

    `highest` lowers the upper bound of the domain (the number of training examples for
    the batch size).
    """
    if isinstance(dimension, Choices):
        return _whole(dimension) if known.kind == "integer" else dimension
    if known.kind == "integer":
        dimension = Range.model_validate({**dimension.model_dump(), "integer": True})
    top = known.high if highest is None else min(known.high, highest)
    return dimension.limited(known.low, top)


def _whole(dimension: Choices) -> Choices:
    """The levels as whole numbers, which they are by the table."""
    return Choices(choices=tuple(int(x) for x in dimension.choices))  # type: ignore[arg-type]  # numbers, by the table
