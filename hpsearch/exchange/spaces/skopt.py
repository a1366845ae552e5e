"""Spaces of scikit-optimize as YAML (`Space.from_yaml`; measured on 0.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Domain,
    ForeignSpace,
    Interval,
    Levels,
    Parameter,
)
from hpsearch.exchange.spaces.fields import (
    as_numbers,
    fields,
    items,
    number,
    parameter,
    shown,
    whole,
)

CLASSES: Final = ("real", "integer", "categorical")


def recognises(document: Any) -> bool:
    """Tell whether a document is a list of dimensions, or has one under a name."""
    return _dimensions(document) is not None


def _dimensions(document: Any) -> list[Any] | None:
    candidates = [document, *(document.values() if isinstance(document, dict) else ())]
    for one in candidates:
        if isinstance(one, list) and one and all(_class(entry) in CLASSES for entry in one):
            return one
    return None


def _class(entry: Any) -> str | None:
    """Return the class of a dimension, in small letters as skopt compares it."""
    if not isinstance(entry, dict) or not entry:
        return None
    name = next(iter(entry))
    return name.lower() if isinstance(name, str) else None


def read(document: Any) -> ForeignSpace:
    """Read a space; skopt minimises."""
    dimensions = _dimensions(document) or []
    return ForeignSpace(tuple(_parameter(i, one) for i, one in enumerate(dimensions)), "minimize")


def _parameter(place: int, entry: Mapping[str, Any]) -> Parameter:
    kind, given = _class(entry), next(iter(entry.values()))
    given = {str(k).lower(): v for k, v in given.items()} if isinstance(given, dict) else given
    name = given.get("name") if isinstance(given, dict) else None
    if name is None:
        return parameter(f"dimension {place + 1}", lambda _: _nameless(kind))
    return parameter(name, lambda name: _one(name, str(kind), fields(given, "it")))


def _nameless(kind: str | None) -> Domain:
    raise CannotSay(f"this {kind} has no name", "give it name: ...")


def _one(name: str, kind: str, given: Mapping[str, Any]) -> Parameter:
    prior = given.get("prior")
    if kind == "categorical":
        levels = Levels(tuple(as_numbers(items(given.get("categories"), "categories"))))
        weighted = isinstance(prior, list) and len({*map(repr, prior)}) > 1
        remarks = ("its prior is not said: its values are equally likely here",) if weighted else ()
        return Parameter(name, levels, remarks=remarks)
    if prior not in (None, "uniform", "log-uniform"):
        raise CannotSay(f"the prior {shown(prior)} is not known")
    integer = kind == "integer"
    read_number = whole if integer else number
    low, high = (read_number(given.get(edge), edge) for edge in ("low", "high"))
    return Parameter(name, Interval(low, high, log=prior == "log-uniform", integer=integer))
