"""Who goes on after a rung: a pure choice, made within a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Standing(NamedTuple):
    """Where a trial stands at a rung: its score, the higher the better, and its loss."""

    score: float
    loss: float


def survivors(standings: Mapping[int, Standing], places: int) -> frozenset[int]:
    """The trials that go on: the `places` best by score, then by lower loss and lower index.

    Parameters
    ----------
    standings
        By index, of those trials of the cohort that still train.
    places
        How many go on by the plan; it counts the trials that the cohort had at first, so that
        one that diverged or failed takes nobody's place, and frees one only if it had one.
    """
    ranked = sorted(standings, key=lambda i: (-standings[i].score, standings[i].loss, i))
    return frozenset(ranked[:places])
