"""Celery's consumer with a shorter pause before it reconnects to the broker."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer

RETRY_SECONDS = 1.0


class Consumer(CeleryConsumer):  # type: ignore[misc]  # celery has no types
    """Tries to reconnect once a second, however long the broker has been away.

    Celery's own pause grows to half a minute, which workers would spend idly after a restart.
    """

    def ensure_connected(self, conn: Any) -> Any:
        """A connection, as soon as there is one."""
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=RETRY_SECONDS,
            interval_step=0,
            interval_max=RETRY_SECONDS,
        )
        return super().ensure_connected(conn)
