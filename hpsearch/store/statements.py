"""The statements that every job executes, built once: building one costs as much as running it.

Those that every request executes are built once as well, beside the queries that use them.

Parameters have names of their own (`a_job`, `a_round`, ...), which no column has.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hpsearch.records import Place
from hpsearch.store import many
from hpsearch.store.clock import now
from hpsearch.store.constants import constant, one_of
from hpsearch.store.tables import dataset_content, event, job, round_, search, trial
from hpsearch.trials import WORKING, Hint, JobState, TrialState

LONGEST_DELAY = 600.0  # seconds; a job that has to wait for longer was sent away by a clock step
TIME = sa.select(now())  # seconds since the epoch by the database's clock
COUNTED = tuple(s.value for s in TrialState if s is not TrialState.PENDING)


def due() -> sa.ColumnElement[bool]:
    """True of a job that need not wait any more."""
    waiting = job.c.not_before.between(now(), now() + LONGEST_DELAY)
    return sa.or_(job.c.not_before.is_(None), sa.not_(waiting))


def with_broker(published_at: sa.ColumnElement[float]) -> sa.ColumnElement[bool]:
    """True of a job whose hint was sent within `republish` seconds, a parameter."""
    sent = now() - sa.bindparam("republish", type_=sa.Double())
    return sa.func.coalesce(
        published_at.between(sent, now()), sa.false()
    )  # later: the clock was set


def bind(name: str, like: sa.Column[Any]) -> sa.BindParameter[Any]:
    """A parameter of a column's type."""
    return sa.bindparam(name, type_=like.type)


def ours(hint: Hint, worker_run: str) -> list[sa.ColumnElement[bool]]:
    """The fence of an attempt as conditions of a statement that is built for it."""
    return [
        job.c.id == hint.job_id,
        job.c.state == JobState.RUNNING,
        job.c.attempt == hint.attempt,
        job.c.worker_run == worker_run,
    ]


def fence(hint: Hint, worker_run: str) -> dict[str, Any]:
    """The parameters of `OURS`, the fence of the statements here."""
    return {"a_job": hint.job_id, "an_attempt": hint.attempt, "a_run": worker_run}


def at(place: Place) -> dict[str, Any]:
    """The parameters by which the statements here find a round."""
    return {"a_search": place.search_id, "a_round": place.round}


OURS = (
    job.c.id == bind("a_job", job.c.id),
    job.c.state == JobState.RUNNING,
    job.c.attempt == bind("an_attempt", job.c.attempt),
    job.c.worker_run == bind("a_run", job.c.worker_run),
)
# Jobs that a worker ends together, on PostgreSQL: the parameter `jobs_`, with the event of each.
MOST_TOGETHER = 8
_TOGETHER = many.received(
    (job.c.id, job.c.attempt, job.c.seconds, job.c.peak_rss_bytes, event.c.detail),
    "jobs_", "together",
)  # fmt: skip
# The limit tells the planner how few they are: it takes a function for a hundred rows.
_ENDING = sa.select(_TOGETHER).limit(sa.literal_column(str(MOST_TOGETHER))).cte("ending")
_CLAIMED = (job.c.search_id, job.c.kind, job.c.round, job.c.epochs)

_LEASE: sa.BindParameter[float] = sa.bindparam("a_lease", type_=sa.Double())
_CLAIMING: dict[str, Any] = {
    "state": JobState.RUNNING,
    "worker_run": bind("a_run", job.c.worker_run),
    "claimed_at": now(),
    "lease_until": now() + _LEASE,
    "deadline_at": now() + job.c.deadline_seconds,
}


def _claim(of_whom: sa.ColumnElement[bool]) -> sa.Update:
    """Take a queued job of a search that works."""
    return (
        job.update()
        .where(
            job.c.id == bind("a_job", job.c.id),
            job.c.state == JobState.QUEUED,
            job.c.attempt == bind("an_attempt", job.c.attempt),
            due(),
            sa.select(search.c.id)
            .where(search.c.id == job.c.search_id, one_of(search.c.state, WORKING), of_whom)
            .exists(),
        )
        .values(_CLAIMING)
    )


