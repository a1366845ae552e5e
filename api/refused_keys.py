"""Counts of refused keys, written to the audit by a thread and never within a request."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from hpsearch.errors import Unavailable
from hpsearch.service.audit import OTHERS

SECONDS = 60.0
ADDRESSES = 20  # with a row of their own in each window; strangers must not fill the audit

_log = structlog.get_logger("api")


class RefusedKeys:
    """Gathers refused keys by address; a thread writes one row for each address once a minute.

    Of more than `ADDRESSES` addresses in a window the later ones share a row. What could not be written
    is kept for the next one.
    """

    def __init__(
        self, write: Callable[[Mapping[str, int]], None], *, seconds: float = SECONDS
    ) -> None:
        self._write, self._seconds = write, seconds
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._work = threading.Event()
        self._thread: threading.Thread | None = None

    def count(self, address: str) -> None:
        """Count a refused key."""
        with self._lock:
            self._add(address, 1)
            # Not before the first one: a thread does not live on in a forked process.
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="refused-keys", daemon=True)
                self._thread.start()
        self._work.set()

    def flush(self) -> None:
        """Write what has been counted by now."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            self._write(counts)
        except Unavailable as error:
            _log.info("refused keys not written", addresses=len(counts), cause=str(error))
            with self._lock:
                for address, count in counts.items():
                    self._add(address, count)

    def _add(self, address: str, count: int) -> None:
        known = address in self._counts or len(self._counts) < ADDRESSES
        self._counts[address if known else OTHERS] += count

    def _run(self) -> None:
        pause = threading.Event()
        while self._work.wait():
            pause.wait(self._seconds)
            self._work.clear()
            self.flush()
