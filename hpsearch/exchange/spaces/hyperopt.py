"""Spaces of hyperopt, by their graphs (measured on 0.3): nodes are looked at, and none is evaluated.

A hyperparameter has its label for a name, as in hyperopt's results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from hpsearch.digits import rounded
from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Constant,
    Domain,
    ForeignSpace,
    Interval,
    Levels,
    Parameter,
    Unsaid,
)
from hpsearch.exchange.spaces.fields import exponent, number, parameter, whole
from hpsearch.exchange.spaces.steps import EVEN, multiples
from hpsearch.exchange.spaces.wandb import unbounded

DIGITS = 15  # of a bound, which is nearly always written as log(0.1)
MODULE = "hyperopt.pyll.base"
DEPTH_MOST = 32  # choices and lists in each other
COUNTED = "its options are counted from 0, as in hyperopt's results, for some are no plain values"
WEIGHTS = "the weights of pchoice are not said: its options are equally likely here"
When = Mapping[str, tuple[Any, ...]] | None


def is_node(value: Any) -> bool:
    """Tell whether an object is a node of a space."""
    return type(value).__module__ == MODULE


def read(space: Any) -> ForeignSpace:
    """Read a space: a node, or a mapping or list of nodes. hyperopt minimises."""
    return ForeignSpace(tuple(_walk(space, "", None, DEPTH_MOST)), "minimize")


def _walk(node: Any, path: str, when: When, depth: int) -> Iterator[Parameter]:
    """Yield the hyperparameters of a node; `path` names a value that has no label."""
    if depth == 0:
        raise CannotSay(f"more than {DEPTH_MOST} choices and lists in each other")
    inner = _entries(node)
    if inner is not None:
        for name, one in inner:
            yield from _walk(one, f"{path}.{name}" if path else str(name), when, depth - 1)
    elif not is_node(node) or node.name == "literal":
        if path and when is None:
            yield Parameter(path, Constant(_value(node)))
    elif node.name == "switch":
        yield from _choice(node, when, depth)
    else:
        label, drawn = _labelled(node)
        if label is None:
            yield Parameter(
                path or "space", Unsaid(f"the node {node.name} is code", "write a range"), when
            )
        else:
            yield parameter(label, partial(_one, node=drawn, when=when))


def _entries(node: Any) -> list[tuple[Any, Any]] | None:
    """Return the entries of a mapping or list, by name or place."""
    if isinstance(node, dict):
        return [*node.items()]
    if isinstance(node, list | tuple):
        return [*enumerate(node)]
    if is_node(node) and node.name == "dict":
        return [*node.named_args]
    return [*enumerate(node.pos_args)] if is_node(node) and node.name == "pos_args" else None


def _value(node: Any) -> Any:
    return node.obj if is_node(node) else node


def _labelled(node: Any) -> tuple[str | None, Any]:
    """Return the label of a hyperparameter, and the node that draws it."""
    while node.name in ("float", "int") and node.pos_args:
        node = node.pos_args[0]
    if node.name != "hyperopt_param":
        return None, node
    return str(_value(node.pos_args[0])), node.pos_args[1]


def _choice(node: Any, when: When, depth: int) -> Iterator[Parameter]:
    """Yield a choice, and what its options hold."""
    label, drawn = _labelled(node.pos_args[0])
    options = node.pos_args[1:]
    if label is None:
        yield Parameter("space", Unsaid("a switch without a label is code"))
        return
    plain = all(not is_node(one) or one.name == "literal" for one in options)
    levels = tuple(_value(one) if plain else place for place, one in enumerate(options))
    weighted = (WEIGHTS,) if drawn.name == "categorical" else ()
    yield Parameter(label, Levels(levels), when, weighted if plain else (*weighted, COUNTED))
    for place, one in enumerate(() if plain else options):
        yield from _walk(one, f"{label}.{place}", {label: (place,)}, depth - 1)


def _one(name: str, node: Any, when: When) -> Parameter:
    named = {key: _value(one) for key, one in node.named_args}
    values = [_value(one) for one in node.pos_args]
    domain = _domain(node.name, values, named)
    remarks = (EVEN,) if node.name == "qloguniform" and isinstance(domain, Levels) else ()
    return Parameter(name, domain, when, remarks)


def _domain(kind: str, values: list[Any], named: Mapping[str, Any]) -> Domain:
    if kind == "randint":
        low, high = (0, values[0]) if len(values) == 1 else values[:2]
        return Interval(whole(low, "low"), whole(high, "high") - 1, integer=True)
    if kind not in (
        "uniform",
        "quniform",
        "loguniform",
        "qloguniform",
        "normal",
        "qnormal",
        "lognormal",
        "qlognormal",
    ):
        raise CannotSay(f"the distribution {kind} is not known")
    first, second, *more = [*values, *(None,) * 2]
    q = named.get("q", more[0] if len(values) > 2 else 1)
    if "normal" in kind:
        raise unbounded(kind, number(first, "mu"), number(second, "sigma"), log="log" in kind)
    log = "log" in kind
    read_number = exponent if log else number
    low, high = read_number(first, "low"), read_number(second, "high")
    if log:
        low, high = rounded(low, DIGITS), rounded(high, DIGITS)
    if kind.startswith("q"):
        return multiples(low, high, number(q, "q"), log=log)
    return Interval(low, high, log=log)
