"""The queue: claim, heartbeat, finish, give back. Every write is fenced by the attempt."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from hpsearch.store import compound, many, statements
from hpsearch.store.base import Row
from hpsearch.store.clock import now
from hpsearch.store.cohorts import Cohorts, rank
from hpsearch.store.constants import constant
from hpsearch.store.deliveries import OWE
from hpsearch.store.models import Models
from hpsearch.store.tables import UNKNOWN_SHARE, dataset_content, job, search, trial
from hpsearch.trials import (
    Hint,
    JobReport,
    JobState,
    RoundKind,
    SearchState,
    TrialReport,
    TrialState,
)


class Written(StrEnum):
    """What became of a report or of a lost job."""

    DONE = "done"  # written, more jobs of the round are open
    ROUND_OVER = "round_over"  # written, and it was the round's last job
    REPEATED = "repeated"  # this very report was written before
    FENCED = "fenced"  # the attempt is over; nothing was written


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that was claimed: its own row, what its search says of it, and its trials.

    `tasks` holds (index, params, role, cohort) by index.
    """

    job: Row
    about: Row
    tasks: Sequence[Sequence[Any]]


class Jobs(Cohorts):
    """The rows of the queue."""

    def get(self, job_id: int) -> Row | None:
        """One job with its search's spec and dataset."""
        return self.one(
            sa.select(job, search.c.spec, search.c.dataset_digest, dataset_content.c.info)
            .join(search, search.c.id == job.c.search_id)
            .outerjoin(dataset_content, dataset_content.c.digest == search.c.dataset_digest)
            .where(job.c.id == job_id)
        )

    def members(self, job_id: int) -> Sequence[Row]:
        """The trials of a job by index."""
        query = sa.select(trial).where(trial.c.job_id == job_id).order_by(trial.c.idx)
        return self.connection.execute(query).all()

    def claim(
        self, hint: Hint, *, worker_run: str, lease: float, external: bool = False
    ) -> Claimed | None:
        """Take a queued job; None when the hint is stale or the search does not run.

        A job belongs to workers, or to trainers elsewhere (`external`), never to both.
        """
        single = statements.CLAIM_EXTERNAL if external else statements.CLAIM
        ours = _ours(hint, worker_run)
        values = {**ours, "a_lease": lease}
        recorded = {"a_kind": "claimed", "a_detail": {"worker_run": worker_run}}
        if self.postgresql:
            statement = compound.claim(single)
            row = self.connection.execute(statement, {**values, **recorded}).first()
            if row is not None:
                return Claimed(row, row, row.tasks)
        else:
            row = self.connection.execute(single, values).first()
            if row is not None:
                subject = {**ours, **recorded, "a_search": row.search_id}
                self.connection.execute(statements.RECORD, subject)
                return self._claimed(statements.SERVE, row, hint)
        # The answer to an earlier COMMIT may have been lost: the row says if it is ours.
        held = self.connection.execute(statements.HELD, ours).first()
        return None if held is None else self._claimed(statements.SUBJECT, held, hint)

    def held(self, worker_run: str) -> Sequence[Hint]:
        """The jobs that a worker has claimed and not ended, which is one at the most."""
        query = sa.select(job.c.id, job.c.attempt).where(
            job.c.state == constant(JobState.RUNNING), job.c.worker_run == worker_run
        )
        return [Hint(row.id, row.attempt) for row in self.connection.execute(query)]

    def _claimed(self, statement: sa.Executable, row: Row, hint: Hint) -> Claimed:
        values = {"a_search": row.search_id, "a_round": row.round}
        about = self.connection.execute(statement, values).one()
        tasks = self.connection.execute(statements.TASKS, {"a_job": hint.job_id}).all()
        return Claimed(row, about, tasks)

    def heartbeat(self, hint: Hint, *, worker_run: str, lease: float) -> bool:
        """Prolong the lease; False when the attempt is over."""
        return self.changed(
            job.update()
            .where(*self._ours(hint, worker_run))
            .values(heartbeats=job.c.heartbeats + 1, lease_until=now() + lease)
        )

    def finish(self, hint: Hint, report: JobReport, *, worker_run: str) -> Written:
        """Write a job's results once; a second delivery changes nothing."""
        values = {
            **_ours(hint, worker_run),
            "a_fingerprint": dict(report.fingerprint),
            "some_seconds": report.seconds,
            "a_peak": report.peak_rss_bytes,
            "an_ensemble": report.ensemble_correct,
        }
        recorded = {
            "a_kind": "done",
            "a_detail": {"worker_run": worker_run, **_counted(report.trials)},
        }
        if self.postgresql:
            statement = compound.finish(statements.FINISH)
            rows = many.packed(_rows(report.trials))
            values |= {**recorded, **_sums(report.trials), "rows_": rows}
            row = self.connection.execute(statement, values).first()
            if row is None:
                return self._not_written(hint, worker_run)
            self._best(row, report.trials, of_search=row, of_round=row)
            self._keep(row, report)
            return _written(row)
        row = self.connection.execute(statements.FINISH, values).first()
        if row is None:
            return self._not_written(hint, worker_run)
        self._write_trials(row, report.trials)
        subject = {**_ours(hint, worker_run), **recorded, "a_search": row.search_id}
        self.connection.execute(statements.RECORD, subject)
        self._keep(row, report)
        return self._close(row, report.trials)

    def _keep(self, row: Row, report: JobReport) -> None:
        """The recommended model, which the final job alone brings."""
        if report.model is not None:
            Models(self.connection).keep(row.search_id, report.model)

    def finish_outside(
        self, hint: Hint, report: TrialReport, *, worker_run: str, seconds: float
    ) -> Written:
        """End the job of a trial that was trained elsewhere; its results wait for its cohort."""
        values = {
            **_ours(hint, worker_run),
            "a_fingerprint": {},
            "some_seconds": seconds,
            "a_peak": None,
            "an_ensemble": None,
        }
        row = self.connection.execute(statements.FINISH, values).first()
        if row is None:
            return self._not_written(hint, worker_run)
        self._event("done", hint, {"worker_run": worker_run, "trials": 1})
        return self._settle(row, report)

    def _settle(self, row: Row, report: TrialReport) -> Written:
        """The end of a trial that was trained elsewhere, and of its cohort with the last one."""
        reports = self.settled(row, report)
        if reports:
            self.update_many(
                trial,
                statements.TRIALS_OF_ROUND,
                {"a_search": row.search_id, "a_round": row.round},
                key=trial.c.idx,
                rows=[{**stored, "accuracy": rank(r)}
                      for stored, r in zip(_rows(reports), reports, strict=True)],
            )  # fmt: skip
        return self._close(row, reports)

    def _not_written(self, hint: Hint, worker_run: str) -> Written:
        row = self.get(hint.job_id)
        if row and row.done_attempt == hint.attempt and row.worker_run == worker_run:
            return Written.REPEATED
        self._event("fenced", hint, {"worker_run": worker_run})
        return Written.FENCED

    def give_back(
        self,
        hint: Hint,
        error: str,
        *,
        worker_run: str,
        max_losses: int,
        delay: float,
        reaped: bool = False,
        heartbeats: int | None = None,
    ) -> Written:
        """Return a lost job to the queue under the next attempt, or fail it for good.

        `reaped` where not its worker says so. With `heartbeats` only if it has sent no more
        than these: it may have just spoken.
        """
        condition = self._ours(hint, worker_run)
        if heartbeats is not None:
            condition.append(job.c.heartbeats == heartbeats)
        again = self.changed(
            job.update()
            .where(*condition, job.c.losses + 1 < max_losses)
            .values(
                state=JobState.QUEUED,
                attempt=job.c.attempt + 1,
                losses=job.c.losses + 1,
                published_at=None,
                not_before=now() + delay,
                error=error,
                lease_until=None,  # `worker_run` stays: who gave it back may say so again
            )
        )
        if again:
            owner = self.connection.execute(
                sa.select(job.c.search_id).where(job.c.id == hint.job_id)
            ).scalar_one()
            self.connection.execute(statements.TOUCH, {"a_search": owner})
            self._event("lost", hint, {"error": error, "reaped": reaped})
            return Written.DONE
        failed = self.changed(
            job.update()
            .where(*condition)
            .values(state=JobState.FAILED, losses=job.c.losses + 1, finished_at=now(), error=error)
        )
        return self._failed(hint, error, reaped=reaped) if failed else Written.FENCED

    def _failed(self, hint: Hint, error: str, *, reaped: bool) -> Written:
        row = self.get(hint.job_id)
        assert row is not None  # its update has just met it
        self._event("failed", hint, {"error": error, "reaped": reaped})
        if row.kind == RoundKind.FINAL:
            # The frozen row stays as it is: `resume` runs it again, nothing is chosen anew.
            ended = self.changed(
                search.update()
                .where(search.c.id == row.search_id, search.c.state == SearchState.FINALIZING)
                .values(
                    state=SearchState.FAILED,
                    reason=f"the final test failed {row.losses} times: {error}",
                    revision=search.c.revision + 1,
                    finished_at=now(),
                )
            )
            if ended:  # another model of the same test may have ended it before
                self.record("failed", search_id=row.search_id, detail={"reason": error})
                self.connection.execute(OWE, {"a_search": row.search_id})
            return Written.DONE
        reports = [
            TrialReport(index=t.idx, state=TrialState.FAILED, error=error)
            for t in self.members(hint.job_id)
        ]
        if row.dataset_digest is None:
            return self._settle(row, reports[0])
        self._write_trials(row, reports)
        return self._close(row, reports)

    def requeue_final(self, search_id: str) -> None:
        """Put what has failed of the frozen final test back into the queue."""
        again = self.connection.execute(
            job.update()
            .where(
                job.c.search_id == search_id,
                job.c.kind == RoundKind.FINAL,
                job.c.state == JobState.FAILED,
            )
            .values(
                state=JobState.QUEUED,
                attempt=job.c.attempt + 1,
                losses=0,
                published_at=None,
                not_before=None,
                finished_at=None,
                worker_run=None,
            )
            .returning(job.c.id, job.c.attempt)
        ).all()
        for row in again:
            self.record("requeued", search_id=search_id, job_id=row.id, attempt=row.attempt)

    def open_test(self, hint: Hint, *, worker_run: str) -> bool:
        """Count an opening of the sealed test part, before it happens; False when fenced.

        An attempt opens once: asked again, because an answer was lost, it counts nothing.
        """
        mine = sa.and_(*self._ours(hint, worker_run), job.c.kind == RoundKind.FINAL)
        first = sa.func.coalesce(job.c.opened_attempt, 0) != hint.attempt
        counted = self.changed(
            job.update()
            .where(mine, first)
            .values(
                openings=job.c.openings + 1,
                opened_at=sa.func.coalesce(job.c.opened_at, now()),
                opened_attempt=hint.attempt,
            )
        )
        if counted:
            row = self.get(hint.job_id)
            assert row is not None  # its update has just met it
            self.count_opening(row.dataset_digest)
            self._event("test_opened", hint, {"dataset": row.dataset_digest})
        return counted or self.one(sa.select(job.c.id).where(mine)) is not None

    def open_again(self, row: Row) -> None:
        """Record that the test part is opened once more for a completed search, by a replay."""
        self.count_opening(row.dataset_digest)
        self.record("test_opened", search_id=row.id, detail={"dataset": row.dataset_digest})

    def count_opening(self, digest: str) -> None:
        """One more opening of a dataset's test part."""
        self.connection.execute(
            dataset_content.update()
            .where(dataset_content.c.digest == digest)
            .values(openings=dataset_content.c.openings + 1)
        )

    def running(self) -> Sequence[Row]:
        """The running jobs, each with its heartbeats and whether its lease has `expired`."""
        query = sa.select(
            job.c.id,
            job.c.search_id,
            job.c.attempt,
            job.c.losses,
            job.c.worker_run,
            job.c.heartbeats,
            job.c.deadline_seconds,
            job.c.lease_seconds,
            (job.c.lease_until < now()).label("expired"),
        ).where(job.c.state == constant(JobState.RUNNING))
        return self.connection.execute(query).all()

    def fingerprints(self, search_id: str) -> Sequence[Mapping[str, str]]:
        """The numeric fingerprints under which a search's jobs ran."""
        query = sa.select(job.c.fingerprint).where(
            job.c.search_id == search_id, job.c.fingerprint.is_not(None)
        )
        # Trainers elsewhere have none.
        return [found for found in self.connection.execute(query).scalars() if found]

    def lost(self, search_id: str) -> int:
        """Jobs of a search that failed because their workers were lost."""
        query = sa.select(sa.func.count()).where(
            job.c.search_id == search_id, job.c.state == JobState.FAILED
        )
        return self.connection.execute(query).scalar_one()

    def final(self, search_id: str) -> Row | None:
        """The one final job of a search.

        Of several, where every trial is a job, the one that was handed out most often.
        """
        query = sa.select(job).where(job.c.search_id == search_id, job.c.kind == RoundKind.FINAL)
        return self.one(query.order_by(job.c.openings.desc(), job.c.number).limit(1))

    def models(self, search_id: str) -> Sequence[Row]:
        """The models of the final test by index; none before it is frozen."""
        query = (
            sa.select(trial)
            .where(trial.c.search_id == search_id, trial.c.role.is_not(None))
            .order_by(trial.c.idx)
        )
        return self.connection.execute(query).all()

    def _ours(self, hint: Hint, worker_run: str) -> list[sa.ColumnElement[bool]]:
        return [
            job.c.id == hint.job_id,
            job.c.state == JobState.RUNNING,
            job.c.attempt == hint.attempt,
            job.c.worker_run == worker_run,
        ]

    def _event(self, kind: str, hint: Hint, detail: Mapping[str, Any]) -> None:
        query = sa.select(job.c.search_id).where(job.c.id == hint.job_id)
        self.record(
            kind,
            search_id=self.connection.execute(query).scalar(),
            job_id=hint.job_id,
            attempt=hint.attempt,
            detail=detail,
        )

    def _write_trials(self, row: Row, reports: Sequence[TrialReport]) -> None:
        self.update_many(
            trial,
            statements.TRIALS_OF_JOB,
            {"a_search": row.search_id, "a_round": row.round, "a_job": row.id},
            key=trial.c.idx,
            rows=_rows(reports),
        )

    def _close(self, row: Row, reports: Sequence[TrialReport]) -> Written:
        """Bring the counters of round and search up to date with a job that has ended."""
        where = {"a_search": row.search_id, "a_round": row.round}
        # The search's row first: it makes finishers of one search take turns.
        of_search = self.connection.execute(statements.TOUCH_BEST, where).one()
        of_round = self.connection.execute(statements.COUNT, {**where, **_sums(reports)}).one()
        self._best(row, reports, of_search=of_search, of_round=of_round)
        return _written(of_round)

    def _best(
        self, row: Row, reports: Sequence[TrialReport], *, of_search: Row, of_round: Row
    ) -> None:
        """Note the best of a job's trials where it may beat the best so far.

        That was read under the lock of the search's row; it saves the writes that cannot
        change anything.
        """
        scored = [r for r in reports if r.score is not None]
        if not scored or row.kind == RoundKind.FINAL:
            return
        best = min(scored, key=lambda r: (-(r.score or 0.0), tie(r.loss), r.index))
        values = {
            "a_search": row.search_id,
            "a_round": row.round,
            "an_index": best.index,
            "an_accuracy": accuracy(best),
            "a_score": best.score,
            "a_loss": tie(best.loss),
        }
        for statement, score, loss in (
            (statements.BEST_OF_ROUND, of_round.round_score, of_round.round_loss),
            (statements.BEST_OF_SEARCH, of_search.search_score, of_search.search_loss),
        ):
            if score is None or (-score, loss) >= (-(best.score or 0.0), tie(best.loss)):
                self.connection.execute(statement, values)


