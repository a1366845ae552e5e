"""Trials that are trained elsewhere: claimed, kept alive and reported by whoever trains them.

The same claim, lease and fence as a worker's: the token is the run id under which the job is
held, so that a report of a trial that has been taken away meets no row.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.errors import Conflict, InvalidRequest, NotFound
from hpsearch.records import Curve, JobRecord, SearchRecord
from hpsearch.report.build import trial_id, trial_seed
from hpsearch.report.views import HeartbeatView, LeaseView, OrderView, VerdictView
from hpsearch.service.jobs import JobService
from hpsearch.service.queries import POLL_SECONDS, get_or_404
from hpsearch.settings import Settings
from hpsearch.store import Store, Tx
from hpsearch.trials import ENDED, Hint, JobState, RoundKind, TrialReport, TrialState

TRIED = 4  # jobs that a claim reaches for before it says that nothing is open
IN_FULL = "trained in full"
OUTDONE = "as many trials as go on were better at this rung and at every one before it"
OVER = "it is over already"


@dataclass(frozen=True, slots=True)
class TrialUpdate:
    """A trainer's word on its trial: a score after some epoch, or that it came to nothing.

    `epoch` is the last one where it is None; `state` is diverged or failed, or None.
    """

    token: str
    epoch: int | None = None
    score: float | None = None
    loss: float | None = None
    state: TrialState | None = None
    message: str | None = None


class External:
    """The use cases of trainers. `owner` restricts every one; a stranger's id is not found."""

    def __init__(self, store: Store, jobs: JobService, settings: Settings) -> None:
        self._store = store
        self._jobs = jobs
        self._settings = settings

    def check(self, search_id: str, *, owner: str) -> None:
        """Refuse a search that is not this owner's, or not trained elsewhere.

        Raises
        ------
        NotFound, Conflict
            There is none, or the service trains it.
        """
        _external(self._store, owner, search_id)

    def claim(
        self, search_id: str, *, owner: str, lease: float | None = None, seconds: float = 0.0
    ) -> OrderView | None:
        """The next trial to train; None where none is open for so many `seconds`.

        Raises
        ------
        NotFound
            There is no such search of this owner.
        Conflict
            Its trials are trained by the service, or it has ended.
        """
        deadline = time.monotonic() + seconds
        while True:
            search = _external(self._store, owner, search_id)
            if search.state in ENDED:
                raise Conflict(f"search {search_id} is {search.state}; nothing is left to train")
            order = self._claim(search, lease or self._settings.lease_seconds)
            left = deadline - time.monotonic()
            if order is not None or left <= 0:
                return order
            time.sleep(min(POLL_SECONDS, left))

    def heartbeat(self, search_id: str, trial: str, token: str, *, owner: str) -> HeartbeatView:
        """Begin a trial's lease anew.

        Raises
        ------
        NotFound
            There is no such trial.
        Conflict
            It is not this trainer's any more.
        """
        _external(self._store, owner, search_id)
        number, index = _place(trial)

        def beat(tx: Tx) -> HeartbeatView:
            job = _job(tx, search_id, number, index)
            if not _is_held(job, token):
                raise _taken(job, trial)
            return HeartbeatView(trial=trial, seconds=_prolong(tx, job, token))

        return self._store.write(beat, durable=False)

    def report(self, search_id: str, trial: str, update: TrialUpdate, *, owner: str) -> VerdictView:
        """Store a trainer's word on its trial; the answer says whether to go on with it.

        Repeated, it changes nothing.

        Raises
        ------
        NotFound
            There is no such trial.
        InvalidRequest
            The report has no score, or an epoch that is not due.
        Conflict
            The trial is not this trainer's any more, or the epoch has another score already.
        """
        _external(self._store, owner, search_id)
        number, index = _place(trial)

        def write(tx: Tx) -> VerdictView | tuple[Hint, int]:
            job = _job(tx, search_id, number, index)
            if job.done_attempt is not None and job.worker_run == update.token:
                return VerdictView(trial=trial, stop=True, reason=OVER)
            if update.state is TrialState.FAILED and _was_given_back(job, update.token):
                return VerdictView(trial=trial, stop=True, reason=job.error)
            if not _is_held(job, update.token):
                raise _taken(job, trial)
            if job.kind is RoundKind.FINAL and update.state is TrialState.FAILED:
                return job.hint, job.losses
            return _written(tx, job, index, update)

        done = self._store.write(write)
        if isinstance(done, VerdictView):
            return done
        hint, losses = done
        why = update.message or "its trainer says that it failed"
        self._jobs.give_back(hint, why, worker_run=update.token, losses=losses)
        return VerdictView(trial=trial, stop=True, reason=why)

    def _claim(self, search: SearchRecord, lease: float) -> OrderView | None:
        hints = self._store.read(lambda tx: tx.queue.waiting_of(search.id, TRIED))
        token, again = str(uuid.uuid4()), False

        def take(tx: Tx) -> OrderView | None:
            nonlocal again
            # The answer to a COMMIT may have been lost: what it took must not lie about.
            held = tx.queue.held(token) if again else ()
            again = True
            for hint in (*held, *hints):
                order = _order(tx, hint, token, lease)
                if order is not None:
                    return order
            return None

        return self._store.write(take) if hints else None


