"""The spec that says a foreign space, and sentences about what it does not say."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.exchange.resolving import dimension_mistakes
from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Constant,
    Domain,
    Fidelity,
    ForeignSpace,
    Interval,
    Levels,
    Parameter,
    Unsaid,
)
from hpsearch.exchange.spaces.fields import shown, whole
from hpsearch.exchange.spaces.steps import LEVELS_MOST
from hpsearch.space import same_level

SPACE_MOST: Final = 20  # hyperparameters of a spec
EPOCHS_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Converted:
    """A space of another tool as a spec of ours.

    tool
        The format, as `hpsearch convert --from` names it.
    spec
        An external search with its space.
    said
        Sentences about what the spec does not say, each with its hyperparameter before a colon.
    """

    tool: str
    spec: Mapping[str, Any]
    said: Sequence[str]


@dataclass(slots=True)
class _Draft:
    """A spec under way."""

    space: dict[str, dict[str, Any]] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    epochs: dict[str, int] | None = None
    said: list[str] = field(default_factory=list)

    def say(self, name: str, why: str, proposal: str = "") -> None:
        """Add a sentence about a hyperparameter."""
        self.said.append(f"{name}: {why}" + (f"; {proposal}" if proposal else ""))


def converted(tool: str, foreign: ForeignSpace) -> Converted:
    """Return the spec of a foreign space.

    Raises
    ------
    InvalidSpec
        A spec can hold none of its hyperparameters.
    """
    draft, parameters = _Draft(), _merged(foreign.parameters)
    for one in parameters:
        try:
            _add(draft, one)
        except CannotSay as error:
            draft.say(one.name, f"left out: {error.why}", error.proposal)
    for one in parameters:
        _add_condition(draft, one)
    if not draft.space:
        mistakes = [Mistake(*sentence.split(": ", 1)) for sentence in draft.said]
        raise InvalidSpec("nothing of it can be searched", mistakes)
    if len(draft.space) > SPACE_MOST:
        draft.say(
            "space",
            f"{len(draft.space)} hyperparameters; a search has {SPACE_MOST} at the most",
            "fix some",
        )
    draft.said += foreign.remarks
    return Converted(tool, _spec(foreign, draft), tuple(draft.said))


def _spec(foreign: ForeignSpace, draft: _Draft) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": foreign.name[:200]} if foreign.name else {}
    spec["objective"] = "external"
    if foreign.direction is None:
        draft.say(
            "direction",
            "the file does not say which scores are better",
            'scores are maximized; else write "direction": "minimize"',
        )
    else:
        spec["direction"] = foreign.direction
    if draft.epochs is not None:
        spec["epochs"] = draft.epochs
    return {**spec, "space": draft.space}


def _merged(parameters: Sequence[Parameter]) -> list[Parameter]:
    """Return hyperparameters of distinct names: one that stands under several parents or values is one."""
    merged: dict[str, Parameter] = {}
    for one in parameters:
        earlier = merged.get(one.name)
        if earlier is None:
            merged[one.name] = one
            continue
        parents = [*(earlier.when or ())], [*(one.when or ())]
        if earlier.domain == one.domain and parents[0] == parents[1] and len(parents[0]) == 1:
            (parent,) = parents[0]
            values = (*(earlier.when or {})[parent], *(one.when or {})[parent])
            merged[one.name] = replace(earlier, when={parent: values})
        elif not isinstance(earlier.domain, Unsaid):
            why = "it is listed twice, with other values or under other conditions"
            merged[one.name] = replace(earlier, domain=Unsaid(why, "give each its own name"))
    return [*merged.values()]


def _add(draft: _Draft, one: Parameter) -> None:
    """Add a hyperparameter to the space, or say why not."""
    domain = _simplest(one.domain)
    for remark in one.remarks:
        if not isinstance(domain, Unsaid):
            draft.say(one.name, remark)
    if isinstance(domain, Unsaid):
        raise CannotSay(domain.why, domain.proposal)
    if isinstance(domain, Constant):
        draft.constants[one.name] = domain.value
        value = json.dumps(domain.value, ensure_ascii=False, default=repr)
        draft.say(one.name, f"not searched, it is always {value:.100}", "leave it to your training")
        return
    if isinstance(domain, Fidelity):
        _add_epochs(draft, one.name, domain)
        return
    dimension = _levels(draft, one.name, domain) if isinstance(domain, Levels) else _range(domain)
    _check(one.name, dimension)
    draft.space[one.name] = dimension


def _simplest(domain: Domain) -> Domain:
    """Return a constant for a range or a list of one value."""
    if isinstance(domain, Interval):
        low, high = (
            (math.ceil(domain.low), math.floor(domain.high))
            if domain.integer
            else (domain.low, domain.high)
        )
        return Constant(low) if low == high else replace(domain, low=low, high=high)
    if isinstance(domain, Levels) and len(domain.values) == 1:
        return Constant(domain.values[0])
    return domain


def _range(domain: Interval) -> dict[str, Any]:
    made: dict[str, Any] = {
        "low": float(domain.low), "high": float(domain.high), "scale": "log" if domain.log else "linear",
    }  # fmt: skip
    return {**made, "integer": True} if domain.integer else made


def _levels(draft: _Draft, name: str, domain: Levels) -> dict[str, Any]:
    """Return choices; a value that stands twice counts once."""
    distinct: list[Any] = []
    for value in domain.values:
        _check_level(value)
        if not any(same_level(value, x) for x in distinct):
            distinct.append(list(value) if isinstance(value, tuple) else value)
    if len(distinct) < len(domain.values):
        draft.say(name, "a value that is listed more than once counts once")
    if len(distinct) > LEVELS_MOST:
        raise CannotSay(f"{len(distinct)} values; a list of choices has {LEVELS_MOST} at the most")
    return {"choices": distinct}


def _check_level(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise CannotSay(f"no spec can have the value {value}")
    if isinstance(value, list | tuple) and all(type(x) is int for x in value):
        return
    if value is not None and not isinstance(value, bool | int | float | str):
        raise CannotSay(
            f"a value is a {type(value).__name__}: {shown(value)}",
            "give each value a name, and look it up in your training",
        )


def _check(name: str, dimension: dict[str, Any]) -> None:
    """Have the spec's own checks look at one dimension."""
    mistakes = dimension_mistakes(name, dimension)
    if mistakes:
        raise CannotSay("; ".join(dict.fromkeys(m.message for m in mistakes)))


