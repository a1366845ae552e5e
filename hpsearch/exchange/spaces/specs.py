"""The spec that says a foreign space, and sentences about what it does not say."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hpsearch.combinations import among, needed
from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.exchange.resolving import dimension_mistakes
from hpsearch.exchange.spaces.commands import EPOCHS, agent_words
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
from hpsearch.spec.combinations import DEEPEST

SPACE_MOST: Final = 20  # hyperparameters of a spec
EPOCHS_MOST: Final = 1000
ALWAYS: Final = "it is searched always"


@dataclass(frozen=True, slots=True)
class Converted:
    """A space of another tool as a spec of ours.

    tool
        The format, as `hpsearch convert --from` names it.
    spec
        An external search with its space.
    said
        Sentences about what the spec does not say, each with its hyperparameter before a colon.
    command
        Words for `hpsearch agent`, with a place for each hyperparameter.
    metric
        The tool's name of the score; empty where the file does not say.
    """

    tool: str
    spec: Mapping[str, Any]
    said: Sequence[str]
    command: Sequence[str] = ()
    metric: str = ""


@dataclass(slots=True)
class _Draft:
    """A spec under way."""

    space: dict[str, dict[str, Any]] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    epochs: dict[str, int] | None = None
    said: list[str] = field(default_factory=list)
    conditions: dict[str, dict[str, tuple[Any, ...]]] = field(default_factory=dict)
    depths: dict[str, int] = field(
        default_factory=dict
    )  # hyperparameters over one with a condition
    idle: set[str] = field(default_factory=set)  # that never have an effect

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
    _add_conditions(draft, parameters)
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
    command = agent_words(
        draft.space, draft.constants, program=foreign.program, command=foreign.command
    )
    return Converted(tool, _spec(foreign, draft), tuple(draft.said), tuple(command), foreign.metric)


def _spec(foreign: ForeignSpace, draft: _Draft) -> dict[str, Any]:
    name = "".join(c for c in foreign.name if c.isprintable()).strip()[:200]
    spec: dict[str, Any] = {"name": name} if name else {}
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
        draft.say(
            one.name, f"not searched, it is always {value:.100}", _way(one.name, domain.value)
        )
        return
    if isinstance(domain, Fidelity):
        _add_epochs(draft, one.name, domain)
        return
    dimension = _levels(draft, one.name, domain) if isinstance(domain, Levels) else _range(domain)
    _check(one.name, dimension)
    draft.space[one.name] = dimension


def _way(name: str, value: Any) -> str:
    """What to do about a constant: the length of a training is the search's."""
    if name == EPOCHS and type(value) is int and 1 <= value <= EPOCHS_MOST:
        return f'for trainings of that length write "epochs": {{"first": 1, "last": {value}}}'
    return "leave it to your training"


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


def _add_conditions(draft: _Draft, parameters: Sequence[Parameter]) -> None:
    """Add `when` to what has an effect with some values of others alone, parents first."""
    ordered, around = _parents_first([one for one in parameters if one.name in draft.space])
    for one in ordered:
        try:
            _add_condition(draft, one)
        except CannotSay as error:
            del draft.space[one.name]
            draft.idle.add(one.name)
            draft.say(one.name, f"left out: it has no effect, for {error.why}")
    for one in around:
        draft.say(one.name, "its condition depends on itself, or on one that does", ALWAYS)


def _parents_first(parameters: Sequence[Parameter]) -> tuple[list[Parameter], list[Parameter]]:
    """Return hyperparameters behind all that they depend on, and those that have no such place."""
    missing = {one.name: 0 for one in parameters}
    children: dict[str, list[Parameter]] = {one.name: [] for one in parameters}
    for one in parameters:
        for parent in one.when or ():
            if parent in children:
                missing[one.name] += 1
                children[parent].append(one)
    ordered = [one for one in parameters if not missing[one.name]]
    for one in ordered:  # it grows meanwhile
        for child in children[one.name]:
            missing[child.name] -= 1
            if not missing[child.name]:
                ordered.append(child)
    return ordered, [one for one in parameters if missing[one.name]]


def _add_condition(draft: _Draft, one: Parameter) -> None:
    """Add the condition of a hyperparameter.

    Raises
    ------
    CannotSay
        It never holds.
    """
    when: dict[str, tuple[Any, ...]] = {}
    for parent, values in _nearest(draft, one.when or {}).items():
        allowed = _allowed(draft, one.name, parent, values)
        if allowed is not None:
            when[parent] = allowed
    if not when:
        return
    depth = 1 + max(draft.depths.get(parent, 0) for parent in when)
    if depth > DEEPEST:
        why = f"it counts only with some values of {' and '.join(when)}, below more than {DEEPEST} others"
        draft.say(one.name, why, ALWAYS)
        return
    together = {**draft.conditions, one.name: when}
    never = [parent for parent, levels in needed(one.name, together).items() if not levels]
    if never:
        raise CannotSay(f"its conditions want different values of {never[0]}")
    draft.conditions[one.name], draft.depths[one.name] = when, depth
    draft.space[one.name]["when"] = {parent: [*levels] for parent, levels in when.items()}


def _allowed(
    draft: _Draft, name: str, parent: str, values: Sequence[Any]
) -> tuple[Any, ...] | None:
    """Return the levels of a parent that a condition names; None where it names all, or cannot be said."""
    if parent in draft.constants:
        if not among(draft.constants[parent], values):
            raise CannotSay(f"{parent} is {shown(draft.constants[parent])}")
        return None
    if parent in draft.idle:
        raise CannotSay(f"{parent} has none")
    levels = draft.space.get(parent, {}).get("choices")
    if levels is None or not values:
        known = (
            f"is no choice: as one it could have {name} under `when`"
            if parent in draft.space
            else "is not searched"
        )
        which = known if levels is None else "the file does not name"
        draft.say(name, f"it counts only with some values of {parent}, which {which}", ALWAYS)
        return None
    levels = [tuple(x) if isinstance(x, list) else x for x in levels]
    values = [tuple(x) if isinstance(x, list) else x for x in values]
    allowed = tuple(x for x in levels if among(x, values))
    if not allowed:
        raise CannotSay(f"{parent} is never {' or '.join(map(shown, values))}")
    return allowed if len(allowed) < len(levels) else None


def _nearest(draft: _Draft, when: Mapping[str, tuple[Any, ...]]) -> Mapping[str, tuple[Any, ...]]:
    """Return conditions without those that a parent has already: it is there only where they hold."""
    implied = {
        above
        for parent in when
        for above, levels in draft.conditions.get(parent, {}).items()
        if above in when and all(among(x, when[above]) for x in levels)
    }
    return {parent: values for parent, values in when.items() if parent not in implied}
