"""Trials that are trained elsewhere, each a job of its own: handed out, scored, halved together.

A trial's own end is noted in `trial.ended`. What became of it is written, and counted, when the
last of its cohort has ended: only then is it known who was halved at which rung.

Whoever writes locks the job first and the search next, as every other write of the queue does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.spec import schedule
from hpsearch.spec.halving import Known, RungScore, halved, surely_out
from hpsearch.store import statements
from hpsearch.store.base import Part, Row
from hpsearch.store.clock import now
from hpsearch.store.constants import constant
from hpsearch.store.tables import UNKNOWN_SCORE, job, round_, trial
from hpsearch.trials import Hint, JobState, RoundKind, TrialReport, TrialState

Curve = Sequence[Sequence[Any]]
"""Rows of (epoch, loss, None, score), as `TrialReport` has them."""
MEMBER = ("idx", "curve", "ended", "error")  # what has to be known of each trial of a cohort


class Cohorts(Part):
    """The rows of trials that are trained elsewhere."""

    def open_of(self, search_id: str, limit: int) -> Sequence[Hint]:
        """The first jobs of one search that wait for a trainer."""
        query = (
            sa.select(job.c.id, job.c.attempt, job.c.kind)
            .where(
                job.c.search_id == search_id,
                job.c.state == constant(JobState.QUEUED),
                statements.due(),
            )
            .order_by(job.c.round, job.c.number)
            .limit(limit)
        )
        rows = self.connection.execute(query)
        return [Hint(row.id, row.attempt, RoundKind(row.kind)) for row in rows]

    def begun(self, hint: Hint) -> None:
        """A trial was handed out: what an earlier attempt reported is no part of this one.

        Whoever gets a final trial sees the test part, so that counts as an opening: one for each
        attempt, also where a claim is repeated because its answer was lost.
        """
        self.connection.execute(
            trial.update()
            .where(trial.c.job_id == hint.job_id)
            .values(curve=sa.null(), epochs=0, loss=None, score=None)
        )
        if hint.kind is RoundKind.FINAL:
            self.connection.execute(
                job.update()
                .where(
                    job.c.id == hint.job_id,
                    sa.func.coalesce(job.c.opened_attempt, 0) != hint.attempt,
                )
                .values(
                    openings=job.c.openings + 1,
                    opened_at=sa.func.coalesce(job.c.opened_at, now()),
                    opened_attempt=hint.attempt,
                )
            )

    def of_trial(self, search_id: str, number: int, index: int) -> Row | None:
        """The job of a trial, locked until the transaction ends."""
        mine = sa.select(trial.c.job_id).where(
            trial.c.search_id == search_id, trial.c.round == number, trial.c.idx == index
        )
        return self.one(sa.select(job).where(job.c.id == mine.scalar_subquery()).with_for_update())

    def curve(self, row: Row, index: int) -> Curve:
        """What has been reported of a trial so far; its search is locked from here on."""
        self.connection.execute(statements.TOUCH, {"a_search": row.search_id})
        query = sa.select(trial.c.curve).where(*_the_trial(row, index))
        return self.connection.execute(query).scalar_one() or []

    def rungs(self, row: Row) -> Sequence[int]:
        """The rungs of a job's round."""
        query = sa.select(round_.c.rungs).where(
            round_.c.search_id == row.search_id, round_.c.number == row.round
        )
        return self.connection.execute(query).scalar_one() or [row.epochs]

    def scored(self, row: Row, index: int, curve: Curve) -> None:
        """Store what has been reported of a trial so far."""
        epoch, loss, _, score = curve[-1]
        self.connection.execute(
            trial.update()
            .where(*_the_trial(row, index))
            .values(curve=[list(point) for point in curve], epochs=epoch, loss=loss, score=score)
        )

    def surely_out(self, row: Row, index: int) -> bool:
        """Whether a trial has been halved away, whatever the rest of its cohort reports yet."""
        rungs = self.rungs(row)
        if len(rungs) == 1:
            return False
        members = self._cohort(row, index, rungs)
        places = schedule.cohort_sizes(len(members), rungs)
        return surely_out(index, _known(members, rungs), rungs, places)

    def settled(self, row: Row, ended: TrialReport) -> list[TrialReport]:
        """Note how the trial of a job has ended; what became of its cohort, once that is over."""
        # The search's row first: two who end at once must not take each other for unfinished.
        self.connection.execute(statements.TOUCH, {"a_search": row.search_id})
        self.connection.execute(
            trial.update()
            .where(*_the_trial(row, ended.index))
            .values(ended=ended.state, error=ended.error)
        )
        rungs = self.rungs(row)
        members = self._cohort(row, ended.index, rungs)
        if any(member.ended is None for member in members):
            return []
        places = schedule.cohort_sizes(len(members), rungs)
        stopped = halved(_known(members, rungs), rungs, places)
        return [_became(member, stopped.get(member.idx)) for member in members]

    def _cohort(self, row: Row, index: int, rungs: Sequence[int]) -> Sequence[Row]:
        """The trials that one is halved with; itself alone where nothing is halved."""
        query: sa.Select[Any] = sa.select(*(trial.c[name] for name in MEMBER))
        if len(rungs) == 1:
            return self.connection.execute(query.where(*_the_trial(row, index))).all()
        mine = sa.select(trial.c.cohort).where(*_the_trial(row, index)).scalar_subquery()
        query = query.where(
            trial.c.search_id == row.search_id, trial.c.round == row.round, trial.c.cohort == mine
        )
        return self.connection.execute(query.order_by(trial.c.idx)).all()


def _the_trial(row: Row, index: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Trial `index` of a job's round."""
    return (
        trial.c.search_id == row.search_id,
        trial.c.round == row.round,
        trial.c.idx == index,
    )


def _known(members: Sequence[Row], rungs: Sequence[int]) -> Known:
    """The scores of a cohort at the rungs of its round."""
    return {
        member.idx: {
            epoch: RungScore(score, math.inf if loss is None else loss)
            for epoch, loss, _, score in member.curve or ()
            if epoch in rungs
        }
        for member in members
    }


def _became(member: Row, stopped: int | None) -> TrialReport:
    """What is stored of a trial whose cohort is over, cut back to the rung where it was stopped."""
    state = TrialState(member.ended)
    curve = [tuple(point) for point in member.curve or ()]
    if stopped is not None:
        state, curve = TrialState.STOPPED, [point for point in curve if point[0] <= stopped]
    epoch, loss, _, score = curve[-1] if curve else (0, None, None, None)
    sound = state in (TrialState.COMPLETED, TrialState.STOPPED)
    return TrialReport(
        index=member.idx,
        state=state,
        epochs=epoch,
        loss=loss,
        score=score if sound else None,
        curve=curve,
        error=member.error,
    )


def rank(report: TrialReport) -> float:
    """What a trial that was trained elsewhere is sorted by: its score."""
    return UNKNOWN_SCORE if report.score is None else report.score
