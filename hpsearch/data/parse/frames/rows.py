"""Reads the rows of a delimited text into columns of cells, block by block."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hpsearch.data.limits import MIB, Limits
from hpsearch.data.parse.frames import typed_blocks
from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.frames.dialect import Dialect, quotes_refused
from hpsearch.data.parse.frames.empty import filled
from hpsearch.data.parse.frames.gathered import Gathered
from hpsearch.data.parse.frames.text import Text
from hpsearch.data.parse.raw import Mistakes, refuse, require_size

_BLOCK: Final = 4 * MIB
_JOINED: Final = MIB
_RESERVED: Final = 256 * MIB  # by all columns together


@dataclass(frozen=True, slots=True)
class Body:
    """The rows of a text: its characters from `start` to `stop`, and the number of the first line."""

    text: Text
    dialect: Dialect
    width: int
    line: int
    start: int
    stop: int

    def lines(self) -> Iterator[str]:
        """Yield the lines with their ends."""
        rest = ""
        for block in self.text.part(self.start, self.stop):
            lines = io.StringIO(rest + block, newline="\n").readlines()
            rest = "" if lines[-1].endswith("\n") else lines.pop()
            yield from lines
        if rest:
            yield rest

    def blocks(self) -> Iterator[bytes]:
        """Yield UTF-8 for the reader."""
        if self.dialect.delimiter == " " or self.dialect.spaced:
            yield from _joined(self.dialect.rewrite(line).encode() for line in self.lines())
            return
        yield from self.text.encoded_part(self.start, self.stop)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The columns of a body of n rows.

    columns
        (cells, blank) of each: `string`, or a dictionary of it, and None; or `double` with nulls
        for gaps, and the marks (n,) of those that are "", None where there are none of these.
    empty
        Number of rows left out as empty.
    room
        (width, n or more) float64, in the rows of which columns of numbers lie; None for none.
    """

    columns: list[tuple[Any, Any]]
    empty: int
    room: npt.NDArray[np.float64] | None


