"""Sweeps of Weights & Biases, as `wandb sweep` takes them (measured on sweeps 0.3.0)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

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
from hpsearch.exchange.spaces.fields import (
    as_numbers,
    exponent,
    fields,
    items,
    number,
    parameter,
    shown,
)
from hpsearch.exchange.spaces.steps import EVEN, as_json_range, from_low, multiples

KEYS: Final = frozenset(
    {"value", "values", "min", "max", "mu", "sigma", "q", "a", "b", "distribution", "parameters", "probabilities"}
)  # fmt: skip
MULTIPLIED = ("q_log_uniform", "q_log_uniform_values")
WEIGHTS = "probabilities are not said: its values are equally likely here"
USED = ("parameters", "metric", "name")


def recognises(document: Any) -> bool:
    """Tell whether a document is a sweep."""
    if not isinstance(document, dict) or not isinstance(document.get("parameters"), dict):
        return False
    entries = document["parameters"].values()
    return all(isinstance(entry, dict) for entry in entries) and any(KEYS & set(e) for e in entries)


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read a sweep; nested parameters have names with dots."""
    grid = document.get("method") == "grid"
    metric = document.get("metric")
    direction: Direction | None = None
    remarks = []
    if isinstance(metric, dict):
        direction = "maximize" if metric.get("goal") == "maximize" else "minimize"
    if document.get("early_terminate"):
        remarks.append("early_terminate is not taken over: epochs.halving stops poor trials")
    if document.get("run_cap") is not None:
        remarks.append(f'run_cap: "budget": {{"trials": {shown(document["run_cap"])}}} says it')
    command = document.get("command")
    return ForeignSpace(
        tuple(_parameters(fields(document["parameters"], "parameters"), "", grid=grid)),
        direction,
        _text(document.get("name")),
        tuple(remarks),
        _text(metric.get("name")) if isinstance(metric, dict) else "",
        _text(document.get("program")),
        tuple(map(str, command)) if isinstance(command, list) else (),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _parameters(given: Mapping[str, Any], above: str, *, grid: bool) -> Iterator[Parameter]:
    for name, entry in given.items():
        path = f"{above}{name}"
        if isinstance(entry, dict) and isinstance(entry.get("parameters"), dict):
            nested = entry["parameters"]
            if all(isinstance(key, str) for key in nested):
                yield from _parameters(nested, f"{path}.", grid=grid)
                continue
        yield parameter(path, partial(_one, entry=entry, grid=grid))


def _one(path: str, entry: Any, *, grid: bool) -> Parameter:
    given = fields(entry, "its entry")
    unknown = sorted(given.keys() - KEYS)
    if unknown:
        raise CannotSay(f"W&B knows no {', '.join(unknown)} here")
    kind = given.get("distribution") or _implied(given)
    remarks = [WEIGHTS] if "probabilities" in given else []
    domain = _domain(kind, given, grid=grid)
    if kind in ("beta", "q_beta"):
        remarks.append("the shape of its beta distribution is not said: it is searched evenly")
    if kind in MULTIPLIED and isinstance(domain, Levels):
        remarks.append(EVEN)
    return Parameter(path, domain, remarks=tuple(remarks))


def _implied(given: Mapping[str, Any]) -> str:
    """Return the distribution of an entry that names none."""
    if "values" in given:
        return "categorical"
    if "value" in given:
        return "constant"
    if "min" in given and "max" in given:
        whole = all(type(given[edge]) is int for edge in ("min", "max"))
        return "int_uniform" if whole else "uniform"
    raise CannotSay("it has neither values nor min and max")


def _domain(kind: Any, given: Mapping[str, Any], *, grid: bool) -> Domain:
    if kind in ("categorical", "categorical_w_probabilities"):
        return Levels(tuple(as_numbers(items(given.get("values"), "values"))))
    if kind == "constant":
        return Constant(given.get("value"))
    if kind in ("normal", "log_normal", "q_normal", "q_log_normal"):
        raise _unbounded(kind, given)
    if kind == "beta":
        return Interval(0.0, 1.0)
    if kind == "q_beta":
        return multiples(0.0, 1.0, number(given.get("q", 1), "q"))
    if kind in ("q_uniform", *MULTIPLIED):
        return _quantised(kind, given, grid=grid)
    return _interval(kind, given)


def _interval(kind: Any, given: Mapping[str, Any]) -> Interval:
    if "q" in given:
        raise CannotSay(f"W&B takes no q with {shown(kind)}", "write distribution: q_uniform")
    low, high = (number(given.get(edge), edge) for edge in ("min", "max"))
    if kind == "int_uniform":
        if isinstance(low, float) or isinstance(high, float):
            raise CannotSay(
                f"int_uniform takes whole numbers, got {low!r} and {high!r}",
                "write them without a dot",
            )
        return Interval(low, high, integer=True)
    if kind == "uniform":
        return Interval(low, high)
    if kind in ("log_uniform_values", "inv_log_uniform_values"):
        return Interval(low, high, log=True)
    if kind not in ("log_uniform", "inv_log_uniform"):
        raise CannotSay(f"the distribution {shown(kind)} is not known")
    _ask(kind, low, high)
    if kind == "inv_log_uniform":
        low, high = -high, -low
    return Interval(exponent(low, "min"), exponent(high, "max"), log=True)


def _ask(kind: str, low: float, high: float) -> None:
    """Refuse exponents that were nearly always meant as values."""
    if 0 <= low < high <= 1:
        sign = -1 if kind == "inv_log_uniform" else 1
        edges = sorted((math.exp(sign * low), math.exp(sign * high)))
        raise CannotSay(
            f"min and max of {kind} are natural exponents: {low:g} and {high:g} mean {edges[0]:.7g} to "
            f"{edges[1]:.7g}, and {kind}_values is nearly always meant",
            f"write {as_json_range(low, high, log=True)} for the values"
            if low > 0
            else f"write {kind}_values with a min above 0",
        )


def _quantised(kind: str, given: Mapping[str, Any], *, grid: bool) -> Domain:
    q, log = number(given.get("q", 1), "q"), kind in MULTIPLIED
    read = exponent if kind == "q_log_uniform" else number
    low, high = read(given.get("min"), "min"), read(given.get("max"), "max")
    if low >= high:
        raise CannotSay(f"min={low:.15g} must be below max={high:.15g}")
    if grid and not log:
        return from_low(low, high, q, last=False)  # numpy.arange
    return multiples(low, high, q, log=log, integer=isinstance(q, int))


def _unbounded(kind: str, given: Mapping[str, Any]) -> CannotSay:
    mu, sigma = number(given.get("mu", 0), "mu"), number(given.get("sigma", 1), "sigma")
    return unbounded(kind, mu, sigma, log="log" in kind)


def unbounded(kind: str, mu: float, sigma: float, *, log: bool) -> CannotSay:
    """Return the error of a normal distribution, with a range of three deviations as a proposal."""
    low, high = mu - 3 * sigma, mu + 3 * sigma
    if log:
        low, high = exponent(low, "mu - 3 sigma"), exponent(high, "mu + 3 sigma")
    return CannotSay(
        f"{kind} has no bounds",
        f"three deviations to both sides would be {as_json_range(low, high, log=log)}",
    )
