"""Reads a text without quotes block by block, each column as what it has been so far.

Numbers come as `double` and words by their distinct ones, with no text of each cell between. A
block that holds anything else is read as text, for the closer look that it then gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from hpsearch.data.limits import MIB
from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.frames.text import MAX_FIELD

Form = Literal["number", "words", "text"]
"""Type that the cells of a column are read as: `double`, a dictionary of `string`, or `string`."""

SMALLEST: Final = MIB  # characters of a text; below, there is nothing to gain
MOST_COLUMNS: Final = 256
_TRIALS: Final = 8  # blocks that may turn out to hold something else
_SEEN: Final = 1 << 16  # bytes that are looked at together, few enough for the cache
_LONGEST: Final = 4 * MAX_FIELD  # bytes of a line that holds no field beyond the cap


@dataclass(frozen=True, slots=True)
class Shape:
    """Number of fields of a row, the character between them, and Arrow's options for both."""

    width: int
    separator: str
    options: Any


def batches(
    blocks: Iterable[bytes], shape: Shape, forms: Callable[[], Sequence[Form]]
) -> Iterator[list[Any]]:
    """Yield the columns of each block of rows.

    Parameters
    ----------
    forms
        Called before each block: the forms of the columns. Those that do not fit are not kept to:
        the block's columns are then all `string`.

    Raises: pyarrow.ArrowInvalid for a row with another number of fields.
    """
    trials = _TRIALS
    for block in _whole_lines(blocks):
        typed = _typed(block, shape, forms()) if trials else None
        if typed is None:
            trials = max(0, trials - 1)
            yield _read(block, shape, ["text"] * shape.width)
        else:
            yield typed


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Join and part blocks so that each ends with a line."""
    rest = b""
    for block in blocks:
        rest += block
        stop = rest.rfind(b"\n") + 1
        lines, rest = rest[:stop], rest[stop:]
        if lines.strip(b"\n"):
            yield lines
    if rest:
        yield rest


def _typed(block: bytes, shape: Shape, forms: Sequence[Form]) -> list[Any] | None:
    """Return the columns of a block in their forms; None where they do not fit."""
    if _has_long_line(block):
        return None
    try:
        columns = _read(block, shape, forms)
    except arrow().ArrowInvalid:
        return None
    numbers = {at for at, form in enumerate(forms) if form == "number"}
    if not all(_is_finite(columns[at]) for at in numbers):
        return None
    if not numbers:
        return columns
    padded = padded_fields(block, shape, len(columns[0]))
    return None if padded is None or padded & numbers else columns


def _read(block: bytes, shape: Shape, forms: Sequence[Form]) -> list[Any]:
    pyarrow, files = arrow(), arrow("csv")
    names = [str(at) for at in range(shape.width)]
    types = {
        "number": pyarrow.float64(),
        "words": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "text": pyarrow.string(),
    }
    table = files.read_csv(
        pyarrow.BufferReader(block),
        read_options=files.ReadOptions(
            use_threads=False, column_names=names, block_size=len(block) + 1
        ),
        parse_options=shape.options,
        convert_options=files.ConvertOptions(
            column_types={name: types[form] for name, form in zip(names, forms, strict=True)},
            strings_can_be_null=False,
            null_values=[""],
        ),
    )
    return [column.chunk(0) for column in table.columns]


def _has_long_line(block: bytes) -> bool:
    at = 0
    while len(block) - at > _LONGEST:
        end = block.rfind(b"\n", at, at + _LONGEST)
        if end < 0:
            return True
        at = end + 1
    return False


def _is_finite(column: Any) -> bool:
    compute = arrow("compute")
    if column.null_count:
        return bool(compute.all(compute.fill_null(compute.is_finite(column), True)).as_py())
    return bool(np.isfinite(column.to_numpy()).all())


def padded_fields(block: bytes, shape: Shape, rows: int) -> set[int] | None:
    """Return the fields that some cell of may begin with a needless 0, as 007 does; None if unclear.

    rows
        Number of rows that the block was read as.
    """
    places = _needless_zeros(block, ord(shape.separator))
    if not places.size:
        return set()
    lines = np.frombuffer(b"\n" + block, np.uint8)  # in which a place is that before the 0
    between = np.flatnonzero(lines == ord(shape.separator))
    steps = shape.width - 1
    if between.size != rows * steps:
        return None  # some line is no row
    field = np.searchsorted(between, places, side="right") % steps
    # Behind the last separator of a row as many are counted as before the first one of the next.
    found = set(np.unique(field).tolist())
    return found | {steps} if 0 in found else found


def _needless_zeros(block: bytes, separator: int) -> Any:
    """Return the places of all 0 before another digit that are first in a cell, but for blanks."""
    text = np.frombuffer(b"\n" + block, np.uint8)
    found = []
    for start in range(0, len(text) - 2, _SEEN):
        part = text[start : start + _SEEN + 2]
        marks = part[1:-1] == ord("0")
        marks &= part[2:] - np.uint8(ord("0")) < 10
        before = part[:-2]
        first = before == separator
        first |= before <= ord(" ")
        marks &= first
        if marks.any():
            found.append(start + np.flatnonzero(marks))
    return np.concatenate(found) if found else np.empty(0, np.intp)
