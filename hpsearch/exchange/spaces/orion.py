"""Spaces of Oríon: priors written as calls, which are parsed and never run (measured on 0.2.7)."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from hpsearch.exchange.spaces.domains import (
    CannotSay,
    Domain,
    Fidelity,
    ForeignSpace,
    Interval,
    Levels,
    Parameter,
)
from hpsearch.exchange.spaces.fields import items, number, parameter, shown
from hpsearch.exchange.spaces.wandb import unbounded

PRIORS: Final = (
    "uniform",
    "loguniform",
    "reciprocal",
    "normal",
    "gaussian",
    "norm",
    "choices",
    "fidelity",
)
MARKS: Final = ("orion~", "~")
TEXT_MOST = 4_000  # characters of a prior
NESTED_MOST = 5  # brackets in brackets


def recognises(document: Any) -> bool:
    """Tell whether a document has a space of priors, or is one."""
    if not isinstance(document, dict):
        return False
    space = _space(document)
    leaves = [*_leaves(space, "")] if isinstance(space, dict) else []
    return any(_looks_like_a_prior(text) for _, text in leaves)


def _space(document: Mapping[str, Any]) -> Any:
    experiment = document.get("experiment")
    inner = experiment.get("space") if isinstance(experiment, dict) else None
    return document.get("space", inner if inner is not None else document)


def _leaves(space: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, entry in space.items():
        path = f"{above}{str(name).strip('/').replace('/', '.')}"
        if isinstance(entry, dict):
            yield from _leaves(entry, f"{path}.")
        else:
            yield path, entry


def _looks_like_a_prior(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    name, bracket, _ = _bare(text).partition("(")
    return bool(bracket) and name.strip() in PRIORS


def _bare(text: str) -> str:
    for mark in MARKS:
        text = text.strip().removeprefix(mark)
    return text


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read a space; of a script's own configuration what is no prior is not looked at."""
    experiment = document.get("experiment")
    name = experiment.get("name") if isinstance(experiment, dict) else document.get("name")
    declared = "space" in document or _space(document) is not document
    leaves = [
        (path, text)
        for path, text in _leaves(_space(document), "")
        if declared or _looks_like_a_prior(text)
    ]
    return ForeignSpace(
        tuple(parameter(path, partial(_one, text=text)) for path, text in leaves),
        "minimize",  # the only direction that Oríon knows
        name if isinstance(name, str) else "",
    )


def _one(path: str, text: Any) -> Parameter:
    name, arguments, named = _call(text)
    shape = named.pop("shape", None)
    if shape not in (None, 1, (), (1,)):
        raise CannotSay(f"it has {shown(shape)} values", "name each of them by itself")
    named.pop("default_value", None)
    remarks: tuple[str, ...] = ()
    weights = arguments[0] if name == "choices" and arguments else None
    if isinstance(weights, dict) and len({*weights.values()}) > 1:
        remarks = ("its weights are not said: its values are equally likely here",)
    return Parameter(path, _domain(name, arguments, named), remarks=remarks)


def _call(text: Any) -> tuple[str, list[Any], dict[str, Any]]:
    """Return the name and the arguments of a call of literals."""
    wrong = CannotSay(f"no prior as Oríon writes it: {shown(text)}")
    if not isinstance(text, str) or len(text) > TEXT_MOST:
        raise wrong
    depth = deepest = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    if deepest > NESTED_MOST:
        raise wrong
    try:
        call = ast.parse(_bare(text), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise wrong
        arguments = [ast.literal_eval(one) for one in call.args]
        named = {
            one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg is not None
        }
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise wrong from None
    return call.func.id, arguments, named


def _domain(name: str, arguments: list[Any], named: Mapping[str, Any]) -> Domain:
    if name == "choices":
        first = arguments[0] if len(arguments) == 1 else arguments
        return Levels(tuple(items(list(first) if isinstance(first, dict) else first, "choices")))
    if name in ("normal", "gaussian", "norm"):
        mu, sigma = _two(arguments, named, "loc", "scale")
        raise unbounded(name, mu, sigma, log=False)
    if name == "fidelity":
        low, high = _two(arguments, named, "low", "high")
        return Fidelity(low, high)
    if name not in ("uniform", "loguniform", "reciprocal"):
        raise CannotSay(f"the prior {name} is not known")
    low, high = _two(arguments, named, "low", "high")
    log, integer = name != "uniform", named.get("discrete") is True
    if integer:
        low, high = math.floor(low), math.ceil(high)
    return Interval(low, high, log=log, integer=integer)


def _two(arguments: list[Any], named: Mapping[str, Any], *names: str) -> tuple[float, float]:
    values = [
        arguments[i] if i < len(arguments) else named.get(name) for i, name in enumerate(names)
    ]
    return number(values[0], names[0]), number(values[1], names[1])
