"""What every part of the store builds on: a connection, and inserts that may lose a race."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hpsearch.store.statements import RECORD
from hpsearch.store.tables import event

Row = sa.Row[Any]


def constant(value: str) -> sa.BindParameter[str]:
    """A value that stands in the statement's text.

    PostgreSQL prepares a statement for any value of its parameters, and then cannot use an
    index that is kept for one value alone.
    """
    return sa.literal(str(value), literal_execute=True)


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
        done = sa.select(event.c.id).where(
            event.c.search_id == search_id,
            event.c.detail["work"].as_string() == self._work,
        )
        return self.connection.execute(done.limit(1)).first() is not None

    def insert_many(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that all have the same columns (one at least)."""
        if self.connection.dialect.name != "postgresql":
            self.connection.execute(table.insert(), list(rows))
            return
        self.connection.execute(_insert(table, tuple(rows[0])), {"rows_": _packed(rows)})

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
        if self.connection.dialect.name != "postgresql":
            statement = _update_one(table, where, key, tuple(rows[0]))
            named = [{**values, **{f"{k}_": v for k, v in row.items()}} for row in rows]
            self.connection.execute(statement, named)
            return
        statement = _update(table, where, key, tuple(rows[0]))
        self.connection.execute(statement, {**values, "rows_": _packed(rows)})

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


# PostgreSQL gets many rows as one JSON parameter: one statement and one round trip for all of
# them, parsed in C, in place of one each.


Where = tuple[sa.ColumnElement[bool], ...]
Names = tuple[str, ...]


@cache
def _insert(table: sa.Table, names: Names) -> sa.Insert:
    columns = [table.c[name] for name in names]
    sent = _sent(columns)
    source = sa.select(*(_received(sent, c) for c in columns))
    return table.insert().from_select(columns, source, include_defaults=False)


@cache
def _update(table: sa.Table, where: Where, key: sa.Column[Any], names: Names) -> sa.Update:
    columns = [table.c[name] for name in names]
    sent = _sent(columns)
    values = {c: _received(sent, c) for c in columns if c is not key}
    return table.update().where(*where, key == sent.c[key.name]).values(values)


@cache
def _update_one(table: sa.Table, where: Where, key: sa.Column[Any], names: Names) -> sa.Update:
    sent = {name: sa.bindparam(f"{name}_", type_=table.c[name].type) for name in names}
    is_the_one = key == sent.pop(key.name)
    return table.update().where(*where, is_the_one).values(sent)


def _sent(columns: Sequence[sa.Column[Any]]) -> sa.TableValuedAlias:
    """The rows of the parameter `rows` as a table."""
    types = [sa.column(c.name, sa.Text() if _binary(c) else c.type) for c in columns]
    rows = sa.bindparam("rows_", type_=sa.Text())
    recordset = sa.func.json_to_recordset(sa.cast(rows, sa.JSON))
    return recordset.table_valued(*types).render_derived(name="sent", with_types=True)


def _received(sent: sa.TableValuedAlias, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A column of the sent rows, as it is to be stored."""
    value = sent.c[column.name]
    return sa.func.decode(value, "hex", type_=column.type) if _binary(column) else value


def _binary(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.LargeBinary)


def _packed(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(list(rows), default=bytes.hex, allow_nan=False)
