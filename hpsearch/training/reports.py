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

STATES = {
    "completed": TrialState.COMPLETED,
    "stopped": TrialState.STOPPED,
    "diverged": TrialState.DIVERGED,
}


def measures(metric: Metric, positive: int = 1) -> Mapping[str, nn.Measure]:
    """The measure that the engine takes for a metric, if it needs one.

    Nothing but the objective is computed after an epoch, so no other search pays for a metric.
    """
    compute = metric.compute
    if compute is None:
        return {}

    def oriented(needed: NDArray[Any], targets: NDArray[Any]) -> float:
        return compute(*metric.oriented(needed, targets, positive))

    def weighted(needed: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]) -> float:
        return metric.weighted(*metric.oriented(needed, targets, positive), weights)

    by_weight = weighted if metric.takes_weights else None
    return {METRIC: nn.Measure(oriented if metric.binary else compute, metric.needs, by_weight)}


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
    splits = [
        SplitScore(s.loss, s.n_correct or 0, s.examples, s.measures.get(METRIC), s.weight, s.right)
        for s in scores
    ]
    examples, correct = sum(s.examples for s in splits), sum(s.correct for s in splits)
    score = metric.rank_value(splits) if examples else None
    loss = mean_loss(splits)
    if metric.task == "regression":
        return Pooled(scores[0].epoch, loss, None, 0, score)
    accuracy = METRICS["accuracy"].pooled(splits) if splits[0].weight is not None else None
    return Pooled(scores[0].epoch, loss, correct, examples, score, accuracy)


def report(index: int, outcomes: Sequence[nn.Outcome], metric: Metric) -> TrialReport:
    """A trial as it is stored, from its outcomes on every split (one at least).

    It has diverged if it did on one split, and its epochs are those finished on all.
    """
    # Of unequal lengths only where the trial diverged on some of the splits.
    epochs = zip(*(o.curve for o in outcomes), strict=False)
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
