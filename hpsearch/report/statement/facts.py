"""The facts that a statement is made of, and its numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hpsearch.digits import by_interval
from hpsearch.metrics import METRICS
from hpsearch.records import FinalRecord, TrialRecord
from hpsearch.report import answer, words
from hpsearch.report.health import SearchRecords
from hpsearch.report.tuning import tuning_curve
from hpsearch.report.views import MetricScoreView, ResultView, TuningCurveView
from hpsearch.spec import ResolvedSpec

LISTED = 20  # classes, columns and the like that are named one by one


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The reason why nothing that is stored answers."""

    reason: str


Answer = str | NotKnown


@dataclass(frozen=True)
class Facts:
    """The records of a completed search and its result.

    fingerprints
        Numeric fingerprints of the processes that trained and decided, in any order.
    first
        The trials of the first round.
    """

    records: SearchRecords
    result: ResultView
    fingerprints: Sequence[Mapping[str, str]]
    first: Sequence[TrialRecord]

    @classmethod
    def of(
        cls,
        records: SearchRecords,
        final: FinalRecord,
        fingerprints: Sequence[Mapping[str, str]],
        first: Sequence[TrialRecord],
    ) -> Facts:
        """The facts of records; openings of the test part are left out, for a replay adds one."""
        return cls(records, answer.result(records, final, 0), fingerprints, first)

    @property
    def resolved(self) -> ResolvedSpec:
        """The spec, edits included."""
        return self.records.resolved

    @property
    def external(self) -> bool:
        """True where trials were trained elsewhere."""
        return not self.resolved.workload.trained_here

    @cached_property
    def tuning(self) -> TuningCurveView:
        """The best score of so many random trials, as those of the first round tell."""
        return tuning_curve(self.records.search, self.records.begun, self.first)

    @property
    def measure(self) -> str:
        """The objective for people."""
        metric = METRICS.get(self.result.objective)
        return "reported score" if metric is None else metric.title

    @property
    def lower_is_better(self) -> bool:
        """True where lower values of the measure are better."""
        metric = METRICS.get(self.result.objective)
        if metric is None:
            return self.result.direction == "minimize"
        return metric.direction == "minimise"

    def value(self, shown: float | None) -> float | None:
        """The measure behind a validation score of a view: minus the log loss is a log loss."""
        metric = METRICS.get(self.result.objective)
        return shown if shown is None or metric is None else metric.sign * shown

    @property
    def sign(self) -> int:
        """The factor from rank values, of which more is better, to the measure."""
        return -1 if self.lower_is_better else 1

    @property
    def objective_score(self) -> MetricScoreView | None:
        """The recommended model on the test part, by the objective; None where it is not known."""
        return (self.result.test.metrics or {}).get(self.result.objective)


def said(text: str) -> str:
    """Text of a user on one line, without what could steer a terminal."""
    return " ".join(words.plain(text).split())


def listed(names: Sequence[str]) -> str:
    """Names in their order; of many the first ones, and how many more there are."""
    shown = ", ".join(said(name) for name in names[:LISTED])
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED} more"


def interval(value: float, low: float, high: float) -> str:
    """A value and its 95 % interval, with the digits that the interval supports."""
    shown, *ends = (by_interval(number, high - low) for number in (value, low, high))
    return f"{shown} (95 % interval {' to '.join(ends)})"


def with_sd(mean: float, sd: float | None) -> str:
    """A mean and a standard deviation, with the digits that it supports."""
    if sd is None:
        return by_interval(mean, 0.0)
    return f"{by_interval(mean, sd)} (standard deviation {by_interval(sd, sd)})"
