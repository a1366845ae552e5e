"""Orange's three header lines: names; types or listed levels; roles.

Source: Orange Data Mining, "Loading and saving data", three-row header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from hpsearch.columns import FileKind
from hpsearch.data.notes import Note
from hpsearch.data.parse.frame import FrameColumn, Role
from hpsearch.data.parse.frames.arrow import arrow, strings
from hpsearch.data.parse.frames.dialect import Row
from hpsearch.data.parse.frames.second import Layout
from hpsearch.data.parse.raw import refuse

_TYPES: Final[dict[str, FileKind | None]] = {
    "c": "number",
    "continuous": "number",
    "numeric": "number",
    "n": "number",
    "d": "category",
    "discrete": "category",
    "categorical": "category",
    "s": "text",
    "string": "text",
    "text": "text",
    "t": None,
    "time": None,
}
_ROLES: Final[dict[str, Role]] = {
    "": "feature",
    "class": "label",
    "meta": "left_out",
    "m": "left_out",
    "meta-info": "left_out",
    "ignore": "left_out",
    "i": "left_out",
    "skip": "left_out",
    "weight": "left_out",
    "w": "left_out",
}
_GAPS: Final = ("?", ".", "~", "NA", "nan")
# A blank inside of a level has a backslash before it.
_LEVEL: Final = re.compile(r"(?:\\.|[^\s\\])+")


class Declared(NamedTuple):
    """Statements of the second and third line about a column."""

    kind: FileKind | None
    levels: tuple[str, ...]
    role: Role


def declared(rows: Sequence[Row]) -> tuple[Declared, ...] | None:
    """Return the types and roles of a table in Orange's form; None for any other table."""
    if len(rows) < 3 or len(rows[0].fields) < 2 or rows[2].line != rows[1].line + 1:
        return None
    names, types, roles = (row.fields for row in rows[:3])
    if not len(names) == len(types) == len(roles) or not all(types):
        return None
    if all(roles) and "class" not in roles:
        return None  # letters, rather
    words = [one.lower() in _TYPES for one in types]
    listed = [len(_LEVEL.findall(one)) > 1 for one in types]
    if not any(words) or not all(a or b for a, b in zip(words, listed, strict=True)):
        return None
    flags = [_role(one) for one in roles]
    if any(flag is None for flag in flags):
        return None
    return tuple(_declared(one, flag or "feature") for one, flag in zip(types, flags, strict=True))


def _role(flag: str) -> Role | None:
    """Return the role that a flag gives, attributes "key=value" aside; None if it is no flag."""
    words = [word for word in flag.lower().split() if "=" not in word]
    if len(words) > 1:
        return None
    return _ROLES.get(words[0] if words else "")


def _declared(written: str, role: Role) -> Declared:
    if written.lower() in _TYPES:
        return Declared(_TYPES[written.lower()], (), role)
    levels = tuple(re.sub(r"\\(.)", r"\1", level) for level in _LEVEL.findall(written))
    return Declared("category", levels, role)


def layout(rows: Sequence[Row]) -> Layout:
    """Return the names and the place of the rows of a table in Orange's form."""
    below = rows[3:]
    if not below:
        refuse("x", "the file has Orange's three header lines and no rows")
    note = Note(
        "orange",
        "info",
        "lines 2 and 3 are types and roles of columns, as Orange writes them",
        {},
        "header=1 takes them for examples",
    )
    return Layout(tuple(rows[0].fields), True, below[0].line, [note])


def with_roles(
    columns: tuple[FrameColumn, ...], roles: tuple[Declared, ...]
) -> tuple[FrameColumn, ...]:
    """Return columns with the kinds, levels and roles that were declared, "" for a gap."""
    return tuple(
        replace(
            column,
            cells=_gaps(column.cells),
            declared=one.kind,
            levels=one.levels,
            role=one.role,
        )
        for column, one in zip(columns, roles, strict=False)
    )


def _gaps(cells: Any) -> Any:
    compute = arrow("compute")
    gap = compute.is_in(cells, value_set=strings(_GAPS))
    return compute.if_else(gap, "", cells)
