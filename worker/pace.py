"""How many jobs a worker takes at once: several where they are short, by those that it has done."""

from __future__ import annotations

from collections import deque

from hpsearch.store.statements import MOST_TOGETHER

TOGETHER_SECONDS = 0.02  # that jobs taken together may be expected to take
_ROUNDS_KEPT = 100
_TIMES_KEPT = 3  # a job whose trials diverge at once says little about the next one


class Pace:
    """The times that the last few jobs of each round took in this process."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, int], deque[float]] = {}  # the newest last

    def note(self, search_id: str, number: int, seconds: float) -> None:
        """Note what a job of a round took."""
        times = self._seconds.pop((search_id, number), None) or deque(maxlen=_TIMES_KEPT)
        times.append(seconds)
        self._seconds[search_id, number] = times
        if len(self._seconds) > _ROUNDS_KEPT:
            del self._seconds[next(iter(self._seconds))]

    def most(self, search_id: str, number: int) -> int:
        """How many jobs of a round are taken together, by the longest of the last few.

        One, until one of them is known to be short, and where it took half of `TOGETHER_SECONDS` or more.
        """
        seconds = max(self._seconds.get((search_id, number), (TOGETHER_SECONDS,)))
        if seconds >= TOGETHER_SECONDS / 2:
            return 1
        return int(min(MOST_TOGETHER, TOGETHER_SECONDS / max(seconds, 1e-6)))
