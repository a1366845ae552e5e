"""Preprocessing of a table with gaps and categories, fitted on the training rows of one split.

n   training rows      C   stored columns
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.columns import Column
from hpsearch.data.splits import Scaling
from hpsearch.encoding import Encoding

Rows: TypeAlias = npt.NDArray[np.intp]
Floats: TypeAlias = npt.NDArray[np.float64]
HowToScale: TypeAlias = Literal["standard", "robust"]

RARE: Final = 3
"""Training rows that a level, or a gap in a category, needs for a slot of its own."""

_BLOCK_VALUES = 4_000_000  # float32 values of the training rows that are copied at a time


@dataclass(frozen=True, slots=True)
class Preparation:
    """Choices of a model about its inputs.

    scaling
        "standard": mean 0 and standard deviation 1. "robust": median 0 and quartile distance 1, with
        smooth clipping.
    max_levels
        Levels of a category that have an input of their own.
    """

    scaling: HowToScale = "standard"
    max_levels: int = 32


def fit_encoding(
    x: npt.NDArray[Any], rows: Rows, columns: Sequence[Column], preparation: Preparation
) -> tuple[Scaling, Encoding]:
    """Fit on `rows` (n,) of `x` (N, C) alone, copying a few columns of them at a time.

    A column that does not vary in these rows is fed as 0. The width of the encoding depends on
    `columns` and `preparation` alone.

    Raises
    ------
    errors.InvalidDataset
        No rows to fit on.
    """
    if not len(rows):
        raise errors.InvalidDataset("the training part has no rows to fit the inputs on")
    made = _Fitted.empty(len(columns))
    for at, values in _columns(x, rows):
        column = columns[at]
        if column.kind == "category":
            made.counts[at] = _counts(values, len(column.levels))
            continue
        gap = np.isnan(values)
        made.gaps[at] = bool(gap.any())
        made.shift[at], made.scale[at] = _scaled(values[~gap], column, preparation.scaling)
    with np.errstate(over="ignore"):
        scale = made.scale.astype(np.float32)
    # A deviation below float32's range cannot be scaled up in float32: as good as constant.
    scale = np.where(np.isfinite(scale), scale, np.float32(0.0))
    scaling = Scaling(shift=made.shift.astype(np.float32), scale=scale)
    return scaling, _encoding(columns, made, preparation)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Findings about the training rows, by column."""

    shift: Floats
    scale: Floats
    gaps: dict[int, bool] = field(default_factory=dict)
    counts: dict[int, tuple[Rows, int]] = field(default_factory=dict)

    @classmethod
    def empty(cls, columns: int) -> _Fitted:
        return cls(np.zeros(columns), np.ones(columns))


def _columns(x: npt.NDArray[Any], rows: Rows) -> Iterator[tuple[int, Floats]]:
    """Yield the number of each column and its values (n,) in `rows`, as float64."""
    count, width = len(rows), x.shape[1]
    few = max(1, _BLOCK_VALUES // count)
    step = max(1, _BLOCK_VALUES // width)
    for start in range(0, width, few):
        some = slice(start, min(start + few, width))
        block = np.empty((some.stop - start, count), x.dtype)
        for at in range(0, count, step):
            block[:, at : at + step] = x[rows[at : at + step]][:, some].T
        for offset, values in enumerate(block):
            yield start + offset, values.astype(np.float64)


def _counts(codes: Floats, levels: int) -> tuple[Rows, int]:
    """Return the rows of each level (levels,), and the rows without a value."""
    known = codes[codes < levels].astype(np.intp)  # a NaN compares as false
    return np.bincount(known, minlength=levels), int(np.isnan(codes).sum())


def _scaled(values: Floats, column: Column, how: HowToScale) -> tuple[float, float]:
    """Return shift and scale of a column's values (m,), gaps left out."""
    low, high = (values.min(), values.max()) if len(values) else (0.0, 0.0)
    if not high > low:
        return float(low), 0.0
    if column.kind == "boolean" and how == "robust":
        return 0.5, 2.0
    # In units of its range: scikit-learn takes a spread below an absolute bound for none.
    width = high - low
    shift, scale = _SCALINGS[how]((values - low)[:, None] / width)
    return float(low + shift * width), float(scale / width)


def _standard(unit: Floats) -> tuple[float, float]:
    from sklearn.preprocessing import StandardScaler

    fitted = StandardScaler().fit(unit)
    return fitted.mean_[0], 1 / fitted.scale_[0]


def _robust(unit: Floats) -> tuple[float, float]:
    """Median and quartile distance; where the quartiles coincide, half the range: as RealMLP does."""
    from sklearn.preprocessing import RobustScaler

    fitted = RobustScaler().fit(unit)
    # scikit-learn's scale is 1 where the quartiles coincide, and where they differ by 1.
    lower, upper = np.quantile(unit, (0.25, 0.75))
    return fitted.center_[0], 1 / fitted.scale_[0] if upper > lower else 2.0


_SCALINGS: Mapping[HowToScale, Callable[[Floats], tuple[float, float]]] = {
    "standard": _standard,
    "robust": _robust,
}


def _encoding(columns: Sequence[Column], made: _Fitted, preparation: Preparation) -> Encoding:
    smooth = [i for i, column in enumerate(columns) if column.kind in ("number", "ordered")]
    numbers = smooth + [i for i, column in enumerate(columns) if column.kind == "boolean"]
    gaps = [place for place, i in enumerate(numbers) if columns[i].missing_train]
    categories = [i for i, column in enumerate(columns) if column.kind == "category"]
    first, slots = len(numbers) + len(gaps), list[Rows]()
    for i in categories:
        counts, missing = made.counts[i]
        slots.append(first + _slots(columns[i], counts, missing, preparation.max_levels))
        first += columns[i].inputs(preparation.max_levels)
    return Encoding(
        width=first,
        numbers=np.array(numbers, np.intp),
        smooth=len(smooth) if preparation.scaling == "robust" else 0,
        gaps=np.array(gaps, np.intp),
        live=np.array([made.gaps[numbers[place]] for place in gaps], np.bool_),
        categories=np.array(categories, np.intp),
        levels=np.array([len(columns[i].levels) for i in categories], np.intp),
        slots=np.concatenate([*slots, np.empty(0, np.intp)]),
    )


def _slots(column: Column, counts: Rows, missing: int, max_levels: int) -> Rows:
    """Return the slot of each level, of an unknown one and of a gap: (levels + 2,), from 0.

    The most frequent levels have their own, in the order of their codes; equally frequent ones go
    by name, so that no order of the rows decides. What is too rare to be learned is "other".
    """
    other = column.slots(max_levels)
    often = sorted(np.flatnonzero(counts >= RARE), key=lambda i: (-counts[i], column.levels[i]))
    slots = np.full(len(counts) + 2, other, np.intp)
    kept = sorted(often[:other])
    slots[kept] = np.arange(len(kept))
    if column.missing_train and missing >= RARE:
        slots[-1] = other + 1
    return slots
