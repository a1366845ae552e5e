"""Trials that are trained elsewhere, each a job of its own: handed out, scored, halved together.

A trial's own end is noted in `trial.ended`. What became of it is written, and counted, when the
last of its cohort has ended: only then is it known who was halved at which rung.

Whoever writes locks the job first and the search next, as every other write of the queue does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from hpsearch.records import Curve, JobRecord, Place
from hpsearch.spec import schedule
from hpsearch.spec.halving import Known, RungScore, halved, surely_out
from hpsearch.store import statements
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import job, round_, trial
from hpsearch.trials import SCORED, Hint, TrialReport, TrialState


class Reported(NamedTuple):
    """The reports on one trial: its scores by epoch, its cost, and why it came to nothing."""

    curve: Curve | None
    error: str | None
    cost: float | None


class _Member(NamedTuple):
    """A trial of a cohort, as far as halving looks at it."""

    idx: int
    curve: Curve | None
    ended: TrialState | None
    error: str | None
    metrics: Mapping[str, float] | None
    replicates: Sequence[float] | None


class Cohorts(Queries):
    """The rows of trials that are trained elsewhere."""

    def forget_reports(self, hint: Hint) -> None:
        """Remove what an earlier attempt at a trial reported: it is no part of a new one.

        Its cost stays, as one of attempts before: it was spent.
        """
        self.connection.execute(
            trial.update()
            .where(trial.c.job_id == hint.job_id)
            .values(
                curve=sa.null(),
                epochs=0,
                loss=None,
                score=None,
                metrics=sa.null(),
                note=None,
                link=None,
                replicates=sa.null(),
                cost=None,
                cost_before=sa.case(
                    (trial.c.cost.is_(None), trial.c.cost_before),
                    else_=sa.func.coalesce(trial.c.cost_before, 0.0) + trial.c.cost,
                ),
            )
        )

    def job_of(self, search_id: str, number: int, index: int) -> JobRecord | None:
        """The job of a trial, locked until the transaction ends."""
        mine = sa.select(trial.c.job_id).where(*_trial(search_id, number, index))
        query = sa.select(*columns(JobRecord, job)).where(job.c.id == mine.scalar_subquery())
        return self.one(JobRecord, query.with_for_update())

    def lock(self, place: Place) -> None:
        """Lock the search until the transaction ends; its revision rises."""
        self.connection.execute(statements.TOUCH, {"a_search": place.search_id})

    def reported(self, place: Place, index: int) -> Reported:
        """The reports on a trial so far; lock its search first, where more are to be stored."""
        query = sa.select(*columns(Reported, trial))
        query = query.where(*_trial(place.search_id, place.round, index))
        return Reported._make(self.connection.execute(query).one())

    def rungs(self, place: Place) -> Sequence[int]:
        """The rungs of a round."""
        query = sa.select(round_.c.rungs, round_.c.epochs).where(
            round_.c.search_id == place.search_id, round_.c.number == place.round
        )
        rungs, epochs = self.connection.execute(query).one()
        return rungs or [epochs]

    def store_curve(
        self, place: Place, index: int, curve: Curve, replicates: Sequence[float] | None = None
    ) -> None:
        """Store the reports on a trial so far, with the replicates of the last one."""
        epoch, loss, _, score = curve[-1]
        self.connection.execute(
            trial.update()
            .where(*_trial(place.search_id, place.round, index))
            .values(
                curve=[list(point) for point in curve],
                epochs=epoch,
                loss=loss,
                score=score,
                replicates=None if replicates is None else list(replicates),
            )
        )

    def store_metrics(self, place: Place, index: int, metrics: Mapping[str, float]) -> None:
        """Store the metrics of a trial in place of those that it had."""
        self.connection.execute(
            trial.update()
            .where(*_trial(place.search_id, place.round, index))
            .values(metrics=dict(metrics))
        )

    def store_remarks(self, place: Place, index: int, remarks: Mapping[str, str]) -> None:
        """Store the note or the link of a trial, or both, in place of those that it had."""
        self.connection.execute(
            trial.update().where(*_trial(place.search_id, place.round, index)).values(**remarks)
        )

    def store_cost(self, place: Place, index: int, cost: float, *, before: float | None) -> None:
        """Store the cost of a trial so far, which was `before`; its round's sum grows with it."""
        self.connection.execute(
            trial.update().where(*_trial(place.search_id, place.round, index)).values(cost=cost)
        )
        more = cost - (before or 0.0)
        self.connection.execute(
            round_.update()
            .where(round_.c.search_id == place.search_id, round_.c.number == place.round)
            .values(cost=sa.func.coalesce(round_.c.cost, 0.0) + more)
        )

    def surely_out(self, place: Place, index: int) -> bool:
        """True of a trial that has been halved away, whatever the rest of its cohort reports yet."""
        rungs = self.rungs(place)
        if len(rungs) == 1:
            return False
        members = self._cohort(place, index, rungs)
        places = schedule.cohort_sizes(len(members), rungs)
        return surely_out(index, _known(members, rungs), rungs, places)

    def settled(self, place: Place, report: TrialReport) -> list[TrialReport]:
        """Note how a trial has ended; what became of its whole cohort, once that is over."""
        # The search's row first: two who end at once must not take each other for unfinished.
        self.lock(place)
        self.connection.execute(
            trial.update()
            .where(*_trial(place.search_id, place.round, report.index))
            .values(ended=report.state, error=report.error)
        )
        rungs = self.rungs(place)
        members = self._cohort(place, report.index, rungs)
        if any(member.ended is None for member in members):
            return []
        places = schedule.cohort_sizes(len(members), rungs)
        stopped = halved(_known(members, rungs), rungs, places)
        reports = [_settled(member, stopped.get(member.idx)) for member in members]
        self._forget_replicates(place, members, reports)
        return reports

    def _forget_replicates(
        self, place: Place, members: Sequence[_Member], reports: Sequence[TrialReport]
    ) -> None:
        """Remove replicates of an epoch that does not count, or of a trial that has no score."""
        for member, report in zip(members, reports, strict=True):
            curve = member.curve or [(0,)]
            if member.replicates and (report.score is None or report.epochs != curve[-1][0]):
                self.connection.execute(
                    trial.update()
                    .where(*_trial(place.search_id, place.round, member.idx))
                    .values(replicates=sa.null())
                )

    def _cohort(self, place: Place, index: int, rungs: Sequence[int]) -> Sequence[_Member]:
        """The trials that one is halved with; itself alone where nothing is halved."""
        query = sa.select(*columns(_Member, trial))
        if len(rungs) == 1:
            return self.all(_Member, query.where(*_trial(place.search_id, place.round, index)))
        mine = (
            sa.select(trial.c.cohort)
            .where(*_trial(place.search_id, place.round, index))
            .scalar_subquery()
        )
        query = query.where(
            trial.c.search_id == place.search_id,
            trial.c.round == place.round,
            trial.c.cohort == mine,
        )
        return self.all(_Member, query.order_by(trial.c.idx))