def _ours(hint: Hint, worker_run: str) -> dict[str, Any]:
    return {"a_job": hint.job_id, "an_attempt": hint.attempt, "a_run": worker_run}


def _rows(reports: Sequence[TrialReport]) -> list[dict[str, Any]]:
    """What is stored of trials that have ended."""
    return [
        {
            "idx": r.index,
            "state": r.state.value,
            "epochs": r.epochs,
            "correct": r.correct,
            "examples": r.examples,
            "accuracy": accuracy(r),
            "loss": r.loss,
            "score": r.score,
            "right": r.correct_mask,
            "curve": [list(point) for point in r.curve],
            "error": r.error,
            "test_correct": r.test_correct,
            "test_examples": r.test_examples,
        }
        for r in reports
    ]


def _sums(reports: Sequence[TrialReport]) -> dict[str, int]:
    """What a round's counters grow by."""
    states = Counter(r.state.value for r in reports)
    return {
        "some_epochs": sum(r.epochs for r in reports),
        **{f"some_{state}": states[state] for state in statements.COUNTED},
    }


def _written(counted: Row) -> Written:
    """The answer after a job that has been counted in its round."""
    return Written.DONE if counted.open_jobs else Written.ROUND_OVER


def _counted(reports: Sequence[TrialReport]) -> dict[str, int]:
    """What the history keeps of a report, so that it can be held against the rows."""
    return {
        "trials": len(reports),
        "epochs": sum(r.epochs for r in reports),
        "correct": sum(r.correct for r in reports),
    }


def accuracy(report: TrialReport) -> float:
    """Validation accuracy as it is stored and sorted: -1 where there is none."""
    usable = report.state in (TrialState.COMPLETED, TrialState.STOPPED) and report.examples
    return report.correct / report.examples if usable else UNKNOWN_SHARE


def tie(loss: float | None) -> float:
    """What equal scores are ordered by, lowest first: no loss comes last."""
    return math.inf if loss is None else loss
