"""Every row of SQLite's database into an empty one of PostgreSQL, in one transaction of each.

Tables and columns are those of `metadata`, so that a table of tomorrow comes along. Values go as the
file has them, JSON as its text: nothing is read into a record and written again.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from hpsearch.errors import Conflict, Corrupt
from hpsearch.records import Act
from hpsearch.store.audit import Audit
from hpsearch.store.engine import Engines
from hpsearch.store.faults import translating
from hpsearch.store.tables import audit, installation, metadata

if TYPE_CHECKING:
    import psycopg

# Tables into which migrations put rows, and the rows there that come of anything else. With the
# others alone a database is still empty, and they are replaced.
_SEEDED = {
    installation.name: sa.false(),
    audit.name: audit.c.action.not_in([Act.SCHEMA_UPGRADED, Act.SCHEMA_DOWNGRADED]),
}
ROWS = 500  # fetched at a time
LOCK_SECONDS = 10
_SUMS = 1 << 256


@dataclass(frozen=True, slots=True)
class Copied:
    """A table that was copied: its rows, and a digest of them that knows no order."""

    table: str
    rows: int
    digest: str


class _Digest:
    """A count and a sum of hashes: databases sort differently, and the sum does not mind."""

    def __init__(self) -> None:
        self.rows, self._sum = 0, 0

    def add(self, row: Sequence[Any]) -> None:
        """Count a row of plain values."""
        hashed = hashlib.sha256(repr([_plain(value) for value in row]).encode()).digest()
        self.rows, self._sum = self.rows + 1, (self._sum + int.from_bytes(hashed)) % _SUMS

    def of(self, table: sa.Table) -> Copied:
        """The table that these rows make."""
        return Copied(table.name, self.rows, f"{self._sum:064x}")


def occupied(engines: Engines) -> list[str]:
    """Say what a database holds besides what the migrations put there; nothing: it is free."""
    with translating(), engines.read.connect() as connection:
        return _occupied(connection)


def installation_of(engines: Engines) -> str | None:
    """The id of an installation; None where the database has none."""
    with translating(), engines.read.connect() as connection:
        if not sa.inspect(connection).has_table(installation.name):
            return None
        name: str | None = connection.scalar(sa.select(installation.c.id))
        return name


def transfer(source: Engines, target: Engines) -> list[Copied]:
    """Copy all rows, and read them back; nobody writes to either database meanwhile.

    Both have the schema of this build; what the migrations put into the target is replaced.

    Raises
    ------
    Conflict
        The target holds something, or cannot hold a row; it is as it was.
    Corrupt
        What was read back is not what was written; the target is as it was.
    NoDatabase
        A database does not answer.
    """
    with (
        translating(),
        source.write.connect() as file,
        target.write.connect() as server,
        file.begin(),  # IMMEDIATE: it is ours until the rows are there
        server.begin(),
    ):
        _take(server)
        if contents := _occupied(server):
            raise Conflict(f"the database is not empty: {'; '.join(contents)}")
        copied = [_copy(table, file, server) for table in metadata.sorted_tables]
        for table, sent in zip(metadata.sorted_tables, copied, strict=True):
            read = _read_back(table, server)
            if read != sent:
                raise Corrupt(
                    f"table {table.name}: {sent.rows} rows were written and {read.rows} read back, "
                    "and they are not the same; nothing was moved"
                )
        Audit(server, uuid.uuid4().hex).add(
            Act.SERVICE_MOVED, server.scalar(sa.select(installation.c.id))
        )
        return copied


def _occupied(connection: sa.Connection) -> list[str]:
    names = set(sa.inspect(connection).get_table_names())
    ours = {table.name: table for table in metadata.sorted_tables}
    strange = sorted(names - {*ours, "alembic_version"})
    contents = [f"a table {name!r} that is not ours" for name in strange[:3]]
    for name in (name for name in ours if name in names):
        rows = sa.select(sa.func.count()).select_from(ours[name])
        count = connection.scalar(rows.where(_SEEDED.get(name, sa.true())))
        if count:
            contents.append(f"{count} rows in {name}")
    return contents


def _take(server: sa.Connection) -> None:
    """Have all tables to ourselves, for as long as it takes."""
    quote = server.dialect.identifier_preparer.quote
    server.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    server.exec_driver_sql("SET LOCAL statement_timeout = 0")
    names = ", ".join(quote(table.name) for table in metadata.sorted_tables)
    server.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")


def _copy(table: sa.Table, file: sa.Connection, server: sa.Connection) -> Copied:
    if table.name in _SEEDED:
        server.execute(table.delete())
    quote = server.dialect.identifier_preparer.quote
    columns = ", ".join(quote(column.name) for column in table.columns)
    digest, texts = _Digest(), [_is_json(column) for column in table.columns]
    driver: psycopg.Connection = server.connection.driver_connection  # type: ignore[assignment]
    words = f"COPY {quote(table.name)} ({columns}) FROM STDIN"
    with _spoken(table, words), driver.cursor() as cursor, cursor.copy(words.encode()) as copy:
        for row in _rows(file, table, lambda column: sa.column(column.name)):
            values = [
                _text(value) if text else value for value, text in zip(row, texts, strict=True)
            ]
            digest.add(values)
            copy.write_row(values)
    _count_on(table, server)
    return digest.of(table)


def _count_on(table: sa.Table, server: sa.Connection) -> None:
    """Let the sequences of a table go on behind the rows that brought their numbers."""
    for column in table.columns:
        named: sa.ColumnElement[str | None] = sa.func.pg_get_serial_sequence(
            server.dialect.identifier_preparer.quote(table.name), column.name
        )
        sequence = server.scalar(sa.select(named))
        last = server.scalar(sa.select(sa.func.max(column))) if sequence else None
        if last is not None:
            server.execute(sa.select(sa.func.setval(sequence, last)))


def _read_back(table: sa.Table, server: sa.Connection) -> Copied:
    digest = _Digest()

    def plain(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
        named: sa.ColumnElement[Any] = sa.column(column.name)
        return sa.cast(named, sa.Text) if _is_json(column) else named

    for row in _rows(server, table, plain):
        digest.add(row)
    return digest.of(table)


def _rows(
    connection: sa.Connection,
    table: sa.Table,
    plain: Callable[[sa.Column[Any]], sa.ColumnElement[Any]],
) -> Iterator[Sequence[Any]]:
    """Rows as the driver gives them: without the types that make values of them."""
    query = sa.select(*map(plain, table.columns)).select_from(sa.table(table.name))
    with connection.execute(query, execution_options={"yield_per": ROWS}) as rows:
        yield from rows


def _is_json(column: sa.Column[Any]) -> bool:
    kind = column.type
    while isinstance(kind, sa.types.TypeDecorator):
        kind = kind.impl_instance
    return isinstance(kind, sa.JSON)


def _text(value: Any) -> Any:
    """JSON as text: SQLite keeps a lone number as a number."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _plain(value: Any) -> Any:
    """A value as both drivers give it."""
    if isinstance(value, bool):
        return int(value)
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


@contextmanager
def _spoken(table: sa.Table, words: str) -> Iterator[None]:
    """Raise the driver's own errors as those of SQLAlchemy, or say which row it cannot hold."""
    import psycopg

    try:
        yield
    except (psycopg.DataError, UnicodeEncodeError) as error:
        primary = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
        raise Conflict(
            f"table {table.name}: the database cannot hold a row ({' '.join(primary.split())}); it can "
            "where its encoding is UTF8 and no text has the character zero"
        ) from error
    except psycopg.Error as error:
        raise exc.DBAPIError.instance(words, None, error, psycopg.Error) from error