OURS_TO_TRAIN = search.c.dataset_digest.is_not(None)
# Further jobs of a round of which the same transaction has claimed one.
_BESIDE = (
    sa.select(job.c.id)
    .where(
        job.c.search_id == bind("a_search", job.c.search_id),
        job.c.round == bind("a_round", job.c.round),
        job.c.state == constant(JobState.QUEUED),
        job.c.attempt == 1,  # whatever ends its worker is not to cost others their attempts again
        due(),
        job.c.deadline_seconds <= sa.bindparam("a_limit", type_=sa.Double()),
        sa.not_(with_broker(job.c.published_at)),
        sa.select(search.c.id)
        .where(search.c.id == job.c.search_id, one_of(search.c.state, WORKING), OURS_TO_TRAIN)
        .exists(),
    )
    .order_by(job.c.number)
    .limit(sa.bindparam("some_jobs", type_=sa.Integer()))
    .with_for_update(skip_locked=True)
    .cte("beside")
)
CLAIM_BESIDE = (
    job.update()
    .where(job.c.id == _BESIDE.c.id)
    .values(_CLAIMING)
    .returning(job.c.id, job.c.search_id, job.c.attempt, job.c.epochs, job.c.number)
)
CLAIM = _claim(OURS_TO_TRAIN).returning(*_CLAIMED)
CLAIM_EXTERNAL = _claim(sa.not_(OURS_TO_TRAIN)).values(lease_seconds=_LEASE).returning(*_CLAIMED)
HELD: sa.Select[Any] = sa.select(*_CLAIMED).where(*OURS)

_INFO = sa.select(dataset_content.c.info).where(dataset_content.c.digest == search.c.dataset_digest)
_RUNGS = sa.select(round_.c.rungs).where(
    round_.c.search_id == search.c.id, round_.c.number == bind("a_round", round_.c.number)
)
_SUBJECT = (
    search.c.spec,
    _INFO.correlate(search).scalar_subquery().label("info"),
    _RUNGS.correlate(search).scalar_subquery().label("rungs"),
)
_THE_SEARCH = search.c.id == bind("a_search", search.c.id)
TOUCH = search.update().where(_THE_SEARCH).values(revision=search.c.revision + 1)
SERVE = TOUCH.values(served_at=now()).returning(*_SUBJECT)
SUBJECT = sa.select(*_SUBJECT).where(_THE_SEARCH)
TASKS: sa.Select[Any] = (
    sa.select(trial.c.idx, trial.c.params, trial.c.role, trial.c.cohort)
    .where(trial.c.job_id == bind("a_job", trial.c.job_id))
    .order_by(trial.c.idx)
)

