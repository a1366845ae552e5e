"""Names of a frame's columns: those that the sender gives, and what makes a name one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hpsearch.data.parse.frame import Frame
from hpsearch.data.parse.labels import is_plain
from hpsearch.data.parse.raw import Mistakes, refuse

MAX_NAME: Final = 200
_WAY_OUT = "rename it in the file, or name all columns with names="


def named(frame: Frame, names: tuple[str, ...]) -> Frame:
    """Return a frame under the sender's names, if there are any, after a look at all names.

    A first column without a name may be left out of the sender's names.

    Raises
    ------
    errors.InvalidDataset
        Another number of names than columns; a name that is empty, there twice or not printable.
    """
    if names:
        frame = _renamed(frame, names)
    mistakes = Mistakes()
    seen: dict[str, int] = {}
    for position, column in enumerate(frame.columns):
        name = column.name
        if not name and position:
            mistakes.add(f"header[{position}]", f"column {position + 1} has no name; {_WAY_OUT}")
        elif len(name) > MAX_NAME or (name and not is_plain(name)):
            what = f"{name[:40]!r} is no column name: 1 to {MAX_NAME} printable characters"
            mistakes.add(f"header[{position}]", f"{what}; {_WAY_OUT}")
        elif name in seen:
            both = f"as columns {seen[name] + 1} and {position + 1}"
            mistakes.add(
                f"header[{position}]", f"column {name!r} is there twice, {both}; {_WAY_OUT}"
            )
        seen.setdefault(name, position)
    mistakes.check()
    return frame


def _renamed(frame: Frame, names: tuple[str, ...]) -> Frame:
    columns = frame.columns
    if len(names) == len(columns) - 1 and not columns[0].name:
        names = ("", *names)
    if len(names) != len(columns):
        refuse("names", f"{len(names)} names for {len(columns)} columns; name each of them")
    renamed = (replace(column, name=name) for column, name in zip(columns, names, strict=True))
    return replace(frame, columns=tuple(renamed), named=True)
