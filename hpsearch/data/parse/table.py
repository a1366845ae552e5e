"""Reads CSV files: a header, numeric features, one column of labels; line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data.limits import Limits
from hpsearch.data.parse.labels import is_plain
from hpsearch.data.parse.raw import (
    LABEL_LENGTH,
    Features,
    Mistakes,
    Raw,
    place,
    refuse,
    require_size,
    trainable,
    why_not,
)
from hpsearch.data.parse.request import Request

_MAX_FIELD = 1024
_MAX_NAME = 200
_MAX_LINE = 1 << 22
_BLOCK_VALUES = 1 << 18


@dataclass(frozen=True, slots=True)
class _Columns:
    """The header: feature names, and where the label is among all columns."""

    names: tuple[str, ...]
    label: int

    @property
    def width(self) -> int:
        return len(self.names) + 1


def read(request: Request, limits: Limits) -> Raw:
    """Read a UTF-8 CSV file; the label is the column `request.label`, else the last one.

    Raises
    ------
    errors.InvalidDataset
        Naming the column and the line of every mistake.
    errors.TooLarge
        More rows, columns or bytes than the limits allow.
    """
    csv.field_size_limit(_MAX_FIELD)
    try:
        with Path(request.path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(_lines(file), strict=True)
            columns = _header(next(rows, []), request.label)
            table = _Table(columns, limits)
            # Blank lines hold no example.
            return table.read((fields, rows.line_num) for fields in rows if fields)
    except UnicodeDecodeError as error:
        raise errors.InvalidDataset(
            f"not UTF-8 text (byte {error.start} of a block); save the table as CSV in UTF-8, or "
            "send an .npz file as application/octet-stream"
        ) from error
    except csv.Error as error:
        raise errors.InvalidDataset(
            f"line {rows.line_num}: {error}; a field has at most {_MAX_FIELD} characters and its "
            "quotes are closed"
        ) from error


def _lines(file: IO[str]) -> Iterator[str]:
    # readline with a bound: a file without a line break must not become one string.
    number = 0
    while line := file.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            refuse(f"line {number}", f"has more than {_MAX_LINE:,} characters")
        if "\0" in line:
            refuse(f"line {number}", "has a NUL byte: not a text file; save it as CSV in UTF-8")
        yield line


def _header(fields: list[str], label: str | None) -> _Columns:
    names = [field.strip() for field in fields]
    if len(names) < 2:
        refuse(
            "header",
            f"the first line has {len(names)} column(s); at least one feature and the label are "
            "needed, named in the first line and separated by commas",
        )
    if all(map(_is_number, names)):
        refuse("header", "the first line holds numbers; the first line names the columns")
    mistakes = Mistakes()
    seen: set[str] = set()
    for position, name in enumerate(names):
        if not name or len(name) > _MAX_NAME or not is_plain(name):
            mistakes.add(
                f"header[{position}]",
                f"{name[:40]!r} is no column name: 1 to {_MAX_NAME} printable characters",
            )
        elif name in seen:
            mistakes.add(f"header[{position}]", f"column {name!r} is there twice; rename one")
        seen.add(name)
    mistakes.check()
    if label is None:
        return _Columns(tuple(names[:-1]), len(names) - 1)
    if label not in names:
        refuse("label", f"no column {label!r}; there are {', '.join(names[:20])}")
    at = names.index(label)
    return _Columns(tuple(names[:at] + names[at + 1 :]), at)


class _Table:
    """Turns rows of text into blocks of float32, and gathers what is wrong with them."""

    def __init__(self, columns: _Columns, limits: Limits) -> None:
        self._columns, self._limits = columns, limits
        self._mistakes = Mistakes()
        self._labels: list[str] = []
        # Each word is kept once, however many rows have it.
        self._words: dict[str, str] = {}
        self._blocks: list[npt.NDArray[np.float32]] = []
        self._pending: list[list[float]] = []
        self._lines: list[int] = []
        self._block_rows = max(1, _BLOCK_VALUES // columns.width)

    def read(self, rows: Iterable[tuple[list[str], int]]) -> Raw:
        """Read all rows, each with the number of its (last) line."""
        names = self._columns.names
        require_size(self._limits, 1, len(names), 4)
        for number, (fields, line) in enumerate(rows):
            self._row(number, fields, line)
        self._flush()
        self._mistakes.check()
        if not self._labels:
            refuse("x", "the file has a header and no rows")
        features = Features(np.concatenate(self._blocks), (len(names),), "tabular")
        return Raw(features, np.array(self._labels), names=names)

    def _row(self, number: int, fields: list[str], line: int) -> None:
        if len(fields) != self._columns.width:
            self._mistakes.add(
                f"x[{number}]",
                f"line {line} has {len(fields)} fields, the header has {self._columns.width}",
                at=line,
            )
            # A row of zeros keeps the numbers of those that follow; nothing of it is stored.
            fields = ["0"] * self._columns.width
        word = fields.pop(self._columns.label).strip()
        if not word or len(word) > LABEL_LENGTH:
            self._mistakes.add(
                f"y[{number}]",
                f"line {line}: the label {word[:20]!r} is empty or longer than {LABEL_LENGTH} "
                "characters; name its class or leave the row out",
                at=line,
            )
        self._labels.append(self._words.setdefault(word, word))
        self._pending.append(self._numbers(fields, number, line))
        self._lines.append(line)
        if len(self._pending) == self._block_rows:
            self._flush()

    def _numbers(self, fields: list[str], row: int, line: int) -> list[float]:
        joined = "".join(fields)
        # float() takes 1_000 and the digits of every script; a table that has them is a mistake.
        if "_" not in joined and joined.isascii():
            try:
                return list(map(float, fields))
            except ValueError:
                pass
        for position, field in enumerate(fields):
            if not field.strip():
                self._complain(row, position, line, "the value is missing; fill it in")
            elif not _is_number(field):
                way_out = "turn words into numbers, or into one 0/1 column per word"
                self._complain(row, position, line, f"{field[:40]!r} is not a number; {way_out}")
        # An infinity or a NaN in the same row is found with its block.
        return [float(field) if _is_number(field) else 0.0 for field in fields]

    def _complain(self, row: int, position: int, line: int, what: str) -> None:
        names = self._columns.names
        message = f"column {names[position]!r}, line {line}: {what}"
        self._mistakes.add(place((row, position), names), message, at=line)

    def _flush(self) -> None:
        """Check a block of rows and keep it as float32."""
        if not self._pending:
            return
        values = np.array(self._pending)
        first = len(self._labels) - len(values)
        require_size(self._limits, len(self._labels), values.shape[1], 4)
        for row, column in np.argwhere(~trainable(values)).tolist():
            self._complain(first + row, column, self._lines[row], why_not(values[row, column]))
        with np.errstate(over="ignore"):
            self._blocks.append(values.astype(np.float32))
        self._pending.clear()
        self._lines.clear()


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field and field.isascii()
