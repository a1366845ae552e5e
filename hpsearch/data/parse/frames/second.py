"""The second line of a table that is none of its rows: units, or more of the names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hpsearch.data.notes import Note
from hpsearch.data.parse.cells import is_missing, number
from hpsearch.data.parse.frames.dialect import Row
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.request import Reading

MEASURED: Final = re.compile(r"[+-]?[$€£]?\s?\d[\d.,:/\- ]*(?:e[+-]?\d+)?\s?[%$€£]?", re.IGNORECASE)
_MOST_LINES: Final = 3


@dataclass(slots=True)
class Layout:
    """Names of a table and the place of its rows.

    names
        One for each field of a row; "" for a column of row names, and behind a trailing separator.
    named
        False where there is no line of names and these were made: c1, c2, ...
    line
        Number of the first row's line, from 1; 0 where there is no row.
    """

    names: tuple[str, ...]
    named: bool = True
    line: int = 0
    notes: list[Note] = field(default_factory=list)


def listed(fields: Sequence[str]) -> str:
    """Return the first fields of a line for a message."""
    return ", ".join(one[:20] for one in fields[:6]) + (", ..." if len(fields) > 6 else "")


def without_second(layout: Layout, first: Row, below: list[Row], reading: Reading) -> list[Row]:
    """Leave out a line of units, or join a second line of names to the first one."""
    lines = _count(below, layout, reading)
    if not lines:
        return below
    second, rows = below[0], below[1:]
    if lines > 1:
        refuse(
            "header",
            f"lines {first.line} to {below[lines - 1].line} stand above the numbers, each of words: "
            f"{'; '.join(listed(row.fields) for row in [first, *below[:lines]])}. Name the one that "
            "holds the names, header=, or leave the others out of the file; tables of Orange have "
            "types in line 2 and roles in line 3",
        )
    filled = [name for name in layout.names if name]
    if len(set(filled)) < len(filled):
        pairs = zip(layout.names, second.fields, strict=True)
        layout.names = tuple(f"{name}_{under}" if under else name for name, under in pairs)
        message = f"lines {first.line} and {second.line} are joined to names of columns"
        layout.notes.append(_note_of("two_headers", message, second))
    else:
        units = ", ".join(
            f"{name}: {unit}"
            for name, unit in zip(layout.names, second.fields, strict=True)
            if unit and not is_missing(unit)
        )
        message = f"line {second.line} holds units and is left out ({units[:200]})"
        layout.notes.append(_note_of("units", message, second))
    return rows


def _count(below: list[Row], layout: Layout, reading: Reading) -> int:
    """Count the lines that are none of the rows."""
    for lines in range(_MOST_LINES, 0, -1):
        rows = below[lines:]
        if rows and all(_is_second(row, rows, layout, reading) for row in below[:lines]):
            return lines
    return 0


def _note_of(code: str, message: str, row: Row) -> Note:
    return Note(
        code, "info", message, {"line": row.line}, "header= names the line that holds names"
    )


def _is_second(row: Row, below: list[Row], layout: Layout, reading: Reading) -> bool:
    """Tell whether a line is none of the rows: it has words where all rows below have numbers."""
    width = len(layout.names)
    if len(row.fields) != width:
        return False
    gaps = {word.lower() for word in reading.missing}
    cells = [one.fields for one in below if len(one.fields) == width]
    # Most lines are rows: few columns are looked at to see that.
    spelled = [at for at in range(width) if _is_word(row.fields[at], gaps)]
    words = [at for at in spelled if _all_numbers((one[at] for one in cells), gaps)]
    if not words:
        return False
    numeric = [at for at in range(width) if _all_numbers((one[at] for one in cells), gaps)]
    if any(_is_number(row.fields[at]) for at in numeric):
        return False
    filled = [name for name in layout.names if name]
    beside = [at for at in range(width) if at not in numeric and not _is_gap(row.fields[at], gaps)]
    # A word among many numbers, and other words beside it: a row with a mistake rather.
    return len(words) > 1 or not beside or len(set(filled)) < len(filled)


def _all_numbers(cells: Iterable[str], gaps: set[str]) -> bool:
    some = False
    for cell in cells:
        if _is_gap(cell, gaps):
            continue
        if not _is_number(cell):
            return False
        some = True
    return some


def _is_number(cell: str) -> bool:
    return number(cell) is not None or bool(MEASURED.fullmatch(cell))


def _is_word(cell: str, gaps: set[str]) -> bool:
    return not _is_gap(cell, gaps) and any(one.isalpha() or one in "%°$€£" for one in cell)


def _is_gap(cell: str, gaps: set[str]) -> bool:
    return is_missing(cell) or cell.lower() in gaps
