"""The difference of two models on the same examples.

n   examples of a part

Both are scored on the same resamples, which is far sharper than two intervals that are laid side by
side: what makes an example hard for one makes it hard for the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from hpsearch.metrics.metric import Counted, Floats, Metric, SplitScore
from hpsearch.metrics.resampling import LACKING_MOST, RESAMPLES, TAILS, resamples
from hpsearch.metrics.tested import Answers
from hpsearch.plural import counted

DIFFERING_LEAST = 10  # examples that the models answer differently; below, there is no verdict
CLASS_LEAST = 10  # examples of the rarest class, for a metric that compares the classes
Z = NormalDist().inv_cdf(0.975)
HALVINGS = 60  # of an interval of length 1: more would not change a float64


@dataclass(frozen=True, slots=True)
class Difference:
    """The first model's value minus the second one's, by the metric's own direction.

    ci95
        Its 95 % interval; None where there is no verdict, and `why` says so.
    differing
        Examples that the metric sees answered differently.
    at_most
        Where no example differs, the share of such examples on which the models may differ: the
        upper end of the exact interval (Clopper and Pearson 1934). None otherwise.
    """

    value: float | None
    ci95: tuple[float, float] | None
    differing: int
    at_most: float | None = None
    why: str | None = None


def difference(metric: Metric, first: Answers, second: Answers) -> Difference:
    """Two models' answers to the same examples of the same weights, compared by a metric.

    Raises: ValueError if these are not answers to the same examples.
    """
    if not np.array_equal(first.targets, second.targets):
        raise ValueError("two models are compared on the same examples")
    first, second = first.counted(), second.counted()
    values = first.value(metric), second.value(metric)
    value = values[0] - values[1] if all(map(math.isfinite, values)) else None
    differ = seen(metric, first) != seen(metric, second)
    differing = int(np.count_nonzero(differ.reshape(len(differ), -1).any(axis=1)))
    why, at_most = no_verdict(metric, first, value, differing)
    if why is not None:
        return Difference(value, None, differing, at_most, why)
    if metric.interval is not None and first.weights is None:
        b, c = (int(np.count_nonzero(differ & _right(one))) for one in (first, second))
        return Difference(value, score_interval(len(first.targets), b, c), differing)
    ends = _resampled(metric, first, second)
    lacking = None if ends else "no verdict: too many resamples have no value"
    return Difference(value, ends, differing, why=lacking)


def score_interval(n: int, b: int, c: int) -> tuple[float, float]:
    """The 95 % interval of a difference of paired shares, (b - c) / n (Tango 1998, equation 11).

    Of n pairs b are right in the first alone and c in the second alone. The ends are the
    differences that a score test at 5 % just does not reject.
    """

    def distance(d: float) -> float:
        middle = (2 * n - b + c) * d - b - c
        q = (math.sqrt(max(middle**2 + 8 * n * c * d * (1 - d), 0.0)) - middle) / (4 * n)
        spread = n * (2 * q + d * (1 - d))
        off = b - c - n * d
        return off / math.sqrt(spread) if spread > 0 else math.copysign(math.inf, off)

    def end(outside: float, wanted: float) -> float:
        inside = (b - c) / n
        for _ in range(HALVINGS):
            at = (inside + outside) / 2
            inside, outside = (at, outside) if abs(distance(at)) < wanted else (inside, at)
        return inside

    return end(-1.0, Z), end(1.0, Z)


def seen(metric: Metric, answers: Answers) -> Floats:
    """(n, ...) what the metric is made of: answers, or losses where it is a mean of them."""
    if metric.compute is None and metric.interval is None and answers.losses is not None:
        return answers.losses
    return answers.needed(metric)[0]


def _right(answers: Answers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    made: np.ndarray[tuple[int], np.dtype[np.bool_]] = answers.predicted == answers.targets
    return made


def no_verdict(
    metric: Metric, part: Answers, value: float | None, differing: int
) -> tuple[str | None, float | None]:
    """The reason why there is no interval, and what can be said all the same."""
    if value is None:
        return "no verdict: the part has no value of this metric", None
    if not differing:
        most = 1 - 0.025 ** (1 / len(part.targets))
        such = f"the models differ on at most {100 * most:.2g} % of such examples"
        return f"no verdict: no example differs; {such}", most
    if differing < DIFFERING_LEAST:
        examples = counted(differing, "example")
        return f"no verdict: {examples} answered differently; one takes {DIFFERING_LEAST}", None
    if metric.by_class and np.unique(part.targets, return_counts=True)[1].min() < CLASS_LEAST:
        return f"no verdict: a class has fewer than {CLASS_LEAST} examples", None
    return None, None


def _resampled(metric: Metric, first: Answers, second: Answers) -> tuple[float, float] | None:
    """The percentiles over resampled examples, the same for both, each with its weight."""
    one, other = counted_value(metric, first), counted_value(metric, second)
    present = np.unique(first.targets) if metric.by_class else None
    once = np.ones(len(first.targets)) if first.weights is None else first.weights
    made = (
        one(counts * once) - other(counts * once)
        for counts in resamples(len(first.targets))
        if present is None or np.bincount(first.targets, counts)[present].all()
    )
    values = np.array([value for value in made if math.isfinite(value)])
    if len(values) < (1 - LACKING_MOST) * RESAMPLES:
        return None
    low, high = np.quantile(values, TAILS)
    return float(low), float(high)


def counted_value(metric: Metric, answers: Answers) -> Counted:
    """The metric's value of counted examples."""
    if metric.bind is not None:
        return metric.bind(*answers.needed(metric))
    if metric.compute is not None:
        raise ValueError(f"{metric.title} cannot be resampled quickly: it has no `bind`")
    right = _right(answers).astype(np.float64)
    losses = np.zeros(len(right)) if answers.losses is None else answers.losses.astype(np.float64)

    def value(counts: Floats) -> float:
        total = float(counts.sum())
        loss, correct = float(counts @ losses) / total, float(counts @ right)
        return metric.pooled([SplitScore(loss, 0, len(right), None, total, correct)])

    return value
