"""The two databases, where they are written to in different ways."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hpsearch.store import many

Rows = Sequence[Mapping[str, Any]]


class Dialect(ABC):
    """A kind of database.

    compound
        Statements that change rows may stand inside others.
    lateral
        A subquery in FROM may look at the tables before it.
    bytewise
        The collation that compares text byte by byte.
    """

    compound: bool
    lateral: bool
    bytewise: str

    @abstractmethod
    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An insert in the words of this database."""

    def insert_once(self, table: sa.Table, values: Mapping[str, Any]) -> sa.Executable:
        """An insert that returns a row unless a unique key is taken."""
        # Not rowcount: psycopg leaves it at -1 for an insert that SQLAlchemy wraps.
        return self.insert(table).values(**values).on_conflict_do_nothing().returning(sa.literal(1))

    @abstractmethod
    def insert_many(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        """Insert rows that all have the same columns (one at least)."""

    @abstractmethod
    def update_many(
        self,
        connection: sa.Connection,
        table: sa.Table,
        where: many.Where,
        values: Mapping[str, Any],
        *,
        key: sa.Column[Any],
        rows: Rows,
    ) -> None:
        """Update the rows that meet `where` from those of `rows` with the same `key`.

        where
            Built once: the statement is kept with it.
        values
            The parameters in `where`.
        """

    @abstractmethod
    def lock(self, connection: sa.Connection, name: str) -> None:
        """Hold the lock of that name until the transaction ends."""


class Sqlite(Dialect):
    """SQLite: one statement for each row, and one writing transaction at a time."""

    compound, lateral, bytewise = False, False, "BINARY"

    insert = staticmethod(sqlite.insert)

    def insert_many(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        """As the base says, row by row."""
        connection.execute(table.insert(), list(rows))

    def update_many(
        self,
        connection: sa.Connection,
        table: sa.Table,
        where: many.Where,
        values: Mapping[str, Any],
        *,
        key: sa.Column[Any],
        rows: Rows,
    ) -> None:
        """As the base says, row by row."""
        statement = many.update_one(table, where, key, tuple(rows[0]))
        named = [{**values, **{f"{k}_": v for k, v in row.items()}} for row in rows]
        connection.execute(statement, named)

    def lock(self, connection: sa.Connection, name: str) -> None:
        """Nothing: a writing transaction holds the whole database."""


class Postgresql(Dialect):
    """PostgreSQL: one statement for all rows, and advisory locks."""

    compound, lateral, bytewise = True, True, "C"

    insert = staticmethod(postgresql.insert)

    def insert_many(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        """As the base says, in one statement."""
        connection.execute(many.insert(table, tuple(rows[0])), {"rows_": many.packed(rows)})

    def update_many(
        self,
        connection: sa.Connection,
        table: sa.Table,
        where: many.Where,
        values: Mapping[str, Any],
        *,
        key: sa.Column[Any],
        rows: Rows,
    ) -> None:
        """As the base says, in one statement."""
        statement = many.update(table, where, key, tuple(rows[0]))
        connection.execute(statement, {**values, "rows_": many.packed(rows)})

    def lock(self, connection: sa.Connection, name: str) -> None:
        """Take an advisory lock."""
        key = sa.func.hashtextextended(name, 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


DIALECTS: Mapping[str, Dialect] = {"sqlite": Sqlite(), "postgresql": Postgresql()}
