"""A registry: the implementations of one interface, by the names that specs and tables use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deferred:
    """An entry that is imported when it is first asked for, because its libraries load slowly.

    path
        "package.module:name".
    """

    path: str

    def load(self) -> Any:
        """Import the entry."""
        module, _, name = self.path.partition(":")
        return getattr(import_module(module), name)


class Registry(Mapping[str, T], Generic[T]):
    """Entries by name, in the order in which they were registered.

    A change replaces the table, so that threads which go through it meanwhile are not disturbed.

    kind
        The field's word for an entry, for messages: "optimizer".
    """

    def __init__(self, kind: str, entries: Mapping[str, T | Deferred]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def register(self, name: str, entry: T | Deferred) -> None:
        """Add an entry.

        Raises
        ------
        ValueError
            The name is taken: a stored search must mean by it what it meant before.
        """
        if name in self._entries:
            raise ValueError(f"the {self.kind} {name!r} is registered already")
        self._entries = {**self._entries, name: entry}

    @contextmanager
    def registered(self, name: str, entry: T | Deferred) -> Iterator[None]:
        """Have an entry for the length of a `with` block."""
        self.register(name, entry)
        try:
            yield
        finally:
            self._entries = {k: value for k, value in self._entries.items() if k != name}

    def __getitem__(self, name: str) -> T:
        entry = self._entries[name]
        loaded: T = entry.load() if isinstance(entry, Deferred) else entry
        return loaded

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
