"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
SHORTEST, LONGEST, GROWTH = 0.01, 0.05, 1.1  # seconds of the pauses, and how they grow


def pauses() -> Iterator[float]:
    """Seconds to wait between two looks: who waits long looks less often, and lets others work."""
    pause = SHORTEST
    while True:
        yield pause
        pause = min(GROWTH * pause, LONGEST)


def until(condition: Callable[[], T], *, seconds: float = 30.0, what: str = "") -> T:
    """The first true value of `condition`; a failed test when it does not come in time."""
    deadline = time.monotonic() + seconds
    for pause in pauses():
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}; last: {value!r}")
        time.sleep(pause)
    raise AssertionError("pauses never end")