def _joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines to blocks: whoever reads pays for each block."""
    some, size = list[bytes](), 0
    for line in lines:
        some.append(line)
        size += len(line)
        if size >= _JOINED:
            yield b"".join(some)
            some, size = [], 0
    if some:
        yield b"".join(some)


class Stream(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, or less of it; return the number of bytes, 0 at the end."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def read_rows(
    body: Body,
    limits: Limits,
    numbers: frozenset[int] = frozenset(),
    gaps: Iterable[str] = (),
    *,
    coded: bool = False,
) -> Rows:
    """Read the columns of a body.

    Parameters
    ----------
    numbers
        Places of the columns that come as numbers where every cell is one or a gap.
    gaps
        Words, in lower case, that the sender declared to mean a missing value.
    coded
        True keeps words by their distinct ones, in the order in which they first come, where these
        are few.

    Raises
    ------
    errors.InvalidDataset
        Naming the lines that have another number of fields, or quotes that do not fit.
    errors.TooLarge
        More rows or bytes than the limits allow.
    """
    if body.stop <= body.start:
        refuse("x", "the file has a header and no rows")
    if body.text.quotes[body.dialect.quote] % 2:
        _check_strictly(body)
    room = _room(body, limits) if coded and _is_plain(body) else None
    expected = _expected_rows(body, limits)
    gathered = Gathered(body.width, numbers, gaps, expected, coded=coded, room=room)
    rows, empty = _gather(body, limits, gathered)
    if body.text.quotes[body.dialect.quote] and _has_long_rows(body, rows + empty):
        _check_strictly(body)
    if not rows:
        refuse("x", "the file has a header and no rows")
    gathered.settle()
    if gathered.late:
        again = Gathered(body.width, frozenset(), ())
        _gather(body, limits, again, gathered.late)
        gathered.take(again)
    return Rows(gathered.whole(), empty, room)


def _room(body: Body, limits: Limits) -> npt.NDArray[np.float64] | None:
    """Set memory for all columns aside, which is none before it is written to; None if that is much."""
    rows = min(body.text.lines - body.line + 2, limits.rows, limits.data // (4 * body.width))
    fits = 8 * body.width * rows <= limits.memory // 2
    return np.empty((body.width, rows)) if fits else None


def _expected_rows(body: Body, limits: Limits) -> int:
    """Estimate the number of rows by the first lines; 0 where a row may have several.

    No more than the limits allow: a table beyond them is refused for that, not for want of memory.
    """
    first = body.text.sample[body.start :]
    if not first or body.text.quotes[body.dialect.quote]:
        return 0
    lines = body.text.lines - body.line + 2
    guessed = (body.stop - body.start) * (first.count("\n") + 1) // len(first) + 1
    return min(lines, guessed, limits.rows, limits.data // (4 * body.width))


def _gather(
    body: Body, limits: Limits, gathered: Gathered, only: set[int] | None = None
) -> tuple[int, int]:
    """Read all rows, and count them and those that are empty."""
    rows = empty = 0
    try:
        typed = only is None and gathered.coded and _is_plain(body)
        for batch in _typed_batches(body, gathered) if typed else _batches(body):
            columns, left_out = filled(batch)
            rows, empty = rows + len(columns[0]), empty + left_out
            require_size(limits, rows, body.width, 4)
            gathered.add(columns, only)
    except UnicodeEncodeError as error:
        refuse("encoding", f"the text has half a character ({error.reason}); name its encoding")
    except arrow().ArrowInvalid as error:
        _check_strictly(body)
        refuse("file", f"the rows cannot be read: {str(error)[:200]}")
    return rows, empty


def _is_plain(body: Body) -> bool:
    """Tell whether every line is a row, and there are enough of them to be read by their types."""
    long = body.stop - body.start >= typed_blocks.SMALLEST
    quoted = body.text.quotes[body.dialect.quote]
    return long and not quoted and 1 < body.width <= typed_blocks.MOST_COLUMNS


def _typed_batches(body: Body, gathered: Gathered) -> Iterator[list[Any]]:
    shape = typed_blocks.Shape(body.width, body.dialect.written, _parse_options(body))
    return typed_blocks.batches(body.blocks(), shape, gathered.forms)


def _batches(body: Body) -> Iterator[list[Any]]:
    """Yield the columns of blocks as strings; a row with another number of fields ends them."""
    pyarrow, files = arrow(), arrow("csv")
    names = [str(n) for n in range(body.width)]
    stream = io.BufferedReader(Stream(body.blocks()), MIB)
    for batch in files.open_csv(
        pyarrow.PythonFile(stream, mode="r"),
        read_options=files.ReadOptions(
            use_threads=False,
            column_names=names,
            block_size=_block_size(body),
        ),
        parse_options=_parse_options(body),
        convert_options=files.ConvertOptions(
            column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False
        ),
    ):
        yield list(batch.columns)


def _parse_options(body: Body) -> Any:
    quoted = body.text.quotes[body.dialect.quote] > 0
    return arrow("csv").ParseOptions(
        delimiter=body.dialect.written,
        quote_char=body.dialect.quote if quoted else False,
        newlines_in_values=quoted,
        # In a table of one column a blank line is a cell without a value.
        ignore_empty_lines=body.width > 1,
        invalid_row_handler=lambda row: "error" if row.text.strip() else "skip",
    )


def _block_size(body: Body) -> int:
    """Bytes that are read at a time; a line, of characters of up to four bytes, fits in.

    Arrow sets memory as large as the block aside for every column of text.
    """
    return max(min(_BLOCK, _RESERVED // body.width), 4 * body.text.longest + 4096)


def _has_long_rows(body: Body, rows: int) -> bool:
    """Tell whether some row may go over several lines: closed quotes, or one that is not closed."""
    return body.text.lines - body.line + 1 > rows + body.text.blank


def _check_strictly(body: Body) -> None:
    """Refuse what the fast reader cannot explain, or would not see: with the numbers of lines."""
    mistakes = Mistakes()
    line = body.line - 1
    try:
        for line, fields in body.dialect.rows(body.lines(), first=body.line):
            if len(fields) != body.width:
                what = f"line {line} has {len(fields)} of {body.width} fields"
                mistakes.add(f"line {line}", f"{what}; a separator inside of a field needs quotes")
    except csv.Error as error:
        mistakes.check()
        raise quotes_refused(line + 1, str(error)) from error
    mistakes.check()


def last_line_alone(text: Text) -> tuple[int, str, int]:
    """Find a last line that stands alone after the only blank line below two rows and names.

    Returns
    -------
        Characters before the blank line, the line and its number; where there is none, the
        characters up to the last line that is not blank, "" and 0.
    """
    tail = _without_blank_end(text.tail)
    stop = text.size - len(text.tail) + len(tail)
    number = text.lines - text.tail.count("\n", len(tail)) + 1
    before, _, line = tail.rpartition("\n")
    rows = _without_blank_end(before)
    # An odd quote closes a field that began above.
    alone = len(rows) < len(before) and rows.count("\n") > 1 and not line.count('"') % 2
    if not alone or not line.strip() or _other_blank_line(text, rows):
        return stop, "", 0
    return text.size - len(text.tail) + len(rows), line, number


def _other_blank_line(text: Text, rows: str) -> bool:
    """Tell whether a blank line stands anywhere between other rows, so that it means nothing."""
    behind = text.tail[len(rows) :].count("\n\n")
    lines = text.sample.split("\n")
    filled = [bool(line.strip()) for line in lines]
    table = next((n for n in range(len(lines) - 1) if filled[n] and filled[n + 1]), -1)
    before = "\n".join([*lines[: table + 1], ""]).count("\n\n")
    return table < 0 or text.blank - behind - before > 0


def _without_blank_end(text: str) -> str:
    """Return a text without the blank lines at its end, and without the end of its last line."""
    end = len(text)
    while True:
        at = end
        while at and text[at - 1] in " \t":
            at -= 1
        if not at or text[at - 1] != "\n":
            return text[:end]
        end = at - 1
