"""How often an address may present invalid keys. In memory: no broker, no database."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

LIMIT = 20
WINDOW_SECONDS = 60.0
_ADDRESSES = 10_000
_TOKENS = 1_000


class Failures:
    """A token bucket of failures for each address.

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
        self._limit = limit
        self._rate = limit / window
        self._clock = clock
        self._lock = threading.Lock()
        # address -> (failures not yet forgiven, when that was counted)
        self._counts: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def seconds_blocked(self, address: str, token: str) -> int:
        """Whole seconds until `address` may try `token`; 0 means now."""
        with self._lock:
            if _digest(token) in self._good:
                return 0
            excess = self._now(address) - (self._limit - 1)
            return math.ceil(excess / self._rate) if excess > 0 else 0

    def failed(self, address: str) -> None:
        """Count an invalid key."""
        with self._lock:
            self._counts[address] = (self._now(address) + 1, self._clock())
            self._counts.move_to_end(address)
            if len(self._counts) > _ADDRESSES:
                self._counts.popitem(last=False)

    def succeeded(self, token: str) -> None:
        """Remember that `token` is a key; whether it still is one is checked every time."""
        with self._lock:
            self._good[_digest(token)] = None
            self._good.move_to_end(_digest(token))
            if len(self._good) > _TOKENS:
                self._good.popitem(last=False)

    def _now(self, address: str) -> float:
        count, counted_at = self._counts.get(address, (0.0, 0.0))
        return max(0.0, count - (self._clock() - counted_at) * self._rate)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
