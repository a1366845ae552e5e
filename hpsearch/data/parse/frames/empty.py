"""Cells without a value, and rows of nothing else."""

from __future__ import annotations

from typing import Any

from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.frames.text import MAX_FIELD
from hpsearch.data.parse.raw import refuse


def filled(columns: list[Any]) -> tuple[list[Any], int]:
    """Return the columns without rows of empty cells, and the number of those."""
    compute = arrow("compute")
    for column in columns:
        # Those that came as numbers or by their words were in lines that are short enough.
        if column.type == arrow().string() and column.nbytes > 4 * MAX_FIELD:
            _require_short(column)
    if len(columns) == 1:
        return columns, 0
    empty = is_empty(columns[0])
    for column in columns[1:]:
        if not compute.any(empty).as_py():
            return columns, 0
        empty = compute.and_(empty, is_empty(column))
    kept = compute.invert(empty)
    columns = [_plain(column).filter(kept) for column in columns]
    return columns, len(empty) - len(columns[0])


def _plain(column: Any) -> Any:
    return column.dictionary_decode() if is_coded(column) else column


def is_coded(column: Any) -> bool:
    """Tell whether cells come as a dictionary of the distinct ones."""
    return bool(arrow().types.is_dictionary(column.type))


def is_empty(column: Any) -> Any:
    """Mark the cells that hold nothing but blanks, or a null of numbers."""
    compute = arrow("compute")
    if column.type == arrow().float64():
        return column.is_null()
    if is_coded(column):
        return is_empty(column.dictionary).take(column.indices)
    return compute.equal(compute.utf8_trim_whitespace(column), "")


def _require_short(column: Any) -> None:
    compute = arrow("compute")
    bare = compute.utf8_trim_whitespace(column)
    longest = compute.max(compute.binary_length(bare)).as_py()
    if longest is not None and longest > 4 * MAX_FIELD:
        refuse("file", f"a cell has {longest:,} bytes, at most {MAX_FIELD:,} characters are read")
