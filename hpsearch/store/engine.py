"""Engines, and transactions that survive what a database does to them.

SQLite: SQLAlchemy's default lets a transaction read before it has begun, which silently loses
updates. Here every writing transaction is BEGIN IMMEDIATE, every reading one a plain BEGIN.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc

from hpsearch.database_address import (
    PROCESS,
    behind_a_pooler,
    connection_options,
    database_url,
    name_process,
    prepare_threshold,
)
from hpsearch.store.faults import read_only, transient, translated
from hpsearch.store.patience import OPTION, Patience

T = TypeVar("T")
Prepared = Literal["auto", "on", "off"]

ATTEMPTS = 6
BACKOFF = 0.05  # seconds, doubled at each attempt, with jitter
BUSY_MS = 5000
POOL_KEPT, POOL_MORE = 5, 20  # connections of a process: those that stay, and more for a rush
POOL_SECONDS = 10.0  # that work waits for a connection of this process
# Two connections that checkpoint and commit at once can corrupt a WAL before these versions.
WAL_SAFE = (3, 51, 3)
WAL_BACKPORTS = frozenset({(3, 44, 6), (3, 50, 7)})


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
    """Engines for one database URL: to write, to write what need not be durable, and to read.

    limit
        Seconds that a transaction on PostgreSQL may take, its repetitions included; None: as long as
        it takes. SQLite's file is at hand, and waits for its lock alone (`BUSY_MS`).
    """

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "FULL",
        prepared: Prepared = "auto",
        limit: float | None = None,
    ) -> None:
        self.url = database_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            self.write = _sqlite(self.url, synchronous, "BEGIN IMMEDIATE")
            self.async_commit = _sqlite(self.url, "NORMAL", "BEGIN IMMEDIATE")
            self.read = _sqlite(self.url, synchronous, "BEGIN")
        else:
            engine = _postgresql(self.url, prepared)
            begin = BEGIN
            if limit is not None:
                Patience(limit).watch(engine)
                engine = engine.execution_options(**{OPTION: limit})
                begin = BEGIN_LIMITED % math.ceil(1000 * limit)
            self.write = self.read = _begun(engine, begin)
            self.async_commit = _begun(engine, begin + ASYNC_COMMIT)

    @property
    def exists(self) -> bool:
        """False where a file of SQLite is missing, which it would make for whoever looks."""
        name = self.url.database
        return not self.sqlite or not name or name == ":memory:" or Path(name).exists()

    @property
    def unmade(self) -> bool:
        """True where the file is missing and could be made: its folder is there."""
        return not self.exists and Path(str(self.url.database)).parent.is_dir()

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in (self.write, self.async_commit, self.read):
            engine.dispose()


# LOCAL: the connection, and a pooler's session, is another transaction's next. Whatever the
# server's setting, a float leaves with all its digits, also inside JSON.
_ISOLATED = b"BEGIN ISOLATION LEVEL READ COMMITTED; "
_DIGITS = b"SET LOCAL extra_float_digits = 1"
BEGIN = _ISOLATED + _DIGITS
# The role's own limit, where it has one, stays.
BEGIN_LIMITED = (
    _ISOLATED + b"SELECT set_config('statement_timeout', '%d', true) "
    b"WHERE current_setting('statement_timeout') = '0'; " + _DIGITS
)
ASYNC_COMMIT = b"; SET LOCAL synchronous_commit = off"


def _postgresql(url: sa.URL, prepared: Prepared) -> sa.Engine:
    url, threshold, named = prepare_threshold(url)
    connection_options(url)
    patience = {k: v for k, v in POSTGRESQL_PATIENCE.items() if k not in url.query}
    # No ping before use: `run` repeats what met a dead connection, with fresh ones.
    engine = sa.create_engine(
        url,
        pool_size=POOL_KEPT,
        max_overflow=POOL_MORE,
        pool_timeout=POOL_SECONDS,
        connect_args={**patience, "client_encoding": "utf8"},
    )

    process = None if "application_name" in url.query else os.environ.get(PROCESS)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        pooled = behind_a_pooler(connection)
        if named:
            connection.prepare_threshold = threshold
        elif prepared == "off" or (prepared == "auto" and pooled):
            connection.prepare_threshold = None
        if process and not pooled:  # a pooler would set the name anew at every turn
            name_process(connection, process)

    return engine


def _begun(engine: sa.Engine, begin: bytes) -> sa.Engine:
    """The same connections of PostgreSQL, with a `begin` of their own for each transaction."""
    import psycopg

    begun = engine.execution_options()

    @event.listens_for(begun, "begin")
    def _begin(connection: sa.Connection) -> None:
        # One round trip by libpq's own call: the driver, which now finds a transaction begun,
        # and SQLAlchemy would make two of it that cost more than a claim.
        server = connection.connection.driver_connection.pgconn  # type: ignore[union-attr]
        try:
            answer = server.exec_(begin)
            if answer.status == psycopg.pq.ExecStatus.COMMAND_OK:
                return
            fault: psycopg.Error = psycopg.errors.error_from_result(answer)
        except psycopg.OperationalError as lost:
            fault = lost
        connection.invalidate(fault)
        raise exc.DBAPIError.instance(
            begin.decode(), None, fault, psycopg.Error, connection_invalidated=True
        )

    return begun


def _sqlite(url: sa.URL, synchronous: str, begin: str) -> sa.Engine:
    module = sqlite_module()
    journal = "WAL" if wal_is_safe(module.sqlite_version_info) else "TRUNCATE"
    engine = sa.create_engine(
        url,
        module=module,
        pool_timeout=POOL_SECONDS,
        connect_args={"timeout": BUSY_MS / 1000},
    )

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


def run(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """`work` in one transaction, run again after faults that pass.

    The outcome of a COMMIT may be unknown when the connection breaks, so `work` must bear
    being run twice: every write in the store is conditional or keyed.

    Raises
    ------
    Unavailable
        The database did not answer in any of the attempts, or cannot do its work.
    InvalidRequest
        It cannot hold a text.
    """
    limit: float = engine.get_execution_options().get(OPTION, math.inf)
    started = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except (exc.DBAPIError, exc.TimeoutError) as error:
            if read_only(error):
                engine.dispose()  # the name in the address may lead to a new primary by now
            late = time.monotonic() - started >= limit
            if attempt == ATTEMPTS or late or not transient(error):
                fault = translated(error)
                if fault is None:
                    raise
                raise fault from error
        time.sleep(BACKOFF * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311
    raise AssertionError("unreachable")
