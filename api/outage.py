"""The two edges of an outage in the log: its cause once, with a traceback, and its end."""

from __future__ import annotations

import threading
import time

import structlog

from hpsearch.errors import NoDatabase

_log = structlog.get_logger("api")


class Outage:
    """A database that does not answer, as the requests of this process meet it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._refused = 0

    def met(self, error: NoDatabase) -> None:
        """Log a request that ended in `error`: the first one in full, the others by their cause."""
        with self._lock:
            begins = self._since is None
            if begins:
                self._since, self._refused = time.monotonic(), 0
            self._refused += 1
        if begins:
            _log.error("the database does not answer", exc_info=error)
        else:
            _log.warning("still does not answer", cause=str(error))

    def over(self) -> None:
        """Log the end, at the first request that was answered; does nothing where there is none."""
        if self._since is None:  # looked at before the lock, which every request would take
            return
        with self._lock:
            since, refused = self._since, self._refused
            self._since = None
        if since is not None:
            seconds = round(time.monotonic() - since, 1)
            _log.warning("answers again", seconds=seconds, refused=refused)
