"""Observations in stored trials, and in the warm start of a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from hpsearch.records.trials import Curve, TrialRecord
from hpsearch.space import params_from_json
from hpsearch.trials import OBSERVED, Observation, TrialState


def observations(
    trials: Iterable[TrialRecord], epochs: Mapping[int, int] = MappingProxyType({})
) -> list[Observation]:
    """The observations in trials that have ended, in their order; the final's models are none.

    epochs
        Those of a full training, by round. The score of a training that was completed before
        stands for all of them.
    """
    return [_observation(t, epochs) for t in trials if t.role is None and t.state in OBSERVED]


def _observation(t: TrialRecord, epochs: Mapping[int, int]) -> Observation:
    full, curve = epochs.get(t.round, 0), sparse_curve(t.curve or ())
    stands = t.state is TrialState.COMPLETED and t.score is not None and t.epochs < full
    return Observation(
        round=t.round,
        index=t.idx,
        params=t.params,
        state=t.state,
        epochs=full if stands else t.epochs,
        correct=t.correct,
        examples=t.examples,
        loss=t.loss,
        score=t.score,
        curve=(*curve, (full, t.score)) if stands and t.score is not None else curve,
        loss_drop=loss_drop(t.curve or ()),
        metrics=t.metrics,
        cost=t.cost,
        replicates=tuple(t.replicates or ()),
    )


def sparse_curve(curve: Curve) -> tuple[tuple[int, float], ...]:
    """(epoch, score) at the epochs 1, 2, 4, ... and the last one of a curve."""
    scored = [
        (int(row[0]), float(row[3]))
        for row in curve
        if len(row) > 3 and row[0] is not None and row[3] is not None
    ]
    return tuple(
        (epoch, score)
        for i, (epoch, score) in enumerate(scored)
        if epoch & (epoch - 1) == 0 or i == len(scored) - 1
    )


def loss_drop(curve: Curve) -> float | None:
    """First minus last loss of a curve; None where it does not have both."""
    losses = [row[1] for row in curve]
    if len(losses) < 2 or losses[0] is None or losses[-1] is None:
        return None
    return float(losses[0] - losses[-1])


def observation_to_json(o: Observation) -> dict[str, Any]:
    """An observation of a warm start as it is stored; the loss curve is not."""
    return {
        "source": o.source,
        "params": dict(o.params),
        "state": o.state.value,
        "epochs": o.epochs,
        "correct": o.correct,
        "examples": o.examples,
        "loss": o.loss,
        "score": o.score,
        "curve": [list(point) for point in o.curve],
        **({"replicates": list(o.replicates)} if o.replicates else {}),
    }


def observation_from_json(data: Mapping[str, Any], index: int) -> Observation:
    """The observation that `observation_to_json` wrote, as number `index` of round 0."""
    return Observation(
        round=0,
        index=index,
        params=params_from_json(data["params"]),
        state=TrialState(data["state"]),
        epochs=data["epochs"],
        correct=data["correct"],
        examples=data["examples"],
        loss=data["loss"],
        score=data["score"],
        curve=tuple((int(epoch), float(score)) for epoch, score in data["curve"]),
        source=data["source"],
        replicates=tuple(float(score) for score in data.get("replicates", ())),
    )
