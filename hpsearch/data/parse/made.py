"""`Made`, what a column of a file becomes, and `Context`, what is known when one is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NoReturn

import numpy as np
import numpy.typing as npt

from hpsearch.columns import Column, LeftOut
from hpsearch.data.notes import Note
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.words import Mask, Words
from hpsearch.plural import counted

Floats = npt.NDArray[np.float64]
Role = Literal["feature", "label", "groups", "time", "weight"]

SHOWN = 3  # cells that a refusal names
_FIRST = 100  # rows
MIXED = 0.95  # share of a column's cells from which the others are taken for mistakes


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Stored columns of a column of the file, and their values (n,) each.

    plain
        True for numbers without gaps, as a table without kinds has them.
    kind
        That of the file's column.
    """

    columns: tuple[Column, ...]
    values: tuple[Floats, ...]
    plain: bool = False

    @property
    def constant(self) -> bool:
        """True if every row has the same value."""
        return all(len(one) > 0 and _is_constant(one) for one in self.values)


def _is_constant(values: Floats) -> bool:
    # The first rows tell it of most columns.
    return all(bool((part == values[0]).all()) for part in (values[:_FIRST], values))


@dataclass(frozen=True, slots=True, eq=False)
class Unclear:
    """A column of numbers that reads otherwise with the other decimal mark; `unit` was taken off."""

    name: str
    words: Words
    example: str
    unit: str = ""


Outcome = Made | LeftOut | Unclear


@dataclass(frozen=True, slots=True)
class Asked:
    """Words of the sender about a column: its kind, the order of its dates, its levels."""

    kind: str | None = None
    order: str = ""
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Facts about the table that a column is in.

    missing
        Words in lower case that the sender declared to mean a missing value.
    decimal
        Mark that the sender named.
    semicolons
        True if fields are separated by semicolons, as where commas are decimal marks.
    line, notes
        Place of a row, from 0, in the file: "line 5". Findings, which are added to.
    role
        What the column that is looked at is for: a feature, or what an upload names it as.
    """

    missing: tuple[str, ...]
    decimal: str | None
    semicolons: bool
    line: Callable[[int], str]
    notes: list[Note] = field(default_factory=list)
    role: Role = "feature"

    def refuse_cells(
        self, name: str, words: Words, marked: Mask, *, what: str, of_one: str = ""
    ) -> NoReturn:
        """Refuse a column for its marked cells, three of which are named with a line of each."""
        order = np.argsort(words.counts[marked], kind="stable")[::-1][:SHOWN]
        places = np.flatnonzero(marked)[order].tolist()
        cells = [str(words.texts[at].as_py()) for at in places]
        shown = ", ".join(
            f"{cell[:40]!r} ({self.line(words.first_row(at))})"
            for cell, at in zip(cells, places, strict=True)
        )
        count = words.rows(marked)
        said = f"is {of_one or what}" if count == 1 else f"are {what}"
        refuse(
            path(name),
            f"column {name!r}: {counted(count, 'cell')} {said}: {shown}; "
            f"{_way_out(self.role, name, cells[0][:40])}",
        )


def _way_out(role: Role, name: str, cell: str) -> str:
    """Say what may be done about a cell that is not what its column is for."""
    if role == "label":
        return (
            f"missing={cell} leaves such rows out, label=NAME names another column, and without "
            "task=regression the cells are taken for classes"
        )
    if role != "feature":
        return f"correct such cells, or leave the rows out; {role}=NAME names another column"
    return (
        f"missing={cell} takes such cells for missing values, kind={name}:category "
        f"takes the column for words, drop={name} leaves it out"
    )


def path(name: str) -> str:
    """Return the place of a column in a list of mistakes."""
    return f"x[:, {name!r}]"
