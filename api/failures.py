"""How often an address may present invalid keys."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from api.buckets import Buckets

LIMIT = 20
WINDOW_SECONDS = 60.0
_TOKENS = 1_000


class Failures:
    """A bucket of failures for each address.

    A key that has worked keeps working from a blocked address: behind a proxy everybody has
    the proxy's address, and one broken script must not lock out the others.
    """

    def __init__(
        self,
        *,
        limit: int = LIMIT,
        window: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = Buckets(rate=limit / window, burst=limit, clock=clock)
        self._lock = threading.Lock()
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def seconds_blocked(self, address: str, token: str) -> int:
        """Whole seconds until `address` may try `token`; 0 means now."""
        with self._lock:
            if _digest(token) in self._good:
                return 0
        return self._left.seconds(address)

    def failed(self, address: str) -> None:
        """Count an invalid key."""
        self._left.take(address)

    def succeeded(self, token: str) -> None:
        """Remember that `token` is a key; whether it still is one is checked every time."""
        with self._lock:
            self._good[_digest(token)] = None
            self._good.move_to_end(_digest(token))
            if len(self._good) > _TOKENS:
                self._good.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
