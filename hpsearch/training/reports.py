"""From outcomes of the engine to reports: a trial's splits pooled, scored by the metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch import nn
from hpsearch.metrics import Metric, SplitScore, mean_loss
from hpsearch.trials import TrialReport, TrialState

METRIC = "metric"  # the engine's name for the measure of a metric

STATES = {
    "completed": TrialState.COMPLETED,
    "stopped": TrialState.STOPPED,
    "diverged": TrialState.DIVERGED,
}


def measures(metric: Metric) -> Mapping[str, nn.Measure]:
    """The measure that the engine takes for a metric, if it needs one."""
    return {METRIC: nn.Measure(metric.compute, metric.needs)} if metric.compute else {}


@dataclass(frozen=True, slots=True)
class Pooled:
    """An epoch of a trial over all its splits.

    `loss` is the mean over the validation examples of all splits, NaN where there are none;
    `score` is the metric's rank value, None where there are no examples. `correct` counts the
    correct predictions for `examples`; None and 0 in a regression, which has none.
    """

    epoch: int
    loss: float
    correct: int | None
    examples: int
    score: float | None


def pooled(scores: Sequence[nn.EpochScore], metric: Metric) -> Pooled:
    """The same epoch of a trial on every split (one at least), taken together."""
    splits = [
        SplitScore(s.loss, s.n_correct or 0, s.examples, s.measures.get(METRIC)) for s in scores
    ]
    examples, correct = sum(s.examples for s in splits), sum(s.correct for s in splits)
    score = metric.rank_value(splits) if examples else None
    loss = mean_loss(splits)
    if metric.task == "regression":
        return Pooled(scores[0].epoch, loss, None, 0, score)
    return Pooled(scores[0].epoch, loss, correct, examples, score)


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
        curve=[(p.epoch, _finite(p.loss), p.correct, p.score) for p in curve],
        score=last.score if last and state != "diverged" else None,
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
