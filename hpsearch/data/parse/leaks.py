"""Signs that a table tells more than it will in use: counters, ids, the answer itself, time.

Every check looks at the training rows alone. A finding is a note, never a refusal: a machine
cannot know what a column means.

n   training rows      F   features
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.notes import Note
from hpsearch.plural import counted

Floats = npt.NDArray[np.float64]

FEWEST = 20  # rows, below which chance alone makes such columns
_VALUES = 5_000_000  # that are sorted at the most, over all columns
_ROWS = 5_000
_BLOCK = 256  # columns that are looked at together

STEADY = 0.9  # share of equal steps that makes a counter
ORDERED = 0.99  # share of the steps that go one way, of those that go anywhere
APART = 0.9  # the same of pairs of rows far apart: a column that begins again is in no order
FEW_VALUES = 10  # in a sorted column: below, it may be the file's order by chance or by choice
ALL_DIFFERENT = 0.95  # distinct values by rows, of an id
NEARLY_ALL = 0.05  # errors of a column that alone nearly tells the label
OF_GUESSING = 0.1  # the same by the errors of guessing the most frequent class
OTHERS = 3.0  # times as many errors that the next best column makes, unless the first has
NONE_AT_ALL = 0.02  # errors by those of guessing


@dataclass(frozen=True, slots=True)
class Column:
    """Facts about a column.

    counter
        True if it goes up or down by one step from row to row of the file, and as a whole.
    ordered
        Share of its steps that go one way, of those that go anywhere; 0 where rows far apart do not
        go that way too, such as hours of the day.
    distinct
        Number of different values in the rows looked at.
    whole_share
        Different values by rows, of a column of whole numbers; 0 of another one.
    errors
        Share of rows whose class a neighbour in the column's order does not tell.
    """

    name: str
    counter: bool
    ordered: float
    distinct: int
    whole_share: float
    errors: float


def notes(
    x: npt.NDArray[np.generic], y: npt.NDArray[np.generic], rows: npt.NDArray[np.intp],
    name: Callable[[int], str], codes: frozenset[int] = frozenset(),
) -> Iterator[Note]:  # fmt: skip
    """Yield what the columns of a table `x` (n, F) with classes `y` (n,) give away.

    Parameters
    ----------
    rows
        The training rows, ascending: their numbers in the file.
    name
        Word for the column of a number.
    codes
        Columns whose numbers stand for words: they tell a class, and have no order.
    """
    if len(rows) < FEWEST:
        return
    sample = rows[:: -(-len(rows) // max(100, min(_ROWS, _VALUES // x.shape[1])))]
    columns = [
        column
        for start in range(0, x.shape[1], _BLOCK)
        for column in _columns(
            x, y, rows, sample, range(start, min(start + _BLOCK, x.shape[1])), name
        )
    ]
    columns = [replace(c, counter=False, ordered=0.0, whole_share=0.0) if at in codes else c
               for at, c in enumerate(columns)]  # fmt: skip
    majority = float(np.bincount(y[rows]).max() / len(rows))
    for check in (_counters, _ordered, _ids):
        yield from check(columns, len(sample))
    yield from _answers(columns, majority)


def _columns(
    x: npt.NDArray[np.generic], y: npt.NDArray[np.generic], rows: npt.NDArray[np.intp],
    sample: npt.NDArray[np.intp], at: range, name: Callable[[int], str],
) -> Iterator[Column]:  # fmt: skip
    raw: npt.NDArray[Any] = x[sample, at.start : at.stop]
    if raw.dtype.kind in "iub":
        raw = raw.astype(np.int64)  # differences of bytes have a sign
    missing = np.isnan(raw) if raw.dtype.kind == "f" else np.zeros(raw.shape, np.bool_)
    first = np.where(missing[0], 0, raw[0]) if missing.any() else raw[0]
    values = (raw - first).astype(np.float64)  # large numbers keep the digits that differ
    steps = np.diff(values, axis=0)
    steps[np.isnan(steps)] = 0
    values = _with_gaps(values, missing)
    onwards = _far_steps_one_way(values, missing) >= APART
    ordered = np.where(onwards, _one_way(steps), 0.0)
    counter = _steady(steps, np.diff(sample)) & onwards
    whole = ((np.rint(raw) == raw) | missing).all(axis=0)
    errors, distinct = _neighbours(values, y[sample])
    for i, position in enumerate(at):
        share = distinct[i] / len(sample) if whole[i] else 0.0
        if share >= ALL_DIFFERENT and len(sample) < len(rows):
            share = len(np.unique(x[rows, position])) / len(rows)
        yield Column(name(position), bool(counter[i]), float(ordered[i]), int(distinct[i]),
                     float(share), float(errors[i]))  # fmt: skip


def _with_gaps(values: Floats, missing: npt.NDArray[np.bool_]) -> Floats:
    """Put a value above all others in place of a missing one: that may tell the class as well."""
    if not missing.any():
        return values
    above = np.where(missing, -np.inf, values).max(axis=0)
    return np.where(missing, np.where(np.isfinite(above), above, 0.0) + 1, values)


def _one_way(steps: Floats) -> Floats:
    """Return the share of each column's steps that go its usual way, of those that go anywhere."""
    up, down = (steps > 0).sum(axis=0), (steps < 0).sum(axis=0)
    return np.asarray(np.maximum(up, down) / np.maximum(up + down, 1))


