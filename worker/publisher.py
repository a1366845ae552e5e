"""Sending hints after the commit. A hint that gets lost is sent again, a double one is harmless."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from hpsearch.service.jobs import JobService
from hpsearch.trials import Hint
from worker.app import FINAL, JOBS, LIMIT_GRACE, TASK, queue

log = logging.getLogger(__name__)


class Publisher:
    """Keeps the window of unclaimed hints filled."""

    def __init__(self, app: Celery, work: JobService) -> None:
        self._app = app
        self._work = work
        self._silent = False
        connection = app.connection_for_write()
        self._faults = (OperationalError, OSError, *connection.connection_errors)

    def fill(self, *, look: bool = False) -> int:
        """Send what the window lacks; how many hints were sent.

        With `look` the broker is asked first whether it is empty, as it is after a restart:
        what it held is then sent again at once.
        """
        try:
            empty = look and self._empty()
        except self._faults as error:
            return self._unheard(error)
        return self.send(self._work.hints(broker_is_empty=empty))

    def send(self, hints: Sequence[Hint]) -> int:
        """Send hints and note it; how many were sent."""
        try:
            for hint in hints:
                self._send(hint)
        except self._faults as error:
            return self._unheard(error)
        if self._silent:
            log.info("the broker answers again")
            self._silent = False
        self._work.published(hints)
        return len(hints)

    def _unheard(self, error: Exception) -> int:
        if not self._silent:
            log.warning("the broker does not answer, hints wait in the database: %s", error)
        self._silent = True
        return 0

    def _send(self, hint: Hint) -> None:
        limit = None if hint.seconds is None else hint.seconds + LIMIT_GRACE
        self._app.send_task(
            TASK,
            args=[hint.job_id, hint.attempt],
            queue=queue(hint.kind),
            time_limit=limit,
            ignore_result=True,
            retry=False,
        )

    def _empty(self) -> bool:
        with self._app.pool.acquire(block=True, timeout=5) as connection:
            channel = connection.default_channel
            counts = [channel.queue_declare(queue=name).message_count for name in (JOBS, FINAL)]
        return not any(counts)
