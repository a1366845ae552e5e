"""Views made of records. Nothing here reads or writes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from hpsearch import reasons
from hpsearch.combinations import among
from hpsearch.directions import turned
from hpsearch.evidence import (
    INTERVAL_SHARE,
    Evidence,
    Finalist,
    Importance,
    Surface,
    SurrogateCheck,
)
from hpsearch.narrowing.basis import basis_of
from hpsearch.origins import API, origin_of
from hpsearch.records import (
    EVERYBODY,
    AuditRecord,
    DecisionRecord,
    DeliveryRecord,
    Edit,
    KeyRecord,
    RoundRecord,
    SearchRecord,
    TrialRecord,
)
from hpsearch.report import progress, statistics
from hpsearch.report.views import (
    AuditView,
    BestView,
    CurvePoint,
    DecisionView,
    EditView,
    EvidenceView,
    FinalistView,
    FrontierView,
    ImportanceView,
    KeyView,
    RangeView,
    RoundView,
    StatusView,
    SurfaceView,
    SurrogateCheckView,
    TrialView,
    WebhookView,
)
from hpsearch.space import Box, Choices, Dimension, Level, widest
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import Numbers

LINKED = ("rounds", "trials", "result", "model", "health", "spec", "report")


@lru_cache(maxsize=1024)  # the trials of a job have the same times
def format_rfc3339(seconds: float | None) -> str | None:
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


def limits_view(box: Box) -> dict[str, RangeView]:
    """The widest range that each of a box may ever become."""
    return {name: range_view(widest(box[name])) for name in sorted(box)}


def trial_id(number: int, index: int) -> str:
    """A trial's id within its search."""
    return f"{number}-{index}"


def trial_seed(seed: int, number: int, index: int) -> int:
    """The seed of a trial that is trained elsewhere: below 2**31, whoever trains it."""
    text = f"{seed}/{number}/{index}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4]) >> 1


def best_view(
    record: SearchRecord | RoundRecord, number: int | None, *, sign: int
) -> BestView | None:
    """The best trial of a search or of a round.

    sign: the factor from rank values to scores as they are shown, here and below.
    """
    if record.best_index is None:
        return None
    return BestView(
        trial=trial_id(number or 0, record.best_index),
        params=record.best_params,
        validation_accuracy=record.best_accuracy,
        score=turned(record.best_score, sign),
    )


def status(
    search: SearchRecord,
    resolved: ResolvedSpec,
    rounds: Sequence[RoundRecord],
    running: Mapping[int, int],
    now: float,
    *,
    delivery: DeliveryRecord | None = None,
    warm_start_trials: int = 0,
) -> StatusView:
    """The status of a search; `running` counts the trials of running jobs by round."""
    begun = progress.searching(rounds)
    following = progress.ahead(resolved, rounds, search.state)
    box = rounds[-1].ranges if rounds else resolved.box
    return StatusView(
        id=search.id,
        name=search.name,
        dataset=search.dataset,
        dataset_digest=search.dataset_digest,
        state=search.state,
        reason=search.reason,
        revision=search.revision,
        created_at=format_rfc3339(search.created_at) or "",
        started_at=format_rfc3339(search.started_at),
        finished_at=format_rfc3339(search.finished_at),
        eta_seconds=progress.eta(search, resolved, rounds, now),
        rounds=progress.round_counts(resolved, rounds),
        trials=progress.trial_counts(begun, running, following=following.trials),
        epochs=progress.epoch_counts(begun, following=following.epochs),
        best=best_view(search, search.best_round, sign=resolved.spec.score_sign),
        ranges=box_view(box),
        links=links(search.id, resolved.spec.earlier),
        edits=[edit_view(edit) for edit in search.edits],
        warm_start=[one for one in resolved.spec.earlier if one is not None],
        warm_start_trials=warm_start_trials,
        objective=resolved.spec.objective,
        webhook=webhook_view(search.webhook, delivery),
        rules=search.rules,
        waiting=progress.waiting(search, resolved, rounds, running, now),
        limits=limits_view(resolved.box),
        effective_with=conditions_view(resolved),
        direction=resolved.spec.direction,
        cost=progress.cost(resolved, rounds),
        tags=[*search.tags],
        note=search.note or "",
        owner=search.owner,
        sharing=sharing_view(search.sharing),
    )


