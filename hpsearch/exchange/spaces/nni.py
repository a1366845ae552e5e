"""Search spaces of NNI: `_type` and `_value`, alone or in the file of an experiment (measured on 3.0)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from hpsearch.directions import Direction
from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Domain,
    ForeignSpace,
    Interval,
    Levels,
    Parameter,
    Unsaid,
)
from hpsearch.exchange.spaces.fields import (
    any_items,
    as_numbers,
    fields,
    items,
    number,
    parameter,
    positive,
    shown,
    whole,
)
from hpsearch.exchange.spaces.steps import EVEN, multiples
from hpsearch.exchange.spaces.wandb import unbounded

NORMAL = ("normal", "lognormal", "qnormal", "qlognormal")


def recognises(document: Any) -> bool:
    """Tell whether a document is a search space, or an experiment with one."""
    if not isinstance(document, dict):
        return False
    if _elsewhere(document) is not None or isinstance(document.get("searchSpace"), dict):
        return True
    return any(
        isinstance(entry, dict) and "_type" in entry and "_value" in entry
        for entry in document.values()
    )


def _elsewhere(document: Mapping[str, Any]) -> Any:
    """Return the file that an experiment has its space in; searchSpacePath is that of NNI 1."""
    return document.get("searchSpaceFile", document.get("searchSpacePath"))


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read a search space; hyperparameters inside a named choice have names with dots."""
    if _elsewhere(document) is not None and "searchSpace" not in document:
        file = shown(_elsewhere(document))
        raise CannotSay(f"its search space lies in {file}", "give that file")
    space = document.get("searchSpace", document)
    name = document.get("experimentName") if space is not document else None
    return ForeignSpace(
        tuple(_parameters(fields(space, "the search space"), "", None)),
        _direction(document) if space is not document else None,
        name if isinstance(name, str) else "",
    )


def _direction(document: Mapping[str, Any]) -> Direction:
    """Return the mode of the tuner, which maximises unless it says otherwise."""
    tuner = document.get("tuner")
    arguments = tuner.get("classArgs") if isinstance(tuner, dict) else None
    mode = arguments.get("optimize_mode") if isinstance(arguments, dict) else None
    return "minimize" if mode == "minimize" else "maximize"


def _parameters(
    space: Mapping[str, Any], above: str, when: Mapping[str, tuple[Any, ...]] | None
) -> Iterator[Parameter]:
    for name, entry in space.items():
        if name == "_name":
            continue
        path = f"{above}{name}"
        yield parameter(path, partial(_one, entry=entry, when=when))
        yield from _branches(path, entry)


def _branches(path: str, entry: Any) -> Iterator[Parameter]:
    """Yield the hyperparameters inside the named branches of a choice."""
    if not isinstance(entry, dict) or entry.get("_type") != "choice":
        return
    for branch in any_items(entry.get("_value")):
        if isinstance(branch, dict) and isinstance(branch.get("_name"), str):
            yield from _parameters(branch, f"{path}.", {path: (branch["_name"],)})


def _one(path: str, entry: Any, when: Mapping[str, tuple[Any, ...]] | None) -> Parameter:
    given = fields(entry, "its entry")
    kind, value = given.get("_type"), items(given.get("_value"), "_value")
    domain = _domain(kind, value)
    remarks = (EVEN,) if kind == "qloguniform" and isinstance(domain, Levels) else ()
    return Parameter(path, domain, when, remarks)


def _domain(kind: Any, value: list[Any]) -> Domain:
    if kind == "choice":
        return Levels(tuple(as_numbers([_level(one) for one in value])))
    if kind in NORMAL:
        mu, sigma = number(_at(value, 0), "mu"), number(_at(value, 1), "sigma")
        raise unbounded(kind, mu, sigma, log="log" in kind)
    low, high = number(_at(value, 0), "low"), number(_at(value, 1), "high")
    if kind == "randint":
        return Interval(whole(low, "low"), whole(high, "high") - 1, integer=True)
    if kind in ("uniform", "loguniform"):
        return Interval(low, high, log=kind == "loguniform")
    if kind in ("quniform", "qloguniform"):
        q = positive(_at(value, 2), "q")
        return multiples(low, high, q, log=kind == "qloguniform", clip=True)
    return Unsaid(f"the _type {shown(kind)} is not known")


def _at(value: list[Any], place: int) -> Any:
    return value[place] if place < len(value) else None


def _level(value: Any) -> Any:
    """Return a value of a choice; a branch counts by its name."""
    if isinstance(value, dict):
        if not isinstance(value.get("_name"), str):
            raise CannotSay(
                f"a value is a mapping without a _name: {shown(value)}", "give it a _name"
            )
        return value["_name"]
    return value
