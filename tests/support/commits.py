"""Faults at the edge of a commit: before it, or after it and before its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa


class Commits:
    """Stands between an engine and its commits; armed, it strikes the next one once.

    `strike` raises what a broken connection raises, or ends the process.
    """

    def __init__(self, engine: sa.Engine, strike: Callable[[], None]) -> None:
        self._dialect: Any = engine.dialect
        self._commit = engine.dialect.do_commit
        self._strike = strike
        self.armed: str | None = None  # "before" or "after"
        self._dialect.do_commit = self._do_commit

    def _do_commit(self, connection: Any) -> None:
        armed, self.armed = self.armed, None
        if armed == "before":
            self._strike()
        self._commit(connection)
        if armed == "after":
            self._strike()


def broken(engine: sa.Engine) -> Callable[[], None]:
    """Raises as the driver does when the connection breaks."""
    error = engine.dialect.dbapi.OperationalError  # type: ignore[union-attr]

    def strike() -> None:
        raise error("the connection was lost")

    return strike