def sharing_view(stored: Sequence[str]) -> list[str] | str:
    """The owners who may read a search, or "all"."""
    return "all" if EVERYBODY in stored else [*stored]


def conditions_view(resolved: ResolvedSpec) -> dict[str, dict[str, list[Level]]]:
    """The searched hyperparameters that have an effect beside some values of another one alone."""
    conditions: dict[str, dict[str, list[Level]]] = {
        name: {other: list(values)}
        for name, (other, values) in resolved.spec.workload.conditions(resolved.spec.space).items()
    }
    for name, asked in resolved.space.conditions.items():
        both = conditions.setdefault(name, {})
        for other, levels in sorted(asked.items()):
            useful = both.get(other, levels)
            both[other] = [level for level in levels if among(level, useful)]
    return conditions


def webhook_view(url: str | None, delivery: DeliveryRecord | None) -> WebhookView | None:
    """The receiver of a search's end; `delivery` is None until it has ended."""
    if url is None:
        return None
    host = origin_of(url) or ""
    if delivery is None:
        return WebhookView(host=host, state="waiting")
    settled = "delivered" if delivery.delivered_at is not None else "given_up"
    return WebhookView(
        host=host,
        state=settled if delivery.due_at is None else "sending",
        attempts=delivery.attempts,
        error=delivery.error,
        delivered_at=format_rfc3339(delivery.delivered_at),
    )


def links(search_id: str, earlier: Sequence[str | None]) -> dict[str, str]:
    """Addresses of everything about a search, and of the searches that it was warm-started from."""
    named = {name: f"{API}/searches/{search_id}/{name}" for name in LINKED}
    before = {
        f"warm_start_{i}": f"{API}/searches/{other}" for i, other in enumerate(earlier, 1) if other
    }
    return {"self": f"{API}/searches/{search_id}", **named, **before}


def edit_view(edit: Edit) -> EditView:
    """An edit."""
    return EditView(
        after_round=edit.after_round, changes=edit.changes, at=format_rfc3339(edit.at) or ""
    )


def round_views(
    rounds: Sequence[RoundRecord],
    decisions: Sequence[DecisionRecord],
    running: Mapping[int, int],
    *,
    sign: int,
) -> list[RoundView]:
    """Every round in order; its decisions are those that its own evidence led to."""
    searched = Counter(d.round for d in decisions)
    made: dict[int, dict[str, DecisionView]] = {}
    for d in decisions:
        made.setdefault(d.round, {})[d.name] = decision_view(
            d, hyperparameters=searched[d.round], sign=sign
        )
    return [
        RoundView(
            number=r.number,
            kind=r.kind,
            epochs=r.epochs,
            rungs=r.ladder,
            epochs_planned=r.epochs_in_full,
            epochs_trained=r.epochs_trained,
            ranges=box_view(r.ranges),
            trials=progress.trial_counts([r], running),
            best=best_view(r, r.number, sign=sign),
            decisions=made.get(r.number, {}),
            evidence=evidence_view(r.evidence),
            cost=r.cost,
        )
        for r in rounds
    ]


def evidence_view(evidence: Evidence | None) -> EvidenceView | None:
    """The evidence of a round; its surface is shown by itself, the finalists with the result."""
    if evidence is None or evidence.test is not None:  # the test is part of the result
        return None
    boundary, end = evidence.boundary, evidence.explored
    return EvidenceView(
        epochs=evidence.epochs,
        noise_sd=evidence.noise_sd,
        expected_gain=evidence.expected_gain,
        importance=importance_views(evidence.importance),
        frontier=boundary and FrontierView.model_validate(boundary, from_attributes=True),
        agreement={str(source): rho for source, rho in evidence.agreement.items()},
        surrogate_check=surrogate_check_view(evidence.surrogate_check),
        explored=None if end is None else reasons.words(end),
    )


def surrogate_check_view(surrogate_check: SurrogateCheck | None) -> SurrogateCheckView | None:
    """The surrogate's predictions of trials that it did not see."""
    if surrogate_check is None:
        return None
    p = statistics.so_few_by_chance(surrogate_check.inside, surrogate_check.trials, INTERVAL_SHARE)
    return SurrogateCheckView(
        trials=surrogate_check.trials,
        inside=surrogate_check.inside,
        rank_correlation=surrogate_check.rank_correlation,
        p=p,
    )


