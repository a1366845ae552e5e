"""The ends of jobs: their results, their losses, and the counters that both move."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from hpsearch.errors import Fenced
from hpsearch.evidence import Evidence
from hpsearch.records import Place
from hpsearch.store import compound, many, reported, statements
from hpsearch.store.clock import now
from hpsearch.store.cohorts import Cohorts
from hpsearch.store.final_test import FinalTest
from hpsearch.store.models import Models
from hpsearch.store.outbox import OWE
from hpsearch.store.queries import Queries
from hpsearch.store.queue import Queue
from hpsearch.store.tables import job, round_, search, trial
from hpsearch.trials import (
    Hint,
    JobReport,
    JobState,
    RoundKind,
    SearchState,
    TrialReport,
    TrialState,
    rank_key,
)


class Written(StrEnum):
    """The outcome of a report, or of giving a job back."""

    DONE = "done"  # written, more jobs of the round are open
    ROUND_OVER = "round_over"  # written, and it was the round's last job
    REPEATED = "repeated"  # this very report was written before
    FENCED = "fenced"  # the attempt is over; nothing was written


class _Best(NamedTuple):
    """Score and loss of the best trial so far; None before there is one."""

    score: float | None
    loss: float | None

    def beaten_by(self, report: TrialReport) -> bool:
        """True where a report may be better: an equal one may be of an older trial."""
        best = rank_key(self.score, self.loss, 0, 0)
        return best >= rank_key(report.score, report.loss, 0, 0)


class Results(Queries):
    """Writes what became of jobs."""

    def finish(self, hint: Hint, report: JobReport, *, worker_run: str) -> Written:
        """Write a job's results once; a second delivery changes nothing."""
        fence = statements.fence(hint, worker_run)
        values = {
            **fence,
            "a_fingerprint": dict(report.fingerprint),
            "some_seconds": report.seconds,
            "a_peak": report.peak_rss_bytes,
            "an_ensemble": report.ensemble_correct,
        }
        detail = _detail(report, worker_run)
        recorded = {"a_kind": "done", "a_detail": detail}
        if self.dialect.compound:
            statement = compound.finish(statements.FINISH)
            rows = many.packed(reported.rows(report.trials))
            values |= {**recorded, **reported.sums(report.trials), "rows_": rows}
            row = self.connection.execute(statement, values).first()
            if row is None:
                return self._not_written(hint, worker_run)
            self._keep_final(Place(*row[:3]), report)
            return self._counted(row, report.trials)
        row = self.connection.execute(statements.FINISH, values).first()
        if row is None:
            return self._not_written(hint, worker_run)
        place = Place(*row[1:])
        self._write_trials(hint, place, report.trials)
        self.connection.execute(
            statements.RECORD, {**fence, **recorded, "a_search": place.search_id}
        )
        self._keep_final(place, report)
        return self._close(place, report.trials)

    def finish_together(
        self, reports: Sequence[tuple[Hint, JobReport]], *, worker_run: str
    ) -> Sequence[Written]:
        """Write the results of several jobs of one round, none of the final test.

        Raises
        ------
        Fenced
            An attempt among them is over, or was written before: nothing of this transaction may be kept.
        """
        if not self.dialect.compound:
            return [self.finish(*each, worker_run=worker_run) for each in reports]
        trials = [trial for _, report in reports for trial in report.trials]
        ending = [
            {
                "id": hint.job_id,
                "attempt": hint.attempt,
                "seconds": report.seconds,
                "peak_rss_bytes": report.peak_rss_bytes,
                "detail": _detail(report, worker_run),
            }
            for hint, report in reports
        ]
        values = {
            "a_run": worker_run,
            "a_kind": "done",
            "a_fingerprint": dict(reports[0][1].fingerprint),  # one process has trained them
            "jobs_": many.packed(ending),
            "rows_": many.packed(reported.rows(trials)),
            **reported.sums(trials, jobs=len(reports)),
        }
        statement = compound.finish(statements.FINISH_TOGETHER)
        row = self.connection.execute(statement, values).first()
        if row is None or row.n != len(reports):
            raise Fenced("a job of several is not this worker's any more")
        return [*[Written.DONE] * (len(reports) - 1), self._counted(row, trials)]

    def _counted(self, row: Sequence[Any], trials: Sequence[TrialReport]) -> Written:
        """Note the best trial after a compound statement has ended jobs and counted them."""
        search_id, kind, number, _, score, loss, open_jobs, *best = row
        place = Place(search_id, kind, number)
        self._note_best(place, trials, _Best(score, loss), _Best(*best))
        return _written(open_jobs)

    def finish_external(
        self, hint: Hint, report: TrialReport, *, worker_run: str, seconds: float
    ) -> Written:
        """End the job of a trial that was trained elsewhere; its results wait for its cohort."""
        values = {
            **statements.fence(hint, worker_run),
            "a_fingerprint": {},
            "some_seconds": seconds,
            "a_peak": None,
            "an_ensemble": None,
        }
        row = self.connection.execute(statements.FINISH, values).first()
        if row is None:
            return self._not_written(hint, worker_run)
        self.record_job("done", hint, {"worker_run": worker_run, "trials": 1})
        return self._settle(Place(*row[1:]), report)

    def out_of_time(self, hint: Hint, error: str, *, worker_run: str) -> Written:
        """Fail a trial that was trained elsewhere for longer than it may take; it is no loss."""
        row = Queue(self.connection).get(hint.job_id)
        if row is None or row.claimed_at is None:
            return Written.FENCED
        if row.kind is RoundKind.FINAL and not FinalTest(self.connection).is_spare(hint.job_id):
            return self._fail(statements.ours(hint, worker_run), hint, error, losses=0)
        index = self.connection.execute(_members(hint)).scalars().first()
        assert index is not None  # such a job has one trial
        report = TrialReport(index=index, state=TrialState.FAILED, error=error)
        seconds = self.connection.execute(sa.select(now())).scalar_one() - row.claimed_at
        return self.finish_external(hint, report, worker_run=worker_run, seconds=seconds)

    def give_up_spare(self, search_id: str) -> None:
        """End the drawn models of a final test whose jobs have failed."""
        for row, index in FinalTest(self.connection).failed_spares(search_id):
            error = row.error or "its trainers were lost"
            self._settle(row.place, TrialReport(index=index, state=TrialState.FAILED, error=error))

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
        condition = statements.ours(hint, worker_run)
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
            self.record_job("lost", hint, {"error": error, "reaped": reaped})
            return Written.DONE
        return self._fail(condition, hint, error, losses=1, reaped=reaped)

    def _fail(
        self,
        condition: Sequence[sa.ColumnElement[bool]],
        hint: Hint,
        error: str,
        *,
        losses: int,
        reaped: bool = True,
    ) -> Written:
        """Fail a job for good; `losses` are added to those that it had."""
        more = job.c.losses + losses
        failed = self.changed(
            job.update()
            .where(*condition)
            .values(state=JobState.FAILED, losses=more, finished_at=now(), error=error)
        )
        return self._failed(hint, error, reaped=reaped) if failed else Written.FENCED

    def _failed(self, hint: Hint, error: str, *, reaped: bool) -> Written:
        row = Queue(self.connection).get(hint.job_id)
        assert row is not None  # its update has just met it
        self.record_job("failed", hint, {"error": error, "reaped": reaped})
        if row.kind is RoundKind.FINAL and not FinalTest(self.connection).is_spare(row.id):
            # The frozen row stays as it is: `resume` runs it again, nothing is chosen anew.
            times = f" {row.losses} times" if row.losses else ""
            reason = f"the final test failed{times}: {error}"
            ended = self.changed(
                search.update()
                .where(search.c.id == row.search_id, search.c.state == SearchState.FINALIZING)
                .values(
                    state=SearchState.FAILED,
                    reason=reason,
                    revision=search.c.revision + 1,
                    finished_at=now(),
                )
            )
            if ended:  # another model of the same test may have ended it before
                self.record("failed", search_id=row.search_id, detail={"reason": error})
                self.connection.execute(OWE, {"a_search": row.search_id})
            return Written.DONE
        reports = [
            TrialReport(index=index, state=TrialState.FAILED, error=error)
            for index in self.connection.execute(_members(hint)).scalars()
        ]
        place = row.place
        if row.dataset_digest is None:
            return self._settle(place, reports[0])
        self._write_trials(hint, place, reports)
        return self._close(place, reports)

    def _settle(self, place: Place, report: TrialReport) -> Written:
        """End a trial that was trained elsewhere, and its cohort with the last one."""
        reports = Cohorts(self.connection).settled(place, report)
        if reports:
            self.dialect.update_many(
                self.connection,
                trial,
                statements.TRIALS_OF_ROUND,
                statements.at(place),
                key=trial.c.idx,
                rows=reported.rows(reports),
            )
        return self._close(place, reports)

    def _not_written(self, hint: Hint, worker_run: str) -> Written:
        row = Queue(self.connection).get(hint.job_id)
        if row and row.done_attempt == hint.attempt and row.worker_run == worker_run:
            return Written.REPEATED
        self.record_job("fenced", hint, {"worker_run": worker_run})
        return Written.FENCED

    def _keep_final(self, place: Place, report: JobReport) -> None:
        """Store what the final job alone brings: the recommended model, and the test scores."""
        if report.model is not None:
            Models(self.connection).keep(place.search_id, report.model)
        if report.test is not None:
            self.connection.execute(
                round_.update()
                .where(round_.c.search_id == place.search_id, round_.c.number == place.round)
                .values(evidence=Evidence(test=report.test))
            )

    def _write_trials(self, hint: Hint, place: Place, reports: Sequence[TrialReport]) -> None:
        self.dialect.update_many(
            self.connection,
            trial,
            statements.TRIALS_OF_JOB,
            {**statements.at(place), "a_job": hint.job_id},
            key=trial.c.idx,
            rows=reported.rows(reports),
        )

    def _close(self, place: Place, reports: Sequence[TrialReport]) -> Written:
        """Bring the counters of round and search up to date with a job that has ended."""
        # The search's row first: it makes finishers of one search take turns.
        of_search = self.connection.execute(statements.TOUCH_BEST, statements.at(place)).one()
        sums = {**statements.at(place), **reported.sums(reports)}
        open_jobs, *of_round = self.connection.execute(statements.COUNT, sums).one()
        self._note_best(place, reports, _Best(*of_search), _Best(*of_round))
        return _written(open_jobs)

    def _note_best(
        self, place: Place, reports: Sequence[TrialReport], of_search: _Best, of_round: _Best
    ) -> None:
        """Note the best of a job's trials where it may beat the best so far.

        That was read under the lock of the search's row; it saves the writes that cannot
        change anything.
        """
        scored = [r for r in reports if r.score is not None]
        if not scored or place.kind is RoundKind.FINAL:
            return
        best = min(scored, key=lambda r: rank_key(r.score, r.loss, place.round, r.index))
        values = {
            **statements.at(place),
            "an_index": best.index,
            "an_accuracy": best.rank_value if best.examples else None,
            "a_score": best.score,
            "a_loss": math.inf if best.loss is None else best.loss,
        }
        if of_round.beaten_by(best):
            self.connection.execute(statements.BEST_OF_ROUND, values)
        if of_search.beaten_by(best):
            self.connection.execute(statements.BEST_OF_SEARCH, values)


def _detail(report: JobReport, worker_run: str) -> Mapping[str, Any]:
    """The detail of the event of a finished job."""
    return {"worker_run": worker_run, **reported.counted(report.trials)}


def _members(hint: Hint) -> sa.Select[Any]:
    """The indices of a job's trials."""
    return sa.select(trial.c.idx).where(trial.c.job_id == hint.job_id).order_by(trial.c.idx)


def _written(open_jobs: int) -> Written:
    """The outcome of a job that has been counted in its round."""
    return Written.DONE if open_jobs else Written.ROUND_OVER
