"""How much memory an action allocates, told apart from what other threads do meanwhile."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

ATTEMPTS = 5


def least_allocated(action: Callable[[], object]) -> tuple[int, int]:
    """The peak of an action that can be repeated, and what it leaves behind, in bytes.

    tracemalloc counts all threads of the process, and those of the test runner allocate now and
    then. What the action allocates, it allocates every time: so the least of five counts.
    """
    counts = []
    for _ in range(ATTEMPTS):
        tracemalloc.start()
        try:
            action()
            counts.append(tracemalloc.get_traced_memory())
        finally:
            tracemalloc.stop()
    return min(peak for _, peak in counts), min(left for left, _ in counts)
