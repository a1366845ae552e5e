"""The words of a sender, from a query or a command line, as a `Reading`.

Lists are written as a line of CSV, quoted where a name holds a comma, and may be given several times.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, get_args

from hpsearch.data.info import KINDS, Task
from hpsearch.data.parse.request import Reading
from hpsearch.errors import InvalidRequest

LISTS: Final = ("drop", "kind", "ordered", "missing", "names")
"""Parameters that are lists, and may be repeated."""

DELIMITERS: Final = {"tab": "\t", "space": " "}
_HEADER: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "none", "0"), False),
}


def reading_of(words: dict[str, Any]) -> Reading:
    """Read the parameters of an upload, by their names; None and empty lists are left out.

    Raises
    ------
    InvalidRequest
        Naming the parameter and what it takes.
    """
    given = {name: value for name, value in words.items() if value not in (None, [], ())}
    lists = {name: _items(name, given.pop(name, ())) for name in LISTS}
    as_ = given.pop("as", None)
    checked: dict[str, Any] = {
        name: _CHECKS[name](value) if name in _CHECKS else value for name, value in given.items()
    }
    return Reading(
        **checked,
        kind=None if as_ is None else KINDS[as_],
        drop=lists["drop"],
        kinds=tuple(map(_kind, lists["kind"])),
        ordered=tuple(map(_ordered, lists["ordered"])),
        missing=lists["missing"],
        names=tuple(name.strip() for name in lists["names"]),
    )


def _items(name: str, lines: str | Iterable[str]) -> tuple[str, ...]:
    """Split lines of CSV into their fields."""
    given = [lines] if isinstance(lines, str) else list(lines)
    try:
        rows = list(csv.reader(given, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise InvalidRequest(
            f'parameter {name}: {error}; a list is written as a line of CSV: a,"b, c",d'
        ) from error
    return tuple(field for row in rows for field in row)


def _kind(item: str) -> tuple[str, str]:
    name, _, kind = item.rpartition(":")
    if not name:
        raise InvalidRequest(
            f"parameter kind: {item[:80]!r} is not NAME:KIND, such as zip:category"
        )
    return name.strip(), kind.strip()


def _ordered(item: str) -> tuple[str, tuple[str, ...]]:
    first, *others = item.split("<")
    name, _, low = first.rpartition(":")
    if not name or not others:
        raise InvalidRequest(
            f"parameter ordered: {item[:80]!r} is not NAME:LOW<...<HIGH, such as size:small<large"
        )
    return name.strip(), tuple(level.strip() for level in (low, *others))


def _header(value: object) -> bool | int:
    text = str(value).lower()
    if text in _HEADER:
        return _HEADER[text]
    if text.isascii() and text.isdecimal() and len(text) < 8:
        return int(text)
    raise InvalidRequest(
        f"parameter header: {text[:40]!r} is none of true, false, none, or the number of the line "
        "that holds the names"
    )


def _delimiter(value: str) -> str:
    character = DELIMITERS.get(value, value)
    if len(character) != 1 or character in '"\n\r':
        raise InvalidRequest(f"parameter delimiter: {value[:20]!r} is no character, tab or space")
    return character


def _decimal(value: str) -> str:
    if value not in (".", ","):
        raise InvalidRequest(f"parameter decimal: {value[:20]!r} is neither . nor ,")
    return value


def _encoding(value: str) -> str:
    try:
        return codecs.lookup(value).name
    except (LookupError, ValueError) as error:
        raise InvalidRequest(
            f"parameter encoding: {value[:40]!r} is not known; for example utf-8, latin-1, cp1252"
        ) from error


def _task(value: str) -> str:
    tasks: Sequence[str] = get_args(Task)
    if value not in tasks:
        raise InvalidRequest(f"parameter task: {value[:40]!r} is none of {', '.join(tasks)}")
    return value


_CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "header": _header,
    "delimiter": _delimiter,
    "decimal": _decimal,
    "encoding": _encoding,
    "task": _task,
}
