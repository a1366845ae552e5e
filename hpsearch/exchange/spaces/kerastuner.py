"""Hyperparameters of KerasTuner: `hp.get_config()`, an oracle.json, a trial.json (measured on 1.4.8)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from hpsearch.directions import Direction
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
    positive,
    shown,
    whole,
)
from hpsearch.exchange.spaces.steps import as_json_range, growing, in_steps, listed

DIRECTIONS: Final[Mapping[str, Direction]] = {"min": "minimize", "max": "maximize"}
BOOLEAN: Final = Levels((True, False))
CLASSES: Final = ("Int", "Float", "Choice", "Boolean", "Fixed")


def recognises(document: Any) -> bool:
    """Tell whether a document holds hyperparameters."""
    if not isinstance(document, dict):
        return False
    space = _holder(document).get("space")
    return isinstance(space, list) and any(
        isinstance(one, dict) and "class_name" in one for one in space
    )


def _holder(document: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = document.get("hyperparameters")
    return inner if isinstance(inner, dict) else document


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read hyperparameters; which scores are better no such file says but a trial's of one metric."""
    entries = any_items(_holder(document).get("space"))
    parameters = _with_booleans([_parameter(entry) for entry in entries])
    metrics = document.get("metrics")
    inner = metrics.get("metrics") if isinstance(metrics, dict) else None
    one = [*inner.values()] if isinstance(inner, dict) and len(inner) == 1 else [None]
    said = one[0].get("direction") if isinstance(one[0], dict) else None
    return ForeignSpace(parameters, DIRECTIONS.get(str(said)))


def _with_booleans(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Return hyperparameters whose conditions have booleans where KerasTuner made 1 and 0 of them."""
    flags = {one.name for one in parameters if one.domain == BOOLEAN}
    return tuple(
        replace(
            one,
            when={
                parent: tuple(map(bool, values)) if parent in flags else values
                for parent, values in one.when.items()
            },
        )
        if one.when
        else one
        for one in parameters
    )


def _parameter(entry: Any) -> Parameter:
    config = entry.get("config") if isinstance(entry, dict) else None
    name = config.get("name") if isinstance(config, dict) else entry
    return parameter(name, partial(_one, entry=entry))


def _one(name: str, entry: Any) -> Parameter:
    config = fields(fields(entry, "it").get("config"), "its config")
    kind = str(entry.get("class_name")).rpartition(">")[
        2
    ]  # a registered class has its package before it
    if kind not in CLASSES:
        raise CannotSay(f"the class {shown(kind)} is not known")
    when: dict[str, tuple[Any, ...]] = {}
    for condition in any_items(config.get("conditions")):
        parent = fields(fields(condition, "a condition").get("config"), "a condition")
        allowed = tuple(items(parent.get("values"), "the values of a condition"))
        earlier = when.get(str(parent.get("name")))
        when[str(parent.get("name"))] = (
            allowed if earlier is None else tuple(x for x in earlier if x in allowed)
        )
    return Parameter(name, _domain(kind, config), when or None)


def _domain(kind: str, config: Mapping[str, Any]) -> Domain:
    if kind == "Fixed":
        return Constant(config.get("value"))
    if kind == "Boolean":
        return BOOLEAN
    if kind == "Choice":
        return Levels(tuple(items(config.get("values"), "values")))
    integer = kind == "Int"
    read_number = whole if integer else number
    low, high = (read_number(config.get(edge), edge) for edge in ("min_value", "max_value"))
    step = config.get("step")
    sampling = config.get("sampling") or "linear"
    if sampling not in ("linear", "log", "reverse_log"):
        raise CannotSay(f"the sampling {shown(sampling)} is not known")
    if step is None or (integer and step == 1):
        if sampling == "reverse_log":
            raise _mirrored(low, high, integer=integer)
        return Interval(low, high, log=sampling == "log", integer=integer)
    return _stepped(low, high, positive(step, "step"), sampling, integer=integer)


def _stepped(low: float, high: float, step: float, sampling: str, *, integer: bool) -> Domain:
    """Return the values of steps, which add on a linear scale and multiply on a log one."""
    if low > high:
        raise CannotSay(f"min_value={low:g} is above max_value={high:g}")
    if sampling == "linear":
        # In binary, as KerasTuner counts: 0 to 1 by 0.1 ends at 0.9.
        return in_steps(low, high, step, int((high - low) // step) + 1)
    values = growing(low, high, step, integer=integer)
    return listed([high + low - x for x in values] if sampling == "reverse_log" else values)


def _mirrored(low: float, high: float, *, integer: bool) -> CannotSay:
    middle = high + low - math.sqrt(low * high) if low > 0 else math.nan
    half = f"; half of its values lie above {middle:.6g}" if low > 0 else ""
    return CannotSay(
        f"reverse_log is the log scale of {low:g} to {high:g} in a mirror, which no range has{half}",
        f"{as_json_range(low, high, integer=integer)} would search it evenly",
    )
