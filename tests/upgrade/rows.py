"""Old rows put into a database, and what its tables hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import command

from hpsearch.store import Engines
from migrations import schema

BLOB = re.compile(r"X'([0-9A-F]*)'")


def fill(url: str, rows: str, revision: str) -> None:
    """Make the schema of a revision in an empty database and put its rows in."""
    engines = Engines(url)
    with engines.write.begin() as connection:
        command.upgrade(schema.config(connection), revision)
    raw = engines.write.raw_connection()  # SQLAlchemy would take % and : in the rows for its own
    cursor = raw.cursor()
    for line in rows.splitlines():
        cursor.execute(line if engines.sqlite else BLOB.sub(r"'\\x\1'", line))
    if not engines.sqlite:  # rows that bring their number do not count the sequences on
        for table in ("job", "event"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
    raw.commit()
    raw.close()
    engines.dispose()


def contents(url: str, columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The rows of every table, in the columns that are named for it."""
    engines = Engines(url)
    with engines.read.connect() as connection:
        rows = {
            table: sorted(
                repr(row)
                for row in connection.execute(
                    sa.select(*map(sa.column, names)).select_from(sa.table(table))
                )
            )
            for table, names in columns.items()
        }
    engines.dispose()
    return rows


def columns(url: str) -> dict[str, list[str]]:
    """The tables of a database and their columns."""
    engines = Engines(url)
    with engines.read.connect() as connection:
        inspector = sa.inspect(connection)
        tables = [t for t in inspector.get_table_names() if t != "alembic_version"]
        named = {table: [c["name"] for c in inspector.get_columns(table)] for table in tables}
    engines.dispose()
    return named


def emptied(url: str) -> str:
    """The address of a migrated database, taken back to nothing."""
    database = schema.Database(url)
    database.downgrade("base")
    database.close()
    return url
