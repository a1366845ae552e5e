"""The declaration of a metric, and the pooling that several of them share.

n   examples of one split's validation part, or of the test part      K   classes
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Task: TypeAlias = Literal["classification", "regression"]
Direction: TypeAlias = Literal["maximise", "minimise"]
Unit: TypeAlias = Literal["share", "number"]
Needs: TypeAlias = Literal["predicted", "values", "losses", "outputs"]
Floats: TypeAlias = NDArray[np.float64]
Compute: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], float]
"""`Metric.needs` of a split's examples (n, ...), and their targets (n, ...) -> the value on it."""
Counted: TypeAlias = Callable[[Floats], float]
"""The weight of each example (n,) -> the value, NaN where these examples have none."""
Bind: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], Counted]
"""The arguments of a `Compute` -> values of the same examples, counted in many ways."""
Interval: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], tuple[float, float] | None]
"""The arguments of a `Compute` -> the 95 % interval of the value, None where it has none."""


@dataclass(frozen=True, slots=True)
class SplitScore:
    """A split of a trial after an epoch.

    `loss` is the mean over the `examples` of its validation part, `correct` counts those whose
    prediction is the target, `measured` is the value of `Metric.compute`, None without one.

    weight, right
        Sum of the weights of all examples, and of the correct ones; loss and `measured` are then
        weighted as well. None where every example counts the same.
    """

    loss: float
    correct: int
    examples: int
    measured: float | None = None
    weight: float | None = None
    right: float = 0.0


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to score a trial.

    title
        Its name for people: "log loss".
    pooled
        The value over all splits of a trial, of which there is at least one, none empty.
    compute, needs
        The value on one split, NaN where it has none, and what it is computed from: the
        predictions, the values behind them (n, K), which are probabilities of the classes or
        predicted numbers, the examples' losses, or the network's outputs (n, K), which do not
        saturate as probabilities do. None for a metric that counts and mean loss are enough for.
    bind
        The same for examples that count more than once or not at all: resampling is quick by it,
        and weights are such counts. Where it is given, `compute` is made of it.
    low, high
        Bounds of the value.
    interval
        (correct, examples) -> the 95 % interval of the value; None where there is no such formula,
        and the examples are resampled (`hpsearch.metrics.tested`).
    by_class
        The value compares the classes: a class with few examples makes it as uncertain as they
        are, and one class alone leaves nothing to compare.
    interval_of
        The interval by a formula of its own, or by another resampling than the usual one.
    binary
        It takes two classes and speaks of one of them, the positive one: see `oriented`.
    without
        The value of a trial that has none on any split: that of a model which knows nothing.
    squares
        Squared errors make the value: where a few of them make most of it, no interval is honest.
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
    by_class: bool = False
    bind: Bind | None = None
    interval_of: Interval | None = None
    binary: bool = False
    without: float = 0.0
    squares: bool = False

    def __post_init__(self) -> None:
        if self.compute is None and self.bind is not None:
            object.__setattr__(self, "compute", at_once(self.bind))

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
        value = self.pooled(splits)
        return self.sign * (self.without if math.isnan(value) and self.compute else value)

    @property
    def takes_weights(self) -> bool:
        """Tell whether examples may count differently; of what is computed at once they may not."""
        return self.compute is None or self.bind is not None

    def weighted(self, needed: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]) -> float:
        """The value on examples that count by their weights (n,); those of weight 0 are not there.

        An example of weight 2 is as good as the same example twice.

        Raises: ValueError if the metric takes no weights, or has no function of a split's examples.
        """
        if self.bind is None:
            raise ValueError(f"{self.title} takes no weights")
        rows = np.flatnonzero(weights > 0)
        if not len(rows):
            return math.nan
        return self.bind(needed[rows], targets[rows])(weights[rows].astype(np.float64))

    def oriented(
        self, needed: NDArray[Any], targets: NDArray[Any], positive: int
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The arguments of `compute`, which takes class 1 for the positive one if `binary`."""
        if not self.binary or positive == 1:
            return needed, targets
        if self.needs == "predicted":
            return 1 - needed, 1 - targets
        return (needed if self.needs == "losses" else needed[:, ::-1]), 1 - targets

    def text(self, value: float | None) -> str:
        """A value for people: four decimals of a share, four digits of any other number; or a dash."""
        if value is None:
            return "-"
        return f"{value:.4f}" if self.unit == "share" else f"{value:.4g}"


def mean_loss(splits: Sequence[SplitScore]) -> float:
    """The loss over the examples of all splits."""
    if len(splits) == 1:
        return splits[0].loss
    each = [s.examples if s.weight is None else s.weight for s in splits]
    return math.fsum(s.loss * n for s, n in zip(splits, each, strict=True)) / sum(each)


def mean_measured(splits: Sequence[SplitScore]) -> float:
    """The mean of the values on the splits, which count the same, or by their weights.

    A split that has no value, such as one without a class, is left out; NaN where none has one.
    """
    with_value = [s for s in splits if not math.isnan(s.measured or 0.0)]
    values = [s.measured or 0.0 for s in with_value]
    weights = [s.weight for s in with_value if s.weight is not None]
    if weights and len(values) > 1:
        return math.fsum(map(operator.mul, values, weights)) / math.fsum(weights)
    return math.fsum(values) / len(values) if values else math.nan


def at_once(bind: Bind) -> Compute:
    """The value where each example counts once."""

    def compute(needed: NDArray[Any], targets: NDArray[Any]) -> float:
        return bind(needed, targets)(np.ones(len(targets)))

    return compute
