"""From stored rows to the views of `hpsearch.report.views`. Nothing here reads or writes.

Rows come with the column names of the store's tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hpsearch.report.views import (
    BestView,
    DatasetView,
    DecisionView,
    EpochCounts,
    KeyView,
    RangeView,
    RoundCounts,
    RoundView,
    StatusView,
    TrialCounts,
    TrialView,
)
from hpsearch.space import Box, Choices, Dimension, box_from_json
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import WORKING, RoundKind, TrialState

Row = Any
API = "/api/v1/searches"


def moment(seconds: float | None) -> str | None:
    """Seconds since the epoch as RFC 3339 in UTC, to the millisecond."""
    if seconds is None:
        return None
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def range_view(dimension: Dimension) -> RangeView:
    """A range or the choices that are left."""
    if isinstance(dimension, Choices):
        return RangeView(choices=dimension.choices)
    return RangeView(
        low=dimension.low,
        high=dimension.high,
        scale=dimension.scale,
        integer=dimension.integer or None,
    )


def box_view(box: Box) -> dict[str, RangeView]:
    """Every range of a box by name."""
    return {name: range_view(box[name]) for name in sorted(box)}


def trial_id(number: int, index: int) -> str:
    """A trial's id within its search."""
    return f"{number}-{index}"


def best_view(row: Row, number: int | None) -> BestView | None:
    """The best trial of a search or of a round."""
    if row.best_accuracy is None:
        return None
    return BestView(
        trial=trial_id(number or 0, row.best_index),
        params=row.best_params,
        validation_accuracy=row.best_accuracy,
    )


def status(
    search: Row,
    resolved: ResolvedSpec,
    rounds: Sequence[Row],
    running: Mapping[int, int],
    now: float,
) -> StatusView:
    """Where a search stands; `running` counts the trials of running jobs by round."""
    spec = resolved.spec
    explored = [r for r in rounds if r.kind != RoundKind.FINAL]
    box = box_from_json(rounds[-1].box) if rounds else resolved.box
    trained = sum(r.epochs_trained for r in explored)
    links = {"self": f"{API}/{search.id}"}
    links |= {name: f"{API}/{search.id}/{name}" for name in ("rounds", "trials", "result")}
    return StatusView(
        id=search.id,
        name=search.name,
        dataset=search.dataset,
        state=search.state,
        reason=search.reason,
        revision=search.revision,
        created_at=moment(search.created_at) or "",
        started_at=moment(search.started_at),
        finished_at=moment(search.finished_at),
        eta_seconds=eta(search, resolved, rounds, now),
        rounds=RoundCounts(
            planned=spec.rounds,
            completed=sum(r.open_jobs == 0 and not r.cancelled for r in explored),
        ),
        trials=_counts(explored, running, planned=spec.rounds * spec.trials_per_round),
        epochs=EpochCounts(planned=resolved.epochs_planned, trained=trained),
        best=best_view(search, search.best_round),
        ranges=box_view(box),
        links=links,
    )


def _counts(rounds: Sequence[Row], running: Mapping[int, int], *, planned: int) -> TrialCounts:
    sums = {
        state.value: sum(getattr(r, state.value) for r in rounds)
        for state in (
            TrialState.COMPLETED,
            TrialState.STOPPED,
            TrialState.DIVERGED,
            TrialState.FAILED,
        )
    }
    cancelled = sum(r.cancelled for r in rounds)
    active = sum(running.get(r.number, 0) for r in rounds)
    drawn = sum(r.planned for r in rounds)
    pending = drawn - sum(sums.values()) - cancelled - active
    return TrialCounts(planned=planned, pending=pending, running=active, **sums)


def eta(search: Row, resolved: ResolvedSpec, rounds: Sequence[Row], now: float) -> float | None:
    """Seconds to the end at the pace of the rounds so far; None while there is no pace.

    Only time inside rounds counts. A round that is over has nothing left, however many of its
    trials diverged early; the final test trains every model for its full length.
    """
    if search.state not in WORKING:
        return None
    explored = [r for r in rounds if r.kind != RoundKind.FINAL]
    trained = int(sum(r.epochs_trained for r in explored))
    if not trained:
        return None
    ends = [now if r.finished_at is None else r.finished_at for r in explored]
    spent: float = sum(max(0.0, e - r.created_at) for e, r in zip(ends, explored, strict=True))
    final = resolved.spec.final.epochs * (resolved.spec.final.models + 1)
    if rounds[-1].kind == RoundKind.FINAL:
        gone: float = now - rounds[-1].created_at
        return round(max(0.0, spent * final / float(trained) - gone), 1)
    last = rounds[-1]
    ahead = sum(resolved.epochs(r) for r in range(last.number + 1, resolved.spec.rounds + 1))
    left: float = final + ahead * resolved.spec.trials_per_round
    if last.open_jobs:
        left += max(0, last.planned * last.epochs - last.epochs_trained)
    return round(spent / trained * left, 1)


def round_views(
    rounds: Sequence[Row], decisions: Sequence[Row], running: Mapping[int, int]
) -> list[RoundView]:
    """Every round in order; its decisions are those that its own evidence led to."""
    made: dict[int, dict[str, DecisionView]] = {}
    for row in decisions:
        made.setdefault(row.round, {})[row.name] = decision_view(row)
    return [
        RoundView(
            number=r.number,
            kind=r.kind,
            epochs=r.epochs,
            ranges=box_view(box_from_json(r.box)),
            trials=_counts([r], running, planned=r.planned),
            best=best_view(r, r.number),
            decisions=made.get(r.number, {}),
        )
        for r in rounds
    ]


def decision_view(row: Row) -> DecisionView:
    """One stored decision."""
    box = box_from_json({"before": row.before, "after": row.after})
    return DecisionView(
        before=range_view(box["before"]),
        after=range_view(box["after"]),
        verdict=row.verdict,
        reason=row.reason,
        numbers=row.numbers,
    )


def trial_view(row: Row) -> TrialView:
    """One trial."""
    return TrialView(
        id=trial_id(row.round, row.idx),
        round=row.round,
        index=row.idx,
        state=row.state,
        params=row.params,
        epochs=row.epochs,
        validation_accuracy=row.accuracy if row.accuracy >= 0 else None,
        validation_loss=row.loss,
        error=row.error,
    )


def dataset_view(row: Row, *, builtin: bool) -> DatasetView:
    """A dataset by its stored description."""
    info = row.info
    return DatasetView(
        name=row.name,
        builtin=builtin,
        **{k: v for k, v in info.items() if k in DatasetView.model_fields},
    )


def key_view(row: Row) -> KeyView:
    """A key, its secret left out."""
    return KeyView(
        id=row.id,
        name=row.name,
        owner=row.owner,
        scopes=row.scopes.split(),
        created_at=moment(row.created_at) or "",
        expires_at=moment(row.expires_at),
        revoked_at=moment(row.revoked_at),
    )
