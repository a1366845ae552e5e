"""Celery's consumer with a shorter pause before it reconnects, and one sentence about it."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from celery.worker.consumer.consumer import CONNECTION_RETRY

from worker.broker_faults import BrokerState, code

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
SETTLED_SECONDS = 1.0  # a broker that refuses says so at once


class Consumer(CeleryConsumer):  # type: ignore[misc]  # celery has no types
    """Tries to reconnect once a second, however long the broker is away or says no.

    Celery's own pause grows to half a minute, which workers would spend idly after a restart;
    where the connection is made and the first command refused, it makes no pause at all.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._broker_state = BrokerState(log)
        super().__init__(*args, **options)

    def ensure_connected(self, conn: Any) -> Any:
        """A connection, as soon as there is one."""
        ensure = conn.ensure_connection

        def once_a_second(_report: Any, *args: Any, **options: Any) -> Any:
            pauses = dict.fromkeys(("interval_start", "interval_max"), RETRY_SECONDS)
            return ensure(self._note_fault, *args, **options, **pauses, interval_step=0)

        conn.ensure_connection = once_a_second
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close what there is of the connection; pause, where the next one would be refused too."""
        self._broker_state.note_fault(exc)
        super().on_connection_error_after_connected(exc)
        if code(exc):
            time.sleep(RETRY_SECONDS)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Pause."""
        self._broker_state.note_fault(exc)
        time.sleep(RETRY_SECONDS)

    def on_ready(self) -> None:
        """Note that the broker works again, unless it says otherwise in a moment."""
        super().on_ready()
        if self._broker_state.faulty:
            # The timer's entries of a connection go when it fails.
            self.timer.call_after(SETTLED_SECONDS, self._broker_state.note_end)

    def _note_fault(self, exc: Exception, interval: float) -> None:
        self._broker_state.note_fault(exc)
        log.debug("the broker is asked again in %g s", interval)


def _is_news(record: logging.LogRecord) -> bool:
    """False of Celery's own line about each lost connection, once a second."""
    return not (isinstance(record.args, tuple) and record.args[:1] == (CONNECTION_RETRY,))


logging.getLogger(CeleryConsumer.__module__).addFilter(_is_news)
