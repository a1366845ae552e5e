"""Configuration spaces of ConfigSpace as JSON, which SMAC writes as `configspace.json` (measured on 1.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Constant,
    Domain,
    ForeignSpace,
    Interval,
    Levels,
    Parameter,
)
from hpsearch.exchange.spaces.fields import (
    any_items,
    fields,
    items,
    number,
    parameter,
    shown,
    whole,
)
from hpsearch.exchange.spaces.steps import EVEN, from_low

WEIGHTS = "weights are not said: its values are equally likely here"
SIGNS: Final = {"GT": "above", "LT": "below", "NEQ": "not"}
RELATIONS: Final = ("LESS", "GREATER", "EQUAL", "LESSEQUAL", "GREATEREQUAL")


def recognises(document: Any) -> bool:
    """Tell whether a document is a configuration space."""
    return isinstance(document, dict) and isinstance(document.get("hyperparameters"), list)


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read a configuration space."""
    parameters = [_parameter(entry) for entry in document["hyperparameters"]]
    levels = {one.name: one.domain.values for one in parameters if isinstance(one.domain, Levels)}
    conditions = any_items(document.get("conditions"))
    made = [_with_conditions(one, conditions, levels) for one in parameters]
    forbidden = map(_said_of_forbidden, any_items(document.get("forbiddens")))
    name = document.get("name")
    return ForeignSpace(tuple(made), None, name if isinstance(name, str) else "", tuple(forbidden))


def _parameter(entry: Any) -> Parameter:
    name = entry.get("name") if isinstance(entry, dict) else entry
    return parameter(name, partial(_one, entry=entry))


def _one(name: str, entry: Any) -> Parameter:
    entry = fields(entry, "it")
    kind = str(entry.get("type"))
    if kind in ("constant", "unparametrized"):
        return Parameter(name, Constant(entry.get("value")))
    if kind == "categorical":
        remarks = () if _even(entry.get("weights", entry.get("probabilities"))) else (WEIGHTS,)
        return Parameter(
            name, Levels(tuple(items(entry.get("choices"), "choices"))), remarks=remarks
        )
    if kind == "ordinal":
        return Parameter(name, Levels(tuple(items(entry.get("sequence"), "sequence"))))
    shape, _, type_ = kind.partition("_")
    if shape not in ("uniform", "normal", "beta") or type_ not in ("float", "int"):
        raise CannotSay(f"the type {shown(kind)} is not known")
    if shape != "uniform" and (entry.get("lower") is None or entry.get("upper") is None):
        raise CannotSay(f"{kind} has no bounds", "give it lower and upper")
    domain = _range(entry, integer=type_ == "int")
    remarks = (
        () if shape == "uniform" else (f"the shape of {kind} is not said: it is searched evenly",)
    )
    if entry.get("q") is not None and entry.get("log") is True and isinstance(domain, Levels):
        remarks = (*remarks, EVEN)
    return Parameter(name, domain, remarks=remarks)


def _even(weights: Any) -> bool:
    return not isinstance(weights, list | tuple) or len({*map(repr, weights)}) <= 1


def _range(entry: Mapping[str, Any], *, integer: bool) -> Domain:
    read_number = whole if integer else number
    low, high = (read_number(entry.get(edge), edge) for edge in ("lower", "upper"))
    log, step = entry.get("log") is True, entry.get("q")
    if step is None or (integer and step == 1):
        return Interval(low, high, log=log, integer=integer)
    return from_low(low, high, read_number(step, "q"), log=log)  # of files before 1.0


def _with_conditions(
    one: Parameter, conditions: list[Any], levels: Mapping[str, tuple[Any, ...]]
) -> Parameter:
    """Return a hyperparameter with its condition, where it is one of listed values of one parent."""
    own = [condition for condition in conditions if _child(condition) == one.name]
    remarks, when = one.remarks, dict[str, tuple[Any, ...]]()
    for condition in own:
        said = _when(condition, levels)
        if said is None or said.keys() & when.keys():
            remarks = (
                *remarks,
                f"not said: it counts only where {_condition(condition)}; it is searched always",
            )
        else:
            when |= said
    return Parameter(one.name, one.domain, when or None, remarks)


