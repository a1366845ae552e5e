"""The evidence of a round: what its end has taught, in numbers, as it is stored with the round."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
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


INTERVAL_SHARE = 0.9  # of the trials, which their intervals are to hold


@dataclass(frozen=True, slots=True)
class SurrogateCheck:
    """The surrogate's predictions of trials from all other trials, beside their scores.

    trials, inside
        Trials that were predicted, and those of them whose score lies in the interval that
        is to hold `INTERVAL_SHARE` of them.
    rank_correlation
        Of predictions and scores, over the trials of most epochs; None of few of them.
    """

    trials: int
    inside: int
    rank_correlation: float | None


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


class Doubt(StrEnum):
    """Reason why a score on the test part has no value or no interval, or a rough one."""

    ONE_CLASS = "one_class"  # no value: the part has examples of one class alone
    NOT_FINITE = "not_finite"  # no value, or no interval: a number that is not finite came out
    FEW_ROWS = "few_rows"  # no interval: too few examples of the rarest class
    FEW_PREDICTED = "few_predicted"  # no interval: too few predictions of one class
    ALL_ALIKE = "all_alike"  # no interval: no resample of the part changes the value
    ROUGH = "rough"  # the interval is rough: few examples of the rarest class
    NO_POSITIVE = "no_positive"  # no value: no example is positive, and none is said to be
    CONSTANT = "constant"  # no value: all targets are equal
    UNEVEN = "uneven"  # no interval: the weights count for as few examples as have none
    HEAVY_TAILS = "heavy_tails"  # the interval is too narrow: few examples make most of the error
    FEW_GROUPS = "few_groups"  # no interval: too few groups of examples
    NARROW_BY_GROUPS = "narrow_by_groups"  # the interval is too narrow: few groups of examples
    CLASS_IN_FEW_GROUPS = "class_in_few_groups"  # no interval: resampled groups lack a class


@dataclass(frozen=True, slots=True)
class MetricScore:
    """A model's value of one metric on the test part, with its yardstick.

    ci95
        Its 95 % interval; None where there is no honest one, and `doubt` says why.
    baseline
        The value of the same answer for every example: the most frequent class, its share and
        those of the others for probabilities, or the mean of the training targets. None where
        there is none.
    rows, label
        Of `doubt`: how many examples, or predictions, of which class; or how many large errors, or
        groups.
    """

    value: float | None
    ci95: tuple[float, float] | None = None
    baseline: float | None = None
    doubt: Doubt | None = None
    rows: int | None = None
    label: int | None = None


@dataclass(frozen=True, slots=True)
class WeightedTest:
    """Accuracies of a final test whose examples count by weights: shares of the weights.

    accuracies
        Of every final model by index; None of one that diverged, and in a regression.
    ensemble, majority
        Of the models of the range together, and of always answering the class of most weight.
    effective
        Examples of equal weight that the test part comes to.
    """

    accuracies: Sequence[float | None]
    ensemble: float | None
    majority: float | None
    effective: float


@dataclass(frozen=True, slots=True)
class Gain:
    """The recommended setting against the baseline on the test part; above 0 it is the better one.

    low, high
        The 95 % interval; None where there is no verdict, and `note` says why.
    probability
        That the true gain is above 0; None with the interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    probability: float | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Gains:
    """The gains of a final test by metric.

    recommended, baseline
        The mean of each setting's models by the names of the metrics; None where there is none.
    models
        Trainings of each setting.
    note
        The reason where nothing could be compared.
    """

    metrics: Mapping[str, Gain]
    recommended: Mapping[str, float | None]
    baseline: Mapping[str, float | None]
    models: int
    note: str | None = None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Gains:
        """Build it from its stored form."""
        metrics = {name: Gain(**gain) for name, gain in stored["metrics"].items()}
        return cls(**{**stored, "metrics": metrics})


