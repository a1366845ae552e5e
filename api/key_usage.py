"""Records of the last use of keys, written by a thread and never within a request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import structlog

from hpsearch.errors import Unavailable

SECONDS = 60.0

_log = structlog.get_logger("api")


class KeyUsage:
    """Gathers the keys that are used; a thread of its own writes them at most once a minute.

    A request adds an id to a set and goes on, so a database that is slow, locked or away holds
    nobody up. What has not been written when the process ends is lost: a minute's worth.
    """

    def __init__(
        self, write: Callable[[Collection[str]], None], *, seconds: float = SECONDS
    ) -> None:
        self._write, self._seconds = write, seconds
        self._lock = threading.Lock()
        self._ids: set[str] = set()
        self._work = threading.Event()
        self._thread: threading.Thread | None = None

    def record(self, key_id: str) -> None:
        """Note the use of a key."""
        with self._lock:
            self._ids.add(key_id)
            # Not before the first request: a thread does not live on in a forked process.
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="key-usage", daemon=True)
                self._thread.start()
        self._work.set()

    def _run(self) -> None:
        pause = threading.Event()
        while self._work.wait():
            self._work.clear()
            with self._lock:
                ids, self._ids = self._ids, set()
            try:
                self._write(ids)
            except Unavailable as error:
                _log.info("key usage not written", keys=len(ids), cause=str(error))
            pause.wait(self._seconds)
