"""The words of a sender about the columns of a table, held against the columns that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hpsearch.data.parse.dates import ORDERS
from hpsearch.data.parse.frame import FrameColumn
from hpsearch.data.parse.made import Asked
from hpsearch.data.parse.raw import Mistakes, refuse
from hpsearch.data.parse.request import Reading
from hpsearch.data.row_facts import TRAIN_FACTS

KINDS: Final = ("number", "boolean", "category", "ordered", "date", "text", "id")
"""Kinds that a sender may give a column; a date's may end in the order of day, month and year."""

_LISTED = 20


@dataclass(frozen=True, slots=True)
class Choices:
    """Words about each column, by its place.

    label
        Place of the classes or targets.
    chosen
        True where the sender or the file says which column that is.
    dropped
        Places of columns to leave out.
    facts
        Places of the columns that hold groups, time and weight, by these names.
    """

    label: int
    chosen: bool
    dropped: frozenset[int]
    asked: dict[int, Asked]
    facts: dict[str, int] = field(default_factory=dict)


def choices(columns: Sequence[FrameColumn], reading: Reading, *, named: bool) -> Choices:
    """Find the columns that the sender's words are about.

    Raises
    ------
    errors.InvalidDataset
        A column that there is not, or a kind that there is not; names those that there are.
    """
    mistakes = Mistakes()
    find = _Find(columns, mistakes)
    dropped = {place for name in reading.drop if (place := find("drop", name)) is not None}
    asked = {**_kinds(reading, find, mistakes), **_orders(reading, find, mistakes)}
    label, chosen = _label(columns, reading, find, named=named)
    facts = _facts(reading, find)
    mistakes.check()
    _require_apart(columns, {"label": label, **facts}, dropped, chosen=chosen)
    for parameter, places in (("drop", dropped), ("kind", asked)):
        if label in places:
            refuse(
                parameter,
                f"{columns[label].name!r} is the label; label=NAME names another, and task= says what it is",
            )
    return Choices(label, chosen, frozenset(dropped), asked, facts)


def _facts(reading: Reading, find: _Find) -> dict[str, int]:
    named = {name: getattr(reading, name) for name in TRAIN_FACTS}
    places = {name: find(name, column) for name, column in named.items() if column is not None}
    return {name: place for name, place in places.items() if place is not None}


def _require_apart(
    columns: Sequence[FrameColumn], used: dict[str, int], dropped: set[int], *, chosen: bool
) -> None:
    """Refuse a column that is named for two things, or that is the label where nobody says which is."""
    seen: dict[int, str] = {}
    for parameter, place in used.items():
        other = seen.setdefault(place, parameter)
        if other == parameter and parameter != "label" and place in dropped:
            other = "drop"
        if other == parameter:
            continue
        name = columns[place].name
        if other == "label" and not chosen:
            refuse(
                parameter,
                f"column {name!r} is taken for the label, for none is named; label=NAME (--label NAME) names another",
            )
        refuse(parameter, f"column {name!r} is named by {other}= too; it is one of them")


class _Find:
    """Finds columns by name, and notes those that there are not."""

    def __init__(self, columns: Sequence[FrameColumn], mistakes: Mistakes) -> None:
        self._places = {column.name: place for place, column in enumerate(columns)}
        self._mistakes = mistakes

    def __call__(self, parameter: str, name: str) -> int | None:
        """Return the place of a column; None where there is no such column."""
        if name not in self._places:
            shown = ", ".join([*self._places][:_LISTED])
            more = ", ..." if len(self._places) > _LISTED else ""
            self._mistakes.add(parameter, f"no column {name!r}; there are {shown}{more}")
        return self._places.get(name)


def _kinds(reading: Reading, find: _Find, mistakes: Mistakes) -> dict[int, Asked]:
    asked: dict[int, Asked] = {}
    for name, kind in reading.kinds:
        place, known = find("kind", name), _kind(kind)
        if known is None:
            mistakes.add("kind", f"column {name!r}: no kind {kind!r}; there are {', '.join(KINDS)}")
        elif place is not None:
            asked[place] = known
    return asked


def _orders(reading: Reading, find: _Find, mistakes: Mistakes) -> dict[int, Asked]:
    asked: dict[int, Asked] = {}
    for name, levels in reading.ordered:
        place = find("ordered", name)
        if len(levels) < 2 or len(set(levels)) < len(levels):
            mistakes.add("ordered", f"{name}: two levels or more, each once, as in {name}:low<high")
        elif place is not None:
            asked[place] = Asked("ordered", levels=levels)
    return asked


def _kind(kind: str) -> Asked | None:
    name, _, order = kind.partition("-")
    if name == "date" and (not order or order in ORDERS):
        return Asked(name, order=order)
    return Asked(kind) if kind in KINDS else None


def _label(
    columns: Sequence[FrameColumn],
    reading: Reading,
    find: _Find,
    *,
    named: bool,
) -> tuple[int, bool]:
    label = reading.label
    if label is not None:
        if not named and label.isascii() and label.isdecimal() and int(label) < len(columns):
            return int(label), True
        place = find("label", label)
        return (len(columns) - 1 if place is None else place), True
    said = [place for place, column in enumerate(columns) if column.role == "label"]
    if len(said) == 1:
        return said[0], True
    if len(said) > 1:
        refuse(
            "label",
            f"the file has {len(said)} labels ({', '.join(columns[x].name for x in said)}); label=NAME says which",
        )
    last = columns[-1]
    if not last.name or last.role == "left_out" or last.name in reading.drop:
        shown = ", ".join(column.name for column in columns[:_LISTED] if column.name)
        refuse("label", f"which column holds the label? label=NAME says it; there are {shown}")
    return len(columns) - 1, False
