"""How many jobs a worker takes at once: several where they are short, by those that it has done."""

from __future__ import annotations

from hpsearch.store.statements import MOST_TOGETHER

TOGETHER_SECONDS = 0.02  # that jobs taken together may be expected to take
_ROUNDS_KEPT = 100


class Pace:
    """The time that the last job of each round took in this process."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, int], float] = {}  # the newest last

    def note(self, search_id: str, number: int, seconds: float) -> None:
        """Note what a job of a round took."""
        self._seconds.pop((search_id, number), None)
        self._seconds[search_id, number] = seconds
        if len(self._seconds) > _ROUNDS_KEPT:
            del self._seconds[next(iter(self._seconds))]

    def most(self, search_id: str, number: int) -> int:
        """How many jobs of a round are taken together: one, until one of them is known to be short."""
        seconds = self._seconds.get((search_id, number), TOGETHER_SECONDS)
        return max(1, int(min(MOST_TOGETHER, TOGETHER_SECONDS / max(seconds, 1e-6))))
