"""The gain of one setting over another on a test part, each trained several times.

n examples   k trainings of each setting   R resamples

    gain      mean over the first setting's models minus that over the second one's, by the metric,
              turned so that above 0 the first is the better one
    s_e       its standard deviation over resampled examples, the same ones for all models: what
              makes an example hard makes it hard for all. Whole groups are resampled where there are
              groups, each example with its weight where there are weights
    s_a, s_b  standard deviations of a training's value about its setting's mean
    e_a, e_b  the part of them that comes from single examples, which s_e has counted already: that of
              the differences of a setting's models, over resampled examples

    interval  gain ± t sqrt(s_e² + (s_a² - e_a²) / k + (s_b² - e_b²) / k), no part below 0, and t by
              the degrees of freedom of that sum (Satterthwaite 1946)

A difference of two single models alone would take the luck of two trainings for a difference of two
settings. Of one training each nothing tells that luck: the interval is then that of the two models
(`hpsearch.metrics.paired`), and a note says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from hpsearch.evidence import Gain, Gains
from hpsearch.metrics import grouped, paired
from hpsearch.metrics.metric import Counted, Floats, Metric
from hpsearch.metrics.paired import Z, difference
from hpsearch.metrics.resampling import LACKING_MOST, resamples
from hpsearch.metrics.tested import Answers

RESAMPLES = 200  # for a standard deviation; quantiles would take more
ONE_EACH = "of these two models alone: what another training would change is not in it"

Groups = NDArray[np.int64] | None


def gain(
    metric: Metric, ours: Sequence[Answers], theirs: Sequence[Answers], groups: Groups = None
) -> Gain:
    """The gain of `ours` over `theirs`: as many models of each, all on the same examples.

    groups (n,): which examples belong together.

    Raises: ValueError if these are not answers to the same examples.
    """
    targets = ours[0].targets
    if not all(np.array_equal(targets, one.targets) for one in (*ours, *theirs)):
        raise ValueError("settings are compared on the same examples")
    if groups is not None and ours[0].weights is not None:
        groups = groups[ours[0].weights > 0]
    ours, theirs = [one.counted() for one in ours], [one.counted() for one in theirs]
    values = [np.array([one.value(metric) for one in models]) for models in (ours, theirs)]
    value = metric.sign * float(values[0].mean() - values[1].mean())
    known = value if math.isfinite(value) else None
    why, _ = paired.no_verdict(metric, ours[0], known, _differing(metric, ours, theirs))
    if why is None and groups is not None and grouped.distinct(groups) < grouped.FEWEST:
        why = (
            f"no verdict: {grouped.distinct(groups)} groups of examples; one takes {grouped.FEWEST}"
        )
    if why is not None:
        return Gain(known, note=why)
    if len(ours) == 1 and groups is None:
        return _of_two(metric, ours[0], theirs[0])
    return _of_many(metric, ours, theirs, groups, value, values)


def gains(
    metrics: Sequence[str],
    registry: Mapping[str, Metric],
    ours: Sequence[Answers],
    theirs: Sequence[Answers],
    groups: Groups = None,
) -> Gains:
    """The gains by every metric, beside the mean values of both settings' models."""
    return Gains(
        metrics={name: gain(registry[name], ours, theirs, groups) for name in metrics},
        recommended={name: mean_value(registry[name], ours) for name in metrics},
        baseline={name: mean_value(registry[name], theirs) for name in metrics},
        models=len(ours),
    )


def mean_value(metric: Metric, models: Sequence[Answers]) -> float | None:
    """The mean of the models' values; None where one has none."""
    value = float(np.mean([one.counted().value(metric) for one in models]))
    return value if math.isfinite(value) else None


def of_scores(ours: Sequence[float], theirs: Sequence[float]) -> Gain:
    """The gain by reported scores, higher is better, which nothing pairs (Welch 1947)."""
    value = float(np.mean(ours) - np.mean(theirs))
    if min(len(ours), len(theirs)) < 2:
        return Gain(value, note="no verdict: one model each; a spread takes two")
    variances = [float(np.var(one, ddof=1)) / len(one) for one in (ours, theirs)]
    parts = [_Part(v, v, len(one) - 1.0) for v, one in zip(variances, (ours, theirs), strict=True)]
    return _interval(value, parts, None)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the gain's variance; `estimated` is the variance that has the degrees of freedom."""

    variance: float
    estimated: float
    freedom: float


