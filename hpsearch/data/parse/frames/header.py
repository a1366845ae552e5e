"""The lines above a table's rows: titles, names, units, a second line of names.

What may be either is refused with both readings and the parameter that chooses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from hpsearch import errors
from hpsearch.data.notes import Note
from hpsearch.data.parse.cells import is_header, number
from hpsearch.data.parse.frames.dialect import Dialect, Guess, Row
from hpsearch.data.parse.frames.second import MEASURED, Layout, listed, without_second
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.request import Reading

_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_COMMENTS = ("#", "%")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Above:
    """The lines before the first one of the table.

    lines
        Number of them.
    comments
        Those that begin with # or %, as rows of one field.
    delimiter
        Separator that a line "sep=;" names.
    """

    lines: int = 0
    comments: tuple[Row, ...] = ()
    delimiter: str | None = None


def above(lines: Sequence[str]) -> Above:
    """Find the comments, blank lines and separator line before a table."""
    comments: list[Row] = []
    delimiter: str | None = None
    for at, line in enumerate(lines):
        fixed = _SEPARATOR.fullmatch(line.rstrip("\n"))
        if fixed and not delimiter:
            delimiter = fixed[1]
        elif line.startswith(_COMMENTS) and not line.startswith(("#,", "#;", "#\t", "#|")):
            comments.append(Row(at + 1, [line.strip()]))
        elif line.strip():
            return Above(at, tuple(comments), delimiter)
    return Above(len(lines), tuple(comments), delimiter)


def lay_out(best: Guess, before: Above, reading: Reading) -> Layout:
    """Tell names and rows of a table by its first lines.

    Raises
    ------
    errors.InvalidDataset
        A line may be either, or fits no reading; there is no row.
    """
    layout = Layout(())
    first, below = _first(best, before, reading, layout)
    if reading.header is False or not (
        _is_numbered(reading) or _names(first, below, best, before, reading)
    ):
        layout.named, layout.line = False, first.line
        layout.names = tuple(f"c{n + 1}" for n in range(best.width))
        return layout
    layout.names = _fitting(first, below, best.width, named=bool(reading.names))
    below = without_second(layout, first, below, reading)
    if not below:
        refuse("x", "the file has a header and no rows")
    layout.line = below[0].line
    return layout


def _is_numbered(reading: Reading) -> bool:
    return reading.header is True or type(reading.header) is int


def _first(best: Guess, before: Above, reading: Reading, layout: Layout) -> tuple[Row, list[Row]]:
    """Return the line that names the columns or is the first row, and those below it."""
    rows = best.rows
    if not rows:
        refuse("x", "the file is empty: it has no line that is not blank or a comment")
    if type(reading.header) is int:
        return _numbered(reading.header, best, before)
    if before.comments:
        _say_left_out(layout, "comments", before.comments, "comment")
    at = 0
    while at < len(rows) - 1 and _is_title(rows[at], best.width, reading):
        at += 1
    if at:
        _say_left_out(layout, "titles", rows[:at], "title")
    return rows[at], rows[at + 1 :]


def _numbered(line: int, best: Guess, before: Above) -> tuple[Row, list[Row]]:
    """Return the row on a line that the sender names, or the comment there."""
    below = [row for row in best.rows if row.line > line]
    comments = [one for one in before.comments if one.line == line]
    at_line = [row for row in best.rows if row.line == line]
    at_line += [_uncommented(one, best.dialect) for one in comments]
    if at_line:
        return at_line[0], below
    return refuse(
        "header", f"line {line} is blank, inside a row, or beyond the first {len(best.rows)} rows"
    )


def _uncommented(comment: Row, dialect: Dialect) -> Row:
    text = comment.fields[0].lstrip("#% \t")
    return Row(comment.line, next(dialect.rows([text + "\n"], strict=False), Row(0, [])).fields)


def _is_title(row: Row, width: int, reading: Reading) -> bool:
    if width < 2:
        return False
    filled = sum(map(bool, row.fields))
    alone = width > 2 and filled == 1 and len(row.fields) >= width and bool(row.fields[0])
    return len(row.fields) == 1 or (alone and reading.header is not False)


def _say_left_out(layout: Layout, code: str, rows: Sequence[Row], what: str) -> None:
    shown = rows[0].fields[0][:_SHOWN]
    count = f"{len(rows)} {what}{'s' if len(rows) > 1 else ''}"
    layout.notes.append(
        Note(
            code,
            "info",
            f"{count} before the table left out: line {rows[0].line}, {shown!r}"
            + (", and below" if len(rows) > 1 else ""),
            {"lines": len(rows), "line": rows[0].line},
            "header= names the line that holds the names of columns, if it is one of them",
        )
    )


def _names(first: Row, below: list[Row], best: Guess, before: Above, reading: Reading) -> bool:
    """Tell whether the first line names the columns; ask where it may be a row."""
    if reading.label in first.fields and number(str(reading.label)) is None:
        return True  # who calls the label by a word of it has said so
    cells = [row.fields for row in below if len(row.fields) == best.width]
    if len(first.fields) == best.width - 1 and not _trailing(below):
        cells = [fields[1:] for fields in cells]  # behind the names of rows
    try:
        named = is_header(_plain(first.fields), list(map(_plain, cells)))
    except errors.InvalidDataset:
        _ask_about_comment(best, before)
        raise
    again = [cell for at, cell in enumerate(first.fields) if _recurs(cell, at, cells)]
    if again and below:
        _ask_about_comment(best, before)
        _ask(first, below[0], again)
    return named


def _plain(fields: Sequence[str]) -> list[str]:
    """Return cells with a fraction for a measured value that is no plain number: 1,5 or a date."""
    return ["0.5" if number(cell) is None and MEASURED.fullmatch(cell) else cell for cell in fields]


def _recurs(cell: str, at: int, cells: list[list[str]]) -> bool:
    return bool(cell) and number(cell) is None and any(row[at] == cell for row in cells)


def _ask(first: Row, second: Row, again: list[str]) -> NoReturn:
    names, row = (listed(one.fields) for one in (first, second))
    recurring = ", ".join(repr(cell[:20]) for cell in again[:3])
    refuse(
        "header",
        f"line {first.line} may name the columns or be an example: {recurring} stands again in the "
        f"rows below. As names: the columns are {names}, and the first example is {row}. As an "
        f"example: there is no header, and the first example is {names}. Say which: header=true if "
        "it names them, header=false if it is an example",
    )


def _ask_about_comment(best: Guess, before: Above) -> None:
    """Ask whether the comment above the table names its columns, if it has as many fields."""
    if not before.comments or best.dialect.delimiter == " ":
        return
    comment = before.comments[-1]
    fields = _uncommented(comment, best.dialect).fields
    if comment.line == before.lines and len(fields) == best.width > 1:
        refuse(
            "header",
            f"line {comment.line} is a comment or names the columns ({listed(fields)}), and the "
            f"line below may be an example. Say which: header={comment.line} if the comment names "
            "them, header=true if the line below it does, header=false if nothing does",
        )


def _trailing(below: list[Row]) -> bool:
    return bool(below) and all(row.fields[-1] == "" for row in below)


def _fitting(first: Row, below: list[Row], width: int, *, named: bool) -> tuple[str, ...]:
    """Return a name for each field of a row, from a line that may have one more or less.

    Of any other number where the sender names all columns, and the line is left out.
    """
    names = list(first.fields)
    while len(names) > width and not names[-1]:
        names.pop()
    if len(names) == width - 1 and below:
        return (*names, "") if _trailing(below) else ("", *names)
    if len(names) != width and below:
        if named:
            return tuple(f"c{n + 1}" for n in range(width))
        refuse(
            "header",
            f"line {first.line} names {len(names)} columns and most rows have {width} fields; "
            "header= names another line, header=false says that there is none, names= names all "
            "columns in its place, and delimiter= another separator",
        )
    return tuple(names)
