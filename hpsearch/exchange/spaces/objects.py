"""`hpsearch.exchange.convert`: spaces that are Python objects of other tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpsearch.errors import InvalidRequest
from hpsearch.exchange.spaces import bayesopt, hyperopt, nevergrad, optuna, ray
from hpsearch.exchange.spaces.domains import CannotSay, ForeignSpace
from hpsearch.exchange.spaces.formats import FORMATS, convert_documents
from hpsearch.exchange.spaces.specs import Converted, converted

LOOKED_AT = 8  # lists and mappings in each other, where an object of a tool is looked for


def convert(space: Any) -> Converted:
    """Convert the search space of another tool to the spec of an external search.

    Parameters
    ----------
    space
        A `param_space` of Ray Tune, a space of hyperopt, a parametrization of Nevergrad, the
        `pbounds` of bayesian-optimization, distributions of Optuna by name, or a parsed document
        that `hpsearch convert` reads. None of these libraries is imported, and nothing is run.

    Raises
    ------
    InvalidRequest
        It is none of them.
    InvalidSpec
        A spec can hold nothing of it.
    """
    for tool, is_one, read in _OBJECTS:
        if is_one(space):
            try:
                return converted(tool, read(space))
            except CannotSay as error:
                way = f"; {error.proposal}" if error.proposal else ""
                raise InvalidRequest(f"the space of {tool}: {error.why}{way}") from error
    return convert_documents([space], f"the {type(space).__name__}")


def _holds(is_one: Callable[[Any], bool], value: Any, depth: int = LOOKED_AT) -> bool:
    """Tell whether an object, or something in it, is one of a tool's."""
    if is_one(value):
        return True
    if depth == 0:
        return False
    inner = value.values() if isinstance(value, dict) else value
    return isinstance(value, dict | list | tuple) and any(
        _holds(is_one, x, depth - 1) for x in inner
    )


def _of_optuna(space: Any) -> bool:
    return (
        isinstance(space, dict)
        and bool(space)
        and all(type(one).__module__ == "optuna.distributions" for one in space.values())
    )


def _read_optuna(space: Any) -> ForeignSpace:
    return optuna.read(
        {
            name: {"name": type(one).__name__, "attributes": dict(one._asdict())}
            for name, one in space.items()
        }
    )


def _plain_bounds(space: Any) -> bool:
    return bayesopt.is_bounds(space) and not any(
        form.recognises(space) for form in FORMATS.values()
    )


_OBJECTS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any], ForeignSpace]], ...] = (
    ("ray", lambda space: isinstance(space, dict) and _holds(ray.is_domain, space), ray.read),
    ("hyperopt", lambda space: _holds(hyperopt.is_node, space), hyperopt.read),
    ("nevergrad", nevergrad.is_parameter, nevergrad.read),
    ("optuna", _of_optuna, _read_optuna),
    ("bayesopt", _plain_bounds, bayesopt.read),
)
