"""Scores on a test part: the value, its interval where there is an honest one, and its yardstick.

n examples   K outputs

An interval is that of the metric's own formula or resampling, else bias-corrected and accelerated
(BCa, Efron 1987) over resampled examples; of large parts the plain percentiles, which cover as well
there. SciPy's bootstrap answers NaN where one resample lacks a class; here such resamples do not count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from hpsearch.evidence import Doubt, MetricScore
from hpsearch.metrics import grouped
from hpsearch.metrics.metric import Counted, Floats, Metric, Needs, SplitScore
from hpsearch.metrics.regression import squared_errors
from hpsearch.metrics.resampling import (
    LACKING_MOST,
    RESAMPLES,
    ROUNDING,
    SEED,
    TAILS,
    resamples,
)
from hpsearch.metrics.weights import effective

JACKKNIFE_MOST = 2_000  # examples; above, the percentiles cover as well as BCa
FEW, ROUGH = 10, 20  # examples of the rarest class: below, no interval, and a rough one
LARGEST = 0.01  # share of the examples, one at least, whose squared errors
HEAVY, HEAVY_OF_FEW = 0.15, 0.3  # are seldom more than this share, and of a small part this one
SMALL = 100  # examples of a small part
LEAST_SHARE = 1e-300  # of a class in place of none, whose logarithm is finite

ALL = slice(None)

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A model's answers to the examples of a part, and the right ones.

    targets (n,) classes, or numbers (n, ...); predicted like them; values (n, K) probabilities of the
    classes, or predicted numbers; losses (n,), None where the answers are not a model's and the
    loss is unknown; outputs (n, K) of the network, None where there is none: the logarithms of the
    probabilities then rank the examples.

    positive
        Number of the positive class of two.
    mean
        That of the training targets in a regression; None takes that of these targets.
    weights
        (n,) how much each example counts, finite and not negative; None where they count the same.
    """

    targets: NDArray[Any]
    predicted: NDArray[Any]
    values: NDArray[Any]
    losses: NDArray[Any] | None
    outputs: NDArray[Any] | None = None
    positive: int = 1
    mean: float | None = None
    weights: Floats | None = None

    def counted(self) -> Answers:
        """These answers without those of weight 0, which are to be as if they were not there."""
        if self.weights is None or self.weights.all():
            return self
        rows = np.flatnonzero(self.weights)
        names = ("targets", "predicted", "values", "losses", "outputs", "weights")
        parts = {name: getattr(self, name) for name in names}
        return replace(self, **{name: p[rows] for name, p in parts.items() if p is not None})

    def needed(self, metric: Metric) -> tuple[NDArray[Any], NDArray[Any]]:
        """Answers that the metric is computed from, for all examples, and their targets."""
        parts: dict[Needs, NDArray[Any]] = {"predicted": self.predicted, "values": self.values}
        if self.losses is not None:
            parts["losses"] = self.losses
        if metric.needs == "outputs":
            parts["outputs"] = self._log_shares() if self.outputs is None else self.outputs
        return metric.oriented(parts[metric.needs], self.targets, self.positive)

    def value(self, metric: Metric, rows: Rows | slice = ALL) -> float:
        """The metric over all examples or some of them, one at least."""
        if self.weights is not None:
            return self._weighted(metric, self.weights[rows], rows)
        targets, correct, measured = self.targets[rows], 0, None
        if metric.task == "classification":
            correct = int(np.count_nonzero(self.predicted[rows] == targets))
        if metric.compute is not None:
            needed, oriented = self.needed(metric)
            measured = metric.compute(needed[rows], oriented[rows])
        loss = math.nan if self.losses is None else float(self.losses[rows].mean(dtype=np.float64))
        return metric.pooled([SplitScore(loss, correct, len(targets), measured)])

    def _weighted(self, metric: Metric, weights: Floats, rows: Rows | slice) -> float:
        """The same of examples that count by their weights."""
        measured, total = None, float(weights.sum())
        right = self.predicted[rows] == self.targets[rows]
        if metric.compute is not None:
            needed, oriented = self.needed(metric)
            measured = metric.weighted(needed[rows], oriented[rows], weights)
        loss = math.nan if self.losses is None else _mean(self.losses[rows], weights)
        if metric.task == "regression":
            return metric.pooled([SplitScore(loss, 0, len(weights), measured, total)])
        correct, of_right = int(np.count_nonzero(right)), float(weights @ right)
        return metric.pooled([SplitScore(loss, correct, len(weights), measured, total, of_right)])

    def _log_shares(self) -> Floats:
        logs: Floats = np.log(np.maximum(self.values.astype(np.float64), LEAST_SHARE))
        return logs


