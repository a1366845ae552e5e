"""The evidence of a round: what its end has taught, in numbers, as it is stored with the round."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hpsearch import reasons
from hpsearch.reasons import Reason
from hpsearch.space import Params, params_from_json


@dataclass(frozen=True, slots=True)
class DivergenceBoundary:
    """The learning rates on either side of the border beyond which training diverges.

    lowest_diverged, highest_finite
        The lowest rate of a trial that diverged, the highest of one that did not.
    edge
        The rate that parts the two with the fewest errors.
    """

    name: str
    diverged: int
    finite: int
    lowest_diverged: float
    highest_finite: float
    edge: float


@dataclass(frozen=True, slots=True)
class Importance:
    """The effect of one hyperparameter inside a box.

    first, total
        Its Sobol indices, means over the posterior.
    low, high
        The 5 % and 95 % quantiles of `total` over the posterior.
    effect
        The standard deviation of its main effect, in score units.
    """

    name: str
    first: float
    total: float
    low: float
    high: float
    effect: float


@dataclass(frozen=True, slots=True)
class Surface:
    """Mean and standard deviation of the score over a grid.

    x, y
        The names of the two hyperparameters; xs (POINTS,) and ys (POINTS,) their values.
    mean, sd
        (POINTS of y) rows of (POINTS of x) columns, in score units, of trainings of full length.
    at
        The best place known, where everything but x and y is held.
    """

    x: str
    y: str
    xs: Sequence[float]
    ys: Sequence[float]
    mean: Sequence[Sequence[float]]
    sd: Sequence[Sequence[float]]
    at: Params


@dataclass(frozen=True, slots=True)
class Finalist:
    """A configuration of the final comparison, beside the recommended one.

    `mean` and `sd` are of its full trainings' scores. `difference` is the recommended one's
    mean minus its own and `p` the two-sided p-value of that difference (None where there is
    too little to compare): `paired` says that both are of accuracy on single examples, those
    of the repeats alone; otherwise they are of the scores.
    """

    params: Params
    trainings: int
    mean: float
    sd: float | None
    posterior_mean: float
    difference: float
    p: float | None
    paired: bool
    indistinguishable: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers that a round's end has led to.

    boundary
        None where nothing diverged or the learning rate is not searched.
    epochs
        The surrogate's predictions are of trainings of so many epochs. None, like all that comes
        from the surrogate, where the observations are too few for one.
    agreement
        Correlation with each earlier search that it was warm-started from, by its number.
    seconds
        Seconds since the search began; None where no time limit was asked for.
    explored
        The reason for which exploring ended with this round.
    finalists
        The final comparison; None while the search has not come to it.
    """

    boundary: DivergenceBoundary | None = None
    epochs: int | None = None
    noise_sd: float | None = None
    expected_gain: float | None = None
    importance: Sequence[Importance] = ()
    surface: Surface | None = None
    agreement: Mapping[int, float] = field(default_factory=dict)
    seconds: float | None = None
    explored: Reason | None = None
    finalists: Sequence[Finalist] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form in which it is stored: facts, and sentences for readers without them."""
        made: dict[str, Any] = {"frontier": self.boundary and asdict(self.boundary)}
        if self.epochs is not None:
            made |= {
                "epochs": self.epochs,
                "noise_sd": self.noise_sd,
                "expected_gain": self.expected_gain,
                "importance": [asdict(i) for i in self.importance],
                "surface": self.surface and asdict(self.surface),
                "agreement": {str(source): rho for source, rho in self.agreement.items()},
            }
        if self.seconds is not None:
            made["seconds"] = self.seconds
        if self.explored is not None:
            made["explored"] = reasons.words(self.explored)
            made["explored_facts"] = reasons.to_json(self.explored)
        if self.finalists is not None:
            made["finalists"] = [{**asdict(f), "params": dict(f.params)} for f in self.finalists]
        return made

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Evidence:
        """Build it from its stored form, of this build or an older one."""
        boundary, surface = stored.get("frontier"), stored.get("surface")
        explored, finalists = stored.get("explored"), stored.get("finalists")
        return cls(
            boundary=boundary and DivergenceBoundary(**boundary),
            epochs=stored.get("epochs"),
            noise_sd=stored.get("noise_sd"),
            expected_gain=stored.get("expected_gain"),
            importance=tuple(Importance(**i) for i in stored.get("importance", ())),
            surface=surface and Surface(**{**surface, "at": params_from_json(surface["at"])}),
            agreement={int(source): rho for source, rho in stored.get("agreement", {}).items()},
            seconds=stored.get("seconds"),
            explored=None
            if explored is None
            else reasons.from_json(stored.get("explored_facts"), explored),
            finalists=None
            if finalists is None
            else tuple(
                Finalist(**{**f, "params": params_from_json(f["params"])}) for f in finalists
            ),
        )

    def agrees(self, now: Evidence) -> bool:
        """Tell whether stored evidence holds the facts of now; sentences are not compared."""
        numbers = json.loads(json.dumps(replace(now, explored=None).to_json()))
        same = replace(self, explored=None) == Evidence.from_json(numbers)
        return same and reasons.agrees(self.explored, now.explored)
