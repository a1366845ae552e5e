"""Trials that are trained elsewhere: claimed, kept alive and reported by whoever trains them.

The same claim, lease and fence as a worker's: the token is the run id under which the job is
held, so that a report of a trial that has been taken away meets no row.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.errors import Conflict, InvalidRequest, NotFound
from hpsearch.report.build import trial_id, trial_seed
from hpsearch.report.views import HeartbeatView, LeaseView, OrderView, VerdictView
from hpsearch.service.reading import POLL_SECONDS, found
from hpsearch.service.work import Work
from hpsearch.settings import Settings
from hpsearch.store import Row, Store, Tx
from hpsearch.store.cohorts import Curve
from hpsearch.trials import ENDED, Hint, JobState, RoundKind, TrialReport, TrialState

TRIED = 4  # jobs that a claim reaches for before it says that nothing is open
IN_FULL = "trained in full"
OUTDONE = "as many trials as go on were better at this rung and at every one before it"
OVER = "it is over already"


@dataclass(frozen=True, slots=True)
class Told:
    """What a trainer says of its trial: a score after some epoch, or that it came to nothing.

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

    def __init__(self, store: Store, work: Work, settings: Settings) -> None:
        self._store = store
        self._work = work
        self._settings = settings

    def check(self, search_id: str, *, owner: str) -> None:
        """Nothing, for a search of this owner that is trained elsewhere.

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
            row = _external(self._store, owner, search_id)
            if row.state in ENDED:
                raise Conflict(f"search {search_id} is {row.state}; nothing is left to train")
            order = self._claim(row, lease or self._settings.lease_seconds)
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
            row = _job(tx, search_id, number, index)
            if not _held(row, token):
                raise _taken(row, trial)
            lease = row.lease_seconds
            tx.jobs.heartbeat(Hint(row.id, row.attempt), worker_run=token, lease=lease)
            return HeartbeatView(trial=trial, seconds=lease)

        return self._store.write(beat, lasting=False)

    def report(self, search_id: str, trial: str, told: Told, *, owner: str) -> VerdictView:
        """Store what a trainer says of its trial, and say whether to go on with it.

        Said twice it changes nothing.

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
            row = _job(tx, search_id, number, index)
            if row.done_attempt is not None and row.worker_run == told.token:
                return VerdictView(trial=trial, stop=True, reason=OVER)
            if told.state is TrialState.FAILED and _given_back(row, told.token):
                return VerdictView(trial=trial, stop=True, reason=row.error)
            if not _held(row, told.token):
                raise _taken(row, trial)
            if row.kind == RoundKind.FINAL and told.state is TrialState.FAILED:
                return Hint(row.id, row.attempt), row.losses
            return _written(tx, row, index, told)

        done = self._store.write(write)
        if isinstance(done, VerdictView):
            return done
        hint, losses = done
        why = told.message or "its trainer says that it failed"
        self._work.give_back(hint, why, worker_run=told.token, losses=losses)
        return VerdictView(trial=trial, stop=True, reason=why)

    def _claim(self, row: Row, lease: float) -> OrderView | None:
        hints = self._store.read(lambda tx: tx.jobs.open_of(row.id, TRIED))
        token, again = str(uuid.uuid4()), False

        def take(tx: Tx) -> OrderView | None:
            nonlocal again
            # The answer to a COMMIT may have been lost: what it took must not lie about.
            held = tx.jobs.held(token) if again else ()
            again = True
            for hint in (*held, *hints):
                order = _order(tx, hint, token, lease)
                if order is not None:
                    return order
            return None

        return self._store.write(take) if hints else None


def _external(store: Store, owner: str, search_id: str) -> Row:
    row = found(store, owner, search_id)
    if row.dataset_digest is not None:
        raise Conflict(
            f"search {search_id} is trained by the service on {row.dataset!r}; trials are claimed "
            'of a search whose spec says "objective": "external"'
        )
    return row


def _place(trial: str) -> tuple[int, int]:
    """Round and index in the id of a trial, which the border has checked."""
    number, index = trial.split("-")
    return int(number), int(index)


