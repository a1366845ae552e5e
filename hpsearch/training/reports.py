"""From outcomes of the engine to what is stored: a trial's splits pooled, scored as asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch import nn
from hpsearch.spec.models import Objective
from hpsearch.trials import TrialReport, TrialState

STATES = {
    "completed": TrialState.COMPLETED,
    "stopped": TrialState.STOPPED,
    "diverged": TrialState.DIVERGED,
}


@dataclass(frozen=True, slots=True)
class Pooled:
    """One epoch of one trial over all its splits.

    `loss` is the mean over the validation examples of all splits, NaN where there are none;
    `score` is the objective's, higher is better, None where there are no examples.
    """

    epoch: int
    loss: float
    correct: int
    examples: int
    score: float | None


def pooled(scores: Sequence[nn.EpochScore], objective: Objective) -> Pooled:
    """The same epoch of a trial on every split (one at least), taken together."""
    examples = sum(s.examples for s in scores)
    correct = sum(s.n_correct or 0 for s in scores)
    loss = scores[0].loss
    if len(scores) > 1:
        loss = math.fsum(s.loss * s.examples for s in scores) / examples
    score = None
    if examples:
        score = {
            "accuracy": correct / examples,
            "balanced_accuracy": _mean([s.measures.get("balanced_accuracy", 0.0) for s in scores]),
            "log_loss": -loss,
        }[objective]
    return Pooled(scores[0].epoch, loss, correct, examples, score)


def report(index: int, outcomes: Sequence[nn.Outcome], objective: Objective) -> TrialReport:
    """A trial as it is stored, from its outcomes on every split (one at least).

    It has diverged if it did on one split, and its epochs are those finished on all.
    """
    # Of unequal lengths only where the trial diverged on some of the splits.
    epochs = zip(*(o.curve for o in outcomes), strict=False)
    curve = [pooled(scores, objective) for scores in epochs]
    state = next((o.state for o in outcomes if o.state == "diverged"), outcomes[0].state)
    last = curve[-1] if curve else None
    return TrialReport(
        index=index,
        state=STATES[state],
        epochs=len(curve),
        correct=last.correct if last else 0,
        examples=last.examples if last else 0,
        loss=_finite(last.loss) if last else None,
        curve=[(p.epoch, _finite(p.loss), p.correct, p.score) for p in curve],
        score=last.score if last and state != "diverged" else None,
    )


def right(outcomes: Sequence[nn.Outcome], parts: Sequence[nn.Examples]) -> bytes:
    """Whether each validation example was classified correctly: a bit each, split behind split."""
    found = [
        outcome.predicted == part.targets
        for outcome, part in zip(outcomes, parts, strict=True)
        if outcome.predicted is not None
    ]
    return np.packbits(np.concatenate(found)).tobytes()


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _finite(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None
