"""`Frame`, what a reader of tables returns: columns of text or typed columns, no kinds yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hpsearch.columns import FileKind
from hpsearch.data.notes import Note

Role = Literal["feature", "label", "left_out"]


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """A column of a file.

    name
        As the file has it, without blanks around; "" where the file names the others and not this
        one; c1, c2, ... where the file names none.
    cells
        (n,) pyarrow array, in one piece. Of a text format `string`, without blanks around, "" for
        an empty cell and no nulls; ARFF and Orange have "" for their gaps too, as ?. Of Parquet
        and JSON with nulls: integers, `float`, `double`, `bool`, `date32`, `timestamp` without a
        zone, and `string`; dictionaries are `string` and declared.
    declared, levels
        Kind and levels that the file itself states: ARFF, Orange, Arrow dictionaries.
    role
        What the file says of it; Orange does.
    coded
        True where the cells of a text format come as a dictionary of `string`: of the distinct
        ones, in the order in which they first come.
    """

    name: str
    cells: Any
    declared: FileKind | None = None
    levels: tuple[str, ...] = ()
    role: Role = "feature"
    coded: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A table of n rows as its file has it.

    named
        False where the file has no line of names, and names were made.
    first_row, notes
        Number of the file's line, from 1, that the first row is on; 0 in formats without lines.
        What the reader left out or decided: titles, units, a row of totals, another encoding.
    delimiter
        Character between the fields of a text file; "" in other formats.
    room
        (number of columns, n or more) float64, in the rows of which the numbers of some columns
        lie, each in its own: a place for the matrix. None for none.
    """

    columns: tuple[FrameColumn, ...]
    named: bool = True
    notes: tuple[Note, ...] = ()
    first_row: int = 0
    delimiter: str = ""
    room: npt.NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """The number of rows, n."""
        return len(self.columns[0].cells) if self.columns else 0
