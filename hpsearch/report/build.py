"""From stored rows to the views of `hpsearch.report.views`. Nothing here reads or writes.

Rows come with the column names of the store's tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hpsearch import reasons
from hpsearch.evidence import Evidence
from hpsearch.origins import API, origin_of
from hpsearch.report import progress
from hpsearch.report.views import (
    BestView,
    CurvePoint,
    DatasetView,
    DecisionView,
    EditView,
    EvidenceView,
    KeyView,
    RangeView,
    RoundView,
    StatusView,
    TrialView,
    WebhookView,
)
from hpsearch.space import Box, Choices, Dimension, box_from_json
from hpsearch.spec import ResolvedSpec

Row = Any
LINKED = ("rounds", "trials", "result", "model", "health", "spec", "report")


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


def trial_seed(seed: int, number: int, index: int) -> int:
    """The seed of a trial that is trained elsewhere: below 2**31, whoever trains it."""
    text = f"{seed}/{number}/{index}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4]) >> 1


def best_view(row: Row, number: int | None) -> BestView | None:
    """The best trial of a search or of a round."""
    if row.best_accuracy is None:
        return None
    return BestView(
        trial=trial_id(number or 0, row.best_index),
        params=row.best_params,
        validation_accuracy=row.best_accuracy if row.best_accuracy >= 0 else None,
        score=row.best_score,
    )


def status(
    search: Row,
    resolved: ResolvedSpec,
    rounds: Sequence[Row],
    running: Mapping[int, int],
    now: float,
    *,
    delivery: Row | None = None,
) -> StatusView:
    """Where a search stands; `running` counts the trials of running jobs by round."""
    begun = progress.searching(rounds)
    following = progress.ahead(resolved, rounds, search.state)
    box = box_from_json(rounds[-1].box) if rounds else resolved.box
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
        eta_seconds=progress.eta(search, resolved, rounds, now),
        rounds=progress.round_counts(resolved, rounds),
        trials=progress.trial_counts(begun, running, following=following.trials),
        epochs=progress.epoch_counts(begun, following=following.epochs),
        best=best_view(search, search.best_round),
        ranges=box_view(box),
        links=links(search.id, resolved.spec.earlier),
        edits=[edit_view(edit) for edit in search.edits or ()],
        warm_start=[one for one in resolved.spec.earlier if one is not None],
        objective=resolved.spec.objective,
        webhook=webhook_view(search.webhook, delivery),
        rules=search.rules,
    )


def webhook_view(url: str | None, delivery: Row | None) -> WebhookView | None:
    """Whom a search tells of its end; `delivery` is None until there is something to tell."""
    if url is None:
        return None
    host = origin_of(url) or ""
    if delivery is None:
        return WebhookView(host=host, state="waiting")
    told = "delivered" if delivery.delivered_at is not None else "given_up"
    return WebhookView(
        host=host,
        state=told if delivery.due_at is None else "sending",
        attempts=delivery.attempts,
        error=delivery.error,
        delivered_at=moment(delivery.delivered_at),
    )


def links(search_id: str, earlier: Sequence[str | None]) -> dict[str, str]:
    """Where everything about a search is, and the searches that it was warm-started from."""
    named = {name: f"{API}/searches/{search_id}/{name}" for name in LINKED}
    before = {
        f"warm_start_{i}": f"{API}/searches/{other}" for i, other in enumerate(earlier, 1) if other
    }
    return {"self": f"{API}/searches/{search_id}", **named, **before}


def edit_view(edit: Mapping[str, Any]) -> EditView:
    """One stored edit."""
    return EditView(
        after_round=edit["after_round"], changes=edit["changes"], at=moment(edit["at"]) or ""
    )


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
            rungs=r.rungs or [r.epochs],
            epochs_planned=progress.epochs_planned(r),
            epochs_trained=r.epochs_trained,
            ranges=box_view(box_from_json(r.box)),
            trials=progress.trial_counts([r], running),
            best=best_view(r, r.number),
            decisions=made.get(r.number, {}),
            evidence=evidence_view(r),
        )
        for r in rounds
    ]


def evidence_view(row: Row | None) -> EvidenceView | None:
    """What the end of a round has taught; the finalists are shown with the result."""
    if row is None or not row.evidence:
        return None
    end = Evidence.from_json(row.evidence).explored
    explored = None if end is None else reasons.words(end)
    return EvidenceView.model_validate({**row.evidence, "explored": explored})


def decision_view(row: Row) -> DecisionView:
    """One stored decision."""
    box = box_from_json({"before": row.before, "after": row.after})
    return DecisionView(
        before=range_view(box["before"]),
        after=range_view(box["after"]),
        verdict=row.verdict,
        reason=reasons.sentence(row.facts, row.reason),
        numbers=row.numbers,
    )


def trial_view(row: Row, *, curve: bool = False) -> TrialView:
    """One trial; with `curve`, the row must have its curve."""
    return TrialView(
        id=trial_id(row.round, row.idx),
        round=row.round,
        index=row.idx,
        state=row.state,
        params=row.params,
        epochs=row.epochs,
        validation_accuracy=row.accuracy if row.examples and row.accuracy >= 0 else None,
        validation_loss=row.loss,
        score=row.score,
        cohort=row.cohort if row.role is None else None,
        role=row.role,
        error=row.error,
        curve=curve_view(row) if curve else None,
    )


def curve_view(row: Row) -> list[CurvePoint]:
    """The learning curve of a trial: loss, accuracy and score after every epoch."""
    points = []
    for epoch, loss, correct, *more in row.curve or ():
        share = None if correct is None or not row.examples else correct / row.examples
        points.append((epoch, loss, share, more[0] if more else share))
    return points


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
        last_used_at=moment(row.last_used_at),
    )
