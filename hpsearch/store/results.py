"""The ends of jobs: their results, their losses, and the counters that both move."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from hpsearch.records import Place
from hpsearch.store import compound, many, statements
from hpsearch.store.clock import now
from hpsearch.store.cohorts import Cohorts
from hpsearch.store.models import Models
from hpsearch.store.outbox import OWE
from hpsearch.store.queries import Queries
from hpsearch.store.queue import Queue
from hpsearch.store.tables import job, search, trial
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
        detail = {"worker_run": worker_run, **_counted(report.trials)}
        recorded = {"a_kind": "done", "a_detail": detail}
        if self.dialect.compound:
            statement = compound.finish(statements.FINISH)
            rows = many.packed(_rows(report.trials))
            values |= {**recorded, **_sums(report.trials), "rows_": rows}
            row = self.connection.execute(statement, values).first()
            if row is None:
                return self._not_written(hint, worker_run)
            search_id, kind, number, score, loss, open_jobs, *best = row
            place = Place(search_id, kind, number)
            self._note_best(place, report.trials, _Best(score, loss), _Best(*best))
            self._keep_model(place, report)
            return _written(open_jobs)
        row = self.connection.execute(statements.FINISH, values).first()
        if row is None:
            return self._not_written(hint, worker_run)
        place = Place(*row[1:])
        self._write_trials(hint, place, report.trials)
        self.connection.execute(
            statements.RECORD, {**fence, **recorded, "a_search": place.search_id}
        )
        self._keep_model(place, report)
        return self._close(place, report.trials)

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
        failed = self.changed(
            job.update()
            .where(*condition)
            .values(state=JobState.FAILED, losses=job.c.losses + 1, finished_at=now(), error=error)
        )
        return self._failed(hint, error, reaped=reaped) if failed else Written.FENCED

    def _failed(self, hint: Hint, error: str, *, reaped: bool) -> Written:
        row = Queue(self.connection).get(hint.job_id)
        assert row is not None  # its update has just met it
        self.record_job("failed", hint, {"error": error, "reaped": reaped})
        if row.kind is RoundKind.FINAL:
            # The frozen row stays as it is: `resume` runs it again, nothing is chosen anew.
            reason = f"the final test failed {row.losses} times: {error}"
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
        members = sa.select(trial.c.idx).where(trial.c.job_id == hint.job_id).order_by(trial.c.idx)
        reports = [
            TrialReport(index=index, state=TrialState.FAILED, error=error)
            for index in self.connection.execute(members).scalars()
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
                rows=_rows(reports),
            )
        return self._close(place, reports)

    def _not_written(self, hint: Hint, worker_run: str) -> Written:
        row = Queue(self.connection).get(hint.job_id)
        if row and row.done_attempt == hint.attempt and row.worker_run == worker_run:
            return Written.REPEATED
        self.record_job("fenced", hint, {"worker_run": worker_run})
        return Written.FENCED

    def _keep_model(self, place: Place, report: JobReport) -> None:
        """Store the recommended model, which the final job alone brings."""
        if report.model is not None:
            Models(self.connection).keep(place.search_id, report.model)

    def _write_trials(self, hint: Hint, place: Place, reports: Sequence[TrialReport]) -> None:
        self.dialect.update_many(
            self.connection,
            trial,
            statements.TRIALS_OF_JOB,
            {**statements.at(place), "a_job": hint.job_id},
            key=trial.c.idx,
            rows=_rows(reports),
        )

    def _close(self, place: Place, reports: Sequence[TrialReport]) -> Written:
        """Bring the counters of round and search up to date with a job that has ended."""
        # The search's row first: it makes finishers of one search take turns.
        of_search = self.connection.execute(statements.TOUCH_BEST, statements.at(place)).one()
        sums = {**statements.at(place), **_sums(reports)}
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


def _rows(reports: Sequence[TrialReport]) -> list[dict[str, Any]]:
    """The columns of trials that have ended (`statements.REPORTED`)."""
    return [
        {
            "idx": r.index,
            "state": r.state.value,
            "epochs": r.epochs,
            "correct": r.correct,
            "examples": r.examples,
            "rank_value": r.rank_value,
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


def _sums(reports: Sequence[TrialReport]) -> Mapping[str, int]:
    """The growth of a round's counters."""
    states = Counter(r.state.value for r in reports)
    return {
        "some_epochs": sum(r.epochs for r in reports),
        **{f"some_{state}": states[state] for state in statements.COUNTED},
    }


def _counted(reports: Sequence[TrialReport]) -> Mapping[str, int]:
    """The sums that the history keeps of a report, to be held against the rows."""
    return {
        "trials": len(reports),
        "epochs": sum(r.epochs for r in reports),
        "correct": sum(r.correct for r in reports),
    }


def _written(open_jobs: int) -> Written:
    """The outcome of a job that has been counted in its round."""
    return Written.DONE if open_jobs else Written.ROUND_OVER
