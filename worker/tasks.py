"""The task of a worker: claim the job of a hint, train it, write its results, advance the search."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from celery import Celery, Task, signals

from hpsearch.errors import Fenced, Unavailable
from hpsearch.logs import about
from hpsearch.service import (
    Services,
    advance,  # noqa: F401  # loaded before the fork, so that no round waits for scipy.stats
)
from hpsearch.service.jobs import Taken
from hpsearch.settings import Settings
from hpsearch.store import Written
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import Hint, JobOrder, JobReport, RoundKind
from hpsearch.wiring import assemble
from worker.app import LIMIT_GRACE, TASK
from worker.hint_publisher import HintPublisher
from worker.lease_keeper import LeaseKeeper
from worker.pace import TOGETHER_SECONDS, Pace

log = logging.getLogger(__name__)

ID_LARGEST, ATTEMPT_LARGEST = 2**63 - 1, 2**31 - 1  # what their columns hold
PAUSE_SECONDS = 0.5  # between two tries to write results
STAY_SECONDS = 0.1  # within which a worker takes the next job without a message
BATCH_SECONDS = 10 * TOGETHER_SECONDS  # after which no further job of a batch is begun
SLACK_SECONDS = LIMIT_GRACE / 2  # by which the next job's deadline may exceed the first one's


class Runner:
    """Runs jobs in one pool process, one at a time."""

    def __init__(self, app: Celery, services: Services) -> None:
        settings = services.settings
        self.run_id = str(uuid.uuid4())
        self._services = services
        self._work = services.jobs
        self._checked = False
        self._trainer = Trainer(services.files, stack_size=settings.stack_size)
        self._publisher = HintPublisher(app, services.jobs)
        self._pace = Pace()
        self._lease = LeaseKeeper(
            services.jobs,
            worker_run=self.run_id,
            heartbeat=settings.heartbeat_seconds,
            lease=settings.lease_seconds,
        )

    def start(self) -> None:
        """Begin to send heartbeats."""
        self._lease.start()

    def close(self) -> None:
        """Remove the worker from the database and close it."""
        self._lease.close()
        self._services.store.close()

    def __call__(self, hint: Hint) -> None:
        """Run the job of a hint, if it is still open, and short jobs right after it.

        A message costs more than a short job, so a worker stays for several of them. Celery's
        time limit is the first one's, so none of the others may be allowed much more.
        """
        if not self._checked:  # a build claims nothing in another one's schema
            try:
                self._services.require_schema()
            except Unavailable as error:
                log.warning("no job is taken: %s", error)
                return
            self._checked = True
        order = self._work.claim(hint, worker_run=self.run_id)
        if order is None:
            return
        until = time.monotonic() + STAY_SECONDS
        limit = 0.0 if hint.seconds is None else hint.seconds + SLACK_SECONDS
        taken: Taken = [(hint, order)]
        while self._run(taken) and time.monotonic() < until:
            taken, hints = self._work.take(
                worker_run=self.run_id, seconds=limit, most=self._pace.most
            )
            self._publisher.send(hints)
            if not taken:
                return
        self._publisher.fill()

    def _run(self, taken: Taken) -> bool:
        """Run jobs of one round; True where all of them ended well.

        Of several, those that are not begun after a fault, or because the others took far longer
        than expected, go back to the queue.
        """
        search_id = taken[0][1].search_id
        done: list[tuple[Hint, JobReport]] = []
        left = list(taken)
        written: list[Written] = []
        latest = time.monotonic() + BATCH_SECONDS
        with about(search_id=search_id), self._lease.holding(*(hint for hint, _ in taken)):
            report: JobReport | str | None = None
            try:
                while left and (not done or time.monotonic() < latest):
                    hint, order = left.pop(0)
                    report = self._report(hint, order)
                    if not isinstance(report, JobReport):
                        break
                    done.append((hint, report))
                if report is None:  # it may be another one's lease that is lost
                    left.insert(0, (hint, order))
                written += self._write(done)
                if isinstance(report, str):
                    written.append(self._give_back(hint, report))
            finally:
                if len(taken) > 1:
                    self._put_back([hint for hint, _ in left], search_id)
            for (hint, _), outcome in zip(taken, written, strict=False):  # those that were trained
                with about(job_id=hint.job_id, attempt=hint.attempt):
                    log.debug("the job's report: %s", outcome)
        if Written.ROUND_OVER in written:
            self._work.advance(search_id)
        return len(done) == len(taken) and Written.FENCED not in written

    def _report(self, hint: Hint, order: JobOrder) -> JobReport | str | None:
        """Train; the report, the message of a fault, or None where the lease is lost."""
        with about(job_id=hint.job_id, attempt=hint.attempt):
            began = time.monotonic()
            try:
                report = self._train(hint, order)
            except Fenced:
                log.warning("the job was taken away")
                return None
            except Exception as error:  # the job must go back to the queue whatever happened
                log.exception("the job failed")
                return f"{type(error).__name__}: {error}"
            self._pace.note(order.search_id, order.round, time.monotonic() - began)
            return report

    def _write(self, done: Sequence[tuple[Hint, JobReport]]) -> Sequence[Written]:
        """Write the results of jobs, each for as long as its lease is ours."""
        reports = dict(done)

        def write(hints: Sequence[Hint]) -> Sequence[Written]:
            kept = [(hint, reports[hint]) for hint in hints]
            if len(kept) > 1:
                return self._work.finish_together(kept, worker_run=self.run_id)
            return [self._work.finish(*each, worker_run=self.run_id) for each in kept]

        return self._write_with_retries([*reports], write)

    def _give_back(self, hint: Hint, fault: str) -> Written:
        """Return a job that could not be trained."""
        losses = hint.attempt - 1
        (written,) = self._write_with_retries(
            [hint],
            lambda hints: [
                self._work.give_back(each, fault, worker_run=self.run_id, losses=losses)
                for each in hints
            ],
        )
        return written

    def _put_back(self, hints: Sequence[Hint], search_id: str) -> None:
        """Return jobs without a report; those that the database does not hear of pass for lost."""
        if not hints:
            return
        try:
            self._work.put_back(hints, search_id, worker_run=self.run_id)
        except Unavailable as error:
            log.warning("jobs are not put back: %s", error)

    def _write_with_retries(
        self, hints: Sequence[Hint], write: Callable[[Sequence[Hint]], Sequence[Written]]
    ) -> Sequence[Written]:
        """Call `write` until the database answers, without those whose leases are lost meanwhile.

        Results are not thrown away because the database restarts.
        """
        given_up: set[Hint] = set()
        while True:
            kept = [hint for hint in hints if hint not in given_up]
            try:
                outcomes = dict(zip(kept, write(kept), strict=True))
                return [outcomes.get(hint, Written.FENCED) for hint in hints]
            except Unavailable as error:
                lost = self._lease.give_up().intersection(kept)
                if lost:
                    log.warning("results of %d jobs are lost with the lease: %s", len(lost), error)
                    given_up |= lost
                    continue
            time.sleep(PAUSE_SECONDS)

    def _train(self, hint: Hint, order: JobOrder) -> JobReport:
        if order.kind is not RoundKind.FINAL:
            return self._trainer.run(order, stopped=self._lease.stopped)
        return run_final(
            self._trainer,
            order,
            open_test=lambda: self._work.open_test(hint, worker_run=self.run_id),
            stopped=self._lease.stopped,
        )


def parse_hint(job_id: object, attempt: object) -> Hint | None:
    """The hint in a message's arguments; None, with a warning, where somebody else wrote it."""
    match job_id, attempt:
        case int(), int() if 0 < job_id <= ID_LARGEST and 0 < attempt <= ATTEMPT_LARGEST:
            return Hint(job_id, attempt)
    log.warning("no hint: %.100r", (job_id, attempt))
    return None


def register(app: Celery, settings: Settings) -> None:
    """Give the application its task, and each pool process its runner."""
    runners: list[Runner] = []

    def start(**_: object) -> None:
        runner = Runner(app, assemble(settings))
        runner.start()
        runners.append(runner)

    def stop(**_: object) -> None:
        while runners:
            runners.pop().close()

    signals.worker_process_init.connect(start, weak=False)
    signals.worker_process_shutdown.connect(stop, weak=False)

    @app.task(name=TASK, ignore_result=True, bind=True)  # type: ignore[untyped-decorator]  # celery has no types
    def run(task: Task, job_id: object, attempt: object) -> None:
        hint = parse_hint(job_id, attempt)
        if hint is not None:
            match task.request.timelimit:
                case (int() | float() as limit, _):
                    hint = replace(hint, seconds=limit - LIMIT_GRACE)
            runners[0](hint)
