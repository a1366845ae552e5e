"""The rows that train, those that validate, and the scaling fitted on the training rows.

Pure functions. The split uses nothing of NumPy's random numbers but the raw stream of PCG64
seeded by `SeedSequence`: those two are promised to stay the same from release to release, the
shuffles and the distributions built on them are not (NumPy enhancement proposal 19).

Notation: n examples, F features, C classes, n_c examples of class c. Targets that are floats
have no classes: all rows count as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data import equal_rows
from hpsearch.data.info import Kind

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float32]
Labels = npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]
Seed = int | Sequence[int]

_BLOCK_VALUES = 1 << 18
"""Values per block of `fit_scaling`: 2 MiB in float64, whatever the dataset's size."""


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of the two parts, each ascending: in the order of the file on disk.

    Chance decides which part a row is in, not the order within a part; the order of minibatches
    is drawn elsewhere.
    """

    train: IntArray
    validation: IntArray


def split(y: Labels, *, fraction: float, seed: Seed, equal: IntArray | None = None) -> Split:
    """Part the rows of `y` (n,), class by class, by seeded chance.

    Class c gives between floor and ceil of `fraction * n_c` rows to validation, never all of
    them and never none. Depends on `y`, `fraction`, `seed` and `equal` alone.

    `equal` (n,) numbers equal rows alike (`equal_rows.groups`): they stay on one side, and the
    classes then give as nearly `fraction` as that allows. Where no rows are equal it changes
    nothing.

    Raises
    ------
    errors.InvalidSpec
        `fraction` is not inside (0, 1).
    errors.InvalidDataset
        A class has one example, so it cannot be on both sides.
    """
    if not 0.0 < fraction < 1.0:
        raise errors.InvalidSpec(
            f"the fraction to split off must lie between 0 and 1, not {fraction}",
            [errors.Mistake("validation_fraction", f"{fraction} is not inside (0, 1)")],
        )
    codes, counts = _counted(y)
    joined = None if equal is None else equal_rows.units(codes, equal, 2)
    if joined is not None:
        rows = np.bincount(joined.codes, joined.rows, len(counts)).astype(np.intp)
        mine = equal_rows.chosen(joined, _by_class(joined.codes, seed), _taken(rows, fraction))
        held = mine[joined.of]
        return Split(train=np.flatnonzero(~held), validation=np.flatnonzero(held))
    taken = _taken(counts, fraction)
    order = _by_class(codes, seed)
    rank = np.arange(codes.size) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = rank < taken[codes[order]]
    return Split(train=np.sort(order[~chosen]), validation=np.sort(order[chosen]))


def split_folds(
    y: Labels, *, folds: int, seed: Seed, equal: IntArray | None = None
) -> tuple[Split, ...]:
    """Part the rows of `y` (n,) into folds, each the validation part of one split.

    Every row validates in one split and trains in the others. Each class gives each fold
    between floor and ceil of `n_c / folds` rows, and so do all classes together; every class
    is in every training part. Depends on `y`, `folds`, `seed` and `equal` alone, which keeps equal
    rows in one fold as it does in `split`.

    Raises
    ------
    errors.InvalidSpec
        Fewer than two folds, or more folds than rows.
    errors.InvalidDataset
        A class has one example, so it cannot be on both sides.
    """
    codes, _ = _counted(y)
    if not 2 <= folds <= codes.size:
        raise errors.InvalidSpec(
            f"{folds} folds cannot be made of {codes.size} examples",
            [errors.Mistake("validation.folds", f"{folds} is not in 2..{codes.size}")],
        )
    joined = None if equal is None else equal_rows.units(codes, equal, folds)
    if joined is not None:
        fold = equal_rows.dealt(joined, _by_class(joined.codes, seed), folds)[joined.of]
    else:
        fold = np.empty_like(codes)
        # Dealt out one by one, class after class: where one class stops, the next one goes on.
        fold[_by_class(codes, seed)] = np.arange(codes.size) % folds
    return tuple(
        Split(train=np.flatnonzero(fold != k), validation=np.flatnonzero(fold == k))
        for k in range(folds)
    )


def _by_class(codes: IntArray, seed: Seed) -> IntArray:
    """Return the row numbers (n,), class by class, by seeded chance within each."""
    return ranked(np.random.PCG64(np.random.SeedSequence(seed)).random_raw(codes.size), codes)


def ranked(keys: npt.NDArray[np.uint64], codes: IntArray) -> IntArray:
    """Return the row numbers (n,) by their class `codes` (n,), then `keys` (n,), then by number."""
    order = np.argsort(keys)
    rising = keys[order]
    if (rising[1:] == rising[:-1]).any():
        return np.lexsort((keys, codes))  # equal keys were put in any order
    small = codes.astype(np.min_scalar_type(codes.max(initial=0)))  # sorted by their digits
    return order[np.argsort(small[order], kind="stable")]


def _counted(y: Labels) -> tuple[IntArray, IntArray]:
    """Return class numbers (n,) and the rows of each class (C,), none of which has one row alone."""
    measured = np.issubdtype(y.dtype, np.floating)
    codes = np.zeros(y.size, np.intp) if measured else np.asarray(y, dtype=np.intp)
    counts = np.bincount(codes)
    single = np.flatnonzero(counts == 1)
    if single.size:
        listed = ", ".join(str(code) for code in single[:10])
        raise errors.InvalidDataset(
            f"class number {listed} has one example: it cannot be in the training and in the "
            "validation part; add examples or drop the class",
            [errors.Mistake("y", f"class number {code} has one example") for code in single[:10]],
        )
    return codes, counts


def _taken(counts: IntArray, fraction: float) -> IntArray:
    """Return the rows of each class (C,) that go to validation: largest remainders, then 1 <= v_c < n_c."""
    exact = counts * fraction
    taken = np.floor(exact).astype(np.intp)
    missing = round(float(counts.sum()) * fraction) - int(taken.sum())
    largest = np.argsort(taken - exact, kind="stable")
    taken[largest[: max(missing, 0)]] += 1
    bounded: IntArray = np.clip(taken, np.minimum(counts, 1), np.maximum(counts - 1, 0))
    return bounded


@dataclass(frozen=True, slots=True)
class Scaling:
    """Map from features to inputs, `(x - shift) * scale`; both (F,) float32, all finite."""

    shift: FloatArray
    scale: FloatArray


def fit_scaling(x: npt.NDArray[Any], rows: IntArray, *, kind: Kind) -> Scaling:
    """Fit the scaling of `x` (n, F) on `rows` alone, reading them block by block.

    Tabular: each feature to mean 0 and standard deviation 1. Image: each pixel to mean 0, and
    one scale for all pixels, the root of the mean variance of those that vary, so that pixels
    that are rarely lit stay small. A feature that does not vary is fed as 0. Sums are float64;
    the variance is of the whole part (divided by its number of rows).

    Raises
    ------
    errors.InvalidDataset
        No rows to fit on.
    """
    if not len(rows):
        raise errors.InvalidDataset("the training part has no rows to fit the scaling on")
    total = np.zeros(x.shape[1])
    low, high = x[rows[0]].copy(), x[rows[0]].copy()
    for block in _blocks(x, rows):
        total += block.sum(axis=0, dtype=np.float64)
        np.minimum(low, block.min(axis=0), out=low)
        np.maximum(high, block.max(axis=0), out=high)
    mean = total / len(rows)
    variance = np.zeros(x.shape[1])
    for block in _blocks(x, rows):
        variance += np.square(block - mean).sum(axis=0)
    # Compared exactly: the mean of equal numbers can be off by one rounding.
    varies = low != high
    variance = np.where(varies, variance / len(rows), 0.0)
    return Scaling(shift=mean.astype(np.float32), scale=_scale(variance, varies, kind))


def value_range(x: npt.NDArray[Any], rows: IntArray) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the least and the largest value of each feature of `x` (n, F) in `rows`: (F,) each.

    Gaps do not count; a feature of nothing else has NaN.
    """
    ends = [(np.fmin.reduce(block), np.fmax.reduce(block)) for block in _blocks(x, rows)]
    return np.fmin.reduce([low for low, _ in ends]), np.fmax.reduce([high for _, high in ends])


def _scale(
    variance: npt.NDArray[np.float64], varies: npt.NDArray[np.bool_], kind: Kind
) -> FloatArray:
    if kind == "image" and varies.any():
        variance = np.where(varies, variance[varies].mean(), 0.0)
    with np.errstate(divide="ignore", over="ignore"):
        scale = (1.0 / np.sqrt(variance)).astype(np.float32)
    # A deviation below float32's range cannot be scaled up in float32: as good as constant.
    return np.where(np.isfinite(scale), scale, np.float32(0.0))


def _blocks(x: npt.NDArray[Any], rows: IntArray) -> Iterator[npt.NDArray[Any]]:
    step = max(1, _BLOCK_VALUES // x.shape[1])
    for start in range(0, len(rows), step):
        yield x[rows[start : start + step]]