def _add_epochs(draft: _Draft, name: str, domain: Fidelity) -> None:
    low, high = whole(domain.low, "low"), whole(domain.high, "high")
    if not 1 <= low <= high <= EPOCHS_MOST or draft.epochs is not None:
        raise CannotSay(f"epochs from {low:,} to {high:,}; a search has 1 to {EPOCHS_MOST:,}, once")
    draft.epochs = {"first": low, "last": high}
    draft.say(
        name, f"the length of a training: it is epochs.first={low} and epochs.last={high} here"
    )


def _add_condition(draft: _Draft, one: Parameter) -> None:
    """Add `when` to a hyperparameter that has an effect with some values of a parent alone."""
    if not one.when or one.name not in draft.space:
        return
    when: dict[str, list[Any]] = {}
    for parent, values in _nearest(draft, one.when).items():
        if parent in draft.constants:
            if not any(same_level(draft.constants[parent], x) for x in values):
                del draft.space[one.name]
                draft.say(
                    one.name,
                    f"left out: it has no effect, for {parent} is {shown(draft.constants[parent])}",
                )
                return
            continue
        levels = draft.space.get(parent, {}).get("choices")
        if levels is None:
            word = "is no choice" if parent in draft.space else "is not searched"
            draft.say(
                one.name,
                f"it counts only with some values of {parent}, which {word}",
                "it is searched always",
            )
            continue
        allowed = [x for x in levels if any(same_level(x, y) for y in values)]
        if len(allowed) < len(levels):
            when[parent] = allowed
    if when:
        draft.space[one.name]["when"] = when


def _nearest(draft: _Draft, when: Mapping[str, tuple[Any, ...]]) -> Mapping[str, tuple[Any, ...]]:
    """Return conditions without those that a parent has already: it is there only where they hold."""
    implied = {
        above
        for parent in when
        for above, values in draft.space.get(parent, {}).get("when", {}).items()
        if above in when and all(any(same_level(x, y) for y in when[above]) for x in values)
    }
    return {parent: values for parent, values in when.items() if parent not in implied}
