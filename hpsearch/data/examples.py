"""Readers of examples without labels, for a trained model: files of its own user."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpsearch.columns import Column, stored
from hpsearch.data.limits import LOCAL
from hpsearch.data.parse.cells import why_no_number
from hpsearch.data.parse.request import Reading
from hpsearch.errors import InvalidDataset, InvalidRequest

if TYPE_CHECKING:
    from hpsearch.data.parse.frame import Frame, FrameColumn

_NAMED = 5  # missing columns that are said by name


def read_npz(file: Path, feature_names: Sequence[str]) -> npt.NDArray[Any]:
    """Read the array x of an .npz file.

    Raises
    ------
    InvalidRequest
        It has no such array.
    """
    try:
        with file.open("rb") as source, np.load(source, allow_pickle=False) as arrays:
            x: npt.NDArray[Any] = arrays["x"]
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidRequest(f"{file} is no .npz file with an array x of numbers") from error
    return x


def read_columns(file: Path, *, header: bool | None = None) -> dict[str, list[Any]]:
    """Read every column of a table by its name, with words and gaps: for a model of such a table.

    Raises
    ------
    InvalidDataset
        It is no table, or one that may be read in two ways.
    """
    frame = _frame(file, header)
    return {column.name: column.cells.to_pylist() for column in frame.columns}


def read_table(
    file: Path, feature_names: Sequence[str], *, header: bool | None = None
) -> npt.NDArray[Any]:
    """Read the columns `feature_names` of a table of numbers, in their order: (n, features) float64.

    All columns if there are no names; whether the first line of a text is an example is then told
    by `header`, else by the lines below it.

    Raises
    ------
    InvalidRequest
        It lacks a column, or a cell is missing or no number; the message names it.
    InvalidDataset
        It is no table, or its first line could be an example as well.
    """
    named = True if feature_names and header is None else header
    frame = _frame(file, named)
    columns = {column.name: column for column in frame.columns}
    _require(file, feature_names, columns)
    wanted = feature_names or list(columns)
    if not frame.rows:
        raise InvalidRequest(f"{file} has a header and no examples")
    return np.column_stack([_numbers(file, frame, columns[name]) for name in wanted])


def _frame(file: Path, header: bool | None) -> Frame:  # noqa: FBT001 - of the file
    from hpsearch.data.parse.frames import read_frame  # loads pyarrow

    try:
        return read_frame(file, Reading(header=header), LOCAL)
    except InvalidDataset:
        # One column whose name has blanks looks like several.
        with contextlib.suppress(InvalidDataset, InvalidRequest):
            return read_frame(file, Reading(header=header, delimiter=","), LOCAL)
        raise


def _require(file: Path, feature_names: Sequence[str], columns: Collection[str]) -> None:
    missing = [name for name in feature_names if name not in columns]
    if missing:
        named = ", ".join(map(repr, missing[:_NAMED]))
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        noun = "column" if len(missing) == 1 else "columns"
        raise InvalidRequest(f"{file} lacks the {noun} {named}{more}")


def _numbers(file: Path, frame: Frame, column: FrameColumn) -> npt.NDArray[np.float64]:
    """Return a column (n,), every cell of which is a number."""
    cells = column.cells.to_pylist()
    try:
        values = _by_mark(column.name, cells)
    except InvalidRequest:
        row = next(row for row, cell in enumerate(cells) if not _is_number(column.name, cell))
        raise _refused(file, frame, column, row) from None
    gaps = np.flatnonzero(np.isnan(values))
    if gaps.size:
        raise _refused(file, frame, column, int(gaps[0]))
    return values


def _refused(file: Path, frame: Frame, column: FrameColumn, row: int) -> InvalidRequest:
    cell = column.cells[row].as_py()
    place = f"line {frame.first_row + row}" if frame.first_row else f"row {row + 1}"
    why = why_no_number("" if cell is None else str(cell))
    return InvalidRequest(f"{file}, {place}: column {column.name!r}: {why}")


def _is_number(name: str, cell: Any) -> bool:
    try:
        _by_mark(name, [cell])
    except InvalidRequest:
        return False
    return True


def _by_mark(name: str, cells: list[Any]) -> npt.NDArray[np.float64]:
    """Return cells as numbers (n,): with decimal commas where points do not read them all."""
    try:
        return stored(Column(name, "number"), cells)
    except InvalidRequest:
        with contextlib.suppress(InvalidRequest):
            return stored(Column(name, "number", decimal=","), cells)
        raise
