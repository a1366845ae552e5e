"""Trials and epochs of a search: the arithmetic of rounds, rungs and cohorts.

Notation
    rung      an epoch at which a cohort is compared; the last one ends the training
    cohort    the trials that are compared with each other (successive halving: Karnin, Koren
              and Somekh 2013; Jamieson and Talwalkar 2016)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")

HALVED_LEAST = 4  # a cohort of fewer trials is not halved any more
GROWTH_LEAST = 2.0  # from round to round, epochs and trials change by this factor or more
LAST_RUNG = 1.5  # a rung nearer to the last one than this factor is left out
COHORT_LEAST, COHORT_MOST = 8, 32
PROBE_EVERY = 8  # one of so many trials is a probe outside the box, to prove it wrong
REPEAT_EVERY = 16  # one of so many trains a leading configuration again, to learn the noise
MODEL_BASED = "level_set"  # the rule that can make use of both
COHORTS = 4  # of a round, where it has the trials for it: as many jobs can run at once


def survivors(trials: int) -> int:
    """Trials that go on after a rung: the larger half, or all of fewer than four."""
    return -(-trials // 2) if trials >= HALVED_LEAST else trials


def rungs(first: int, last: int, *, halving: bool) -> tuple[int, ...]:
    """Epochs of the rungs from `first`, doubling, to the last one.

    With halving that is `last`, for the best; without it all trials end at `first`.
    """
    if not halving:
        return (first,)
    before_last = []
    epoch = first
    while epoch * LAST_RUNG <= last:
        before_last.append(epoch)
        epoch *= 2
    return (*before_last, last)


def cohort_sizes(trials: int, rungs: Sequence[int]) -> tuple[int, ...]:
    """Trials of a cohort that train up to each rung."""
    sizes = [trials]
    for _ in rungs[1:]:
        sizes.append(survivors(sizes[-1]))
    return tuple(sizes)


def cohort_epochs(trials: int, rungs: Sequence[int]) -> int:
    """Epochs that a cohort takes, over all its trials, when none of them diverges."""
    sizes = cohort_sizes(trials, rungs)
    steps = [b - a for a, b in pairwise((0, *rungs))]
    return sum(size * step for size, step in zip(sizes, steps, strict=True))


@lru_cache(maxsize=4096)
def round_epochs(trials: int, rungs: tuple[int, ...], asked: int | None) -> int:
    """Epochs of a round over all its trials, when none diverges; `asked` is the cohorts' size."""
    cohorts = split(range(trials), cohort_size(trials, asked))
    return sum(cohort_epochs(len(cohort), rungs) for cohort in cohorts)


def cohort_size(trials: int, asked: int | None) -> int:
    """Trials of a cohort in a round of `trials`, about."""
    if asked is not None:
        return asked
    return min(max(COHORT_LEAST, -(-trials // COHORTS)), COHORT_MOST)


def split(members: Sequence[int], size: int) -> list[list[int]]:
    """`members` in consecutive cohorts of about `size`, as even as can be."""
    return parted(members, max(1, round(len(members) / size)))


def parted(members: Sequence[T], count: int) -> list[list[T]]:
    """`members` in `count` consecutive parts whose sizes differ by one at the most."""
    edges = [i * len(members) // count for i in range(count + 1)]
    return [list(members[a:b]) for a, b in pairwise(edges)]


def between(first: int, last: int, step: int, steps: int) -> int:
    """The value at `step` (1, 2, ... of `steps`) on the way from `first` to `last`.

    Geometric, and by a factor of two a step at least: a long search is not to stay coarse.
    """
    if first == last or steps < 2:
        return last
    share = (step - 1) / (steps - 1)
    even = first * math.pow(last / first, share)
    fast = first * math.pow(GROWTH_LEAST if last > first else 1 / GROWTH_LEAST, step - 1)
    value = max(even, fast) if last > first else min(even, fast)
    return round(min(max(value, min(first, last)), max(first, last)))