def _trial(search_id: str, number: int, index: int) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions that one trial meets."""
    return trial.c.search_id == search_id, trial.c.round == number, trial.c.idx == index


def _known(members: Sequence[_Member], rungs: Sequence[int]) -> Known:
    """The scores of a cohort at the rungs of its round."""
    return {member.idx: _at_rungs(member, rungs) for member in members}


def _at_rungs(member: _Member, rungs: Sequence[int]) -> Mapping[int, RungScore]:
    """The scores of a trial by rung; the last one of a training that is complete stands at later rungs."""
    scores = {
        int(epoch): RungScore(score, math.inf if loss is None else loss)
        for epoch, loss, _, score in member.curve or ()
        if epoch is not None and score is not None
    }
    last = max(scores, default=0)
    standing = [rung for rung in rungs if rung > last and member.ended is TrialState.COMPLETED]
    scores |= {rung: scores[last] for rung in standing if scores}
    return {rung: scores[rung] for rung in rungs if rung in scores}


def _settled(member: _Member, stopped: int | None) -> TrialReport:
    """The report on a trial whose cohort is over, cut back to the rung where it was stopped."""
    assert member.ended is not None  # as all of its cohort have
    state, curve = member.ended, [tuple(point) for point in member.curve or ()]
    if stopped is not None:
        state = TrialState.STOPPED
        curve = [point for point in curve if point[0] is not None and point[0] <= stopped]
    epoch, loss, _, score = curve[-1] if curve else (0, None, None, None)
    return TrialReport(
        index=member.idx,
        state=state,
        epochs=int(epoch or 0),
        loss=loss,
        score=score if state in SCORED else None,
        curve=curve,
        error=member.error,
        metrics=member.metrics,
    )
