"""Study specs of Vizier as the JSON of its protobuf (measured on google-vizier 0.1.24).

That JSON leaves out zeros and defaults, and writes whole numbers as texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hpsearch.directions import Direction
from hpsearch.exchange.spaces.domains import (
    CannotSay,
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
from hpsearch.exchange.spaces.steps import as_json_range

GOALS: Final[Mapping[str, Direction]] = {"MAXIMIZE": "maximize", "MINIMIZE": "minimize"}
PARENTS: Final = ("parentCategoricalValues", "parentIntValues", "parentDiscreteValues")
BOOLEANS: Final = {"False": False, "True": True}


def recognises(document: Any) -> bool:
    """Tell whether a document is a study spec, or a study with one."""
    if not isinstance(document, dict):
        return False
    entries = _spec(_camel(document)).get("parameters")
    return isinstance(entries, list) and any(
        isinstance(e, dict) and "parameterId" in e for e in entries
    )


def _camel(value: Any) -> Any:
    """Return a document with the names of JSON where it has those of the protobuf."""
    if isinstance(value, dict):
        return {
            re.sub(r"_([a-z])", lambda found: found[1].upper(), key)
            if isinstance(key, str)
            else key: _camel(one)
            for key, one in value.items()
        }
    return [_camel(one) for one in value] if isinstance(value, list) else value


def _spec(document: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = document.get("studySpec")
    return inner if isinstance(inner, dict) else document


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read a study spec."""
    study = _camel(document)
    spec = _spec(study)
    parameters = [made for entry in spec["parameters"] for made in _tree(entry, None)]
    metrics = [one for one in any_items(spec.get("metrics")) if isinstance(one, dict)]
    direction = GOALS.get(str(metrics[0].get("goal"))) if len(metrics) == 1 else None
    several = len(metrics) > 1
    remarks = (f"it has {len(metrics)} metrics, a search has one",) if several else ()
    name = study.get("displayName")
    return ForeignSpace(
        tuple(parameters), direction, name if isinstance(name, str) else "", remarks
    )


def _tree(entry: Any, when: Mapping[str, tuple[Any, ...]] | None) -> Iterator[Parameter]:
    """Yield a hyperparameter and those that depend on it."""
    name = entry.get("parameterId") if isinstance(entry, dict) else entry
    yield parameter(name, lambda name: Parameter(name, _domain(fields(entry, "it")), when))
    children = entry.get("conditionalParameterSpecs") if isinstance(entry, dict) else None
    for child in any_items(children):
        if isinstance(child, dict):
            yield from _tree(child.get("parameterSpec"), {str(name): _values(entry, child)})


def _values(entry: Mapping[str, Any], child: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values of a parent with which a child has an effect."""
    for key in PARENTS:
        given = child.get(key)
        if isinstance(given, dict) and isinstance(given.get("values"), list):
            values = given["values"]
            if key == "parentIntValues":
                return tuple(whole(one, "a value of a parent") for one in values)
            return _typed(entry, values)
    return ()


def _typed(entry: Mapping[str, Any], values: list[Any]) -> tuple[Any, ...]:
    """Return values in the type that the study shows them in."""
    external = entry.get("externalType")
    if external == "AS_BOOLEAN":
        return tuple(BOOLEANS.get(one, one) if isinstance(one, str) else one for one in values)
    if external in ("AS_INTEGER", "AS_FLOAT"):
        read_number = whole if external == "AS_INTEGER" else number
        return tuple(read_number(one, "a value") for one in values)
    return tuple(values)


def _domain(entry: Mapping[str, Any]) -> Domain:
    if "categoricalValueSpec" in entry:
        given = fields(entry["categoricalValueSpec"], "categoricalValueSpec")
        return Levels(_typed(entry, items(given.get("values"), "values")))
    if "discreteValueSpec" in entry:
        given = fields(entry["discreteValueSpec"], "discreteValueSpec")
        values = [number(one, "a value") for one in items(given.get("values"), "values")]
        whole_ones = all(one == int(one) for one in values)  # those come back as ints
        return Levels(tuple(map(int, values) if whole_ones else values))
    integer = "integerValueSpec" in entry
    if not integer and "doubleValueSpec" not in entry:
        raise CannotSay("it has no value spec that is known")
    given = fields(entry["integerValueSpec" if integer else "doubleValueSpec"], "its value spec")
    read_number = whole if integer else number
    low, high = (read_number(given.get(edge, 0), edge) for edge in ("minValue", "maxValue"))
    scale = entry.get("scaleType") or "UNIT_LINEAR_SCALE"
    if scale == "UNIT_REVERSE_LOG_SCALE":
        raise CannotSay(
            f"a reversed log scale, that of {low:g} to {high:g} in a mirror, is none that a range has",
            f"{as_json_range(low, high, integer=integer)} would search it evenly",
        )
    if scale not in ("UNIT_LINEAR_SCALE", "UNIT_LOG_SCALE", "SCALE_TYPE_UNSPECIFIED"):
        raise CannotSay(f"the scale {shown(scale)} is not known")
    return Interval(low, high, log=scale == "UNIT_LOG_SCALE", integer=integer)
