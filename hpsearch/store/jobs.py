"""The queue: claim, heartbeat, finish, give back. Every write is fenced by the attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from hpsearch.store.base import Part, Row
from hpsearch.store.clock import now
from hpsearch.store.tables import dataset_content, job, round_, search, trial
from hpsearch.store.window import due
from hpsearch.trials import (
    WORKING,
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


class Jobs(Part):
    """The rows of the queue."""

    def get(self, job_id: int) -> Row | None:
        """One job with its search's spec and dataset."""
        return self.one(
            sa.select(job, search.c.spec, search.c.dataset_digest, dataset_content.c.info)
            .join(search, search.c.id == job.c.search_id)
            .join(dataset_content, dataset_content.c.digest == search.c.dataset_digest)
            .where(job.c.id == job_id)
        )

    def members(self, job_id: int) -> Sequence[Row]:
        """The trials of a job by index."""
        query = sa.select(trial).where(trial.c.job_id == job_id).order_by(trial.c.idx)
        return self.connection.execute(query).all()

    def claim(self, hint: Hint, *, worker_run: str, lease: float) -> bool:
        """Take a queued job; False when the hint is stale or the search does not run."""
        working = (
            sa.select(search.c.id)
            .where(search.c.id == job.c.search_id, search.c.state.in_(WORKING))
            .exists()
        )
        taken = self.changed(
            job.update()
            .where(
                job.c.id == hint.job_id,
                job.c.state == JobState.QUEUED,
                job.c.attempt == hint.attempt,
                due(),
                working,
            )
            .values(
                state=JobState.RUNNING,
                worker_run=worker_run,
                claimed_at=now(),
                lease_until=now() + lease,
                deadline_at=now() + job.c.deadline_seconds,
            )
        )
        if taken:
            self._touch(hint.job_id, served=True)
            self._event("claimed", hint, {"worker_run": worker_run})
            return True
        # The answer to an earlier COMMIT may have been lost: the row says whether it is ours.
        return self._held(hint, worker_run)

    def _held(self, hint: Hint, worker_run: str) -> bool:
        query = sa.select(job.c.id).where(
            job.c.id == hint.job_id,
            job.c.state == JobState.RUNNING,
            job.c.attempt == hint.attempt,
            job.c.worker_run == worker_run,
        )
        return self.one(query) is not None

    def heartbeat(self, hint: Hint, *, worker_run: str, lease: float) -> bool:
        """Prolong the lease; False when the attempt is over."""
        return self.changed(
            job.update()
            .where(*self._ours(hint, worker_run))
            .values(heartbeats=job.c.heartbeats + 1, lease_until=now() + lease)
        )

    def finish(self, hint: Hint, report: JobReport, *, worker_run: str) -> Written:
        """Write a job's results once; a second delivery changes nothing."""
        written = self.changed(
            job.update()
            .where(*self._ours(hint, worker_run))
            .values(
                state=JobState.DONE,
                done_attempt=hint.attempt,
                finished_at=now(),
                fingerprint=dict(report.fingerprint),
                seconds=report.seconds,
                peak_rss_bytes=report.peak_rss_bytes,
                ensemble_correct=report.ensemble_correct,
                error=None,
            )
        )
        if not written:
            return self._not_written(hint, worker_run)
        row = self.get(hint.job_id)
        assert row is not None  # its update has just met it
        self._write_trials(row, report.trials)
        self._event("done", hint, {"worker_run": worker_run, **_counted(report.trials)})
        return self._close(row, report.trials)

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
                worker_run=None,
                lease_until=None,
            )
        )
        if again:
            self._touch(hint.job_id)
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
            self.connection.execute(
                search.update()
                .where(search.c.id == row.search_id, search.c.state == SearchState.FINALIZING)
                .values(
                    state=SearchState.FAILED,
                    reason=f"the final test failed {row.losses} times: {error}",
                    revision=search.c.revision + 1,
                    finished_at=now(),
                )
            )
            self.record("failed", search_id=row.search_id, detail={"reason": error})
            return Written.DONE
        reports = [
            TrialReport(index=t.idx, state=TrialState.FAILED, error=error)
            for t in self.members(hint.job_id)
        ]
        self._write_trials(row, reports)
        return self._close(row, reports)

    def requeue_final(self, search_id: str) -> bool:
        """Put the frozen final job back into the queue after it has failed."""
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
        ).one_or_none()
        if again is None:
            return False
        self.record("requeued", search_id=search_id, job_id=again.id, attempt=again.attempt)
        return True

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
            job.c.attempt,
            job.c.losses,
            job.c.worker_run,
            job.c.heartbeats,
            job.c.deadline_seconds,
            (job.c.lease_until < now()).label("expired"),
        ).where(job.c.state == JobState.RUNNING)
        return self.connection.execute(query).all()

    def fingerprints(self, search_id: str) -> Sequence[Mapping[str, str]]:
        """The numeric fingerprints under which a search's jobs ran."""
        query = sa.select(job.c.fingerprint).where(
            job.c.search_id == search_id, job.c.fingerprint.is_not(None)
        )
        return self.connection.execute(query).scalars().all()

    def lost(self, search_id: str) -> int:
        """Jobs of a search that failed because their workers were lost."""
        query = sa.select(sa.func.count()).where(
            job.c.search_id == search_id, job.c.state == JobState.FAILED
        )
        return self.connection.execute(query).scalar_one()

    def final(self, search_id: str) -> Row | None:
        """The one final job of a search."""
        return self.one(
            sa.select(job).where(job.c.search_id == search_id, job.c.kind == RoundKind.FINAL)
        )

    def _ours(self, hint: Hint, worker_run: str) -> list[sa.ColumnElement[bool]]:
        return [
            job.c.id == hint.job_id,
            job.c.state == JobState.RUNNING,
            job.c.attempt == hint.attempt,
            job.c.worker_run == worker_run,
        ]

    def _touch(self, job_id: int, *, served: bool = False) -> None:
        """The status of the job's search has changed; `served` when a worker took a job of it."""
        owner = sa.select(job.c.search_id).where(job.c.id == job_id).scalar_subquery()
        values: dict[str, Any] = {"revision": search.c.revision + 1}
        if served:
            values["served_at"] = now()
        self.connection.execute(search.update().where(search.c.id == owner).values(values))

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
        statement = trial.update().where(
            trial.c.search_id == row.search_id,
            trial.c.round == row.round,
            trial.c.idx == sa.bindparam("at"),
            trial.c.job_id == row.id,
        )
        self.connection.execute(
            statement,
            [
                {
                    "at": r.index,
                    "state": r.state,
                    "epochs": r.epochs,
                    "correct": r.correct,
                    "examples": r.examples,
                    "accuracy": accuracy(r),
                    "loss": r.loss,
                    "score": r.score,
                    "right": r.right,
                    "curve": [list(point) for point in r.curve],
                    "error": r.error,
                    "test_correct": r.test_correct,
                    "test_examples": r.test_examples,
                }
                for r in reports
            ],
        )

    def _close(self, row: Row, reports: Sequence[TrialReport]) -> Written:
        """Bring the counters of round and search up to date with a job that has ended."""
        # The search's row first: it makes finishers of one search take turns.
        self.connection.execute(
            search.update()
            .where(search.c.id == row.search_id)
            .values(revision=search.c.revision + 1)
        )
        states = Counter(r.state for r in reports)
        where = (round_.c.search_id == row.search_id, round_.c.number == row.round)
        self.connection.execute(
            round_.update()
            .where(*where)
            .values(
                open_jobs=round_.c.open_jobs - 1,
                epochs_trained=round_.c.epochs_trained + sum(r.epochs for r in reports),
                **{s.value: round_.c[s.value] + n for s, n in states.items()},
            )
        )
        if row.kind != RoundKind.FINAL:
            self._best(row, reports)
        over = self.changed(
            round_.update().where(*where, round_.c.open_jobs == 0).values(finished_at=now())
        )
        return Written.ROUND_OVER if over else Written.DONE

    def _best(self, row: Row, reports: Sequence[TrialReport]) -> None:
        candidates = [r for r in reports if r.score is not None and r.loss is not None]
        if not candidates:
            return
        best = min(candidates, key=lambda r: (-(r.score or 0.0), r.loss, r.index))
        params = self.connection.execute(
            sa.select(trial.c.params).where(
                trial.c.search_id == row.search_id,
                trial.c.round == row.round,
                trial.c.idx == best.index,
            )
        ).scalar_one()
        values = {
            "best_index": best.index,
            "best_params": params,
            "best_accuracy": accuracy(best),
            "best_score": best.score,
            "best_loss": best.loss,
        }
        for table, where, more in (
            (round_, (round_.c.search_id == row.search_id, round_.c.number == row.round), {}),
            (search, (search.c.id == row.search_id,), {"best_round": row.round}),
        ):
            self.connection.execute(
                table.update()
                .where(*where, _better(table, row.round, best))
                .values(**values, **more)
            )


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
    return report.correct / report.examples if usable else -1.0


def _better(table: sa.Table, number: int, best: TrialReport) -> sa.ColumnElement[bool]:
    """Beats the stored best: by score, then loss, then the older trial.

    The order is total, so whoever finishes first, the same trial is the best in the end.
    """
    score, c = best.score, table.c
    older = c.best_index > best.index
    if table is search:
        older = sa.tuple_(c.best_round, c.best_index) > sa.tuple_(number, best.index)
    equal = c.best_score == score
    return sa.or_(
        c.best_score.is_(None),
        c.best_score < score,
        sa.and_(equal, c.best_loss > best.loss),
        sa.and_(equal, c.best_loss == best.loss, older),
    )
