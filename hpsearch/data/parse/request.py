"""The request that a parser gets, in one process or across the boundary of two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

from hpsearch.data.info import Kind, Task
from hpsearch.data.limits import Limits
from hpsearch.data.parse.raw import Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Choices of a sender about how a file is to be understood.

    label
        Column of the classes or targets, in formats that name their columns.
    header
        Whether the first line names the columns, or the number, from 1, of the line that does;
        None leaves it to the lines below.
    kind
        What the examples are; None leaves it to the shape of the array.
    task
        None is a classification.
    positive
        Of two classes, the one that metrics such as F1 speak of; None is the second one.
    drop
        Columns to leave out.
    kinds, ordered
        (column, its kind, of a date "date-dmy" with the order of its parts where that is not
        clear); (column, its levels from low to high).
    missing
        Words that stand for a missing value, beside those that every number column takes.
    rare
        Classes with fewer examples are left out, and said.
    names
        Names of the columns, in place of the file's.
    delimiter, decimal, encoding, sheet
        Of a text file: a character, or " " for any run of blanks; "." or ","; a codec's name.
        Of a workbook: the name of a sheet.
    groups, time, weight
        Columns that say of each row which group it belongs to, when it was, and how much it counts.
        Groups and time decide how the rows are split, here and in every search.
    filename
        Name of the file, where the sender says it: its suffix is a hint.
    """

    label: str | None = None
    header: bool | int | None = None
    kind: Kind | None = None
    task: Task | None = None
    positive: str | None = None
    drop: tuple[str, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    ordered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    missing: tuple[str, ...] = ()
    rare: int | None = None
    names: tuple[str, ...] = ()
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    groups: str | None = None
    time: str | None = None
    weight: str | None = None
    filename: str = ""


AS_IT_IS = Reading()
"""Nothing is said: the file is read as it looks."""


@dataclass(frozen=True, slots=True)
class Request(Reading):
    """A dataset to parse: its reader, its files, the folder to write.

    reader
        Function of a module that the child can import; it travels by name.
    out
        Folder for the arrays, which the parser makes.
    path
        File or folder to read; empty for datasets that need none.
    name
        Name of the dataset; empty for uploads.
    network
        Permission to use the network.
    """

    reader: Reader
    out: str
    name: str = ""
    path: str = ""
    source: str = ""
    licence: str = "not stated"
    network: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the request as a JSON object that names the reader."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"reader": f"{self.reader.__module__}:{self.reader.__qualname__}"}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Request:
        """Read what `to_json` wrote, and import the reader."""
        module, _, name = value["reader"].partition(":")
        return cls(**{**_tuples(value), "reader": getattr(import_module(module), name)})


def _tuples(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _tuple(one) for key, one in value.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list | tuple) else value


Reader = Callable[[Request, Limits], Raw]
"""Function that reads the examples of a file, or refuses it with `errors.InvalidDataset`."""