def _child(condition: Any) -> Any:
    if not isinstance(condition, dict):
        return None
    parts = condition.get("conditions")
    if condition.get("child") is None and isinstance(parts, list) and parts:
        return parts[0].get("child") if isinstance(parts[0], dict) else None
    return condition.get("child")


def _when(
    condition: Any, levels: Mapping[str, tuple[Any, ...]]
) -> dict[str, tuple[Any, ...]] | None:
    kind, parent = condition.get("type"), condition.get("parent")
    if kind in ("OR", "AND"):
        join = _either if kind == "OR" else _both
        return join(condition.get("conditions"), levels)
    known = levels.get(parent) if isinstance(parent, str) else None
    if known is None:
        return None
    if kind == "EQ":
        return {str(parent): (condition.get("value"),)}
    if kind == "IN" and isinstance(condition.get("values"), list):
        return {str(parent): tuple(condition["values"])}
    if kind == "NEQ":
        return {str(parent): tuple(x for x in known if x != condition.get("value"))}
    return None


def _either(parts: Any, levels: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]] | None:
    """Return the union of conditions on one parent."""
    said = [_when(part, levels) for part in any_items(parts) if isinstance(part, dict)]
    if not said or any(one is None or len(one) != 1 for one in said):
        return None
    parents = {name for one in said for name in one or ()}
    if len(parents) != 1:
        return None
    parent = parents.pop()
    return {parent: tuple(value for one in said if one for value in one[parent])}


def _both(parts: Any, levels: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]] | None:
    """Return conditions on several parents."""
    both: dict[str, tuple[Any, ...]] = {}
    for part in any_items(parts):
        one = _when(part, levels) if isinstance(part, dict) else None
        if one is None or one.keys() & both.keys():
            return None
        both |= one
    return both or None


def _condition(condition: Mapping[str, Any]) -> str:
    """Write a condition for people."""
    parts = condition.get("conditions")
    if isinstance(parts, list):
        word = " and " if condition.get("type") == "AND" else " or "
        return word.join(_condition(part) for part in parts if isinstance(part, dict))
    value = condition.get("values", condition.get("value"))
    word = SIGNS.get(str(condition.get("type")), "in" if "values" in condition else "is")
    return f"{condition.get('parent')} {word} {shown(value)}"


def _said_of_forbidden(clause: Any) -> str:
    """Say what is forbidden, and the line of a spec that forbids it where there is one."""
    sentence = f"not taken over, forbidden: {_forbidden(clause)}"
    combination = _combination(clause)
    return f'{sentence}; "forbid": [{json.dumps(combination)}] says it' if combination else sentence


def _combination(clause: Any) -> dict[str, Any]:
    """Return values that are forbidden together, by name; none where a spec cannot say it."""
    if not isinstance(clause, dict):
        return {}
    kind, name = clause.get("type"), clause.get("name")
    if kind == "AND":
        parts = [_combination(one) for one in any_items(clause.get("clauses"))]
        together = {name: value for part in parts for name, value in part.items()}
        return together if all(parts) and len(together) == len(parts) else {}
    if isinstance(name, str) and kind == "EQUALS":
        return {name: clause.get("value")}
    if isinstance(name, str) and kind == "IN" and any_items(clause.get("values")):
        return {name: clause["values"]}
    return {}


def _forbidden(clause: Any) -> str:
    """Write a forbidden clause for people."""
    if not isinstance(clause, dict):
        return shown(clause)
    if isinstance(clause.get("clauses"), list):
        return " with ".join(_forbidden(one) for one in clause["clauses"])
    if clause.get("type") in RELATIONS:
        return f"{clause.get('left')} {str(clause['type']).lower()} {clause.get('right')}"
    return f"{clause.get('name')} {shown(clause.get('values', clause.get('value')))}"
