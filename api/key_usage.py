"""Records of the last use of keys, written by a thread and never within a request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import structlog

from hpsearch.errors import Unavailable

SECONDS = 60.0

_log = structlog.get_logger("api")


class KeyUsage:
    """Gathers the keys that are used, and when; a thread of its own writes them once a minute.

    A request notes its key and goes on, so a database that is slow, locked or away holds nobody up;
    what could not be written is written with the next use. What is not written when the process ends
    is lost.
    `write` takes the seconds that have passed since the last use of each key.
    """

    def __init__(
        self, write: Callable[[Mapping[str, float]], None], *, seconds: float = SECONDS
    ) -> None:
        self._write, self._seconds = write, seconds
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}  # by key, on the monotonic clock
        self._work = threading.Event()
        self._thread: threading.Thread | None = None

    def record(self, key_id: str) -> None:
        """Note the use of a key."""
        with self._lock:
            self._used[key_id] = time.monotonic()
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
                used, self._used = self._used, {}
            now = time.monotonic()
            try:
                self._write({key_id: now - at for key_id, at in used.items()})
            except Unavailable as error:
                _log.info("key usage not written", keys=len(used), cause=str(error))
                with self._lock:
                    self._used = {**used, **self._used}  # written with the next use
            pause.wait(self._seconds)
