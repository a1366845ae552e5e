"""Tags and notes of a search, changed by what is added and taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hpsearch.client.arguments import Search, text
from hpsearch.errors import Conflict, InvalidSpec, Mistake, Stale
from hpsearch.report import views

ATTEMPTS = 20  # a search that runs moves on between reading and writing, now and then


class Editor(Protocol):
    """The calls of a client that change labels."""

    def status(self, search: Search) -> views.StatusView:
        """Return the status of a search."""

    def edit(
        self, search: Search, changes: Mapping[str, Any], *, seen: views.StatusView | None = None
    ) -> views.StatusView:
        """Change a search, unless it has changed since `seen`."""


def labelled(
    client: Editor, search: Search, add: Sequence[str], remove: Sequence[str], note: str | None
) -> views.StatusView:
    """The status of a search once it has these tags more, those fewer, and this note.

    Raises
    ------
    InvalidSpec
        It has no such tag to remove, or what is added cannot be one.
    """
    for _ in range(ATTEMPTS):
        seen = client.status(search)
        missing = [tag for tag in remove if tag not in seen.tags]
        if missing:
            has = ", ".join(seen.tags) or "none"
            raise InvalidSpec(
                "the tags cannot be changed",
                [Mistake("tags", f"there is no tag {missing[0]!r} to remove; it has {has}")],
            )
        tags = [tag for tag in dict.fromkeys([*seen.tags, *add]) if tag not in remove]
        changes: dict[str, Any] = {} if tags == seen.tags else {"tags": tags}
        if note is not None:
            changes["note"] = text(note, "note")
        if not changes:
            return seen
        try:
            return client.edit(search, changes, seen=seen)
        except Stale:
            continue
    raise Conflict("the search moves on too fast; try again")
