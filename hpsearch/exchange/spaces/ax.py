"""Search spaces of Ax as JSON, alone or in the file of a client or an experiment (measured on 1.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from hpsearch.directions import Direction
from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Constant,
    Domain,
    Fidelity,
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
from hpsearch.exchange.spaces.steps import as_json_range, from_low

ONE_METRIC = re.compile(r"\s*(-?)\s*[^\s,+*()-][^\s,+*()]*\s*")


def recognises(document: Any) -> bool:
    """Tell whether a document holds a search space of Ax."""
    return _space(document) is not None


def _space(document: Any) -> Mapping[str, Any] | None:
    if not isinstance(document, dict):
        return None
    for inner in (
        document,
        document.get("search_space"),
        _experiment(document).get("search_space"),
    ):
        if isinstance(inner, dict) and str(inner.get("__type")).endswith("SearchSpace"):
            return inner
    return None


def _experiment(document: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = document.get("experiment", document)
    return inner if isinstance(inner, dict) else {}


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read a search space."""
    space = _space(document) or {}
    entries = items(space.get("parameters"), "parameters")
    when = _dependents(entries)
    experiment = _experiment(document)
    constraints = any_items(space.get("parameter_constraints"))
    remarks = [f"not said, a constraint: {shown(_constraint(one))}" for one in constraints]
    direction, remark = _direction(experiment)
    name = experiment.get("name")
    return ForeignSpace(
        tuple(_parameter(entry, when) for entry in entries),
        direction,
        name if isinstance(name, str) else "",
        (*remarks, *remark),
    )


def _constraint(one: Any) -> Any:
    if isinstance(one, dict) and "constraint_dict" in one:
        return {"sum": one["constraint_dict"], "at most": one.get("bound")}
    return one.get("inequality", one) if isinstance(one, dict) else one


def _direction(experiment: Mapping[str, Any]) -> tuple[Direction | None, tuple[str, ...]]:
    config = experiment.get("optimization_config")
    objective = config.get("objective") if isinstance(config, dict) else None
    if not isinstance(objective, dict):
        return None, ()
    if isinstance(objective.get("minimize"), bool):
        return ("minimize" if objective["minimize"] else "maximize"), ()
    expression = objective.get("expression")
    one = ONE_METRIC.fullmatch(expression) if isinstance(expression, str) else None
    if one is None:
        return None, (f"the objective {shown(expression)} is none of one metric",)
    return ("minimize" if one[1] else "maximize"), ()


def _dependents(entries: list[Any]) -> Mapping[str, dict[str, tuple[Any, ...]]]:
    """Return the values of each parent with which a hyperparameter has an effect."""
    when: dict[str, dict[str, tuple[Any, ...]]] = {}
    for entry in entries:
        dependents = entry.get("dependents") if isinstance(entry, dict) else None
        for key, children in dependents.items() if isinstance(dependents, dict) else ():
            values = any_items(entry.get("values")) or [entry.get("value")]
            value = next((x for x in values if x == key or _text(x) == str(key)), key)
            for child in any_items(children):
                parents = when.setdefault(str(child), {})
                parents[str(entry.get("name"))] = (*parents.get(str(entry.get("name")), ()), value)
    return when


def _text(value: Any) -> str:
    """Write a value as a key of JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameter(entry: Any, when: Mapping[str, dict[str, tuple[Any, ...]]]) -> Parameter:
    name = entry.get("name") if isinstance(entry, dict) else entry
    return parameter(name, partial(_one, entry=entry, when=when))


def _one(name: str, entry: Any, when: Mapping[str, dict[str, tuple[Any, ...]]]) -> Parameter:
    return Parameter(name, _domain(fields(entry, "it")), when.get(name))


def _domain(entry: Mapping[str, Any]) -> Domain:
    kind = entry.get("__type")
    if kind == "FixedParameter":
        return Constant(entry.get("value"))
    if kind == "ChoiceParameter":
        return Levels(tuple(items(entry.get("values"), "values")))
    if kind != "RangeParameter":
        raise CannotSay(f"the class {shown(kind)} is not known")
    type_ = entry.get("parameter_type")
    integer = (type_.get("name") if isinstance(type_, dict) else type_) == "INT"
    read_number = whole if integer else number
    low, high = (read_number(entry.get(edge), edge) for edge in ("lower", "upper"))
    if entry.get("is_fidelity") is True:
        return Fidelity(low, high)
    if entry.get("logit_scale") is True:
        raise CannotSay(
            "no range has a logit scale", f"{as_json_range(low, high)} would search it evenly"
        )
    log, step = entry.get("log_scale") is True, entry.get("step_size")
    if step is not None and not (integer and step == 1):
        return from_low(low, high, read_number(step, "step_size"), log=log)
    return Interval(low, high, log=log, integer=integer)
