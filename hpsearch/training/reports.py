"""From outcomes of the engine to reports: a trial's splits pooled, scored by the metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.metrics import METRICS, Metric, SplitScore, mean_loss
from hpsearch.trials import TrialReport, TrialState

METRIC = "metric"  # the engine's name for the measure of a metric
ALSO = "also "  # the same of another metric, in front of its name

STATES = {
    "completed": TrialState.COMPLETED,
    "stopped": TrialState.STOPPED,
    "diverged": TrialState.DIVERGED,
}


def measures(
    metric: Metric, positive: int = 1, also: Sequence[str] = ()
) -> Mapping[str, nn.Measure]:
    """The measures that the engine takes for a metric, and for those of the names `also`.

    Nothing but the objective and what is required is computed after an epoch, so no other search pays for
    a metric.
    """
    made = {METRIC: _measure(metric, positive)}
    made |= {f"{ALSO}{name}": _measure(METRICS[name], positive) for name in also}
    return {name: measure for name, measure in made.items() if measure is not None}


def _measure(metric: Metric, positive: int) -> nn.Measure | None:
    """The measure of a metric; None where counts and losses are enough for it."""
    compute = metric.compute
    if compute is None:
        return None

    def oriented(needed: NDArray[Any], targets: NDArray[Any]) -> float:
        return compute(*metric.oriented(needed, targets, positive))

    def weighted(needed: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]) -> float:
        return metric.weighted(*metric.oriented(needed, targets, positive), weights)

    by_weight = weighted if metric.takes_weights else None
    return nn.Measure(oriented if metric.binary else compute, metric.needs, by_weight)


@dataclass(frozen=True, slots=True)
class Pooled:
    """An epoch of a trial over all its splits.

    `loss` is the mean over the validation examples of all splits, NaN where there are none;
    `score` is the metric's rank value, None where there are no examples. `correct` counts the
    correct predictions for `examples`; None and 0 in a regression, which has none. `accuracy` is
    the share of the weights that is right, None where examples have none.
    """

    epoch: int
    loss: float
    correct: int | None
    examples: int
    score: float | None
    accuracy: float | None = None


def pooled(scores: Sequence[nn.EpochScore], metric: Metric) -> Pooled:
    """The same epoch of a trial on every split (one at least), taken together."""
    splits = _splits(scores, METRIC)
    examples, correct = sum(s.examples for s in splits), sum(s.correct for s in splits)
    score = metric.rank_value(splits) if examples else None
    loss = mean_loss(splits)
    if metric.task == "regression":
        return Pooled(scores[0].epoch, loss, None, 0, score)
    accuracy = METRICS["accuracy"].pooled(splits) if splits[0].weight is not None else None
    return Pooled(scores[0].epoch, loss, correct, examples, score, accuracy)


def _splits(scores: Sequence[nn.EpochScore], measure: str) -> list[SplitScore]:
    return [
        SplitScore(s.loss, s.n_correct or 0, s.examples, s.measures.get(measure), s.weight, s.right)
        for s in scores
    ]


def _also(scores: Sequence[nn.EpochScore], names: Sequence[str]) -> Mapping[str, float] | None:
    """The finite values of other metrics after the same epoch on every split; None without any."""
    if not names or not sum(s.examples for s in scores):
        return None
    values = {
        name: METRICS[name].sign * METRICS[name].rank_value(_splits(scores, f"{ALSO}{name}"))
        for name in names
    }
    return {name: value for name, value in values.items() if math.isfinite(value)}


def report(
    index: int, outcomes: Sequence[nn.Outcome], metric: Metric, also: Sequence[str] = ()
) -> TrialReport:
    """A trial as it is stored, from its outcomes on every split (one at least).

    It has diverged if it did on one split, and its epochs are those finished on all. `also` names
    metrics that are stored beside the score after the last epoch.
    """
    # Of unequal lengths only where the trial diverged on some of the splits.
    epochs = [*zip(*(o.curve for o in outcomes), strict=False)]
    curve = [pooled(scores, metric) for scores in epochs]
    state = next((o.state for o in outcomes if o.state == "diverged"), outcomes[0].state)
    last = curve[-1] if curve else None
    return TrialReport(
        index=index,
        state=STATES[state],
        epochs=len(curve),
        correct=(last.correct or 0) if last else 0,
        examples=last.examples if last else 0,
        loss=_finite(last.loss) if last else None,
        # Rows that are right are no accuracy where rows count by weights.
        curve=[
            (p.epoch, _finite(p.loss), p.correct if p.accuracy is None else None, p.score)
            for p in curve
        ],
        score=last.score if last and state != "diverged" else None,
        accuracy=last.accuracy if last else None,
        metrics=_also(epochs[-1], also) if last and state != "diverged" else None,
    )


def correct_mask(outcomes: Sequence[nn.Outcome], parts: Sequence[nn.Examples]) -> bytes:
    """A bit for each validation example that was classified correctly, split behind split."""
    correct = [
        outcome.predicted == part.targets
        for outcome, part in zip(outcomes, parts, strict=True)
        if outcome.predicted is not None
    ]
    return np.packbits(np.concatenate(correct)).tobytes()


def _finite(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None