def score(metric: Metric, answers: Answers, groups: NDArray[np.int64] | None = None) -> MetricScore:
    """A model's score on a part that has examples, beside that of the same answer for all.

    With weights an example that counts 0 is left out, and the interval is that of resampled
    examples, each with its weight: formulas and studentised resampling are of equal examples.
    groups (n,): which examples belong together; intervals are then of whole groups.
    """
    if groups is not None and answers.weights is not None:
        groups = groups[answers.weights > 0]
    answers = answers.counted()
    if metric.by_class and len(np.unique(answers.targets)) < 2:
        return MetricScore(None, doubt=Doubt.ONE_CLASS, label=int(answers.targets[0]))
    value = answers.value(metric)
    if not math.isfinite(value):
        return MetricScore(None, doubt=_no_value(metric, answers, value))
    scored = MetricScore(value, baseline=_baseline(metric, answers))
    if groups is not None:
        return _by_groups(metric, answers, groups, scored)
    return _by_examples(metric, answers, scored, value)


def _by_examples(
    metric: Metric, answers: Answers, scored: MetricScore, value: float
) -> MetricScore:
    """A score with its interval by single examples, or the reason why there is none."""
    if metric.interval is not None and answers.weights is None:
        correct = int(np.count_nonzero(answers.predicted == answers.targets))
        return replace(scored, ci95=metric.interval(correct, len(answers.targets)))
    doubt = _doubt(metric, answers)
    scored = replace(scored, doubt=doubt.doubt, rows=doubt.rows, label=doubt.label)
    if doubt.doubt not in (None, Doubt.ROUGH, Doubt.HEAVY_TAILS):
        return scored
    own = (
        answers.weights is None
        and metric.interval_of
        and metric.interval_of(*answers.needed(metric))
    )
    interval = own or _interval(metric, answers, value)
    if isinstance(interval, Doubt):
        return replace(scored, doubt=interval)
    return replace(scored, ci95=interval)


def _by_groups(
    metric: Metric, answers: Answers, groups: NDArray[np.int64], scored: MetricScore
) -> MetricScore:
    """A score with its interval by whole groups, or the reason why there is none."""
    count, value = grouped.distinct(groups), scored.value
    assert value is not None  # the caller has it
    if count < grouped.FEWEST:
        return replace(scored, doubt=Doubt.FEW_GROUPS, rows=count)
    doubt = _doubt(metric, answers)
    scored = replace(scored, doubt=doubt.doubt, rows=doubt.rows, label=doubt.label)
    if doubt.doubt not in (None, Doubt.ROUGH, Doubt.HEAVY_TAILS):
        return scored
    interval = _interval_of_groups(metric, answers, groups, value)
    if isinstance(interval, Doubt):
        return replace(scored, doubt=interval, rows=None, label=None)
    scored = replace(scored, ci95=interval)
    if count < grouped.FEW:
        return replace(scored, doubt=Doubt.NARROW_BY_GROUPS, rows=count, label=None)
    return scored


def _interval_of_groups(
    metric: Metric, answers: Answers, groups: NDArray[np.int64], value: float
) -> tuple[float, float] | Doubt:
    classes = answers.targets if metric.by_class else None
    values = grouped.resampled(_counted(metric, answers), groups, classes)
    if values is None:
        return Doubt.CLASS_IN_FEW_GROUPS
    if not np.isfinite(values).all():
        return Doubt.NOT_FINITE
    if np.ptp(values) <= ROUNDING * abs(value):
        return Doubt.ALL_ALIKE
    low, high = np.quantile(values, grouped.levels(grouped.distinct(groups)))
    return float(low), float(high)


