"""A limit on invalid keys, for each address."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from api.rate_limiter import RateLimiter

LIMIT = 20
WINDOW_SECONDS = 60.0
_TOKENS = 1_000


class AuthThrottle:
    """A budget of failures for each address, which fills up again with time.

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
        self._limiter = RateLimiter(rate=limit / window, burst=limit, clock=clock)
        self._lock = threading.Lock()
        self._valid: OrderedDict[bytes, None] = OrderedDict()

    def seconds_blocked(self, address: str, token: str) -> int:
        """The whole seconds until `address` may try `token`; 0 means now."""
        with self._lock:
            if _digest(token) in self._valid:
                return 0
        return self._limiter.seconds_until_token(address)

    def record_failure(self, address: str) -> None:
        """Count an invalid key."""
        self._limiter.take(address)

    def record_success(self, token: str) -> None:
        """Remember that `token` is a key; whether it still is one is checked every time."""
        with self._lock:
            self._valid[_digest(token)] = None
            self._valid.move_to_end(_digest(token))
            if len(self._valid) > _TOKENS:
                self._valid.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
