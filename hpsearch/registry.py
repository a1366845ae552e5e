"""A registry: the implementations of one interface, by the names that specs and tables use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Entries by name, in the order in which they were registered.

    kind
        The field's word for an entry, for messages: "optimizer".
    """

    def __init__(self, kind: str, entries: Mapping[str, T]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def register(self, name: str, entry: T) -> None:
        """Add an entry.

        Raises
        ------
        ValueError
            The name is taken: a stored search must mean by it what it meant before.
        """
        if name in self._entries:
            raise ValueError(f"the {self.kind} {name!r} is registered already")
        self._entries[name] = entry

    @contextmanager
    def registered(self, name: str, entry: T) -> Iterator[None]:
        """Have an entry for the length of a `with` block."""
        self.register(name, entry)
        try:
            yield
        finally:
            del self._entries[name]

    def __getitem__(self, name: str) -> T:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
