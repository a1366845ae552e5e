"""Engines, and transactions that survive what a database does to them.

SQLite: SQLAlchemy's default lets a transaction read before it has begun, which silently loses
updates. Here every writing transaction is BEGIN IMMEDIATE, every reading one a plain BEGIN.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc

from hpsearch.errors import Misconfigured, Unavailable

T = TypeVar("T")

ATTEMPTS = 6
BACKOFF = 0.05  # seconds, doubled at each attempt, with jitter
BUSY_MS = 5000
# Two connections that checkpoint and commit at once can corrupt a WAL before these versions.
WAL_SAFE = (3, 51, 3)
WAL_BACKPORTS = frozenset({(3, 44, 6), (3, 50, 7)})
UNMIGRATED = frozenset({"42P01", "42703"})  # no such table, no such column
# Serialisation, deadlock, locks, shutdown and start-up, and a standby after a failover.
TRANSIENT_SQLSTATES = frozenset({"25006", "40001", "40P01", "55P03", "57P01", "57P02", "57P03"})


def sqlite_module() -> ModuleType:
    """The newest SQLite at hand: pysqlite3's, where there is a wheel, else Python's own."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        import sqlite3 as dbapi2
    return dbapi2  # type: ignore[no-any-return]


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """True of an SQLite that is free of the WAL-reset bug (3.7.0 to 3.51.2)."""
    return version >= WAL_SAFE or version in WAL_BACKPORTS


# A server that went away without a word, as in a failover, is noticed after half a minute;
# the system's own patience is a quarter of an hour for what was sent and none for an answer.
POSTGRESQL_PATIENCE = {
    "connect_timeout": 5,  # seconds, as the next two
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,  # milliseconds
}


class Engines:
    """Engines for one database URL: to write, to write what need not be durable, and to read."""

    def __init__(self, url: str, *, synchronous: str = "FULL") -> None:
        self.url = sa.make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            self.write = _sqlite(self.url, synchronous, "BEGIN IMMEDIATE")
            self.async_commit = _sqlite(self.url, "NORMAL", "BEGIN IMMEDIATE")
            self.read = _sqlite(self.url, synchronous, "BEGIN")
        elif self.url.get_backend_name() == "postgresql":
            # No ping before use: `run` repeats what met a dead connection, with fresh ones.
            self.write = sa.create_engine(
                self.url,
                pool_size=5,
                max_overflow=20,
                connect_args=POSTGRESQL_PATIENCE,
                isolation_level="READ COMMITTED",
            )
            self.async_commit = _async_commit(self.write)
            self.read = self.write
        else:
            raise Misconfigured(
                f"DATABASE_URL: {self.url.get_backend_name()!r} is not supported; "
                "use postgresql+psycopg://... or sqlite:///path"
            )

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in (self.write, self.async_commit, self.read):
            engine.dispose()


# LOCAL: the connection, and a pooler's session, is another transaction's next.
ASYNC_COMMIT = b"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off"


def _async_commit(engine: sa.Engine) -> sa.Engine:
    """The same connections of PostgreSQL, with commits that do not wait for the disk."""
    import psycopg

    quick = engine.execution_options()

    @event.listens_for(quick, "begin")
    def _begin(connection: sa.Connection) -> None:
        # One round trip by libpq's own call: the driver, which now finds a transaction begun,
        # and SQLAlchemy would make two of it that cost more than a claim.
        server = connection.connection.driver_connection.pgconn  # type: ignore[union-attr]
        begun = server.exec_(ASYNC_COMMIT)
        if begun.status != psycopg.pq.ExecStatus.COMMAND_OK:
            error = psycopg.errors.error_from_result(begun)
            connection.invalidate(error)
            raise exc.DBAPIError.instance(
                ASYNC_COMMIT.decode(), None, error, psycopg.Error, connection_invalidated=True
            )

    return quick


def _sqlite(url: sa.URL, synchronous: str, begin: str) -> sa.Engine:
    module = sqlite_module()
    journal = "WAL" if wal_is_safe(module.sqlite_version_info) else "TRUNCATE"
    engine = sa.create_engine(url, module=module, connect_args={"timeout": BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN, not the driver's
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            f"journal_mode={journal}",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def transient(error: exc.DBAPIError) -> bool:
    """True where running the transaction again can help."""
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return True
    if not isinstance(error, exc.OperationalError | exc.InternalError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state in TRANSIENT_SQLSTATES or state.startswith("08")
    words = str(error.orig)
    return any(
        word in words
        for word in ("locked", "connection", "server closed", "timeout", "shutting down")
    )


def refused(error: exc.DBAPIError) -> bool:
    """True where the database cannot do its work: no file, no room, no tables."""
    if isinstance(error, exc.ProgrammingError):
        return getattr(error.orig, "sqlstate", None) in UNMIGRATED
    return isinstance(error, exc.OperationalError) and not transient(error)


def run(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """`work` in one transaction, run again after faults that pass.

    The outcome of a COMMIT may be unknown when the connection breaks, so `work` must bear
    being run twice: every write in the store is conditional or keyed.

    Raises
    ------
    Unavailable
        The database did not answer in any of the attempts, or cannot do its work.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except exc.DBAPIError as error:
            if refused(error):
                raise Unavailable(f"the database does not work: {error.orig}") from error
            if not transient(error):
                raise
            if attempt == ATTEMPTS:
                raise Unavailable(f"the database does not answer: {error.orig}") from error
        time.sleep(BACKOFF * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311
    raise AssertionError("unreachable")
