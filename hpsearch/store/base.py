"""What every part of the store builds on: a connection, and inserts that may lose a race."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hpsearch.store import many
from hpsearch.store.statements import RECORD
from hpsearch.store.tables import event

Row = sa.Row[Any]


class Part:
    """One part of an open transaction.

    `work` names the piece of work, and stays the same when its transaction is run again.
    """

    def __init__(self, connection: sa.Connection, work: str | None = None) -> None:
        self.connection = connection
        self.postgresql = connection.dialect.name == "postgresql"
        self._work = work

    def insert_once(self, table: sa.Table, values: Mapping[str, Any]) -> bool:
        """Insert unless a unique key is taken; whether the row is new."""
        insert = postgresql.insert(table) if self.postgresql else sqlite.insert(table)
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
        done = sa.select(event.c.id).where(
            event.c.search_id == search_id,
            event.c.detail["work"].as_string() == self._work,
        )
        return self.connection.execute(done.limit(1)).first() is not None

    def insert_many(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that all have the same columns (one at least)."""
        if not self.postgresql:
            self.connection.execute(table.insert(), list(rows))
            return
        self.connection.execute(many.insert(table, tuple(rows[0])), {"rows_": many.packed(rows)})

    def update_many(
        self,
        table: sa.Table,
        where: tuple[sa.ColumnElement[bool], ...],
        values: Mapping[str, Any],
        *,
        key: sa.Column[Any],
        rows: Sequence[Mapping[str, Any]],
    ) -> None:
        """Update the rows that meet `where` from those of `rows` with the same `key`.

        where
            Built once: the statement is kept with it.
        values
            The parameters in `where`.
        """
        if not self.postgresql:
            statement = many.update_one(table, where, key, tuple(rows[0]))
            named = [{**values, **{f"{k}_": v for k, v in row.items()}} for row in rows]
            self.connection.execute(statement, named)
            return
        statement = many.update(table, where, key, tuple(rows[0]))
        self.connection.execute(statement, {**values, "rows_": many.packed(rows)})

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
            RECORD,
            {
                "a_kind": kind,
                "a_search": search_id,
                "a_job": job_id,
                "an_attempt": attempt,
                "a_detail": None if detail is None else dict(detail),
            },
        )
