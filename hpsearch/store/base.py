"""What every part of the store builds on: a connection, and inserts that may lose a race."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hpsearch.store import tables
from hpsearch.store.clock import now

Row = sa.Row[Any]


class Part:
    """One part of an open transaction.

    `work` names the piece of work, and stays the same when its transaction is run again.
    """

    def __init__(self, connection: sa.Connection, work: str | None = None) -> None:
        self.connection = connection
        self._work = work

    def insert_once(self, table: sa.Table, values: Mapping[str, Any]) -> bool:
        """Insert unless a unique key is taken; whether the row is new."""
        dialect = self.connection.dialect.name
        insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
        # Not rowcount: psycopg leaves it at -1 for an insert that SQLAlchemy wraps.
        done = insert.values(**values).on_conflict_do_nothing().returning(sa.literal(1))
        return self.connection.execute(done).first() is not None

    def changed(self, statement: sa.Executable) -> bool:
        """Execute a conditional write; whether it met its row."""
        return bool(self.connection.execute(statement).rowcount)

    def one(self, statement: sa.Select[Any]) -> Row | None:
        """The single row of a query, if there is one."""
        return self.connection.execute(statement).one_or_none()

    def repeated(self, search_id: str) -> bool:
        """Whether this very piece of work has changed the search: its commit was not answered."""
        if self._work is None:
            return False
        done = sa.select(tables.event.c.id).where(
            tables.event.c.search_id == search_id,
            tables.event.c.detail["work"].as_string() == self._work,
        )
        return self.connection.execute(done.limit(1)).first() is not None

    def record(
        self,
        kind: str,
        *,
        search_id: str | None = None,
        job_id: int | None = None,
        attempt: int | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Append to the event history, in the transaction of the change itself."""
        self.connection.execute(
            tables.event.insert().values(
                at=now(),
                kind=kind,
                search_id=search_id,
                job_id=job_id,
                attempt=attempt,
                detail=None if detail is None else dict(detail),
            )
        )