def _job(tx: Tx, search_id: str, number: int, index: int) -> Row:
    row = tx.jobs.of_trial(search_id, number, index)
    if row is None:
        raise NotFound(f"search {search_id} has no trial {trial_id(number, index)}")
    return row


def _held(row: Row, token: str) -> bool:
    return bool(row.state == JobState.RUNNING and row.worker_run == token)


def _given_back(row: Row, token: str) -> bool:
    """Whether this trainer was the last one, and nobody has taken its place."""
    return bool(row.state in (JobState.QUEUED, JobState.FAILED) and row.worker_run == token)


def _taken(row: Row, trial: str) -> Conflict:
    """Why a trial is not, or no longer, this trainer's."""
    now = {
        JobState.QUEUED: "it waits to be claimed again",
        JobState.RUNNING: "somebody else trains it",
        JobState.DONE: "somebody else has trained it",
        JobState.FAILED: "it was given up after its trainers were lost",
        JobState.CANCELLED: "its search was cancelled",
    }
    why = now[JobState(row.state)]
    return Conflict(f"trial {trial} is not held under this token: {why}; claim another one")


def _order(tx: Tx, hint: Hint, token: str, lease: float) -> OrderView | None:
    """Claim a job and say what there is to train."""
    taken = tx.jobs.claim(hint, worker_run=token, lease=lease, external=True)
    if taken is None:
        return None
    claimed, about = taken.job, taken.about
    tx.jobs.begun(Hint(hint.job_id, hint.attempt, RoundKind(claimed.kind)))
    index, params, role, _ = taken.tasks[0]
    return OrderView(
        search=claimed.search_id,
        trial=trial_id(claimed.round, index),
        kind=claimed.kind,
        role=role,
        params=params,
        epochs=claimed.epochs,
        rungs=about.rungs or [claimed.epochs],
        seed=trial_seed(about.spec["seed"], claimed.round, index),
        attempt=hint.attempt,
        lease=LeaseView(token=token, seconds=lease),
    )


def _written(tx: Tx, row: Row, index: int, told: Told) -> VerdictView:
    """Store a report of a trial that is held, and end the trial where that is due."""
    trial = trial_id(row.round, index)
    curve = tx.jobs.curve(row, index)
    if told.score is not None and told.state is None:
        further = _further(tx, row, curve, told)
        if further is not None:
            curve = [*curve, further]
            tx.jobs.scored(row, index, curve)
    elif told.state is None:
        raise InvalidRequest('a report has a "score", or a "state" of diverged or failed')
    state, reason = told.state, told.state and f"it {told.state}"
    if state is None and curve[-1][0] == row.epochs:
        state, reason = TrialState.COMPLETED, IN_FULL
    elif state is None and tx.jobs.surely_out(row, index):
        state, reason = TrialState.STOPPED, OUTDONE
    hint = Hint(row.id, row.attempt)
    if state is None:
        tx.jobs.heartbeat(hint, worker_run=told.token, lease=row.lease_seconds)
        return VerdictView(trial=trial, stop=False)
    ended = TrialReport(index=index, state=state, error=told.message)
    seconds = tx.time() - row.claimed_at
    tx.jobs.finish_outside(hint, ended, worker_run=told.token, seconds=seconds)
    return VerdictView(trial=trial, stop=True, reason=reason)


def _further(tx: Tx, row: Row, curve: Curve, told: Told) -> Sequence[Any] | None:
    """The point by which a report prolongs the curve; None where it says what is known."""
    epoch = row.epochs if told.epoch is None else told.epoch
    if not 1 <= epoch <= row.epochs:
        raise InvalidRequest(f"epoch {epoch} is not one of the {row.epochs} of this trial")
    point = (epoch, told.loss, None, told.score)
    last = curve[-1][0] if curve else 0
    if epoch <= last:
        if list(point) in [list(known) for known in curve]:
            return None
        raise Conflict(
            f"epoch {epoch} has another score already, or comes after the reported epoch {last}"
        )
    due = next(rung for rung in tx.jobs.rungs(row) if rung > last)
    if epoch > due:
        raise InvalidRequest(
            f"the score after epoch {due} has to be reported before that of epoch {epoch}: trials "
            'are compared there; a search with "epochs": {"halving": false} compares none'
        )
    return point
