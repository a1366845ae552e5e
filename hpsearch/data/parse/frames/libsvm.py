"""Reads LIBSVM (svmlight) text: a label, and the values of a row that are not 0 as NUMBER:VALUE.

scikit-learn's reader does the work; what it refuses is said again with the number of the line.

Source: the README of LIBSVM, "Data format".
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from hpsearch.data.limits import MIB, Limits
from hpsearch.data.notes import Note
from hpsearch.data.parse.frame import Frame, FrameColumn
from hpsearch.data.parse.frames.arrow import arrow, strings
from hpsearch.data.parse.frames.rows import Stream
from hpsearch.data.parse.frames.text import Text
from hpsearch.data.parse.raw import refuse, require_size

_LOOKED_AT = 20  # lines
_DIGITS = 9  # of the number of a column
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_ROW: Final = re.compile(rf"\s*{_NUMBER}((?:\s+(?:\d+|qid):[^\s:]+)*)\s*(?:#.*)?")
_TIMES: Final = re.compile(r"(?:\s+[012]?\d:[0-5]\d)+")
_SUFFIXES: Final = (".libsvm", ".svmlight", ".svm")
_COMMENT: Final = re.compile(r"\s*(?:#.*)?")


def is_libsvm(lines: Sequence[str], suffix: str = "") -> bool:
    """Tell whether a file is named such, or its first rows are such, and half of them name a value.

    Raises
    ------
    errors.InvalidDataset
        They may be times as well, and no suffix says more.
    """
    filled = [line.rstrip("\n") for line in lines if not _COMMENT.fullmatch(line.rstrip("\n"))]
    if filled and suffix in _SUFFIXES:  # what is no row then has its line in the error
        return True
    rows = [_ROW.fullmatch(line) for line in filled[:_LOOKED_AT]]
    named = sum(bool(row and row[1]) for row in rows)
    if not rows or not all(rows) or 2 * named < len(rows):
        return False
    pairs = [row[1] for row in rows if row and row[1]]
    if all(map(_TIMES.fullmatch, pairs)):
        refuse(
            "file",
            f"{pairs[0].strip()[:60]!r} may be times of the day, or numbered values of a LIBSVM file; "
            "delimiter=space says the first, a file name that ends in .libsvm the second",
        )
    return True


def read(text: Text, limits: Limits) -> Frame:
    """Read all rows: columns c1, c2, ... by the numbers of the file, and the label, which comes first.

    Raises
    ------
    errors.InvalidDataset
        A line that is no row, numbers that do not rise, or rows of a ranking (qid).
    errors.TooLarge
        More rows, columns or bytes than the limits allow.
    """
    from sklearn.datasets import load_svmlight_file

    try:
        matrix, labels, queries = load_svmlight_file(
            io.BufferedReader(Stream(block.encode() for block in text.blocks()), MIB), query_id=True
        )
    except (ValueError, OverflowError) as error:
        _check(text)
        refuse("file", f"the LIBSVM file cannot be read: {str(error)[:200]}")
    if not np.isfinite(labels).all():
        _check(text)
        refuse("y", "a label of the LIBSVM file is infinite")
    if len(queries):
        refuse(
            "file", "the rows belong to queries (qid), which no search here ranks; leave qid out"
        )
    rows, width = matrix.shape
    require_size(limits, rows, width + 1, 8)
    if not matrix.nnz:
        refuse("x", "no row of the LIBSVM file has a value")
    first = _first_number(text)
    columns = [FrameColumn("label", strings(map(_word, labels.tolist())), role="label")]
    columns += [
        FrameColumn(f"c{first + at}", arrow().array(cells, from_pandas=True))
        for at, cells in enumerate(_dense(matrix))
    ]
    return Frame(tuple(columns), False, (*text.notes, _sparse(rows * width - matrix.nnz)))


def _dense(matrix: Any) -> Iterator[Any]:
    """Yield the columns (n,) of a sparse matrix; one at a time is held twice."""
    by_column = matrix.tocsc()
    for at in range(matrix.shape[1]):
        cells, of = np.zeros(matrix.shape[0]), slice(*by_column.indptr[at : at + 2])
        cells[by_column.indices[of]] = by_column.data[of]
        yield cells


def _first_number(text: Text) -> int:
    """Return the number of the first column: 0 where some row names it, as the reader takes it."""
    return 0 if any(re.search(r"\s0+:", line) for _, line in _lines(text)) else 1


def _word(label: float) -> str:
    return str(int(label)) if label.is_integer() else repr(label)


def _lines(text: Text) -> Iterator[tuple[int, str]]:
    """Yield the lines without comments, with their numbers."""
    number, rest = 0, ""
    for block in text.blocks():
        *lines, rest = (rest + block).split("\n")
        for line in lines:
            number += 1
            yield number, line.partition("#")[0]
    yield number + 1, rest.partition("#")[0]


def _check(text: Text) -> None:
    """Refuse the first line that is no row, or whose numbers do not rise."""
    for number, line in _lines(text):
        if not line.strip():
            continue
        if not _ROW.fullmatch(line):
            what = f"{line.strip()[:60]!r} is no row: LABEL NUMBER:VALUE ..., all of them numbers"
            refuse(f"line {number}", what)
        before = -1
        for name, _, value in (one.partition(":") for one in line.split()[1:]):
            if name == "qid":
                continue
            if len(name.lstrip("0")) > _DIGITS:
                refuse(f"line {number}", f"there is no column {name[:20]}, so large is no table")
            if int(name) <= before:
                refuse(f"line {number}", f"column {name[:20]} comes after {before}; sort each line")
            before = int(name)
            try:
                float(value)
            except ValueError:
                refuse(f"line {number}", f"column {name[:20]}: {value[:40]!r} is no number")


def _sparse(count: int) -> Note:
    message = f"a LIBSVM file: {count:,} values that its lines do not name are 0"
    return Note("libsvm", "info", message, {"values": count}, "nothing to do")
