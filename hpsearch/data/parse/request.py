"""The request that a parser gets, in one process or across the boundary of two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

from hpsearch.data.limits import Limits
from hpsearch.data.parse.raw import Raw


@dataclass(frozen=True, slots=True)
class Request:
    """A dataset to parse: its reader, its files, the folder to write.

    reader
        Function of a module that the child can import; it travels by name.
    out
        Folder for the arrays, which the parser makes.
    path
        File or folder to read; empty for datasets that need none.
    name
        Name of the dataset; empty for uploads.
    label
        Column of the classes, in formats that name their columns.
    network
        Permission to use the network.
    """

    reader: Reader
    out: str
    name: str = ""
    path: str = ""
    label: str | None = None
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
        return cls(**{**value, "reader": getattr(import_module(module), name)})


Reader = Callable[[Request, Limits], Raw]
"""Function that reads the examples of a file, or refuses it with `errors.InvalidDataset`."""
