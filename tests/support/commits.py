"""Faults at the edge of a commit: before it, or after it and before its answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hpsearch.store import Engines


class Commits:
    """Stands between a store's engines and their commits; armed, it strikes the next one once.

    `strike` raises what a broken connection raises, or ends the process.
    """

    def __init__(self, engines: Engines, strike: Callable[[], None]) -> None:
        self._strike = strike
        self.armed: str | None = None  # "before" or "after"
        # PostgreSQL's engines are one and share their dialect.
        for dialect in {
            id(e.dialect): e.dialect for e in (engines.write, engines.async_commit)
        }.values():
            dialect.do_commit = partial(self._do_commit, dialect.do_commit)  # type: ignore[method-assign]

    def _do_commit(self, commit: Callable[[Any], None], connection: Any) -> None:
        armed, self.armed = self.armed, None
        if armed == "before":
            self._strike()
        commit(connection)
        if armed == "after":
            self._strike()


def broken(engines: Engines) -> Callable[[], None]:
    """Raises as the driver does when the connection breaks."""
    error = engines.write.dialect.dbapi.OperationalError  # type: ignore[union-attr]

    def strike() -> None:
        raise error("the connection was lost")

    return strike
