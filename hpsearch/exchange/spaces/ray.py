"""A `param_space` of Ray Tune, by its objects (measured on 2.60)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Constant,
    Domain,
    ForeignSpace,
    Interval,
    Levels,
    Parameter,
)
from hpsearch.exchange.spaces.fields import items, number, parameter, whole
from hpsearch.exchange.spaces.steps import EVEN, inside

MODULE = "ray.tune.search.sample"
QUANTISED = "multiples of q, as Tune draws them; OptunaSearch and HyperOptSearch draw others"


def is_domain(value: Any) -> bool:
    """Tell whether an object is a domain of Tune, or its mark of a grid."""
    return type(value).__module__ == MODULE or (
        isinstance(value, dict) and [*value] == ["grid_search"]
    )


def read(space: Mapping[str, Any]) -> ForeignSpace:
    """Read a `param_space`; nested names have dots. Which scores are better it does not say."""
    return ForeignSpace(tuple(_parameters(space, "")))


def _parameters(space: Mapping[Any, Any], above: str) -> Iterator[Parameter]:
    for name, entry in space.items():
        path = f"{above}{name}"
        if isinstance(entry, dict) and not is_domain(entry):
            yield from _parameters(entry, f"{path}.")
        else:
            yield parameter(path, partial(_one, entry=entry))


def _one(name: str, entry: Any) -> Parameter:
    if isinstance(entry, dict):
        return Parameter(name, Levels(tuple(items(entry["grid_search"], "grid_search"))))
    if not is_domain(entry):
        return Parameter(name, Constant(entry))
    kind = type(entry).__name__
    if kind == "Categorical":
        return Parameter(name, Levels(tuple(items(list(entry.categories), "categories"))))
    if kind not in ("Float", "Integer"):
        raise CannotSay(f"{kind} is code of yours", "write a range or choices")
    sampler, q = entry.get_sampler(), None
    if type(sampler).__name__ == "Quantized":
        sampler, q = sampler.sampler, sampler.q
    drawn = type(sampler).__name__
    if drawn not in ("_Uniform", "_LogUniform"):
        raise CannotSay(f"{drawn.strip('_').lower()} has no bounds", "write a range")
    log = drawn == "_LogUniform"
    domain = _domain(entry, q, log=log, integer=kind == "Integer")
    if not isinstance(domain, Levels):
        return Parameter(name, domain)
    return Parameter(name, domain, remarks=(QUANTISED, EVEN) if log else (QUANTISED,))


def _domain(entry: Any, q: Any, *, log: bool, integer: bool) -> Domain:
    low, high = number(entry.lower, "lower"), number(entry.upper, "upper")
    if integer and q in (None, 1):
        return Interval(whole(low, "lower"), whole(high, "upper") - 1, log=log, integer=True)
    if q is None:
        return Interval(low, high, log=log)
    return inside(low, high, number(q, "q"), log=log)
