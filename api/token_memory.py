"""API keys that are remembered for a while without being kept: by their digests, in bounded number."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable


class TokenMemory:
    """The last keys that something was noted of, each for a window of time.

    Parameters
    ----------
    window
        Seconds for which a key is remembered.
    most
        Keys that are remembered at a time; the oldest goes.
    clock
        Seconds that never go back.
    """

    def __init__(
        self, *, window: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window, self._most, self._clock = window, most, clock
        self._lock = threading.Lock()
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def remember(self, token: str) -> None:
        """Remember a key from now on."""
        digest = _digest(token)
        with self._lock:
            self._until[digest] = self._clock() + self._window
            self._until.move_to_end(digest)
            if len(self._until) > self._most:
                self._until.popitem(last=False)

    def knows(self, token: str) -> bool:
        """True of a key that is remembered."""
        with self._lock:
            return self._until.get(_digest(token), 0.0) > self._clock()

    def forget(self, token: str) -> None:
        """Remember a key no longer."""
        with self._lock:
            self._until.pop(_digest(token), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
