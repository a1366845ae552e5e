"""From stored rows to values: the spec with its edits, and the observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.space import Params
from hpsearch.spec import ResolvedSpec, SearchSpec, edited
from hpsearch.trials import OBSERVED, Observation, TrialState
from hpsearch.workloads import DatasetFacts

Row = Any


def resolved(row: Row, *, after: int | None = None) -> ResolvedSpec:
    """The resolved spec of a stored search with its edits.

    `after` leaves out those that took effect later than after that round.
    """
    spec = SearchSpec.model_validate(row.spec)
    for edit in row.edits or ():
        if after is None or edit["after_round"] <= after:
            spec = edited(spec, edit["changes"])
    return ResolvedSpec(spec, DatasetFacts.from_json(row.facts))


def earlier(row: Row) -> list[Observation]:
    """The observations that the search was warm-started with."""
    return [
        Observation(
            round=0,
            index=index,
            params=restored(line["params"]),
            state=TrialState(line["state"]),
            epochs=line["epochs"],
            correct=line["correct"],
            examples=line["examples"],
            loss=line["loss"],
            score=line["score"],
            curve=tuple((int(e), float(s)) for e, s in line["curve"]),
            source=line["source"],
        )
        for index, line in enumerate(row.warm_start or ())
    ]


def observations(rows: Sequence[Any]) -> list[Observation]:
    """The observations in stored trials, in order of (round, index)."""
    return [
        Observation(
            round=r.round,
            index=r.idx,
            params=restored(r.params),
            state=TrialState(r.state),
            epochs=r.epochs,
            correct=r.correct,
            examples=r.examples,
            loss=r.loss,
            score=r.score,
            curve=thinned(r.curve or ()),
            fall=fallen(r.curve or ()),
        )
        for r in rows
        if r.role is None and r.state in OBSERVED
    ]


def thinned(curve: Sequence[Sequence[Any]]) -> tuple[tuple[int, float], ...]:
    """(epoch, score) at the epochs 1, 2, 4, ... and the last one of a stored curve."""
    scored = [(int(row[0]), row[3]) for row in curve if len(row) > 3 and row[3] is not None]
    return tuple(
        (epoch, float(score))
        for i, (epoch, score) in enumerate(scored)
        if epoch & (epoch - 1) == 0 or i == len(scored) - 1
    )


def fallen(curve: Sequence[Sequence[Any]]) -> float | None:
    """How far the loss of a stored curve fell from its first epoch to its last."""
    losses = [row[1] for row in curve]
    if len(losses) < 2 or losses[0] is None or losses[-1] is None:
        return None
    return float(losses[0] - losses[-1])


def restored(params: Mapping[str, Any]) -> Params:
    """Parameters as they were before JSON turned tuples into lists."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
