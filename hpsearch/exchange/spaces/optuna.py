"""Distributions of Optuna as JSON: those of 5.0, their short form, and the names that older studies have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from hpsearch.exchange.spaces.domains import CannotSay, Domain, ForeignSpace, Interval, Levels
from hpsearch.exchange.spaces.fields import fields, items, number, parameter, shown, whole
from hpsearch.exchange.spaces.steps import from_low

SHORT: Final = {
    "float": "FloatDistribution", "int": "IntDistribution", "categorical": "CategoricalDistribution",
}  # fmt: skip
OLD: Final[Mapping[str, tuple[str, bool]]] = {  # new name, and whether on a log scale
    "UniformDistribution": ("FloatDistribution", False),
    "LogUniformDistribution": ("FloatDistribution", True),
    "DiscreteUniformDistribution": ("FloatDistribution", False),
    "IntUniformDistribution": ("IntDistribution", False),
    "IntLogUniformDistribution": ("IntDistribution", True),
}
NAMES: Final = frozenset({*SHORT.values(), *OLD})


def recognises(document: Any) -> bool:
    """Tell whether a document maps names to distributions."""
    if not isinstance(document, dict) or not document:
        return False
    return all(_is_distribution(_parsed(entry)) for entry in document.values())


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read distributions by name."""
    return ForeignSpace(
        tuple(parameter(name, partial(_one, entry=entry)) for name, entry in document.items())
    )


def _parsed(entry: Any) -> Any:
    """Return a distribution that is JSON in a text, as `distribution_to_json` writes it."""
    if not isinstance(entry, str) or not entry.startswith("{"):
        return entry
    try:
        return json.loads(entry)
    except (ValueError, RecursionError):
        return entry


def _is_distribution(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    by_name, by_type = entry.get("name"), entry.get("type")
    named = isinstance(by_name, str) and by_name.endswith("Distribution") and "attributes" in entry
    return named or (isinstance(by_type, str) and by_type in SHORT)


def _one(name: str, entry: Any) -> Domain:
    given = fields(_parsed(entry), "its distribution")
    if "type" in given and "attributes" not in given:
        kind, attributes = SHORT.get(str(given["type"]), ""), given
    else:
        kind, attributes = str(given.get("name")), fields(given.get("attributes"), "attributes")
    log = attributes.get("log") is True
    if kind in OLD:
        kind, log = OLD[kind]
    if kind == "CategoricalDistribution":
        return Levels(tuple(items(attributes.get("choices"), "choices")))
    if kind not in ("FloatDistribution", "IntDistribution"):
        raise CannotSay(
            f"the distribution {shown(given.get('name', given.get('type')))} is not known"
        )
    integer = kind == "IntDistribution"
    read_number = whole if integer else number
    low, high = (read_number(attributes.get(edge), edge) for edge in ("low", "high"))
    step = attributes.get("step", attributes.get("q"))
    if step is None or log or (integer and step == 1):
        return Interval(low, high, log=log, integer=integer)
    return from_low(low, high, read_number(step, "step"))
