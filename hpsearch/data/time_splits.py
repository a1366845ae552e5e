"""Splits by time: what comes later validates or tests what was learnt before, and never the reverse.

A cut lies between two stamps: all rows of a stamp are on its later side.

n   rows      S   stamps, the distinct moments      W   windows
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A stretch of time that validates, and all rows before it: masks of the rows (n,)."""

    before: Mask
    within: Mask


def windows(time: Floats, starts: npt.NDArray[Any]) -> list[Window]:
    """Cut the rows (n,) into W windows that follow each other, the latest first.

    starts (W,) places from 0 to n, ascending, in the order of time: where a window should begin. It
    begins with the stamp that lies there, or with the first after that leaves a stamp to each
    window, and one before them all. There have to be W + 1 stamps.
    """
    stamps, of, counts = np.unique(time, return_inverse=True, return_counts=True)
    least = np.arange(1, len(starts) + 1)
    if len(stamps) <= len(starts):
        raise ValueError(f"{len(stamps)} stamps make no {len(starts)} windows")
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.minimum(starts, len(time) - 1), side="right")
    # Each window a stamp at the least: pushed apart from the left, then back from the right.
    cuts = np.maximum.accumulate(np.maximum(cuts, least) - least) + least
    cuts = np.minimum(cuts, len(stamps) - len(starts) + least - 1)
    ends_at = [*cuts[1:].tolist(), len(stamps)]
    found = [
        Window(of < begin, (of >= begin) & (of < end))
        for begin, end in zip(cuts.tolist(), ends_at, strict=True)
    ]
    return found[::-1]


def last(time: Floats, fraction: float) -> Window:
    """Cut off the last `fraction` of the rows (n,), and whatever shares its first stamp."""
    return windows(time, np.array([place(len(time), fraction)]))[0]


def place(rows: int, fraction: float) -> int:
    """Return where the last `fraction` of some rows begins: one row at the least is before and behind."""
    return min(max(rows - round(rows * fraction), 1), rows - 1)


def distinct(time: Floats) -> int:
    """Count the stamps."""
    return len(np.unique(time))
