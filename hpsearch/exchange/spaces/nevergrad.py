"""Parametrizations of Nevergrad, by their objects (measured on 1.0.12)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from hpsearch.digits import rounded
from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Constant,
    ForeignSpace,
    Interval,
    Levels,
    Parameter,
)
from hpsearch.exchange.spaces.fields import number, parameter

DIGITS = 15  # of a bound: Log has taken its logarithm, and turned it back
MODULE = "nevergrad.parametrization."
NORMAL = "Nevergrad draws it normally around its init: it is searched evenly here"


def is_parameter(value: Any) -> bool:
    """Tell whether an object is a parameter of Nevergrad."""
    return type(value).__module__.startswith(MODULE)


def read(space: Any) -> ForeignSpace:
    """Read a `Dict` or an `Instrumentation`; nested names have dots. Nevergrad minimises."""
    if type(space).__name__ not in ("Dict", "Tuple", "Instrumentation"):
        raise CannotSay(f"a {type(space).__name__} has no names", "put it into an ng.p.Dict")
    return ForeignSpace(tuple(_parameters(space, "")), "minimize")


def _parameters(space: Any, above: str) -> Iterator[Parameter]:
    flat = type(space).__name__ == "Instrumentation"  # its keywords are the names of its user
    keys = [*space] if type(space).__name__ == "Dict" else range(len(space))
    for key in keys:
        one = space[key]
        path = above if flat else f"{above}{key}"
        if type(one).__name__ in ("Dict", "Tuple", "Instrumentation"):
            yield from _parameters(one, above if flat else f"{path}.")
        else:
            yield parameter(path, partial(_one, one=one))


def _one(name: str, one: Any) -> Parameter:
    kind = type(one).__name__
    if kind == "Constant" or not is_parameter(one):
        return Parameter(name, Constant(one.value if is_parameter(one) else one))
    if kind in ("Choice", "TransitionChoice"):
        return Parameter(name, Levels(_options(one)))
    if kind not in ("Scalar", "Log"):
        raise CannotSay(f"{kind} is more than one number", "name each of them by itself")
    low, high = (None if edge is None else rounded(float(edge[0]), DIGITS) for edge in one.bounds)
    if low is None or high is None:
        raise CannotSay("it has no bounds", "give it lower and upper")
    evenly = any(getattr(layer, "uniform_sampling", False) for layer in one._layers)  # noqa: SLF001 - nothing else says it
    interval = Interval(
        number(low, "lower"), number(high, "upper"), log=kind == "Log", integer=bool(one.integer)
    )
    return Parameter(name, interval, remarks=() if evenly else (NORMAL,))


def _options(one: Any) -> tuple[Any, ...]:
    if getattr(one, "_repetitions", None) is not None:
        raise CannotSay(
            "a choice with repetitions is a list of them", "name each of them by itself"
        )
    options = [one.choices[i] for i in range(len(one.choices))]
    if any(is_parameter(x) and type(x).__name__ != "Constant" for x in options):
        raise CannotSay(
            "some of its options are ranges themselves",
            "choose by a name, and give each range its own",
        )
    return tuple(one.choices.value)
