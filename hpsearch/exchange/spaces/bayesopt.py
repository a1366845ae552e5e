"""`pbounds` of bayesian-optimization (measured on 3.4): what a tuple means depends on its third item."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from hpsearch.exchange.spaces.domains import Domain, ForeignSpace, Interval, Levels
from hpsearch.exchange.spaces.fields import number, parameter


def is_bounds(space: Any) -> bool:
    """Tell whether an object maps names to tuples alone."""
    return (
        isinstance(space, dict)
        and bool(space)
        and all(isinstance(one, list | tuple) and len(one) > 1 for one in space.values())
    )


def read(space: Mapping[str, Any]) -> ForeignSpace:
    """Read bounds; bayesian-optimization maximises."""
    made = (parameter(name, partial(_domain, given=given)) for name, given in space.items())
    return ForeignSpace(tuple(made), "maximize")


def _domain(name: str, given: Any) -> Domain:
    third = given[2] if len(given) == 3 else float
    numbers = all(isinstance(one, bool | int | float) for one in given[:2])
    if not numbers or (len(given) > 2 and third not in (int, float)):
        return Levels(tuple(given))
    low, high = sorted(number(float(one), "a bound") for one in given[:2])
    if third is int:
        return Interval(int(low), int(high), integer=True)
    return Interval(low, high)
