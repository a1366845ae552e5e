"""A limit on transactions that the client keeps.

A server that is frozen, or whose network is gone, answers nothing: not a query, not a cancellation, and not
its own `statement_timeout`. The system still acknowledges what is sent, so no limit of TCP ends the wait.
Here a thread shuts down the socket of a transaction that takes too long; whoever waits for an answer then
gets an error at once.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event

if TYPE_CHECKING:
    import psycopg

OPTION = "hpsearch_limit"  # of an engine: seconds that a transaction may take, retries included
_LOOK_SECONDS = 0.5


class Patience:
    """The connections of a pool that are in use, each with the time when it must be back."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._due: dict[int, tuple[float, Any]] = {}  # by the connection's identity
        self._used = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, engine: sa.Engine) -> None:
        """Watch every connection of the engine, and of those made from it, while it is in use."""
        event.listen(engine, "checkout", self._begin)
        event.listen(engine, "checkin", self._end)
        event.listen(engine, "invalidate", self._end)

    def _begin(self, connection: Any, _record: Any, _proxy: Any) -> None:
        with self._lock:
            self._due[id(connection)] = (time.monotonic() + self._seconds, connection)
            # Not before the first use: a thread does not live on in a forked process.
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="patience", daemon=True)
                self._thread.start()
        self._used.set()

    def _end(self, connection: Any, *_: Any) -> None:
        with self._lock:
            self._due.pop(id(connection), None)

    def _run(self) -> None:
        pause = threading.Event()
        while self._used.wait():
            pause.wait(_LOOK_SECONDS)
            with self._lock:  # what has ended cannot be closed, and reopened as another, meanwhile
                now = time.monotonic()
                late = [key for key, (due, _) in self._due.items() if due <= now]
                for key in late:
                    _hang_up(self._due.pop(key)[1])
                if not self._due:
                    self._used.clear()


def _hang_up(connection: psycopg.Connection[Any]) -> None:
    """End both directions of a connection, and leave closing it to its user."""
    import psycopg

    try:
        descriptor = os.dup(connection.pgconn.socket)
    except (OSError, psycopg.Error):  # it is closed
        return
    with socket.socket(fileno=descriptor) as copied, suppress(OSError):
        copied.shutdown(socket.SHUT_RDWR)
