"""A limit on invalid keys, for each address."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog

from api.rate_limiter import RateLimiter
from api.token_memory import TokenMemory

LIMIT = 20
WINDOW_SECONDS = 60.0
_MOST = 1_000  # keys and addresses that are remembered

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
        self._invalid = TokenMemory(window=window, most=_MOST, clock=clock)
        self._locked: OrderedDict[str, float] = OrderedDict()  # since when

    def is_known_invalid(self, token: str) -> bool:
        """True of a key that was refused within the window."""
        return self._invalid.knows(token)

    def record_failure(self, address: str, token: str) -> int:
        """Count an invalid key; the whole seconds for which `address` has no more of them, or 0.

        The first one beyond the limit is logged and counted, as a lock.
        """
        # Not anew while it is remembered: it may have become a key meanwhile, as another API's
        # new bootstrap key does, and whoever repeats it would wait for ever.
        if not self._invalid.knows(token):
            self._invalid.remember(token)
        seconds = self._limiter.take(address)
        if seconds and self._begins(address):
            self._on_lock()
            _log.warning("address locked for invalid keys", address=address, seconds=seconds)
        return seconds

    def _begins(self, address: str) -> bool:
        """True once for each window that an address is locked in."""
        now = self._clock()
        with self._lock:
            if now - self._locked.get(address, -self._window) < self._window:
                return False
            self._locked[address] = now
            self._locked.move_to_end(address)
            if len(self._locked) > _MOST:
                self._locked.popitem(last=False)
            return True
