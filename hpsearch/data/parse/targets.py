"""The label's column of a table: classes as words, or numbers to predict; rows that have none.

n   rows of the file      m   rows with a label
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.data.info import Task
from hpsearch.data.notes import Note
from hpsearch.data.parse.frame import FrameColumn
from hpsearch.data.parse.kinds import settle
from hpsearch.data.parse.made import Asked, Context, Made, Unclear
from hpsearch.data.parse.raw import LABEL_LENGTH, refuse
from hpsearch.data.parse.request import Reading
from hpsearch.data.parse.words import Mask, to_mask
from hpsearch.number_text import text_number
from hpsearch.plural import counted


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Labels (m,), and what goes with them.

    rows
        (m,) numbers of the rows that have a label; None where all have.
    classes
        Words for the labels 0, 1, ... where the file states their order.
    """

    labels: npt.NDArray[Any]
    rows: npt.NDArray[np.intp] | None
    task: Task
    classes: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def of(column: FrameColumn, reading: Reading) -> Target:
    """Read the labels; rows without one, or with a word for a missing value, are left out, and noted.

    Raises
    ------
    errors.InvalidDataset
        No row has a label, a class has too long a name, or a target is no number.
    """
    if reading.task == "regression":
        return _numbers(column, reading)
    cells = column.cells
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    missing = tuple(sorted({word.strip().lower() for word in reading.missing} - {""}))
    if column.coded and not _gaps(cells.dictionary, missing).any():
        return _classes(column, cells, None, ())
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type):
        present = ~pc.is_null(cells, nan_is_null=True).to_numpy(zero_copy_only=False)
        declared = [number for word in missing if (number := text_number(word)) is not None]
        for number in declared:
            present &= to_mask(pc.not_equal(cells, pa.scalar(number)))
        rows, notes = _present(present, column.name, missing)
        kept = cells if rows is None else cells.take(pa.array(rows))
        return Target(kept.to_numpy(zero_copy_only=False), rows, "classification", notes=notes)
    words = pc.utf8_trim_whitespace(pc.fill_null(cells.cast(pa.string()), ""))
    rows, notes = _present(~_gaps(words, missing), column.name, missing)
    words = words if rows is None else words.take(pa.array(rows))
    return _classes(column, words, rows, notes)


def _gaps(words: Any, missing: Sequence[str]) -> Mask:
    return to_mask(pc.is_in(pc.utf8_lower(words), pa.array(["", *missing], pa.string())))


def _classes(column: FrameColumn, words: Any, rows: Any, notes: tuple[Note, ...]) -> Target:
    encoded = words if pa.types.is_dictionary(words.type) else pc.dictionary_encode(words)
    distinct = encoded.dictionary.to_pylist()
    long = [word for word in distinct if len(word) > LABEL_LENGTH]
    if long:
        refuse(
            "y",
            f"column {column.name!r}: the label {long[0][:20]!r} is longer than {LABEL_LENGTH} "
            "characters; label=NAME names another column",
        )
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    if column.levels and set(distinct) <= set(column.levels):
        order = tuple(level for level in column.levels if level in set(distinct))
        numbers = np.array([order.index(word) for word in distinct], np.int64)
        return Target(numbers[codes], rows, "classification", order, notes)
    return Target(np.array(distinct)[codes], rows, "classification", notes=notes)


def _numbers(column: FrameColumn, reading: Reading) -> Target:
    def line(row: int) -> str:
        return f"row {row + 1}"

    missing = tuple(word.strip().lower() for word in reading.missing)
    context = Context(missing, reading.decimal, reading.delimiter == ";", line, role="label")
    made = settle(column, Asked("number"), context)
    if isinstance(made, Unclear):
        refuse(
            "y",
            f"column {column.name!r}: {made.example!r}: decimal=. or decimal=, says which mark is the decimal one",
        )
    if not isinstance(made, Made):
        refuse("y", f"column {column.name!r}: no row has a label; label=NAME names another column")
    values = made.values[0]
    rows, notes = _present(~np.isnan(values), column.name, missing)
    notes = (*context.notes, *notes)
    return Target(values if rows is None else values[rows], rows, "regression", notes=notes)


def _present(
    present: npt.NDArray[Any], name: str, missing: Sequence[str] = ()
) -> tuple[Any, tuple[Note, ...]]:
    """Return the rows that have a label, None for all, and the note on the others.

    missing
        Words that the sender declared: they leave rows out here too, and are said.
    """
    count = int((~present).sum())
    if count == len(present):
        refuse("y", f"column {name!r}: no row has a label; label=NAME names another column")
    if not count:
        return None, ()
    declared = f"; missing= declares {', '.join(missing)}" if missing else ""
    note = Note(
        "rows_without_label",
        "warning",
        f"{counted(count, 'row')} of {len(present):,} without a label (column {name!r}{declared}) "
        f"{'was' if count == 1 else 'were'} left out",
        {"label": name, "rows": count, "of": len(present)},
        "give them a label if they have one",
    )
    return np.flatnonzero(present), (note,)