def _far_steps_one_way(values: Floats, missing: npt.NDArray[np.bool_]) -> Floats:
    """Return the same share of steps between rows by chance, most of which lie far apart."""
    rows = np.random.Generator(np.random.PCG64(0)).permutation(len(values))
    first, second = np.minimum(rows[:-1], rows[1:]), np.maximum(rows[:-1], rows[1:])
    steps = values[second] - values[first]
    steps[missing[first] | missing[second]] = 0
    return _one_way(steps)


def _steady(steps: Floats, between: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Mark the columns that change by one amount, other than 0, with each row of the file."""
    each = steps / between[:, None]
    usual = np.median(each, axis=0)
    same = np.abs(each - usual) <= 1e-6 * np.abs(usual)
    return np.asarray((usual != 0) & (same.mean(axis=0) >= STEADY))


def _neighbours(values: Floats, y: npt.NDArray[np.generic]) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Return the errors of each column's order, and its number of distinct values.

    In the order of the column a row's class is told by the row before it; of two neighbours that
    differ, one is taken for wrong. Equal values come in an order by chance, not in the file's.
    """
    mixed = np.random.Generator(np.random.PCG64(0)).permutation(len(values))
    order = np.argsort(values[mixed], axis=0, kind="stable")
    ranked = np.take_along_axis(values[mixed], order, axis=0)
    classes = y[mixed][order]
    errors = (classes[1:] != classes[:-1]).mean(axis=0) / 2
    return errors, 1 + (ranked[1:] != ranked[:-1]).sum(axis=0)


def _counters(columns: Sequence[Column], rows: int) -> Iterator[Note]:
    names = [column.name for column in columns if column.counter]
    if names:
        yield Note(
            "counter_column",
            "warning",
            f"{_are(names, 'counts', 'count')} the rows of the file",
            {"columns": _listed(names), "count": len(names), "rows": rows},
            "drop=NAME (--drop NAME) leaves it out: in a file with an order it tells the class, and it will not "
            "in use; if it is a clock, time=NAME (--time NAME) seals the later rows (of an .npz, send them as x_test)",
        )


def _ordered(columns: Sequence[Column], rows: int) -> Iterator[Note]:
    sorted_ = [c for c in columns if not c.counter and c.ordered >= ORDERED and c.distinct > 2]
    if sorted_:
        names = [column.name for column in sorted_]
        distinct = max(column.distinct for column in sorted_)
        yield Note(
            "rows_in_order",
            "warning" if distinct >= FEW_VALUES else "info",
            f"the rows are in the order of column{'s' if names[1:] else ''} {_listed(names)}",
            {"columns": _listed(names), "distinct": distinct, "rows": rows},
            "if that is time, a split by chance trains on rows of the same hours that it tests "
            "on: time=NAME seals the later rows (of an .npz, send them as x_test)",
        )


def _ids(columns: Sequence[Column], rows: int) -> Iterator[Note]:
    names = [
        c.name
        for c in columns
        if c.whole_share >= ALL_DIFFERENT and not c.counter and c.ordered < ORDERED
    ]
    if names:
        yield Note(
            "id_column",
            "info",
            f"{_are(names, 'has', 'have')} whole numbers, nearly all different",
            {"columns": _listed(names), "count": len(names), "rows": rows},
            "leave it out if it is the number of a person or a thing, and no measurement; where "
            "several rows are of one, groups=NAME keeps them in one part",
        )


def _answers(columns: Sequence[Column], majority: float) -> Iterator[Note]:
    guessing = 1.0 - majority
    if len(columns) < 2 or not guessing:
        return
    best = sorted(columns, key=lambda column: column.errors)
    low = best[0].errors
    near = low <= min(NEARLY_ALL, OF_GUESSING * guessing)
    alone = best[1].errors >= OTHERS * low or low <= NONE_AT_ALL * guessing
    if not (near and alone):
        return
    names = [c.name for c in best if c.errors <= max(low, NONE_AT_ALL * guessing)]
    yield Note(
        "column_tells_label",
        "warning",
        f"{_are(names, 'tells', 'tell', each=' alone')} the class of about {1 - low:.1%} of the rows "
        f"(the most frequent class: {majority:.1%})",
        {"columns": _listed(names), "count": len(names), "share": 1 - low, "majority": majority},
        "leave it out if it is known only together with the class, or made of it",
    )


def _are(names: Sequence[str], one: str, more: str, *, each: str = "") -> str:
    if len(names) == 1:
        return f"column {names[0]}{each} {one}"
    return (
        f"{counted(len(names), 'column')} ({_listed(names)}){' each' if each else ''}{each} {more}"
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown}, ..." if len(names) > 5 else shown
