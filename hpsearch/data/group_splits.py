"""Splits that keep groups whole: parts that none of them lies across, with the classes spread evenly.

A group goes where it brings the rows of every part, and each class's, nearest to their shares, and
is moved again until no move of one group is better. The order in which groups are looked at hangs on
the seed and on the groups' numbers alone: not on the order of rows, nor on that of names.

n   rows      G   groups      C   classes      K   parts of a split
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Seed = int | Sequence[int]

MOST: Final = 2_000
"""Units that are dealt out one by one; more groups than that are bundled, for speed."""

_PASSES: Final = 12
_TRIES: Final = 20
_SIGNIFICANT: Final = 1e-12  # of the score: less is rounding
_ODD: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def held_out(
    groups: Numbers, codes: IntArray, *, fraction: float, seed: Seed
) -> npt.NDArray[np.bool_]:
    """Mark the rows (n,) of the groups that are held out: about `fraction` of the rows.

    groups (n,) numbers of any kind, codes (n,) classes. Each class has rows on both sides where some
    choice of groups was found that makes it so; one of a single group stays where training is.
    """
    shares, weights = np.array([1 - fraction, fraction]), np.array([2.0, 1.0])
    held: npt.NDArray[np.bool_] = _best(groups, codes, shares, weights, seed) == 1
    return held


def folds(groups: Numbers, codes: IntArray, *, count: int, seed: Seed) -> IntArray:
    """Number the fold of each row (n,): `count` of them, about equal in rows and in classes."""
    return _best(groups, codes, np.full(count, 1 / count), np.ones(count), seed)


def _best(
    groups: Numbers, codes: IntArray, shares: Floats, weights: Floats, seed: Seed
) -> IntArray:
    """Return the part of each row (n,): the first try in which no part lacks a class, else the best."""
    keys = np.random.PCG64(np.random.SeedSequence(seed)).random_raw((_TRIES, 2))
    numbers, of = np.unique(groups, return_inverse=True)
    best: tuple[tuple[float, float], IntArray] | None = None
    for key in keys:
        unit = _places(numbers, key)[of]
        dealt = _Dealt(_Units.of(unit, codes), shares, weights)
        dealt.settle()
        candidate = (dealt.lacking, dealt.unevenness), dealt.part[unit]
        if best is None or candidate[0] < best[0]:
            best = candidate
        if not dealt.lacking:
            break
    assert best is not None  # there is one try at the least
    return best[1]


def _places(numbers: Numbers, key: npt.NDArray[np.uint64]) -> IntArray:
    """Return the place (G,) of each group in the order of a key; many share one if there are many."""
    mixed = numbers.astype(np.int64).view(np.uint64) ^ key[0]
    for more in (key[1], key[0]):
        for shift, odd in zip((30, 27), _ODD, strict=True):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * odd
        mixed = (mixed ^ (mixed >> np.uint64(31))) + more
    place = np.empty(len(numbers), np.intp)
    place[np.argsort(mixed, kind="stable")] = np.arange(len(numbers))
    return place if len(place) <= MOST else place * MOST // len(place)


@dataclass(frozen=True, slots=True, eq=False)
class _Units:
    """Rows by unit and class, of those pairs that there are.

    start (U + 1,): unit u has the entries start[u] to start[u + 1] of codes and counts (entries,).
    rows (U,), totals (C,): rows of each unit, and of each class.
    """

    start: IntArray
    codes: IntArray
    counts: IntArray
    rows: IntArray
    totals: IntArray

    @classmethod
    def of(cls, unit: IntArray, codes: IntArray) -> _Units:
        """Count the rows of the units (n,) and the classes (n,)."""
        classes, units = int(codes.max()) + 1, int(unit.max()) + 1
        pairs, counts = np.unique(unit * classes + codes, return_counts=True)
        start = np.searchsorted(pairs // classes, np.arange(units + 1))
        return cls(start, pairs % classes, counts, np.bincount(unit), np.bincount(codes))


class _Dealt:
    """Units dealt out to parts that want `shares` (K,) of the rows and of each class.

    What is made small: the squared distances of the parts from their shares, of all rows and of
    each class on average, and before all else `weights` (K,) for each class that a part lacks.
    """

    def __init__(self, units: _Units, shares: Floats, weights: Floats) -> None:
        self._units, self._shares, self._weights = units, shares, weights
        self._present = units.totals > 0
        self._of_class = 1 / np.maximum(units.totals, 1)
        self._rows = np.zeros(len(shares))
        self._counts = np.zeros((len(shares), len(units.totals)))
        self.part = np.full(len(units.rows), -1, np.intp)

    @property
    def lacking(self) -> float:
        """Weight of the classes that parts lack."""
        lacks = (self._counts[:, self._present] == 0).sum(axis=1)
        return float(lacks @ self._weights)

    @property
    def unevenness(self) -> float:
        """Mean squared distance from the shares, of all rows and of the classes."""
        rows = self._rows / self._units.rows.sum() - self._shares
        classes = (self._counts * self._of_class - self._shares[:, None])[:, self._present]
        return float((rows**2).sum() + (classes**2).sum() / self._present.sum())

    def settle(self) -> None:
        """Deal all units out, then move single ones as long as that is better."""
        for _ in range(_PASSES):
            moved = sum(self._move(unit) for unit in range(len(self.part)))
            if not moved:
                return

    def _move(self, unit: int) -> bool:
        """Put a unit where it is best; tell whether that is another part than before."""
        before = int(self.part[unit])
        if before >= 0:
            self._add(unit, before, -1)
        costs = self._costs(unit)
        best = int(np.argmin(costs))
        if before >= 0 and not costs[best] < costs[before] - _SIGNIFICANT:
            best = before
        self._add(unit, best, 1)
        self.part[unit] = best
        return best != before

    def _add(self, unit: int, part: int, sign: int) -> None:
        own = slice(self._units.start[unit], self._units.start[unit + 1])
        self._counts[part, self._units.codes[own]] += sign * self._units.counts[own]
        self._rows[part] += sign * self._units.rows[unit]

    def _costs(self, unit: int) -> Floats:
        """Return what it costs (K,) to have a unit in each part, which is in none now."""
        units = self._units
        own = slice(units.start[unit], units.start[unit + 1])
        codes, total = units.codes[own], units.rows.sum()
        share = units.counts[own] * self._of_class[codes]
        there = self._counts[:, codes]
        gaps = there * self._of_class[codes] - self._shares[:, None]
        by_class = (share * (2 * gaps + share)).sum(axis=1) / self._present.sum()
        part = units.rows[unit] / total
        by_rows = part * (2 * (self._rows / total - self._shares) + part)
        costs: Floats = by_rows + by_class - self._weights * (there == 0).sum(axis=1)
        return costs


def distinct(groups: Numbers) -> int:
    """Count the groups."""
    return len(np.unique(groups))
