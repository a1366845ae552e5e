"""The declaration of a metric, and the pooling that several of them share.

n   examples of one split's validation part
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from numpy.typing import NDArray

Task: TypeAlias = Literal["classification", "regression"]
Direction: TypeAlias = Literal["maximise", "minimise"]
Unit: TypeAlias = Literal["share", "number"]
Measure: TypeAlias = Callable[[NDArray[Any]], Callable[[NDArray[Any]], float]]
"""Targets (n,) of a split -> predictions (n,) for it -> the metric's value on the split."""


class SplitScore(Protocol):
    """One split of a trial after an epoch, as the engine reports it."""

    @property
    def loss(self) -> float:
        """The mean over the examples."""

    @property
    def correct(self) -> int:
        """Predictions that are the target."""

    @property
    def examples(self) -> int:
        """Examples of the validation part."""

    @property
    def measured(self) -> float | None:
        """The value of `Metric.measure`; None for a metric without one."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One way to score a trial.

    title
        Its name for people: "log loss".
    pooled
        The value over all splits of a trial, of which there is at least one, none empty.
    measure
        The value on one split from its targets and predictions; None for a metric that counts and
        mean loss are enough for.
    low, high
        Bounds of the value.
    interval
        (correct, examples) -> the 95 % interval of the value; None where there is no such formula.
    """

    title: str
    task: Task
    direction: Direction
    unit: Unit
    low: float
    high: float
    pooled: Callable[[Sequence[SplitScore]], float]
    measure: Measure | None = None
    interval: Callable[[int, int], tuple[float, float]] | None = None

    @property
    def sign(self) -> int:
        """The factor between the value and the rank value."""
        return 1 if self.direction == "maximise" else -1

    @property
    def rank_bounds(self) -> tuple[float, float]:
        """Bounds of the rank value."""
        ends = (self.sign * self.low + 0.0, self.sign * self.high + 0.0)  # without a minus zero
        return min(ends), max(ends)

    def rank_value(self, splits: Sequence[SplitScore]) -> float:
        """The score that trials are ranked by: higher is better, for every metric."""
        return self.sign * self.pooled(splits)

    def text(self, value: float | None) -> str:
        """A value for people: four decimals of a share, four digits of any other number; or a dash."""
        if value is None:
            return "-"
        return f"{value:.4f}" if self.unit == "share" else f"{value:.4g}"


def mean_loss(splits: Sequence[SplitScore]) -> float:
    """The loss over the examples of all splits."""
    if len(splits) == 1:
        return splits[0].loss
    return math.fsum(s.loss * s.examples for s in splits) / sum(s.examples for s in splits)


def mean_measured(splits: Sequence[SplitScore]) -> float:
    """The mean of the values on the splits, each of which counts the same."""
    return math.fsum(s.measured or 0.0 for s in splits) / len(splits)
