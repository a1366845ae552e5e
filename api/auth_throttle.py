"""A limit on invalid keys, for each address."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import structlog

from api.rate_limiter import RateLimiter

LIMIT = 20
WINDOW_SECONDS = 60.0
_TOKENS = 1_000

K = TypeVar("K", bytes, str)

_log = structlog.get_logger("api")


class AuthThrottle:
    """A budget of invalid keys for each address, which fills up again with time.

    It decides how an invalid key is refused, and never whether a valid one passes: behind a proxy or
    a gateway everybody may have one address, and one broken script must not lock out the others.
    Invalid keys are remembered for a while, so that repeating one does not cost a query.
    """

    def __init__(
        self,
        *,
        limit: int = LIMIT,
        window: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        on_lock: Callable[[], None] = lambda: None,
    ) -> None:
        self._limiter = RateLimiter(rate=limit / window, burst=limit, clock=clock)
        self._window, self._clock, self._on_lock = window, clock, on_lock
        self._lock = threading.Lock()
        self._invalid: OrderedDict[bytes, float] = OrderedDict()  # until when
        self._locked: OrderedDict[str, float] = OrderedDict()  # since when

    def is_known_invalid(self, token: str) -> bool:
        """True of a key that was refused within the window."""
        with self._lock:
            return self._invalid.get(_digest(token), 0.0) > self._clock()

    def record_failure(self, address: str, token: str) -> int:
        """Count an invalid key; the whole seconds for which `address` has no more of them, or 0.

        The first one beyond the limit is logged and counted, as a lock.
        """
        now = self._clock()
        with self._lock:
            # Not anew while it is remembered: it may have become a key meanwhile, as another API's
            # new bootstrap key does, and whoever repeats it would wait for ever.
            if self._invalid.get(_digest(token), 0.0) <= now:
                _remember(self._invalid, _digest(token), now + self._window)
        seconds = self._limiter.take(address)
        if seconds and self._begins(address, now):
            self._on_lock()
            _log.warning("address locked for invalid keys", address=address, seconds=seconds)
        return seconds

    def _begins(self, address: str, now: float) -> bool:
        """True once for each window that an address is locked in."""
        with self._lock:
            begins = now - self._locked.get(address, -self._window) >= self._window
            if begins:
                _remember(self._locked, address, now)
        return begins


def _remember(times: OrderedDict[K, float], key: K, at: float) -> None:
    times[key] = at
    times.move_to_end(key)
    if len(times) > _TOKENS:
        times.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
