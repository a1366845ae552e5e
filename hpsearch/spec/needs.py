"""Requirements of a spec, and the cheapest of what cannot be told from the best.

A requirement bounds one quantity of the setting that is to be recommended. A *known* quantity follows
from the setting, so a setting that breaks it is not drawn; a *measured* one is a metric of the
validation part, or a number that trainers report, and acts on the choice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hpsearch.digits import in_full
from hpsearch.errors import Mistake, with_question
from hpsearch.metrics import METRICS, fitting
from hpsearch.space import Params
from hpsearch.trials import Observation

if TYPE_CHECKING:
    from hpsearch.spec.resolved import ResolvedSpec

FIELDS = ("require", "cheapest")
REQUIREMENTS_MOST = 10
NAME_MOST = 100  # characters
METRIC_NAME, METRIC_NAME_MOST = r"^[^\W\d][\w.:/ -]*$", 60  # of one that trainers report
COST, SCORE = "cost", "score"  # what trainers report of an external search, beside their metrics
PARAMETERS = "parameters"  # of a network
CLOCK = "seconds"
SECONDS_DEPEND = (
    "seconds depend on the machine, and the same search would answer otherwise on another one; "
)


class Requirement(BaseModel):
    """A bound of one quantity that the recommended setting has to keep."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    metric: str = Field(
        min_length=1,
        max_length=NAME_MOST,
        description="`parameters` or `estimated_seconds` of a network, or a metric of the dataset on "
        "the validation part; of an external search `score`, `cost`, or a metric that is reported.",
    )
    at_most: float | None = Field(None, description="Highest value that is good enough.")
    at_least: float | None = Field(None, description="Lowest value, likewise; one of the two.")

    @model_validator(mode="after")
    def _one_bound(self) -> Requirement:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give one of at_most and at_least; both make two requirements")
        return self

    @property
    def limit(self) -> float:
        """The bound."""
        limit = self.at_least if self.at_most is None else self.at_most
        assert limit is not None  # one of the two is given
        return limit

    def met_by(self, value: float) -> bool:
        """Tell whether a value is good enough."""
        return value <= self.limit if self.at_most is not None else value >= self.limit

    def __str__(self) -> str:
        side = "at least" if self.at_most is None else "at most"
        return f"{self.metric} {side} {in_full(self.limit)}"


