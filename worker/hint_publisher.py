"""Publication of hints after the commit. A lost hint is sent again, a double one is harmless."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from hpsearch.service.jobs import JobService
from hpsearch.trials import Hint
from worker.app import FINAL, JOBS, LIMIT_GRACE, TASK, queue

log = logging.getLogger(__name__)


class HintPublisher:
    """Keeps the broker supplied with hints: a bounded window of jobs that nobody has claimed."""

    def __init__(self, app: Celery, work: JobService) -> None:
        self._app = app
        self._work = work
        self._broker_away = False
        connection = app.connection_for_write()
        self._faults = (OperationalError, OSError, *connection.connection_errors)

    def fill(self, *, look: bool = False) -> int:
        """Send the hints that the publish window lacks; returns their number.

        With `look` the broker is first asked if it is empty, as after a restart: the hints that it
        held are then sent again at once.
        """
        try:
            empty = look and self._broker_is_empty()
        except self._faults as error:
            return self._warn_away(error)
        return self.send(self._work.hints(broker_is_empty=empty))

    def send(self, hints: Sequence[Hint]) -> int:
        """Send hints and record it in the database; returns their number."""
        try:
            for hint in hints:
                self._send(hint)
        except self._faults as error:
            return self._warn_away(error)
        if self._broker_away:
            log.info("the broker answers again")
            self._broker_away = False
        self._work.published(hints)
        return len(hints)

    def _warn_away(self, error: Exception) -> int:
        if not self._broker_away:
            log.warning("the broker does not answer, hints wait in the database: %s", error)
        self._broker_away = True
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

    def _broker_is_empty(self) -> bool:
        with self._app.pool.acquire(block=True, timeout=5) as connection:
            channel = connection.default_channel
            counts = [channel.queue_declare(queue=name).message_count for name in (JOBS, FINAL)]
        return not any(counts)