_FINISHED = (job.c.id, job.c.search_id, job.c.kind, job.c.round)
FINISH = (
    job.update()
    .where(*OURS)
    .values(
        state=JobState.DONE,
        done_attempt=bind("an_attempt", job.c.done_attempt),
        finished_at=now(),
        fingerprint=bind("a_fingerprint", job.c.fingerprint),
        seconds=bind("some_seconds", job.c.seconds),
        peak_rss_bytes=bind("a_peak", job.c.peak_rss_bytes),
        ensemble_correct=bind("an_ensemble", job.c.ensemble_correct),
        error=None,
    )
    .returning(*_FINISHED)
)
FINISH_TOGETHER = (
    job.update()
    .where(
        job.c.id == _ENDING.c.id,
        job.c.state == JobState.RUNNING,
        job.c.attempt == _ENDING.c.attempt,
        job.c.worker_run == bind("a_run", job.c.worker_run),
    )
    .values(
        state=JobState.DONE,
        done_attempt=_ENDING.c.attempt,
        finished_at=now(),
        fingerprint=bind("a_fingerprint", job.c.fingerprint),
        seconds=_ENDING.c.seconds,
        peak_rss_bytes=_ENDING.c.peak_rss_bytes,
        error=None,
    )
    .returning(*_FINISHED, _ENDING.c.attempt, _ENDING.c.detail)
)
# The columns of a trial that its end changes.
REPORTED = (
    "idx", "state", "epochs", "correct", "examples", "rank_value", "loss", "score", "right",
    "curve", "error", "test_correct", "test_examples", "metrics",
)  # fmt: skip
TRIALS_OF_JOB = (
    trial.c.search_id == bind("a_search", trial.c.search_id),
    trial.c.round == bind("a_round", trial.c.round),
    trial.c.job_id == bind("a_job", trial.c.job_id),
)
TRIALS_OF_ROUND = TRIALS_OF_JOB[:2]
BEST_SO_FAR = (
    search.c.best_score.label("search_score"),
    search.c.best_loss.label("search_loss"),
)
TOUCH_BEST = TOUCH.returning(*BEST_SO_FAR)
_THE_ROUND = (
    round_.c.search_id == bind("a_search", round_.c.search_id),
    round_.c.number == bind("a_round", round_.c.number),
)
_JOBS: sa.BindParameter[int] = sa.bindparam("some_jobs", type_=sa.Integer())
COUNTING: dict[str, Any] = dict(
    open_jobs=round_.c.open_jobs - _JOBS,
    finished_at=sa.case((round_.c.open_jobs == _JOBS, now()), else_=round_.c.finished_at),
    epochs_trained=round_.c.epochs_trained + sa.bindparam("some_epochs", type_=sa.Integer()),
    **{s: round_.c[s] + sa.bindparam(f"some_{s}", type_=sa.Integer()) for s in COUNTED},
)
COUNTED_ROUND = (
    round_.c.open_jobs,
    round_.c.best_score.label("round_score"),
    round_.c.best_loss.label("round_loss"),
)
COUNT = round_.update().where(*_THE_ROUND).values(COUNTING).returning(*COUNTED_ROUND)


def better(c: Any, older: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """True where a trial beats the stored best: `hpsearch.trials.rank_key` in SQL.

    The order is total, so whoever finishes first, the same trial is the best in the end.
    """
    score, loss = bind("a_score", search.c.best_score), bind("a_loss", search.c.best_loss)
    equal = c.best_score == score
    return sa.or_(
        c.best_score.is_(None),
        c.best_score < score,
        sa.and_(equal, c.best_loss > loss),
        sa.and_(equal, c.best_loss == loss, older),
    )


_INDEX = bind("an_index", trial.c.idx)
_PARAMS = (
    sa.select(trial.c.params)
    .where(
        trial.c.search_id == bind("a_search", trial.c.search_id),
        trial.c.round == bind("a_round", trial.c.round),
        trial.c.idx == _INDEX,
    )
    .scalar_subquery()
)
_BEST: dict[str, Any] = {
    "best_index": _INDEX,
    "best_accuracy": bind("an_accuracy", search.c.best_accuracy),
    "best_score": bind("a_score", search.c.best_score),
    "best_loss": bind("a_loss", search.c.best_loss),
}
BEST_OF_ROUND = (
    round_.update()
    .where(*_THE_ROUND, better(round_.c, round_.c.best_index > _INDEX))
    .values(**_BEST, best_params=_PARAMS)
)
_AT = sa.tuple_(bind("a_round", search.c.best_round), _INDEX)
BEST_OF_SEARCH = (
    search.update()
    .where(
        _THE_SEARCH,
        better(search.c, sa.tuple_(search.c.best_round, search.c.best_index) > _AT),
    )
    .values(**_BEST, best_params=_PARAMS, best_round=bind("a_round", search.c.best_round))
)

RECORD = event.insert().values(
    at=now(),
    kind=bind("a_kind", event.c.kind),
    search_id=bind("a_search", event.c.search_id),
    job_id=bind("a_job", event.c.job_id),
    attempt=bind("an_attempt", event.c.attempt),
    detail=bind("a_detail", event.c.detail),
)