Requirements: TypeAlias = Annotated[
    tuple[Requirement, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    Field(max_length=REQUIREMENTS_MOST),
]


def known(resolved: ResolvedSpec, params: Params) -> Mapping[str, float]:
    """Quantities of a setting that follow from it alone, by name; of an external search none.

    Parameters are those of the model that would be recommended: of all its networks together.
    """
    values = resolved.workload.known(params, resolved.spec.epochs.last)
    networks = resolved.spec.final.networks
    return values if networks == 1 else {**values, PARAMETERS: networks * values[PARAMETERS]}


def is_known(resolved: ResolvedSpec, name: str) -> bool:
    """Tell whether a quantity follows from the setting."""
    return name in resolved.workload.known_names


def breaks(resolved: ResolvedSpec, params: Params) -> list[Requirement]:
    """The requirements on known quantities that a setting does not meet."""
    asked = known_ones(resolved)
    if not asked:
        return []
    values = known(resolved, params)
    return [one for one in asked if not one.met_by(values[one.metric])]


def known_ones(resolved: ResolvedSpec) -> list[Requirement]:
    """The requirements on known quantities."""
    return [one for one in resolved.spec.require if is_known(resolved, one.metric)]


def also_measured(resolved: ResolvedSpec) -> list[str]:
    """Metrics that this service computes for every trial because a requirement names them."""
    if not resolved.workload.trained_here:
        return []
    names = {one.metric for one in resolved.spec.require if one.metric in METRICS}
    return sorted(names - {resolved.spec.objective})


def measured(resolved: ResolvedSpec, name: str, trial: Observation) -> float | None:
    """A measured quantity of one training, by its own direction; None where it has none."""
    value = trial.value
    if value is not None and name == (resolved.spec.objective if _here(resolved) else SCORE):
        return sign_of_objective(resolved) * value
    if name == COST and not _here(resolved):
        return trial.cost
    return (trial.metrics or {}).get(name)


def sign_of_objective(resolved: ResolvedSpec) -> int:
    """The factor between a rank value and the objective, or the score as it is reported."""
    spec = resolved.spec
    return METRICS[spec.objective].sign if _here(resolved) else spec.score_sign


def _here(resolved: ResolvedSpec) -> bool:
    return resolved.workload.trained_here


def decisive(resolved: ResolvedSpec) -> tuple[list[str], bool]:
    """Numbers beside scores by which a search chooses: names of metrics, and whether costs do."""
    spec = resolved.spec
    if resolved.workload.trained_here:
        return also_measured(resolved), False
    names = {one.metric for one in spec.require}
    return sorted(names - {COST, SCORE}), COST in names or spec.cheapest == COST


def mistakes(resolved: ResolvedSpec) -> list[Mistake]:
    """Requirements on what is not measured, or that nothing can meet."""
    spec = resolved.spec
    wrong = [
        Mistake(f"require[{i}].{place}", why)
        for i, one in enumerate(spec.require)
        for place, why in _wrong(resolved, one)
    ]
    wrong += [] if wrong else _at_odds(spec.require)
    why_not = None if spec.cheapest is None else _no_cost(resolved, spec.cheapest)
    return wrong if why_not is None else [*wrong, Mistake("cheapest", why_not)]


def _wrong(resolved: ResolvedSpec, one: Requirement) -> Iterator[tuple[str, str]]:
    """The mistakes of one requirement, each with the field."""
    workload, name = resolved.workload, one.metric
    if name == CLOCK:
        yield "metric", SECONDS_DEPEND + _instead(resolved)
        return
    if not workload.trained_here:  # trainers report metrics of any such name
        if len(name) > METRIC_NAME_MOST or not re.match(METRIC_NAME, name):
            yield (
                "metric",
                (
                    f"{name!r} is no name that a report can have: 1 to {METRIC_NAME_MOST} letters, digits, "
                    "spaces and _.:/-, the first one a letter or _"
                ),
            )
        return
    measured = metrics_of(resolved)
    if name not in workload.known_names and name not in measured:
        names = [*workload.known_names, *measured]
        message = f"{name!r} is not measured here; what is: {', '.join(names)}"
        yield "metric", with_question(message, name, names)
        return
    low, high = (METRICS[name].low, METRICS[name].high) if name in METRICS else (0.0, math.inf)
    if one.at_most is not None and one.at_most < low:
        yield "at_most", f"{name} is {in_full(low)} at the least: nothing meets this"
    if one.at_least is not None and one.at_least > high:
        yield "at_least", f"{name} is {in_full(high)} at the most: nothing meets this"


def metrics_of(resolved: ResolvedSpec) -> list[str]:
    """The metrics that can be measured on the validation part."""
    facts = resolved.facts
    return [
        name
        for name in fitting(facts.task, facts.classes)
        if METRICS[name].takes_weights or not resolved.weighted
    ]


def _at_odds(asked: Sequence[Requirement]) -> list[Mistake]:
    """Requirements of which another one says the same side, or the contrary."""
    wrong = []
    for (i, one), (k, other) in combinations(enumerate(asked), 2):
        if one.metric != other.metric:
            continue
        if (one.at_most is None) == (other.at_most is None):
            message = f"require[{i}] bounds {one.metric} on the same side; drop one of the two"
            wrong.append(Mistake(f"require[{k}]", message))
        elif not one.met_by(other.limit):
            message = f"{other} and require[{i}], {one}, contradict each other: nothing meets both"
            wrong.append(Mistake(f"require[{k}]", message))
    return wrong


def _no_cost(resolved: ResolvedSpec, name: str) -> str | None:
    """The reason why nothing can be the cheapest by a quantity."""
    names = [*resolved.workload.known_names] if resolved.workload.trained_here else [COST]
    if name in names:
        return None
    if name == CLOCK:
        return SECONDS_DEPEND + _instead(resolved)
    return with_question(f"{name!r} is no cost here; take {' or '.join(names)}", name, names)


def _instead(resolved: ResolvedSpec) -> str:
    if resolved.workload.trained_here:
        return "name estimated_seconds, which follow from the setting"
    return "let the trainers report what they count as cost, or as a metric of another name"
