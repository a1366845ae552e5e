"""Reports on a trial that is trained elsewhere: what each one makes of the trial's rows.

Everything here happens in one transaction, with the job's row locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hpsearch.digits import in_full
from hpsearch.directions import turned
from hpsearch.errors import Conflict, InvalidReport, InvalidRequest, Mistake
from hpsearch.records import Curve, JobRecord
from hpsearch.report.build import trial_id
from hpsearch.report.views import VerdictView
from hpsearch.store import Tx
from hpsearch.trials import TrialReport, TrialState

Point = Sequence[float | int | None]  # of a curve: epoch, loss, None, score

ENDS = "completed, diverged, failed or returned"
IN_FULL = "trained in full"
OUTDONE = "as many trials as go on were better at this rung and at every one before it"
OVER = "it is over already"
RETURNED = "it was returned, and waits for another trainer"


@dataclass(frozen=True, slots=True)
class TrialUpdate:
    """A trainer's word on its trial: a score after some epoch, how it ended, or both.

    `epoch` is the last one where it is None. `state` is completed, where the training ends before
    its last epoch, diverged, failed or None; a trial that is `returned` has none.

    score
        As reported; `as_rank_value` turns that of a search that minimises.
    metrics
        Other numbers beside the score, in place of those reported before; None leaves these.
    cost
        Of this attempt so far, in all; None where nothing new is known of it.
    note, link
        In place of those reported before; None leaves these.
    replicates
        Scores of several trainings, whose mean `score` is; None of a single one.
    """

    token: str
    epoch: int | None = None
    score: float | None = None
    loss: float | None = None
    state: TrialState | None = None
    message: str | None = None
    returned: bool = False
    metrics: Mapping[str, float] | None = None
    cost: float | None = None
    note: str | None = None
    link: str | None = None
    replicates: Sequence[float] | None = None

    def as_rank_value(self, sign: int) -> TrialUpdate:
        """The report with its score as it is stored: larger is better."""
        turned_all = [turned(one, sign) for one in self.replicates or ()]
        known = [one for one in turned_all if one is not None]
        return replace(self, score=turned(self.score, sign), replicates=known or None)


def written(tx: Tx, job: JobRecord, index: int, update: TrialUpdate) -> VerdictView:
    """Store a report of a trial that is held, and end the trial where that is due."""
    trial = trial_id(job.round, index)
    tx.cohorts.lock(job.place)
    curve = tx.cohorts.reported(job.place, index).curve or []
    news = update.state is not None
    if update.score is not None:
        further = _further(tx, job, curve, update)
        if further is not None:
            curve, news = [*curve, further], True
            tx.cohorts.store_curve(job.place, index, curve, update.replicates)
    elif update.state is None:
        raise InvalidRequest(f'a report has a "score", or a "state" of {ENDS}')
    if news:  # an older report that comes again says nothing new
        store_rest(tx, job, index, update)
    state, reason = _ended(tx, job, index, curve, update)
    if state is None:
        prolong(tx, job, update.token)
        return VerdictView(trial=trial, stop=False)
    assert job.claimed_at is not None  # it is held
    tx.results.finish_external(
        job.hint,
        TrialReport(index=index, state=state, error=update.message if update.state else None),
        worker_run=update.token,
        seconds=tx.time() - job.claimed_at,
    )
    return VerdictView(trial=trial, stop=True, reason=reason)


def store_rest(tx: Tx, job: JobRecord, index: int, update: TrialUpdate) -> None:
    """Store metrics, cost, note and link of a report."""
    if update.cost is not None:
        cost = tx.cohorts.reported(job.place, index).cost
        if update.cost < (cost or 0.0):
            message = (
                f"cost {in_full(update.cost)} is less than the {in_full(cost or 0.0)} reported before: report the cost of "
                "the trial so far, in all"
            )
            raise InvalidReport("this is no report of a trial", [Mistake("cost", message)])
        tx.cohorts.store_cost(job.place, index, update.cost, before=cost)
    if update.metrics is not None:
        tx.cohorts.store_metrics(job.place, index, update.metrics)
    remarks = {"note": update.note, "link": update.link}
    if any(remarks.values()):
        tx.cohorts.store_remarks(job.place, index, {n: r for n, r in remarks.items() if r})


def _ended(
    tx: Tx, job: JobRecord, index: int, curve: Curve, update: TrialUpdate
) -> tuple[TrialState | None, str | None]:
    """End of a trial by this report, and the reason; None where it goes on."""
    if update.state not in (None, TrialState.COMPLETED):
        return update.state, f"it {update.state}"
    if not curve:
        raise InvalidRequest(
            'a training that is completed has a score; send it with its "epoch", or the state failed'
        )
    last = curve[-1][0]
    if last == job.epochs:
        return TrialState.COMPLETED, IN_FULL
    if update.state is not None:
        why = f"it ended after {last} of {job.epochs} epochs; its last score stands at later rungs"
        return TrialState.COMPLETED, why
    if tx.cohorts.surely_out(job.place, index):
        return TrialState.STOPPED, OUTDONE
    return None, None


def _point(job: JobRecord, update: TrialUpdate) -> Point:
    """The point of the curve that a report brings."""
    epoch = job.epochs if update.epoch is None else update.epoch
    if not 1 <= epoch <= job.epochs:
        raise InvalidRequest(f"epoch {epoch} is not one of the {job.epochs} of this trial")
    return (epoch, update.loss, None, update.score)


def _known(curve: Curve, point: Point) -> bool:
    """True where a point is on the curve, False where it prolongs it.

    Raises
    ------
    Conflict
        Its epoch has another score, or comes before one that has a score.
    """
    epoch, last = point[0], curve[-1][0] if curve else 0
    assert epoch is not None  # of every point
    assert last is not None
    if epoch > last:
        return False
    if list(point) in [list(known) for known in curve]:
        return True
    if any(known[0] == epoch for known in curve):
        raise Conflict(f"epoch {epoch} has another score already; a score is not taken back")
    raise Conflict(f"epoch {epoch} comes before epoch {last}, which has been reported")


def _further(tx: Tx, job: JobRecord, curve: Curve, update: TrialUpdate) -> Point | None:
    """The point by which a report prolongs the curve; None where that is known already."""
    point = _point(job, update)
    if _known(curve, point):
        return None
    last = curve[-1][0] if curve else 0
    due = next(rung for rung in tx.cohorts.rungs(job.place) if rung > (last or 0))
    if (point[0] or 0) > due:
        raise InvalidRequest(
            f"the score after epoch {due} has to be reported before that of epoch {point[0]}: trials "
            'are compared there. A search with "epochs": {"halving": false} compares none; one '
            'without epochs says "epochs": {"first": 1, "last": 1}'
        )
    return point


def over(tx: Tx, job: JobRecord, index: int, update: TrialUpdate) -> VerdictView:
    """The answer to a report on a trial that this trainer has ended, or that took too long."""
    reported = tx.cohorts.reported(job.place, index)
    if update.score is not None:
        _known(reported.curve or (), _point(job, update))
    return VerdictView(trial=trial_id(job.round, index), stop=True, reason=reported.error or OVER)


def returned(tx: Tx, job: JobRecord, index: int, update: TrialUpdate) -> VerdictView:
    """Queue a trial again, with nothing known of it but its cost."""
    tx.cohorts.lock(job.place)
    store_rest(tx, job, index, update)
    tx.cohorts.forget_reports(job.hint)
    tx.queue.put_back(job.hint, worker_run=update.token)
    return VerdictView(trial=trial_id(job.round, index), stop=True, reason=RETURNED)


def prolong(tx: Tx, job: JobRecord, token: str) -> float:
    """Begin the lease of a trial that is held anew; its seconds."""
    assert job.lease_seconds is not None  # whoever holds it has chosen them
    tx.queue.heartbeat(job.hint, worker_run=token, lease=job.lease_seconds)
    return job.lease_seconds