def _of_two(metric: Metric, ours: Answers, theirs: Answers) -> Gain:
    made = difference(metric, ours, theirs)
    assert made.value is not None  # the caller has looked
    value = metric.sign * made.value
    if made.ci95 is None:
        return Gain(value, note=made.why)
    low, high = sorted(metric.sign * end for end in made.ci95)
    error = (high - low) / (2 * Z)
    return Gain(value, low, high, float(stdtr(np.inf, value / error)), ONE_EACH)


def _of_many(
    metric: Metric,
    ours: Sequence[Answers],
    theirs: Sequence[Answers],
    groups: Groups,
    value: float,
    values: Sequence[Floats],
) -> Gain:
    resampled = _resampled(metric, ours, theirs, groups)
    if len(resampled) < (1 - LACKING_MOST) * RESAMPLES:
        return Gain(value, note="no verdict: too many resamples have no value")
    units, wide, note = len(ours[0].targets), 1.0, None
    if groups is not None:
        units = grouped.distinct(groups)
        wide = units / (units - 1)
        if units < grouped.FEW:
            note = f"the interval is too narrow: {units} groups of test examples"
    by_setting = np.split(resampled, 2, axis=1)
    sampled = wide * float((by_setting[0].mean(axis=1) - by_setting[1].mean(axis=1)).var(ddof=1))
    parts = [_Part(sampled, sampled, units - 1.0)]
    if len(ours) > 1:
        parts += [_of_trainings(v, r, wide) for v, r in zip(values, by_setting, strict=True)]
    else:
        note = ONE_EACH if note is None else f"{ONE_EACH}; {note}"
    return _interval(value, parts, note)


def _of_trainings(values: Floats, resampled: Floats, wide: float) -> _Part:
    """The part of a setting's trainings: values (k,), and those of resampled examples (R, k)."""
    k = len(values)
    own = resampled - resampled.mean(axis=1, keepdims=True)
    of_examples = wide * float(own.var(axis=0, ddof=1).mean()) * k / (k - 1)
    between = float(values.var(ddof=1))
    return _Part(max(0.0, between - of_examples) / k, between / k, k - 1.0)


def _interval(value: float, parts: Sequence[_Part], note: str | None) -> Gain:
    """The interval by the parts of the variance."""
    variance = sum(part.variance for part in parts)
    if not variance > 0:
        return Gain(value, note="no verdict: every training of a setting has the same score")
    # By shares of the variance: the square of what a score of 1e100 varies by is no float any more.
    freedom = 1 / sum((part.estimated / variance) ** 2 / part.freedom for part in parts)
    error = math.sqrt(variance)
    half = float(stdtrit(freedom, 0.975)) * error
    return Gain(value, value - half, value + half, float(stdtr(freedom, value / error)), note)


def _differing(metric: Metric, ours: Sequence[Answers], theirs: Sequence[Answers]) -> int:
    """Examples that some pair of models, one of each setting, answers differently for the metric."""
    differ = [
        (paired.seen(metric, one) != paired.seen(metric, other)).reshape(len(one.targets), -1)
        for one, other in zip(ours, theirs, strict=True)
    ]
    return int(np.count_nonzero(np.any([d.any(axis=1) for d in differ], axis=0)))


def _resampled(
    metric: Metric, ours: Sequence[Answers], theirs: Sequence[Answers], groups: Groups
) -> Floats:
    """(R, 2 k) values of resampled examples by model; resamples without a value are left out."""
    first, targets = ours[0], ours[0].targets
    present = np.unique(targets) if metric.by_class else None
    models = [_value(metric, one) for one in (*ours, *theirs)]
    made = []
    for counts in _counts(len(targets), groups):
        if present is not None and not np.bincount(targets, counts)[present].all():
            continue
        if first.weights is not None and not counts @ first.weights > 0:
            continue
        made.append([value(counts) for value in models])
    values = np.array(made).reshape(len(made), len(models))
    finite: Floats = values[np.isfinite(values).all(axis=1)]
    return finite


def _counts(n: int, groups: Groups) -> Iterator[Floats]:
    """(n,) how often each example is drawn, R times."""
    return islice(resamples(n) if groups is None else grouped.drawn_groups(groups), RESAMPLES)


def _value(metric: Metric, answers: Answers) -> Counted:
    """The metric's value of examples that are drawn so many times (n,), each with its weight."""
    weights = answers.weights
    if metric.bind is None and metric.compute is not None:
        rows = np.arange(len(answers.targets))
        return lambda counts: answers.value(metric, np.repeat(rows, counts.astype(np.intp)))
    value = paired.counted_value(metric, answers)
    return value if weights is None else lambda counts: value(counts * weights)
