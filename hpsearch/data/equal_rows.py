"""Rows of equal values: which there are, and parts of a split that none of them lies across.

n   rows      F   features      C   classes      G   groups of equal rows
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.intp]
Hashes = npt.NDArray[np.uint64]

_BLOCK_BYTES: Final = 1 << 18  # few enough for the cache
_ODD: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)


def hashes(x: npt.NDArray[Any], dtype: np.dtype[Any] | None = None) -> Hashes:
    """Hash each row of `x` (n, F), cast to `dtype`, to 64 bits, block by block; -0.0 is 0.0, NaN one value.

    The sum over the row of the mixed words (splitmix64: Steele, Lea and Flood 2014), each with its
    place mixed in. Unequal rows meet with a chance of 2^-64 for each pair.
    """
    made = np.empty(len(x), np.uint64)
    step = max(1, _BLOCK_BYTES // max(1, x.shape[1] * 8))
    for start in range(0, len(x), step):
        block = x[start : start + step].astype(dtype or x.dtype, copy=False)
        made[start : start + step] = _hashed(block)
    return made


def _hashed(block: npt.NDArray[Any]) -> Hashes:
    if block.dtype.kind == "f":
        block = block + 0.0  # turns -0.0 into 0.0
        gaps = np.isnan(block)
        if gaps.any():
            block[gaps] = np.nan  # which has several bit patterns
    if block.T.flags.c_contiguous and block.itemsize == 8:
        words = block.T.view(np.uint64).T  # as they lie, column by column
    else:
        words = _words(np.ascontiguousarray(block).view(np.uint8).reshape(len(block), -1))
    places = np.arange(1, words.shape[1] + 1, dtype=np.uint64) * _STEP
    mixed: Hashes = np.add(words, places)
    shifted = np.empty_like(mixed)
    for shift, odd in zip((30, 27), _ODD, strict=True):
        mixed ^= np.right_shift(mixed, np.uint64(shift), out=shifted)
        mixed *= odd
    mixed ^= np.right_shift(mixed, np.uint64(31), out=shifted)
    return np.asarray(mixed.sum(axis=1, dtype=np.uint64))


def _words(raw: npt.NDArray[np.uint8]) -> Hashes:
    """Return rows of bytes as words of 8, the last one filled up with zeros."""
    words = -(-raw.shape[1] // 8)
    if raw.shape[1] == words * 8:
        return raw.view(np.uint64)
    padded = np.zeros((len(raw), words * 8), np.uint8)
    padded[:, : raw.shape[1]] = raw
    return padded.view(np.uint64)


def groups(x: npt.NDArray[Any]) -> IntArray:
    """Number the rows of `x` (n, F) so that equal ones have one number: (n,), in 0..G - 1."""
    return numbered(hashes(x))


def numbered(hashed: Hashes | IntArray) -> IntArray:
    """Number equal hashes, or numbers, alike (n,), in the order in which they first come."""
    ordered = np.sort(hashed)
    if (ordered[1:] != ordered[:-1]).all():
        return np.arange(len(hashed), dtype=np.intp)
    _, first, inverse = np.unique(hashed, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


@dataclass(frozen=True, slots=True)
class Units:
    """Units that a split deals out: rows alone, and rows that are equal together.

    of
        (n,) the unit of each row.
    codes, rows
        (U,) the class of each unit, that of its first row, and its number of rows.
    """

    of: IntArray
    codes: IntArray
    rows: IntArray


def units(codes: IntArray, equal: IntArray, least: int) -> Units | None:
    """Join equal rows of the classes `codes` (n,); `equal` (n,) is that of `groups`.

    None where nothing is to be joined: no rows are equal, or fewer than `least` units would be
    left. A class that would be in fewer than two units keeps its rows apart, for it has to be on
    both sides of every split.
    """
    if int(equal.max(initial=-1)) + 1 == len(equal):
        return None  # as many numbers as rows
    while True:
        _, first, of, rows = np.unique(
            equal, return_index=True, return_inverse=True, return_counts=True
        )
        if len(first) == len(codes) or len(first) < least:
            return None
        short = np.flatnonzero(np.bincount(codes[first], minlength=codes.max() + 1) < 2)
        apart = np.isin(equal, equal[np.isin(codes, short)]) & (rows[of] > 1)
        if not apart.any():
            return Units(of, codes[first], rows)
        equal = np.where(apart, equal.max() + 1 + np.arange(len(equal)), equal)


def chosen(units: Units, order: IntArray, wanted: IntArray) -> npt.NDArray[np.bool_]:
    """Mark the units (U,) that go to a part which wants `wanted` (C,) rows of each class.

    In the order given a unit goes there if that brings the rows of its class nearer to what is
    wanted; each class then has a unit on either side.
    """
    taken = np.zeros(len(units.codes), np.bool_)
    for code in np.unique(units.codes):
        own = order[units.codes[order] == code]
        lacking = int(wanted[code])
        for unit in own.tolist():
            if lacking <= 0:
                break
            if units.rows[unit] < 2 * lacking:
                taken[unit] = True
                lacking -= int(units.rows[unit])
        if taken[own].all() or not taken[own].any():
            smallest = own[np.argmin(units.rows[own])]
            taken[smallest] = not taken[smallest]
    return taken


def dealt(units: Units, order: IntArray, folds: int) -> IntArray:
    """Deal the units out: (U,) the fold of each, large ones first, to the least loaded fold."""
    fold = np.empty(len(units.codes), np.intp)
    total = [0] * folds
    for code in np.unique(units.codes):
        own = order[units.codes[order] == code]
        load = [0] * folds
        for unit in own[np.argsort(-units.rows[own], kind="stable")].tolist():
            least = min(range(folds), key=lambda k: (load[k], total[k]))
            fold[unit] = least
            load[least] += int(units.rows[unit])
            total[least] += int(units.rows[unit])
    return fold
