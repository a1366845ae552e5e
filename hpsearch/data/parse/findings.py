"""The notes on a dataset that is being taken in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.notes import Note
from hpsearch.data.parse import leaks, narrow
from hpsearch.data.parse.cells import is_missing
from hpsearch.data.parse.labels import Encoded
from hpsearch.data.parse.raw import Raw
from hpsearch.plural import counted

IntArray = npt.NDArray[np.intp]

MANY = 0.01  # share of the test rows that are training rows too, or of values lost: worth more
SHOWN, MOST_NAMED = 5, 100  # columns of one value that are said in words, and named at all
_ROWS_AT_ONCE = 4096
MOST = 0.1  # share of the distinct values of a column that are lost


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Numbers to subtract from the columns before they are stored, and the columns that float32 rounds."""

    offset: narrow.Floats | None
    inexact: Sequence[int]


def notes(
    raw: Raw,
    labels: Encoded,
    train: IntArray,
    test: IntArray | None,
    equal: IntArray,
    kept: Kept,
) -> Iterator[Note]:
    """Yield what a careful reader should know of a dataset.

    Parameters
    ----------
    train, test
        Rows of the parts; `test` is None where the file brings a test part.
    equal
        Numbers of the rows, x before x_test: equal rows have one number.
    kept
        What becomes of the numbers when they are stored.
    """
    yield from _equal(labels, train, test, equal)
    yield from _spelled_missing(labels)
    if raw.x.kind == "image":
        return
    if raw.x.values.dtype == np.uint8:
        yield Note(
            "bytes_as_table",
            "info",
            "x holds bytes in two dimensions and is taken for a table: each column is scaled by "
            "itself",
            {"features": raw.x.values.shape[1]},
            "?as=image takes it for images, which have one scale for all pixels",
        )
    yield from _rounded(raw, train, kept)
    yield from _constant(raw)
    classes = labels.y if labels.classes else np.zeros(len(labels.y), np.intp)
    codes = frozenset(at for at, one in enumerate(raw.columns) if one.levels)
    yield from leaks.notes(raw.x.values, classes, train, lambda at: column(raw, at), codes)


def column(raw: Raw, at: int) -> str:
    """Name the column of a feature: by its name, else by its number in the file."""
    if raw.names:
        return repr(raw.names[at])
    made = re.fullmatch("c([0-9]+)", raw.label)  # names that are made for a table without any
    if made is None:
        return str(at)
    return repr(f"c{at + 1 + (at + 1 >= int(made[1]))}")


def _equal(
    labels: Encoded, train: IntArray, test: IntArray | None, equal: IntArray
) -> Iterator[Note]:
    n = len(labels.y)
    within = equal[:n]
    tested = equal[n:] if test is None else equal[test]
    trained = np.zeros(int(equal.max(initial=-1)) + 1, np.bool_)
    trained[equal[train]] = True
    known = int(trained[tested].sum())
    copies = n - (int(within.max(initial=-1)) + 1)  # numbers rise by one with each new row
    if copies:
        one = np.column_stack([within, labels.y.astype(np.float64)])
        differ = len(np.unique(one, axis=0)) - len(np.unique(within))
        yield Note(
            "equal_rows",
            "info",
            f"{copies:,} of {n:,} rows {'equals' if copies == 1 else 'equal'} an earlier row"
            + (f"; {differ:,} of them with another label" if differ else ""),
            {"rows": n, "equal": copies, "other_label": differ},
            "leave copies out unless each counts as an example of its own"
            + ("" if known else "; none lies in the training and in the test part"),
        )
    if known:
        share = known / len(tested)
        yield Note(
            "test_rows_in_training",
            "warning" if share >= MANY else "info",
            f"{known:,} of {len(tested):,} test rows are training rows too ({share:.1%})",
            {"test_rows": len(tested), "in_training": known, "share": share},
            "the test score is in part that of rows learnt by heart: leave these rows out of one "
            "of the two parts",
        )


def _spelled_missing(labels: Encoded) -> Iterator[Note]:
    for name, count in zip(labels.classes, labels.counts, strict=False):
        if is_missing(name):
            word = name.lower() == "none"
            yield Note(
                "label_may_be_missing",
                "info" if word else "warning",
                f"{count:,} examples have the label {name!r}, which is taken for a class",
                {"label": name, "examples": count},
                f"missing={name} leaves these rows out, if it means that the label is missing",
            )


def _constant(raw: Raw) -> Iterator[Note]:
    """Note the columns that a table of numbers keeps although they have one value."""
    constant = _one_value(raw.x.values)
    if not constant:
        return
    names = [column(raw, at) for at in constant]
    shown = ", ".join(names[:SHOWN]) + (", ..." if names[SHOWN:] else "")
    yield Note(
        "constant_columns",
        "info",
        f"{counted(len(names), 'column')} of one value in every row: {shown}",
        {"columns": ", ".join(name.strip("'") for name in names[:MOST_NAMED]), "count": len(names)},
        "nothing to do: they are fed as zeros",
    )


def _one_value(x: npt.NDArray[Any]) -> list[int]:
    """Return the columns of x (n, F) in which all rows are equal."""
    left = np.arange(x.shape[1])
    for start in range(0, len(x), _ROWS_AT_ONCE):
        if not left.size:
            break
        block = x[start : start + _ROWS_AT_ONCE]
        block = block if left.size == x.shape[1] else block[:, left]
        left = left[(block == x[0, left]).all(axis=0)]
    return left.tolist()


def _rounded(raw: Raw, train: IntArray, kept: Kept) -> Iterator[Note]:
    coarse = narrow.read_rounded(raw.x.values, train, kept.inexact)
    if coarse:
        named = column(raw, coarse[0])
        largest = float(np.nanmax(np.abs(raw.x.values[train, coarse[0]])))
        step = float(np.spacing(largest))
        yield Note(
            "digits_lost_in_reading",
            "warning",
            f"column {named} has numbers about {largest:.3g}, which float64 has in steps of {step:g}: "
            "values that differ by less have become one",
            {"column": named, "step": step, "columns": len(coarse)},
            "subtract a number near the values before the file is written, or send whole numbers as "
            "an int64 array",
        )
    lost = [
        one
        for one in narrow.rounded(raw.x.values, train, kept.offset, kept.inexact)
        if one.distinct - one.left >= MANY * one.distinct
    ]
    if not lost:
        return
    worst = max(lost, key=lambda one: 1 - one.left / one.distinct)
    share = 1 - worst.left / worst.distinct
    named = column(raw, worst.column)
    yield Note(
        "values_become_one",
        "warning" if share >= MOST else "info",
        f"column {named} has {worst.distinct:,} distinct values, of which float32 leaves "
        f"{worst.left:,}" + (f"; {len(lost) - 1} other columns lose some" if lost[1:] else ""),
        {"column": named, "distinct": worst.distinct, "left": worst.left, "columns": len(lost)},
        "subtract a number near the values, or split the column into a coarse and a fine one",
    )
