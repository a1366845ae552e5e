"""A rate limiter in memory (token buckets): no broker or database opens or closes the API."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_NAMES = 10_000


class RateLimiter:
    """A token bucket for each name, full at first.

    `rate` tokens a second flow in, `burst` fit in. Of more than 10,000 names the ones that were
    not used for longest are forgotten, which fills their buckets.
    """

    def __init__(
        self, *, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._lock = threading.Lock()
        # name -> (tokens, time of that count)
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> int:
        """Take a token and return 0, or take none and return the seconds until there is one."""
        with self._lock:
            tokens = self._tokens_now(name)
            wait = self._wait(tokens)
            if not wait:
                self._store(name, tokens - 1)
            return wait

    def _tokens_now(self, name: str) -> float:
        tokens, counted_at = self._tokens.get(name, (self._burst, self._clock()))
        return min(self._burst, tokens + (self._clock() - counted_at) * self._rate)

    def _wait(self, tokens: float) -> int:
        return 0 if tokens >= 1 else math.ceil((1 - tokens) / self._rate)

    def _store(self, name: str, tokens: float) -> None:
        self._tokens[name] = (tokens, self._clock())
        self._tokens.move_to_end(name)
        if len(self._tokens) > _NAMES:
            self._tokens.popitem(last=False)