@dataclass(frozen=True, slots=True)
class FinalScores:
    """The final test in numbers, beside the counts of its trials.

    metrics
        The recommended model's scores by the names of all metrics of the task; empty where it
        diverged.
    models
        The objective of every final model by index, by its own direction; None of one that diverged.
    class_counts, confusion
        Test examples by class; rows of the recommended model's predictions (columns) for each true
        class. None in a regression, and `confusion` also of many classes or a diverged model.
        Both count examples, whatever their weights.
    weighted
        Accuracies where examples count by weights; None where all count the same.
    gains
        None of a search without a baseline, or whose recommendation is the baseline.
    """

    metrics: Mapping[str, MetricScore]
    models: Sequence[float | None]
    class_counts: Sequence[int] | None = None
    confusion: Sequence[Sequence[int]] | None = None
    weighted: WeightedTest | None = None
    gains: Gains | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that `from_json` reads back."""
        made = asdict(self)
        for name in ("weighted", "gains"):
            if made[name] is None:
                del made[name]
        return made

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> FinalScores:
        """Build it from its stored form, of this build or an older one."""
        weighted, gains = stored.get("weighted"), stored.get("gains")
        return cls(
            {name: _metric_score(score) for name, score in stored["metrics"].items()},
            tuple(stored["models"]),
            stored["class_counts"] and tuple(stored["class_counts"]),
            stored["confusion"] and tuple(map(tuple, stored["confusion"])),
            weighted and WeightedTest(**{**weighted, "accuracies": tuple(weighted["accuracies"])}),
            gains and Gains.from_json(gains),
        )


def _metric_score(stored: Mapping[str, Any]) -> MetricScore:
    interval, doubt = stored["ci95"], stored["doubt"]
    return MetricScore(
        **{**stored, "ci95": interval and tuple(interval), "doubt": doubt and Doubt(doubt)}
    )


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
    surrogate_check
        The surrogate judged by trials that it did not see; None of few trials, and of older builds.
    seconds
        Seconds since the search began; None where no time limit was asked for.
    explored
        The reason for which exploring ended with this round.
    finalists
        The final comparison; None while the search has not come to it.
    test
        The final test, which is all the evidence of the final round; None of any other.
    """

    boundary: DivergenceBoundary | None = None
    epochs: int | None = None
    noise_sd: float | None = None
    expected_gain: float | None = None
    importance: Sequence[Importance] = ()
    surface: Surface | None = None
    agreement: Mapping[int, float] = field(default_factory=dict)
    surrogate_check: SurrogateCheck | None = None
    seconds: float | None = None
    explored: Reason | None = None
    finalists: Sequence[Finalist] | None = None
    test: FinalScores | None = None

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
        if self.surrogate_check is not None:
            made["surrogate_check"] = asdict(self.surrogate_check)
        if self.seconds is not None:
            made["seconds"] = self.seconds
        if self.explored is not None:
            made["explored"] = reasons.words(self.explored)
            made["explored_facts"] = reasons.to_json(self.explored)
        if self.finalists is not None:
            made["finalists"] = [{**asdict(f), "params": dict(f.params)} for f in self.finalists]
        if self.test is not None:
            made["test"] = self.test.to_json()
        return made

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Evidence:
        """Build it from its stored form, of this build or an older one."""
        boundary, surface = stored.get("frontier"), stored.get("surface")
        explored, finalists = stored.get("explored"), stored.get("finalists")
        checked = stored.get("surrogate_check")
        return cls(
            boundary=boundary and DivergenceBoundary(**boundary),
            epochs=stored.get("epochs"),
            noise_sd=stored.get("noise_sd"),
            expected_gain=stored.get("expected_gain"),
            importance=tuple(Importance(**i) for i in stored.get("importance", ())),
            surface=surface and Surface(**{**surface, "at": params_from_json(surface["at"])}),
            agreement={int(source): rho for source, rho in stored.get("agreement", {}).items()},
            surrogate_check=checked and SurrogateCheck(**checked),
            seconds=stored.get("seconds"),
            explored=None
            if explored is None
            else reasons.from_json(stored.get("explored_facts"), explored),
            finalists=None
            if finalists is None
            else tuple(
                Finalist(**{**f, "params": params_from_json(f["params"])}) for f in finalists
            ),
            test=None if (test := stored.get("test")) is None else FinalScores.from_json(test),
        )

    def agrees(self, now: Evidence) -> bool:
        """Tell whether stored evidence holds the facts of now; sentences are not compared.

        Nor is what an older build has not stored.
        """
        checked = None if self.surrogate_check is None else now.surrogate_check
        facts = replace(now, explored=None, surrogate_check=checked)
        numbers = json.loads(json.dumps(facts.to_json()))
        same = replace(self, explored=None) == Evidence.from_json(numbers)
        return same and reasons.agrees(self.explored, now.explored)
