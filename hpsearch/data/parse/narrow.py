"""From the numbers of a file to the float32 that are stored, without losing what tells them apart.

float32 has 24 bits. A column of Unix seconds is 1.6e9 wide in size and a few days wide in range:
cast as it is, its values are rounded to multiples of 128 s. So a column whose rounding would show
is stored as its distance from the median of the training rows, which is computed in float64.

n   examples      F   features
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.values import distance

Floats = npt.NDArray[np.float64]

_LOST = 1e-4  # of the spread: a rounding below it cannot be seen
_SAMPLE = 100_000  # rows that centre, spread and distinct values are taken from
_BLOCK_VALUES = 1 << 18


@dataclass(frozen=True, slots=True)
class Rounded:
    """A column in which distinct values become one."""

    column: int
    distinct: int
    left: int


def offsets(
    x: npt.NDArray[Any], rows: npt.NDArray[np.intp], inexact: Sequence[int]
) -> Floats | None:
    """Return what to subtract from each column of `x` (n, F) before the cast: (F,), or None for nothing.

    Fitted on `rows` alone, without NaN. Columns that lose nothing worth a word have 0. `inexact` is
    what `inexact_columns` says of them, here and below: it goes over all of `x`, once.
    """
    medians = np.zeros(x.shape[1])
    for at in inexact:
        values = _sample(x, rows, at)
        if not np.ptp(values) and not np.ptp(_present(x[rows, at])):
            continue
        error = np.abs(values - values.astype(np.float32)).max()
        if error > _LOST * _spread(values):
            medians[at] = np.median(values)
    return medians if medians.any() else None


def narrow(x: npt.NDArray[Any], offset: Floats | None) -> npt.NDArray[Any]:
    """Cast `x` (n, F) to float32 after subtracting; bytes stay bytes. `x` is used up.

    Written over the array itself, which float32 is never larger than: no second one is made. Its
    rows are in one piece each, or its columns are.
    """
    if x.dtype in (np.uint8, np.float32) and offset is None:
        return x
    if x.strides[0] == x.itemsize and not x.flags.c_contiguous:
        return _narrow_columns(x, offset)
    flat = x.reshape(-1)
    out = flat.view(np.float32)[: flat.size]
    for start, block in _row_blocks(x):
        values = distance(block, offset).astype(np.float32)
        out[start * x.shape[1] :][: values.size] = values.reshape(-1)
    return out.reshape(x.shape)


def _narrow_columns(x: npt.NDArray[Any], offset: Floats | None) -> npt.NDArray[Any]:
    for at, column in enumerate(x.T):
        shift = None if offset is None else offset[at : at + 1]
        values = distance(column[:, None], shift).astype(np.float32)
        column.view(np.float32)[: values.size] = values[:, 0]
    return x.T.view(np.float32)[:, : len(x)].T


def rounded(
    x: npt.NDArray[Any],
    rows: npt.NDArray[np.intp],
    offset: Floats | None,
    inexact: Sequence[int],
) -> list[Rounded]:
    """Return the columns of `x` (n, F) in which some of the distinct values of `rows` become one."""
    columns: list[Rounded] = []
    for at in inexact:
        shift = None if offset is None else offset[at : at + 1]
        values = np.unique(_sample(x, rows, at))
        left = np.unique(distance(values[:, None], shift).astype(np.float32)).size
        if left < values.size:
            columns.append(Rounded(at, values.size, left))
    return columns


def read_rounded(
    x: npt.NDArray[Any], rows: npt.NDArray[np.intp], inexact: Sequence[int]
) -> list[int]:
    """Return the columns whose steps in float64 are coarse: their digits were lost in the reading."""
    if x.dtype != np.float64:
        return []
    columns = []
    for at in inexact:
        values = _sample(x, rows, at)
        step, spread = np.spacing(np.abs(values).max()), _spread(values)
        if step > _LOST * spread and (spread or step > 1):
            columns.append(at)
    return columns


def inexact_columns(x: npt.NDArray[Any]) -> list[int]:
    """Return the columns of which float32 does not hold every value."""
    if x.dtype.itemsize < 4 or x.dtype == np.float32:
        return []
    inexact = np.zeros(x.shape[1], np.bool_)
    for _, whole in _row_blocks(x):
        left = np.flatnonzero(~inexact)
        block = whole if len(left) == x.shape[1] else whole[:, left]
        # Back in the type of the file: a comparison of int64 with floats has 53 bits.
        back = block.astype(np.float32).astype(block.dtype)
        inexact[left] = ((back != block) & (block == block)).any(axis=0)  # noqa: PLR0124  # NaN is exact
    return [int(at) for at in np.flatnonzero(inexact)]


def gaps(
    x: npt.NDArray[Any], marked: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Count the NaN of each column of floats `x` (n, F): in all rows, and in those `marked` (n,)."""
    every, some = np.zeros((2, x.shape[1]), np.intp)
    for start, block in _row_blocks(x):
        missing = np.isnan(block)
        if missing.any():
            every += missing.sum(axis=0)
            some += missing[marked[start : start + len(block)]].sum(axis=0)
    return every, some


def _sample(x: npt.NDArray[Any], rows: npt.NDArray[np.intp], at: int) -> npt.NDArray[Any]:
    values = _present(np.asarray(x[rows[:: -(-len(rows) // _SAMPLE)], at]))
    return values if values.size else _present(np.asarray(x[rows, at]))


def _present(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values that are there; a single 0 if there are none."""
    present = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return present if present.size else np.zeros(1, values.dtype)


def _spread(values: npt.NDArray[Any]) -> float:
    """Return the distance between the quartiles, or the standard deviation where that is 0."""
    low, high = np.percentile(values, (25, 75))
    return float(high - low) or float(np.std(values, dtype=np.float64))


def _row_blocks(x: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    step = max(1, _BLOCK_VALUES // x.shape[1])
    for start in range(0, len(x), step):
        yield start, x[start : start + step]
