"""Keys that may read this process's own figures while the database cannot be asked about them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

WINDOW_SECONDS = 86_400.0
_KEYS = 100


class Scrapers:
    """Keys that have read `/metrics` within a window, by their digest.

    An outage of the database is what a monitor has to see, and each request's key is looked up there.
    """

    def __init__(
        self, *, window: float = WINDOW_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window, self._clock = window, clock
        self._lock = threading.Lock()
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def remember(self, token: str) -> None:
        """Note that the database has let a key read the figures."""
        digest = _digest(token)
        with self._lock:
            self._until[digest] = self._clock() + self._window
            self._until.move_to_end(digest)
            if len(self._until) > _KEYS:
                self._until.popitem(last=False)

    def knows(self, token: str) -> bool:
        """True of a key that has read them within the window."""
        with self._lock:
            return self._until.get(_digest(token), 0.0) > self._clock()

    def forget(self, token: str) -> None:
        """Note that a key is refused."""
        with self._lock:
            self._until.pop(_digest(token), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
