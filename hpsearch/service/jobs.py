"""The use cases of workers and the loop: claim, heartbeat, finish, advance, publish, reap.

Every method is safe to call twice and from two processes at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from hpsearch.errors import Fenced, Misconfigured, StorageFull, Unavailable
from hpsearch.logs import about
from hpsearch.records import ClaimedJob, RunningJob
from hpsearch.service.liveness import LivenessMonitor
from hpsearch.settings import Settings
from hpsearch.store import Store, Tx, Waiting, Written
from hpsearch.trials import Hint, JobOrder, JobReport, RoundKind

log = logging.getLogger(__name__)

RETRY_LONGEST = 60.0  # seconds a lost job waits at the most, however often it was lost
LOOP_KEPT_SECONDS = 86_400.0  # of silence, for which it is still said when a loop was heard last
SHARED_FAULTS = (Misconfigured, Unavailable, StorageFull)  # of what every search needs: all wait
LOST_SECONDS = 2.0  # after which a hint is lost that is not in an empty broker

Taken = Sequence[tuple[Hint, JobOrder]]  # jobs that one worker has taken together


def _one(_search_id: str, _round: int) -> int:
    return 1


class JobService:
    """The use cases of the processes behind the API."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._faulty: set[str] = set()  # searches that were reported as stuck
        self.liveness = LivenessMonitor(
            lease=settings.lease_seconds,
            heartbeat=settings.heartbeat_seconds,
            tick=settings.tick_seconds,
        )

    # --- one job -------------------------------------------------------------------------

    def claim(self, hint: Hint, *, worker_run: str) -> JobOrder | None:
        """Take the job that a hint points at; None when there is nothing to do."""
        lease = self._settings.lease_seconds

        def take(tx: Tx) -> JobOrder | None:
            claimed = tx.queue.claim(hint, worker_run=worker_run, lease=lease)
            return None if claimed is None else _order(claimed)

        return self._store.write(take, durable=False)

    def heartbeat(self, hint: Hint, *, worker_run: str) -> bool:
        """Prolong the lease; False when the attempt is over and the work must stop."""
        lease = self._settings.lease_seconds
        return self._store.write(
            lambda tx: tx.queue.heartbeat(hint, worker_run=worker_run, lease=lease), durable=False
        )

    def finish(self, hint: Hint, report: JobReport, *, worker_run: str) -> Written:
        """Store a job's results, once."""
        written = self._store.write(
            lambda tx: tx.results.finish(hint, report, worker_run=worker_run)
        )
        if written is Written.FENCED:
            log.warning("results of job %d attempt %d come too late", hint.job_id, hint.attempt)
        return written

    def finish_together(
        self, reports: Sequence[tuple[Hint, JobReport]], *, worker_run: str
    ) -> Sequence[Written]:
        """Store the results of several jobs that were taken together, each of them once.

        Results that cannot be stored cost no others theirs: their error is raised when those are written.
        """
        try:
            return self._store.write(
                lambda tx: tx.results.finish_together(reports, worker_run=worker_run)
            )
        except Unavailable:
            raise
        except Fenced:  # of one of them: nothing was written yet
            return self._finish_each(reports, worker_run=worker_run)
        except Exception:
            log.exception("the results of %d jobs are written one by one", len(reports))
            return self._finish_each(reports, worker_run=worker_run)

    def _finish_each(
        self, reports: Sequence[tuple[Hint, JobReport]], *, worker_run: str
    ) -> Sequence[Written]:
        """Store results one by one, and raise the first error in the end."""
        written: list[Written] = []
        faults: list[Exception] = []
        for hint, report in reports:
            try:
                written.append(self.finish(hint, report, worker_run=worker_run))
            except Unavailable:
                raise
            except Exception as error:
                log.exception("the results of job %d are not written", hint.job_id)
                faults.append(error)
        if faults:
            raise faults[0]
        return written

    def put_back(self, hints: Sequence[Hint], search_id: str, *, worker_run: str) -> int:
        """Return jobs of a search that were not begun, which is no loss; how many were this worker's still."""
        return self._store.write(
            lambda tx: tx.queue.put_back_unbegun(hints, search_id, worker_run=worker_run),
            durable=False,
        )

    def give_back(self, hint: Hint, error: str, *, worker_run: str, losses: int = 0) -> Written:
        """Return a job whose worker could not finish it."""
        return self._give_back(hint, error, worker_run=worker_run, losses=losses)

    def open_test(self, hint: Hint, *, worker_run: str) -> bool:
        """Record an opening of the test part before it happens; False when fenced."""
        opened = self._store.write(lambda tx: tx.final.open(hint, worker_run=worker_run))
        if opened:
            log.info("the test part is opened by job %d attempt %d", hint.job_id, hint.attempt)
        return opened

    # --- the loop ------------------------------------------------------------------------

    def reap(self) -> int:
        """Take jobs back from workers that are gone or out of time, and count them.

        To be called again and again: what is lost shows from one call to the next.
        """
        running = self._store.read(lambda tx: tx.queue.running())
        lost = self.liveness.lost(running)
        return sum(self._isolated(one[0].search_id, partial(self._reap, *one)) for one in lost)

    def advance_due(self, *, goes_on: Callable[[], bool] = lambda: True) -> int:
        """Advance every search whose round is over, and count those that moved on.

        goes_on
            Asked after each of them, for there may be thousands; False leaves the rest to another call.
        """
        moved = 0
        for search_id in self._store.read(lambda tx: tx.searches.due()):
            moved += self._isolated(search_id, partial(self.advance, search_id))
            if not goes_on():
                break
        return moved

    def advance(self, search_id: str) -> bool:
        """Decide what a search does next and write it; False when somebody else did."""
        # Here, because the API, which decides nothing, need not wait for scipy.stats to load.
        from hpsearch.service.advance import advance

        with about(search_id=search_id):
            return advance(self._store, self._settings, search_id)

    def hints(self, *, broker_is_empty: bool = False) -> Sequence[Hint]:
        """Hints to publish now. An empty broker has lost whatever was not claimed at once."""
        republish = LOST_SECONDS if broker_is_empty else self._settings.republish_seconds
        return self._store.read(lambda tx: self._waiting(tx, republish)).window

    def take(
        self, *, worker_run: str, seconds: float, most: Callable[[str, int], int] = _one
    ) -> tuple[Taken, Sequence[Hint]]:
        """The next job for a worker that is at it, and what else is to be published.

        The job is the one that is next in turn and not with the broker, so that no hint is
        left behind there. It is never a final test, which has workers of its own, nor a job
        that may take longer than `seconds`.

        most
            From a search and its round: how many of the round's jobs are taken together.
        """
        again = False

        def take(tx: Tx) -> tuple[Taken, Sequence[Hint]]:
            nonlocal again
            # The answer to a COMMIT may have been lost: what it took must not lie about.
            if again and (held := self._held(tx, worker_run)):
                return held, ()
            again = True
            waiting = self._waiting(tx, self._settings.republish_seconds)
            for hint in (*waiting.window, *waiting.beyond):
                if hint.kind is RoundKind.FINAL or (hint.seconds or 0.0) > seconds:
                    continue
                if taken := self._claim(tx, hint, worker_run, seconds, most):
                    gone = {hint for hint, _ in taken}
                    return taken, [h for h in waiting.window if h not in gone]
            return [], waiting.window

        return self._store.write(take, durable=False)

    def _held(self, tx: Tx, worker_run: str) -> Taken:
        """The jobs that a worker has claimed already, of the newest claim's round alone.

        A worker trains and writes one round at a time. What an older claim left ends by its lease.
        """
        lease = self._settings.lease_seconds
        claimed = (
            (hint, tx.queue.claim(hint, worker_run=worker_run, lease=lease))
            for hint in tx.queue.held(worker_run)
        )
        orders = [(hint, _order(job)) for hint, job in claimed if job is not None]
        rounds = [(order.search_id, order.round) for _, order in orders]
        return [each for each, of in zip(orders, rounds, strict=True) if of == rounds[0]]

    def _claim(
        self,
        tx: Tx,
        hint: Hint,
        worker_run: str,
        seconds: float,
        most: Callable[[str, int], int],
    ) -> Taken:
        """Claim a job, and with it others of its round; none where it is not to be had."""
        lease = self._settings.lease_seconds
        first = tx.queue.claim(hint, worker_run=worker_run, lease=lease)
        if first is None:
            return []
        # A job that has ended its worker does so to all beside it: it has none at its next attempt.
        exposed = hint.attempt > 1 or self._settings.max_losses == 1
        together = 1 if exposed else most(first.search_id, first.round)
        if together == 1:
            return [(hint, _order(first))]
        further = tx.queue.claim_beside(
            first, worker_run=worker_run, lease=lease, most=together - 1, seconds=seconds,
            republish=self._settings.republish_seconds,
        )  # fmt: skip
        return [(hint, _order(first)), *((more, _order(job)) for more, job in further)]

    def _waiting(self, tx: Tx, republish: float) -> Waiting:
        return tx.window.waiting(
            per_slot=self._settings.hints_per_slot,
            alive=self._settings.lease_seconds,
            republish=republish,
        )

    def published(self, hints: Sequence[Hint]) -> None:
        """Note that hints have been sent."""
        if hints:
            self._store.write(lambda tx: tx.window.published(hints), durable=False)

    def beat(self, loop_id: str, *, host: str, pid: int) -> None:
        """Note that a loop lives."""
        self._store.write(lambda tx: tx.loops.beat(loop_id, host=host, pid=pid), durable=False)

    def forget_loop(self, loop_id: str) -> None:
        """Forget a loop that stopped."""
        self._store.write(lambda tx: tx.loops.remove(loop_id))

    # --- workers -------------------------------------------------------------------------

    def register(
        self, worker_id: str, *, host: str, pid: int, fingerprint: Mapping[str, str]
    ) -> None:
        """Note that a worker lives."""
        self._store.write(
            lambda tx: tx.workers.register(worker_id, host=host, pid=pid, fingerprint=fingerprint),
            durable=False,
        )

    def unregister(self, worker_id: str) -> None:
        """Forget a worker that stopped."""
        self._store.write(lambda tx: tx.workers.remove(worker_id))

    def sweep_workers(self) -> None:
        """Forget workers that have been silent for ten leases, and loops silent for a day."""
        silent = 10 * self._settings.lease_seconds

        def sweep(tx: Tx) -> None:
            tx.workers.remove_silent(older_than=silent)
            tx.loops.remove_silent(older_than=LOOP_KEPT_SECONDS)

        self._store.write(sweep)

    # --- inside --------------------------------------------------------------------------

    def _isolated(self, search_id: str, step: Callable[[], bool]) -> bool:
        """Run a step of the loop for one search: a fault of its own holds up no other search.

        It is tried again at every turn, and reported once. So are errors on purpose about what is
        stored of it, such as a spec that this version cannot read.
        """
        try:
            return step()
        except SHARED_FAULTS:
            raise
        except Exception:  # whatever it is, the other searches are to go on
            if search_id not in self._faulty:
                self._faulty.add(search_id)
                with about(search_id=search_id):
                    log.exception("the search is stuck")
            return False

    def _reap(self, job: RunningJob, error: str, heartbeats: int | None) -> bool:
        hint = Hint(job.id, job.attempt)
        # A deadline (no heartbeats) of a training elsewhere is its user's, who asked for no second try.
        if heartbeats is None and job.lease_seconds is not None:
            error = f"it took longer than external.trial_seconds, {job.deadline_seconds:g} s"
            written = self._store.write(
                lambda tx: tx.results.out_of_time(hint, error, worker_run=job.worker_run)
            )
        else:
            written = self._give_back(
                hint,
                error,
                worker_run=job.worker_run,
                losses=job.losses,
                reaped=True,
                heartbeats=heartbeats,
            )
        if written is Written.FENCED:
            return False
        with about(search_id=job.search_id, job_id=job.id, attempt=job.attempt):
            log.warning("the job is taken back: %s", error)
        return True

    def _give_back(
        self,
        hint: Hint,
        error: str,
        *,
        worker_run: str,
        losses: int,
        reaped: bool = False,
        heartbeats: int | None = None,
    ) -> Written:
        # The exponent is bounded, for a float would overflow after a thousand losses.
        delay = min(self._settings.retry_seconds * 2.0 ** min(losses, 10), RETRY_LONGEST)
        return self._store.write(
            lambda tx: tx.results.give_back(
                hint,
                error[:2000],
                worker_run=worker_run,
                max_losses=self._settings.max_losses,
                delay=delay,
                reaped=reaped,
                heartbeats=heartbeats,
            )
        )


def _order(claimed: ClaimedJob) -> JobOrder:
    """The order by which a claimed job is trained."""
    return JobOrder(
        search_id=claimed.search_id,
        kind=claimed.kind,
        round=claimed.round,
        epochs=claimed.epochs,
        spec=claimed.spec,
        dataset=claimed.info,
        indices=[task.idx for task in claimed.tasks],
        params=[task.params for task in claimed.tasks],
        roles=[task.role for task in claimed.tasks],
        rungs=claimed.ladder,
        cohorts=[task.cohort for task in claimed.tasks],
    )
