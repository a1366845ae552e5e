"""Conditions that follow from the table of hyperparameters: momentum belongs to some optimizers.

A new spec has them written out before anything else reads it, so a stored one is complete by itself,
and stored searches keep the conditions that they were made with. What a user says of the same parent
stands: fewer levels than the table's are theirs, and levels without effect are a mistake
(`hpsearch.workloads.dense.checks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hpsearch.combinations import among
from hpsearch.space import Box, Choices, Condition, Conditions, Level, TaggedDimension, level_text
from hpsearch.spec.models import SearchSpec
from hpsearch.workloads import Workload, workload_of

_DIMENSION: TypeAdapter[Any] = TypeAdapter(TaggedDimension)


def conditions(workload: type[Workload], space: Box) -> Conditions:
    """The condition of each hyperparameter that has no effect beside some choices of another one.

    One that has none beside all of them has no condition: searching it is a mistake.
    """
    by_name: dict[str, Condition] = {}
    for name, (parent, useful) in workload.conditions(space).items():
        searched = space[parent]
        choices = searched.choices if isinstance(searched, Choices) else ()
        levels = tuple(level for level in choices if among(level, useful))
        if levels and len(levels) < len(choices):
            by_name[name] = {parent: levels}
    return by_name


def completed(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A submitted document with these conditions in its space; what is not valid stays as it is.

    A level that a condition names is left out where it has an effect by the table and is not among the
    choices: a spec whose choices are fewer than those of the search it comes from says the same of them.
    """
    space, raw = _valid(data.get("space")), data.get("space")
    if not isinstance(raw, dict) or not space:
        return data
    workload = workload_of(data.get("objective"))
    useful, follow, full = workload.conditions(space), conditions(workload, space), {}
    for name, (parent, levels) in useful.items():
        own = space[name].when or {}
        choices = getattr(space[parent], "choices", ())
        named = own.get(parent)
        if named is None:
            made = follow.get(name)
        else:
            occur = tuple(x for x in named if among(x, choices) or not among(x, levels))
            made = {parent: occur} if occur and occur != named else None
        if made is not None:
            full[name] = {**raw[name], "when": _written({**own, **made})}
    return {**data, "space": {**raw, **full}} if full else data


def followed(spec: SearchSpec, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Edited ranges and choices, by name, with the conditions that other choices of a parent bring.

    Parameters
    ----------
    changes
        Those of `space`, each in full, as an edit leads to them.

    Only a condition that is the table's own is changed: it then is that of the new choices. One that a user
    has narrowed, and the lack of one in a spec of an earlier version, stay.
    """
    edited = {name: new for name, new in _valid(changes).items() if isinstance(new, Choices)}
    before = conditions(spec.workload, spec.space)
    after = conditions(spec.workload, {**spec.space, **edited})
    made: dict[str, Any] = {}
    for name, (parent, useful) in spec.workload.conditions(spec.space).items():
        own = spec.space[name].when or {}
        was, now = (one.get(name, {}).get(parent) for one in (before, after))
        if parent not in edited or not _same(own.get(parent), was):
            continue
        if now is None and own.get(parent) is not None:  # beside all of them, or beside none
            now = tuple(x for x in edited[parent].choices if among(x, useful)) or was
        if now is not None and not _same(now, was):
            raw = changes.get(name) or spec.space[name].model_dump(mode="json", exclude_none=True)
            made[name] = {**raw, "when": _written({**own, parent: now})}
    return {**changes, **made}


def added(data: Mapping[str, Any], spec: SearchSpec) -> Conditions:
    """The conditions of a spec that its document does not name, by hyperparameter."""
    raw = data.get("space", {})
    by_name = {}
    for name, dimension in spec.space.items():
        named = (raw.get(name) or {}).get("when") or {}
        more = {p: levels for p, levels in (dimension.when or {}).items() if p not in named}
        if more:
            by_name[name] = more
    return by_name


def narrower(spec: SearchSpec) -> list[str]:
    """A sentence for each hyperparameter that would have an effect beside more levels than it is searched with."""
    table, said = conditions(spec.workload, spec.space), []
    for name, (parent, useful) in sorted(spec.workload.conditions(spec.space).items()):
        own = (spec.space[name].when or {}).get(parent)
        choices = getattr(spec.space[parent], "choices", ())
        wide = table.get(name, {}).get(parent, tuple(x for x in choices if among(x, useful)))
        idle = [x for x in wide if own is not None and not among(x, own)]
        if idle:
            shown = " or ".join(level_text(list(x) if isinstance(x, tuple) else x) for x in idle)
            said.append(
                f"{name} has an effect with {parent} {shown} too, where `when` leaves it at its default; name "
                f"that in space.{name}.when, or drop the condition: it follows"
            )
    return said


def _valid(raw: object) -> dict[str, Any]:
    """The ranges and choices of a JSON object that are valid by themselves."""
    space = {}
    for name, one in raw.items() if isinstance(raw, Mapping) else ():
        try:
            space[name] = _DIMENSION.validate_python(one)
        except ValidationError:
            continue  # reported by whoever reads the whole of it
    return space


def _same(one: tuple[Level, ...] | None, other: tuple[Level, ...] | None) -> bool:
    """Tell whether two lists have the same levels, in whatever order."""
    if one is None or other is None:
        return one is other
    return len(one) == len(other) and all(among(level, other) for level in one)


def _written(condition: Condition) -> dict[str, list[Any]]:
    """A condition as JSON has it."""
    return {p: [list(x) if isinstance(x, tuple) else x for x in ls] for p, ls in condition.items()}