def surface_view(surface: Surface, *, sign: int) -> SurfaceView:
    """The predictions of a round over two hyperparameters."""
    view = SurfaceView.model_validate(surface, from_attributes=True)
    means = [[turned(mean, sign) for mean in row] for row in view.mean]
    return view.model_copy(update={"mean": means})


def finalist_view(finalist: Finalist, *, sign: int) -> FinalistView:
    """A configuration of the final comparison."""
    view = FinalistView.model_validate(finalist, from_attributes=True)
    means = {"mean": turned(view.mean, sign), "posterior_mean": turned(view.posterior_mean, sign)}
    return view.model_copy(update=means)


def importance_views(shares: Sequence[Importance]) -> list[ImportanceView]:
    """Importance by hyperparameter."""
    return [ImportanceView.model_validate(share, from_attributes=True) for share in shares]


def decision_view(decision: DecisionRecord, *, hyperparameters: int, sign: int) -> DecisionView:
    """A decision; so many hyperparameters were decided on together."""
    before, after = decision.ranges
    return DecisionView(
        before=range_view(before),
        after=range_view(after),
        verdict=decision.verdict,
        reason=decision.sentence,
        numbers=decision_numbers(decision.numbers, sign=sign),
        basis=basis_of(
            decision.verdict,
            decision.numbers,
            decision.facts,
            after,
            hyperparameters=hyperparameters,
        ),
    )


def decision_numbers(numbers: Numbers, *, sign: int) -> dict[str, float | int | None]:
    """The numbers of a decision; of these the threshold is a score, and no difference of some."""
    scores = {name: turned(numbers[name], sign) for name in ("threshold",) if name in numbers}
    return {**numbers, **scores}


def trial_view(trial: TrialRecord, *, curve: bool = False, sign: int) -> TrialView:
    """A trial; with `curve`, it must have been read with its curve."""
    return TrialView(
        id=trial_id(trial.round, trial.idx),
        round=trial.round,
        index=trial.idx,
        state=trial.state,
        params=trial.params,
        epochs=trial.epochs,
        validation_accuracy=trial.validation_accuracy,
        validation_loss=trial.loss,
        score=turned(trial.score, sign),
        cohort=trial.cohort if trial.role is None else None,
        role=trial.role,
        error=trial.error,
        started_at=format_rfc3339(trial.started_at),
        finished_at=format_rfc3339(trial.finished_at),
        metrics=trial.metrics,
        cost=trial.whole_cost,
        note=trial.note,
        link=trial.link,
        replicates=replicates_view(trial, sign=sign),
        curve=curve_view(trial, sign=sign) if curve else None,
    )


def replicates_view(trial: TrialRecord, *, sign: int) -> list[float] | None:
    """The replicates of a trial as they were reported; None of a single training."""
    turned_back = [turned(score, sign) for score in trial.replicates or ()]
    return [score for score in turned_back if score is not None] or None


def curve_view(trial: TrialRecord, *, sign: int) -> list[CurvePoint]:
    """The learning curve of a trial: loss, accuracy and score after every epoch."""
    points = []
    for epoch, loss, correct, *more in trial.curve or ():
        share = None if correct is None or not trial.examples else correct / trial.examples
        score = turned(more[0], sign) if more else share
        points.append((int(epoch or 0), loss, share, score))
    return points


def audit_view(row: AuditRecord) -> AuditView:
    """A row of the audit."""
    values = row._asdict()
    at = format_rfc3339(values.pop("at")) or ""
    return AuditView(**{**values, "at": at, "actor": str(row.actor)})


def key_view(key: KeyRecord) -> KeyView:
    """A key, its secret left out."""
    return KeyView(
        id=key.id,
        name=key.name,
        owner=key.owner,
        scopes=key.granted,
        created_at=format_rfc3339(key.created_at) or "",
        expires_at=format_rfc3339(key.expires_at),
        revoked_at=format_rfc3339(key.revoked_at),
        last_used_at=format_rfc3339(key.last_used_at),
    )
