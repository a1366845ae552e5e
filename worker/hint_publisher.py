"""Publication of hints after the commit. A lost hint is sent again, a double one is harmless."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import Celery

from hpsearch.service.jobs import JobService
from hpsearch.trials import Hint
from worker.app import FINAL, JOBS, LIMIT_GRACE, TASK, queue
from worker.broker_faults import BrokerState, faults

log = logging.getLogger(__name__)


class HintPublisher:
    """Keeps the broker supplied with hints: a bounded window of jobs that nobody has claimed."""

    def __init__(self, app: Celery, work: JobService) -> None:
        self._app = app
        self._work = work
        self._broker_state = BrokerState(log, "hints wait in the database: ")
        self._connection = app.connection_for_write()  # opened when it is first used
        self._faults = faults(app)

    def fill(self, *, look: bool = False) -> int:
        """Send the hints that the publish window lacks; returns their number.

        With `look` the broker is first asked if it is empty, as after a restart: the hints that it
        held are then sent again at once.
        """
        try:
            empty = look and self._broker_is_empty()
        except self._faults as error:
            return self._note_fault(error)
        if look and self._broker_state.away:
            self._broker_state.note_end()
        return self.send(self._work.hints(broker_is_empty=empty))

    def send(self, hints: Sequence[Hint]) -> int:
        """Send hints and record it in the database; returns their number."""
        try:
            for hint in hints:
                self._send(hint)
        except self._faults as error:
            return self._note_fault(error)
        if hints:
            self._broker_state.note_end()
        self._work.published(hints)
        return len(hints)

    def _note_fault(self, error: Exception) -> int:
        self._broker_state.note_fault(error)
        # Never kept: the name in the address may lead to another server by now.
        self._connection.collect()
        self._connection = self._app.connection_for_write()
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
            connection=self._connection,
        )

    def _broker_is_empty(self) -> bool:
        channel = self._connection.default_channel
        return not any(channel.queue_declare(queue=name).message_count for name in (JOBS, FINAL))