def _counted(metric: Metric, answers: Answers) -> Counted:
    """The value of examples that count as often as is said (n,), and each by its weight."""
    if metric.bind is not None:
        value, weights = metric.bind(*answers.needed(metric)), answers.weights
        return value if weights is None else lambda counts: value(counts * weights)
    rows = np.arange(len(answers.targets))
    return lambda counts: answers.value(metric, np.repeat(rows, counts.astype(np.intp)))


def constant(answers: Answers, *, classes: bool) -> Answers:
    """The same answer for every example: the best one that knows nothing of an example.

    The most frequent class and the shares of all, or the mean of the training targets.
    """
    n, targets, weights = len(answers.targets), answers.targets, answers.weights
    if not classes:
        at: Any = answers.mean
        if at is None:
            at = np.average(targets.astype(np.float64), axis=0, weights=weights)
        mean = np.broadcast_to(at, targets.shape)
        return Answers(targets, mean, mean.reshape(n, -1), None, weights=weights)
    counts = np.bincount(targets, weights, minlength=answers.values.shape[1])
    shares = counts / (n if weights is None else weights.sum())
    predicted = np.full(n, np.argmax(counts), np.intp)
    values = np.broadcast_to(shares, (n, len(shares)))
    losses = -np.log(shares[targets])
    return Answers(
        targets, predicted, values, losses, positive=answers.positive, weights=weights
    )  # fmt: skip


def _baseline(metric: Metric, answers: Answers) -> float | None:
    same = constant(answers, classes=metric.task == "classification")
    if same.losses is None and (metric.compute is None or metric.needs == "losses"):
        return None  # nobody knows the loss of such an answer
    value = same.value(metric)
    return value if math.isfinite(value) else None


def _no_value(metric: Metric, answers: Answers, value: float) -> Doubt:
    """The reason for a value that is not finite."""
    if metric.compute is None or not math.isnan(value) or not np.isfinite(answers.values).all():
        return Doubt.NOT_FINITE
    return Doubt.CONSTANT if metric.task == "regression" else Doubt.NO_POSITIVE


def _doubt(metric: Metric, answers: Answers) -> MetricScore:
    """Doubt about an interval, with the count behind it; none where the value has none."""
    doubt = _few(metric, answers) if metric.by_class else _heavy(metric, answers)
    return doubt if answers.weights is None else _uneven(metric, answers, answers.weights, doubt)


def _heavy(metric: Metric, answers: Answers) -> MetricScore:
    """Doubt about an interval because a few examples make most of the squared error."""
    if not metric.squares:
        return MetricScore(None)
    squares = squared_errors(answers.predicted, answers.targets)
    if answers.weights is not None:
        squares = squares * answers.weights
    squares = np.sort(squares)[::-1]
    count = max(1, round(LARGEST * len(squares)))
    most = HEAVY_OF_FEW if len(squares) < SMALL else HEAVY
    if not squares[:count].sum() > most * squares.sum():
        return MetricScore(None)
    return MetricScore(None, doubt=Doubt.HEAVY_TAILS, rows=count)


def _few(metric: Metric, answers: Answers) -> MetricScore:
    """Doubt about an interval because of the rarest class, with the count behind it."""
    counts = np.bincount(answers.targets)
    present = np.flatnonzero(counts)
    predicted = np.bincount(answers.predicted, minlength=len(counts))
    rarest = int(present[np.argmin(counts[present])])
    seldom = int(present[np.argmin(predicted[present])])
    if counts[rarest] < FEW:
        return MetricScore(None, doubt=Doubt.FEW_ROWS, rows=int(counts[rarest]), label=rarest)
    if metric.needs == "predicted" and predicted[seldom] < FEW:
        rows = int(predicted[seldom])
        return MetricScore(None, doubt=Doubt.FEW_PREDICTED, rows=rows, label=seldom)
    if counts[rarest] < ROUGH:
        return MetricScore(None, doubt=Doubt.ROUGH, rows=int(counts[rarest]), label=rarest)
    return MetricScore(None)


