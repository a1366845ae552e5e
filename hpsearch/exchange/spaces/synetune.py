"""Configuration spaces of Syne Tune as JSON (`config_space_to_json_dict`, or metadata.json; measured on 0.16)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

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
from hpsearch.exchange.spaces.fields import exponent, fields, items, number, parameter, shown, whole
from hpsearch.exchange.spaces.steps import LEVELS_MOST, listed, too_many


def recognises(document: Any) -> bool:
    """Tell whether a document is a configuration space, or the metadata of an experiment with one."""
    space = _space(document)
    return isinstance(space, dict) and any(
        isinstance(e, dict) and "domain_cls" in e for e in space.values()
    )


def _space(document: Any) -> Any:
    """Return the space of metadata, where it is JSON in a text; else the document."""
    if not isinstance(document, dict) or "config_space" not in document:
        return document
    space = document["config_space"]
    if not isinstance(space, str):
        return space
    try:
        return json.loads(space)
    except (ValueError, RecursionError):
        return None


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read a configuration space."""
    space, direction = _space(document), None
    if space is not document:
        modes: dict[Any, Direction] = {"min": "minimize", "max": "maximize"}
        mode = document.get("metric_mode")
        mode = mode[0] if isinstance(mode, list) and len(mode) == 1 else mode
        direction = modes.get(mode) if isinstance(mode, str) else None
    return ForeignSpace(
        tuple(parameter(name, partial(_one, entry=entry)) for name, entry in space.items()),
        direction,
    )


def _one(name: str, entry: Any) -> Parameter:
    if not isinstance(entry, dict):
        return Parameter(name, Constant(entry))
    kind, given = entry.get("domain_cls"), fields(entry.get("domain_kwargs") or {}, "domain_kwargs")
    remarks: tuple[str, ...] = ()
    if kind == "OrdinalNearestNeighbor":
        remarks = (
            "Syne Tune draws values that lie apart more often: they are equally likely here",
        )
    sampler = entry.get("sampler_cls") or "Uniform"
    return Parameter(name, _domain(kind, given, sampler), remarks=remarks)


def _domain(kind: Any, given: Mapping[str, Any], sampler: Any) -> Domain:
    if kind in ("Categorical", "Ordinal", "OrdinalNearestNeighbor"):
        return Levels(tuple(items(given.get("categories"), "categories")))
    if kind == "FiniteRange":
        return _finite(given)
    if kind not in ("Float", "Integer"):
        raise CannotSay(f"the domain {shown(kind)} is not known")
    if sampler not in ("Uniform", "LogUniform"):
        raise CannotSay(f"the sampler {shown(sampler)} is not known")
    integer = kind == "Integer"
    read_number = whole if integer else number
    low, high = (read_number(given.get(edge), edge) for edge in ("lower", "upper"))
    return Interval(low, high, log=sampler == "LogUniform", integer=integer)


def _finite(given: Mapping[str, Any]) -> Domain:
    """Return so many points from lower to upper, evenly spaced on the scale."""
    low, high = (number(given.get(edge), edge) for edge in ("lower", "upper"))
    size, log = whole(given.get("size"), "size"), given.get("log_scale") is True
    if size < 1 or low > high or (log and low <= 0):
        raise CannotSay(f"a FiniteRange of {size} points from {low:g} to {high:g} is none")
    if size > LEVELS_MOST:
        raise too_many(size, low, high, log=log)
    start, end = (math.log(low), math.log(high)) if log else (float(low), float(high))
    step = (end - start) / (size - 1) if size > 1 else 0.0
    places = [start + k * step for k in range(size)]
    values = [min(max(exponent(x, "a point") if log else x, low), high) for x in places]
    return listed([round(v) for v in values] if given.get("cast_int") is True else values)
