"""Trials that are trained elsewhere: claimed, kept alive and reported by whoever trains them.

The same claim, lease and fence as a worker's: the token is the run id under which the job is
held, so that a report of a trial that has been taken away meets no row.
"""

from __future__ import annotations

import time
import uuid

from hpsearch.directions import sign_in
from hpsearch.errors import Conflict, NotFound
from hpsearch.records import JobRecord, SearchRecord
from hpsearch.report.build import trial_id, trial_seed
from hpsearch.report.views import HeartbeatView, LeaseView, OrderView, VerdictView
from hpsearch.service import trial_reports as reports
from hpsearch.service.jobs import JobService
from hpsearch.service.queries import POLL_SECONDS, get_or_404
from hpsearch.service.trial_reports import TrialUpdate
from hpsearch.settings import Settings
from hpsearch.store import Store, Tx
from hpsearch.trials import ENDED, Hint, JobState, RoundKind, TrialState

TRIED = 4  # jobs that a claim reaches for before it says that nothing is open


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
                raise _taken(job, trial, token)
            return HeartbeatView(trial=trial, seconds=reports.prolong(tx, job, token))

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
        InvalidReport
            Its cost is below that of an earlier report.
        Conflict
            The trial is not this trainer's any more, or the epoch has another score already.
        """
        search = _external(self._store, owner, search_id)
        update = update.as_rank_value(sign_in(search.spec))
        number, index = _place(trial)

        def write(tx: Tx) -> VerdictView | tuple[Hint, int]:
            job = _job(tx, search_id, number, index)
            if job.done_attempt is not None and job.worker_run == update.token:
                return reports.over(tx, job, index, update)
            if _was_given_back(job, update):
                why = reports.RETURNED if update.returned else job.error
                return VerdictView(trial=trial, stop=True, reason=why)
            if not _is_held(job, update.token):
                raise _taken(job, trial, update.token)
            if update.returned:
                return reports.returned(tx, job, index, update)
            failed_final = job.kind is RoundKind.FINAL and update.state is TrialState.FAILED
            if failed_final and not tx.final.is_spare(job.id):
                reports.store_rest(tx, job, index, update)
                return job.hint, job.losses
            return reports.written(tx, job, index, update)

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


def _was_given_back(job: JobRecord, update: TrialUpdate) -> bool:
    """True where this trainer gave it back before, and nobody has taken its place."""
    last = job.state in (JobState.QUEUED, JobState.FAILED) and job.worker_run == update.token
    return last and (update.returned or update.state is TrialState.FAILED)


def _taken(job: JobRecord, trial: str, token: str) -> Conflict:
    """The refusal of a trainer whose trial is not, or no longer, its own."""
    now = {
        JobState.QUEUED: "it waits to be claimed again",
        JobState.RUNNING: "somebody else trains it",
        JobState.DONE: reports.OVER if job.worker_run == token else "somebody else has trained it",
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