def _uneven(metric: Metric, answers: Answers, weights: Floats, doubt: MetricScore) -> MetricScore:
    """Doubt because the weights leave as few examples as give no interval; else the one there is."""
    if doubt.doubt in (Doubt.FEW_ROWS, Doubt.FEW_PREDICTED):
        return doubt
    parts: dict[int | None, Floats] = {None: weights}
    if metric.by_class:
        parts |= {int(k): weights[answers.targets == k] for k in np.unique(answers.targets)}
    label, part = min(parts.items(), key=lambda item: effective(item[1]))
    if effective(part) >= FEW:
        return doubt
    return MetricScore(None, doubt=Doubt.UNEVEN, rows=int(effective(part)), label=label)


def _mean(values: NDArray[Any], weights: Floats) -> float:
    return float(weights @ values.astype(np.float64)) / float(weights.sum())


def _interval(metric: Metric, answers: Answers, value: float) -> tuple[float, float] | Doubt:
    resampled = _resampled(metric, answers)
    if len(resampled) < (1 - LACKING_MOST) * RESAMPLES:
        return Doubt.FEW_ROWS
    if not np.isfinite(resampled).all():
        return Doubt.NOT_FINITE
    if np.ptp(resampled) <= ROUNDING * abs(value):
        return Doubt.ALL_ALIKE
    low, high = np.quantile(resampled, _levels(metric, answers, value, resampled))
    return float(low), float(high)


def _resampled(metric: Metric, answers: Answers) -> Floats:
    """Values of resampled examples, those left out that lack a class which the part has."""
    if metric.bind is not None:
        return _recounted(metric, answers)
    n, rng = len(answers.targets), np.random.default_rng(SEED)
    present = np.unique(answers.targets) if metric.by_class else ()
    values = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, n, n)
        if metric.by_class and len(np.unique(answers.targets[rows])) < len(present):
            continue
        values.append(answers.value(metric, rows))
    return np.array(values)


def _recounted(metric: Metric, answers: Answers) -> Floats:
    """The same by counts of the examples; those without a value are left out as well."""
    assert metric.bind is not None
    n, value = len(answers.targets), metric.bind(*answers.needed(metric))
    once = _once(answers)
    present = np.unique(answers.targets) if metric.by_class else np.zeros(0, np.intp)
    values = []
    for counts in resamples(n):
        by_class = np.bincount(answers.targets, counts) if metric.by_class else counts
        if metric.by_class and not by_class[present].all():
            continue
        values.append(value(counts * once))
    return np.array([one for one in values if not math.isnan(one)])


def _without_each(metric: Metric, answers: Answers) -> Floats:
    """(n,) the values of all examples but one."""
    n = len(answers.targets)
    if metric.bind is None:
        rows = np.arange(n)
        return np.array([answers.value(metric, np.delete(rows, i)) for i in rows])
    value, once, values = metric.bind(*answers.needed(metric)), _once(answers), np.empty(n)
    counts = once.copy()
    for i in range(n):
        counts[i] = 0
        values[i] = value(counts)
        counts[i] = once[i]
    return values


def _once(answers: Answers) -> Floats:
    """(n,) how much each example counts."""
    weights = answers.weights
    return np.ones(len(answers.targets)) if weights is None else weights.astype(np.float64)


def _levels(metric: Metric, answers: Answers, value: float, resampled: Floats) -> Floats:
    """The two quantiles of the resampled values that bound the interval."""
    bias = float(ndtri((np.mean(resampled < value) + np.mean(resampled <= value)) / 2))
    if len(answers.targets) > JACKKNIFE_MOST or not math.isfinite(bias):
        return TAILS
    without = _without_each(metric, answers)
    away = without.mean() - without
    spread = float(np.sum(away**2))
    if not spread > 0:
        return TAILS
    acceleration = float(np.sum(away**3)) / (6 * spread**1.5)
    z = bias + ndtri(TAILS)
    levels: Floats = ndtr(bias + z / (1 - acceleration * z))
    return levels
