"""Reads delimited text: CSV, TSV and every other separator, with or without a line of names.

What a file leaves open (its separator, whether a line names the columns) is guessed from about the
first thousand lines, and asked about where two readings are as good; then all rows are read.
"""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

from hpsearch.data.limits import Limits
from hpsearch.data.notes import Note
from hpsearch.data.parse.frame import Frame, FrameColumn
from hpsearch.data.parse.frames import libsvm, orange
from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.frames.dialect import Guess, choose
from hpsearch.data.parse.frames.empty import is_coded
from hpsearch.data.parse.frames.header import Above, above, lay_out
from hpsearch.data.parse.frames.rows import Body, last_line_alone, read_rows
from hpsearch.data.parse.frames.second import Layout
from hpsearch.data.parse.frames.source import Source
from hpsearch.data.parse.frames.text import Text, read_text
from hpsearch.data.parse.raw import refuse, require_size
from hpsearch.data.parse.request import Reading


def read(source: Source, reading: Reading, limits: Limits, *, typed: bool = False) -> Frame:
    """Read a text of rows and fields; cells are strings without blanks around, "" where empty.

    typed
        True returns columns of numbers and gaps as `double`, where nobody says what else they are,
        and columns of few words by these.

    Raises
    ------
    errors.InvalidDataset
        Naming the line of every mistake, or both readings of what may be either.
    errors.TooLarge
        More rows, columns or bytes than the limits allow.
    """
    text = read_text(source, reading.encoding)
    stop, alone, number = last_line_alone(text)
    lines = list(io.StringIO(text.sample[:stop] if text.whole else text.sample, newline="\n"))
    if reading.delimiter is None and libsvm.is_libsvm(lines, text.source.suffix):
        return libsvm.read(text, limits)
    before = above(lines)
    best = _chosen(lines, before, text, reading)
    require_size(limits, 1, best.width, 4)
    roles = orange.declared(best.rows) if reading.header is None else None
    layout = orange.layout(best.rows) if roles else lay_out(best, before, reading)
    if alone and best.width > 1:
        layout.notes.append(_total(alone, number))
    start = sum(map(len, lines[: layout.line - 1]))
    body = Body(text, best.dialect, best.width, layout.line, start, stop)
    plain = _may_be_numbers(layout, best, reading) if typed and not roles else frozenset()
    missing = [word.strip().lower() for word in reading.missing]
    rows = read_rows(body, limits, plain, missing, coded=typed and not roles)
    if rows.empty:
        layout.notes.append(_empty_rows(rows.empty))
    columns = _columns(layout, [cells for cells, _ in rows.columns], reading)
    if roles:
        columns = orange.with_roles(columns, roles)
    if layout.named and not roles:
        layout.notes.extend(_padded(columns, [blank for _, blank in rows.columns]))
    notes = (*text.notes, *layout.notes)
    return Frame(columns, layout.named, notes, layout.line, best.dialect.delimiter, rows.room)


def _chosen(lines: list[str], before: Above, text: Text, reading: Reading) -> Guess:
    delimiter = reading.delimiter or before.delimiter
    if delimiter is None and text.source.suffix in (".tsv", ".tab") and _all_have(lines, "\t"):
        delimiter = "\t"
    return choose(
        lines[before.lines :],
        delimiter,
        first=before.lines + 1,
        whole=text.whole,
        decimal=reading.decimal,
    )


def _all_have(lines: list[str], character: str) -> bool:
    return all(character in line for line in lines if line.strip())


def _may_be_numbers(layout: Layout, best: Guess, reading: Reading) -> frozenset[int]:
    """Return the places of columns that nobody has said anything of, the last one aside.

    None where a comma may be the decimal mark. A label stays as it is written.
    """
    if reading.decimal == "," or ";" in (reading.delimiter, best.dialect.delimiter):
        return frozenset()
    names = reading.names if len(reading.names) == best.width else layout.names
    said = {
        *(reading.label, reading.groups, reading.time, reading.weight, ""),
        *(name for name, _ in reading.kinds + reading.ordered),
    }
    if reading.names and names is layout.names:
        names = ("", *reading.names)
    free = {at for at, name in enumerate(names[: best.width - 1]) if name not in said}
    if not layout.named and reading.label is not None and reading.label.isdecimal():
        free.discard(int(reading.label))
    return frozenset(free)


def _columns(layout: Layout, cells: list[Any], reading: Reading) -> tuple[FrameColumn, ...]:
    """Return columns by name; last ones without a name or a value are no columns."""
    names = list(layout.names)
    while len(names) > 1 and not names[-1] and len(reading.names) < len(names):
        filled = arrow("compute").invert(_empty(cells[-1], None))
        at = arrow("compute").index(filled, True).as_py()
        if at >= 0:
            refuse(
                "header",
                f"the last column has no name and, in row {at + 1} below it, the value "
                f"{cells[-1][at].as_py()[:40]!r}; name it in the file or with names=",
            )
        names.pop()
        cells.pop()
    pairs = zip(names, cells, strict=True)
    return tuple(FrameColumn(name, column, coded=is_coded(column)) for name, column in pairs)


def _total(line: str, number: int) -> Note:
    return Note(
        "last_line",
        "warning",
        f"line {number}, {line[:60]!r}, stands alone after a blank line and is left out",
        {"line": number},
        "if it is an example, take the blank line out of the file",
    )


def _empty_rows(count: int) -> Note:
    rows = "row without any value is" if count == 1 else "rows without any value are"
    return Note("empty_rows", "info", f"{count} {rows} left out", {"rows": count}, "nothing to do")


def _empty(cells: Any, blank: Any) -> Any:
    """Return marks of the cells that are ""."""
    pyarrow = arrow()
    if is_coded(cells):
        return _empty(cells.dictionary, None).take(cells.indices)
    if cells.type == pyarrow.string():
        return arrow("compute").equal(cells, "")
    return pyarrow.repeat(False, len(cells)) if blank is None else blank


def _empty_cells(cells: Any, blank: Any) -> int:
    """Count the cells that are ""."""
    if blank is None and cells.type == arrow().float64():
        return 0
    if is_coded(cells) and not _empty_cells(cells.dictionary, None):
        return 0
    return int(arrow("compute").sum(_empty(cells, blank)).as_py() or 0)


def _padded(columns: tuple[FrameColumn, ...], blanks: list[Any]) -> list[Note]:
    """Note rows that end at several columns and have no other gap: fields may have moved."""
    compute = arrow("compute")
    pairs = list(zip(columns, blanks, strict=False))
    counts = [_empty_cells(column.cells, blank) for column, blank in pairs]
    first = next((at for at, count in enumerate(counts) if count), len(counts))
    steps = counts[first:]
    if len(steps) < 2 or steps[0] == len(columns[0].cells) or len(set(steps)) < 2:
        return []
    if steps != sorted(steps):
        return []  # some row has a gap and none behind it
    empty = [_empty(column.cells, blank) for column, blank in pairs[first:]]
    for left, right in pairwise(empty):
        if compute.any(compute.and_not(left, right)).as_py():
            return []
    message = (
        f"{steps[-1]:,} rows have cells without a value at their ends and nowhere else, from column "
        f"{columns[first].name!r} on: fields may have moved to the left"
    )
    advice = (
        "look at these rows: a decimal comma taken for a separator makes two fields of a number"
    )
    return [Note("padded_rows", "warning", message, {"rows": steps[-1]}, advice)]