def _external(store: Store, owner: str, search_id: str) -> SearchRecord:
    search = get_or_404(store, owner, search_id)
    if search.dataset_digest is not None:
        raise Conflict(
            f"search {search_id} is trained by the service on {search.dataset!r}; trials are claimed "
            'of a search whose spec says "objective": "external"'
        )
    return search


def _place(trial: str) -> tuple[int, int]:
    """Round and index in the id of a trial, which the API has checked."""
    number, index = trial.split("-")
    return int(number), int(index)


def _job(tx: Tx, search_id: str, number: int, index: int) -> JobRecord:
    job = tx.cohorts.job_of(search_id, number, index)
    if job is None:
        raise NotFound(f"search {search_id} has no trial {trial_id(number, index)}")
    return job


def _is_held(job: JobRecord, token: str) -> bool:
    return job.state is JobState.RUNNING and job.worker_run == token


def _was_given_back(job: JobRecord, token: str) -> bool:
    """True where this trainer was the last one, and nobody has taken its place."""
    return job.state in (JobState.QUEUED, JobState.FAILED) and job.worker_run == token


def _prolong(tx: Tx, job: JobRecord, token: str) -> float:
    """Begin the lease of a trial that is held anew; its seconds."""
    assert job.lease_seconds is not None  # whoever holds it has chosen them
    tx.queue.heartbeat(job.hint, worker_run=token, lease=job.lease_seconds)
    return job.lease_seconds


def _taken(job: JobRecord, trial: str) -> Conflict:
    """The refusal of a trainer whose trial is not, or no longer, its own."""
    now = {
        JobState.QUEUED: "it waits to be claimed again",
        JobState.RUNNING: "somebody else trains it",
        JobState.DONE: "somebody else has trained it",
        JobState.FAILED: "it was given up after its trainers were lost",
        JobState.CANCELLED: "its search was cancelled",
    }
    why = now[job.state]
    return Conflict(f"trial {trial} is not held under this token: {why}; claim another one")


def _order(tx: Tx, hint: Hint, token: str, lease: float) -> OrderView | None:
    """Claim a job; the order that its trainer gets."""
    claimed = tx.queue.claim(hint, worker_run=token, lease=lease, external=True)
    if claimed is None:
        return None
    tx.cohorts.forget_reports(hint)
    if claimed.kind is RoundKind.FINAL:
        tx.final.hand_out(hint)
    index, params, role, _ = claimed.tasks[0]
    return OrderView(
        search=claimed.search_id,
        trial=trial_id(claimed.round, index),
        kind=claimed.kind,
        role=role,
        params=params,
        epochs=claimed.epochs,
        rungs=list(claimed.ladder),
        seed=trial_seed(int(claimed.spec["seed"]), claimed.round, index),
        attempt=hint.attempt,
        lease=LeaseView(token=token, seconds=lease),
    )


def _written(tx: Tx, job: JobRecord, index: int, update: TrialUpdate) -> VerdictView:
    """Store a report of a trial that is held, and end the trial where that is due."""
    trial = trial_id(job.round, index)
    curve = tx.cohorts.curve(job.place, index)
    if update.score is not None and update.state is None:
        further = _further(tx, job, curve, update)
        if further is not None:
            curve = [*curve, further]
            tx.cohorts.store_curve(job.place, index, curve)
    elif update.state is None:
        raise InvalidRequest('a report has a "score", or a "state" of diverged or failed')
    state, reason = update.state, update.state and f"it {update.state}"
    if state is None and curve[-1][0] == job.epochs:
        state, reason = TrialState.COMPLETED, IN_FULL
    elif state is None and tx.cohorts.surely_out(job.place, index):
        state, reason = TrialState.STOPPED, OUTDONE
    if state is None:
        _prolong(tx, job, update.token)
        return VerdictView(trial=trial, stop=False)
    assert job.claimed_at is not None  # it is held
    tx.results.finish_external(
        job.hint,
        TrialReport(index=index, state=state, error=update.message),
        worker_run=update.token,
        seconds=tx.time() - job.claimed_at,
    )
    return VerdictView(trial=trial, stop=True, reason=reason)


def _further(
    tx: Tx, job: JobRecord, curve: Curve, update: TrialUpdate
) -> Sequence[float | int | None] | None:
    """The point by which a report prolongs the curve; None where that is known already."""
    epoch = job.epochs if update.epoch is None else update.epoch
    if not 1 <= epoch <= job.epochs:
        raise InvalidRequest(f"epoch {epoch} is not one of the {job.epochs} of this trial")
    point = (epoch, update.loss, None, update.score)
    last = int(curve[-1][0] or 0) if curve else 0
    if epoch <= last:
        if list(point) in [list(known) for known in curve]:
            return None
        raise Conflict(
            f"epoch {epoch} has another score already, or comes after the reported epoch {last}"
        )
    due = next(rung for rung in tx.cohorts.rungs(job.place) if rung > last)
    if epoch > due:
        raise InvalidRequest(
            f"the score after epoch {due} has to be reported before that of epoch {epoch}: trials "
            'are compared there; a search with "epochs": {"halving": false} compares none'
        )
    return point
