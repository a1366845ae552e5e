"""Experiments of Katib (v1beta1), whose bounds and values are all texts (measured on v0.19).

The values of a step depend on the algorithm, so what it would try is what is taken: `random` and `tpe` round
to multiples of the step, others count from min, and `bayesianoptimization` knows no step. The scale is
taken as it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from hpsearch.directions import Direction
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
from hpsearch.exchange.spaces.steps import EVEN, as_json_range, from_low, multiples

ROUNDED: Final = ("random", "tpe")
STEPLESS: Final = ("bayesianoptimization",)
DIRECTIONS: Final[Mapping[str, Direction]] = {"maximize": "maximize", "minimize": "minimize"}


def recognises(document: Any) -> bool:
    """Tell whether a document is an Experiment."""
    if not isinstance(document, dict):
        return False
    spec = document.get("spec")
    experiment = document.get("kind") == "Experiment" and "kubeflow" in str(
        document.get("apiVersion")
    )
    return isinstance(spec, dict) and (experiment or isinstance(spec.get("parameters"), list))


def read(document: Mapping[str, Any]) -> ForeignSpace:
    """Read an Experiment."""
    spec = fields(document["spec"], "spec")
    objective = fields(spec.get("objective") or {}, "spec.objective")
    algorithm = fields(spec.get("algorithm") or {}, "spec.algorithm").get("algorithmName")
    remarks = []
    if spec.get("nasConfig"):
        remarks.append("nasConfig, a search of architectures, is not taken over")
    if spec.get("maxTrialCount") is not None:
        count = shown(spec["maxTrialCount"])
        remarks.append(f'maxTrialCount: "budget": {{"trials": {count}}} says it')
    name = fields(document.get("metadata") or {}, "metadata").get("name")
    return ForeignSpace(
        tuple(
            _parameter(one, algorithm) for one in items(spec.get("parameters"), "spec.parameters")
        ),
        DIRECTIONS.get(str(objective.get("type"))),
        name if isinstance(name, str) else "",
        tuple(remarks),
    )


def _parameter(entry: Any, algorithm: Any) -> Parameter:
    name = entry.get("name") if isinstance(entry, dict) else entry
    return parameter(name, partial(_one, entry=entry, algorithm=algorithm))


def _one(name: str, entry: Any, algorithm: Any) -> Parameter:
    given = fields(entry, "it")
    kind = given.get("parameterType")
    space = fields(given.get("feasibleSpace"), "feasibleSpace")
    if kind in ("categorical", "discrete"):
        return Parameter(name, _levels(kind, space))
    if kind not in ("int", "double"):
        raise CannotSay(f"the parameterType {shown(kind)} is not known")
    read_number = whole if kind == "int" else number
    low, high = (read_number(space.get(edge), edge) for edge in ("min", "max"))
    distribution = space.get("distribution") or "uniform"
    if distribution in ("normal", "logNormal"):
        proposal = as_json_range(low, high, log=distribution == "logNormal", integer=kind == "int")
        raise CannotSay(
            f"{distribution} goes beyond min and max in Katib", f"{proposal} would end there"
        )
    log = distribution == "logUniform"
    step = space.get("step")
    if step in (None, ""):
        return Parameter(name, Interval(low, high, log=log, integer=kind == "int"))
    return _stepped(name, (low, high), read_number(step, "step"), algorithm, log=log)


def _levels(kind: str, space: Mapping[str, Any]) -> Levels:
    written = space.get("list")
    if written is None and isinstance(space.get("distribution"), list):
        written = space["distribution"]  # where the SDK's search.categorical puts it
    values = items(written, "list")
    if kind == "discrete":
        return Levels(tuple(as_numbers([number(one, "a value") for one in values], any_text=True)))
    return Levels(tuple(as_numbers(values, any_text=True)))


def _stepped(
    name: str, edges: tuple[float, float], step: float, algorithm: Any, *, log: bool
) -> Parameter:
    low, high = edges
    integer = isinstance(low, int)
    if algorithm in STEPLESS:
        remark = f"{algorithm} knows no step: all values between count"
        return Parameter(name, Interval(low, high, log=log, integer=integer), remarks=(remark,))
    domain: Domain
    if algorithm in ROUNDED:
        domain = multiples(low, high, step, log=log, integer=integer)
        what = f"multiples of {step:g}, as {algorithm} rounds to them; a grid counts from {low:g}"
    elif log and algorithm == "multivariate-tpe":
        return Parameter(
            name,
            Interval(low, high, log=True, integer=integer),
            remarks=("its step is ignored with logUniform",),
        )
    else:
        domain = from_low(low, high, step, log=log)
        what = f"from {low:g} in steps of {step:g}; random and tpe round to multiples of it"
    remarks = (what, EVEN) if log and isinstance(domain, Levels) else (what,)
    return Parameter(name, domain, remarks=remarks if step != 1 else ())
