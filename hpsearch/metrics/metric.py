"""The declaration of a metric, and the pooling that several of them share.

n   examples of one split's validation part
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

Task: TypeAlias = Literal["classification", "regression"]
Direction: TypeAlias = Literal["maximise", "minimise"]
Unit: TypeAlias = Literal["share", "number"]
Needs: TypeAlias = Literal["predicted", "values", "losses"]
Compute: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], float]
"""`Metric.needs` of a split's examples (n, ...), and their targets (n, ...) -> the value on it."""


@dataclass(frozen=True, slots=True)
class SplitScore:
    """A split of a trial after an epoch.

    `loss` is the mean over the `examples` of its validation part, `correct` counts those whose
    prediction is the target, `measured` is the value of `Metric.compute`, None without one.
    """

    loss: float
    correct: int
    examples: int
    measured: float | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to score a trial.

    title
        Its name for people: "log loss".
    pooled
        The value over all splits of a trial, of which there is at least one, none empty.
    compute, needs
        The value on one split, and what it is computed from: the predictions, the values behind
        them (n, K), which are probabilities of the classes or predicted numbers, or the examples'
        losses. None for a metric that counts and mean loss are enough for.
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
    compute: Compute | None = None
    needs: Needs = "predicted"
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
