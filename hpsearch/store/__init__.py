"""SQL is the only truth: every row, and the one place where SQL is written.

`Store.write` and `Store.read` run a piece of work in one short transaction. The work gets a
`Tx`, whose parts hold one method per question or conditional change.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from hpsearch.store.base import Row
from hpsearch.store.census import Census
from hpsearch.store.clock import now
from hpsearch.store.deliveries import Deliveries
from hpsearch.store.engine import Engines, run
from hpsearch.store.jobs import Jobs, Written
from hpsearch.store.keys import Keys
from hpsearch.store.library import SHARED, Library
from hpsearch.store.models import Models
from hpsearch.store.retention import Retention
from hpsearch.store.searches import Searches, chosen
from hpsearch.store.snapshot import Probe, copy
from hpsearch.store.tables import event, metadata
from hpsearch.store.window import Waiting, Window

__all__ = [
    "SCHEMA",
    "SHARED",
    "Engines",
    "Row",
    "Store",
    "Tx",
    "Waiting",
    "Written",
    "chosen",
    "metadata",
]

T = TypeVar("T")

SCHEMA = "0007"  # the newest revision of `migrations`, which a test compares with this


class Tx:
    """An open transaction, by subject."""

    def __init__(self, connection: sa.Connection, work: str | None = None) -> None:
        self.searches = Searches(connection, work)
        self.jobs = Jobs(connection)
        self.window = Window(connection)
        self.library = Library(connection)
        self.models = Models(connection)
        self.keys = Keys(connection)
        self.deliveries = Deliveries(connection)
        self.census = Census(connection)
        self.retention = Retention(connection)
        self._connection = connection

    def alone(self, owner: str) -> None:
        """Until this transaction ends, no other one counts what `owner` has.

        SQLite lets only one transaction write anyway.
        """
        if self._connection.dialect.name == "postgresql":
            key = sa.func.hashtextextended(owner, 0)
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))

    def time(self) -> float:
        """Seconds since the epoch by the database's clock."""
        return self._connection.execute(sa.select(now())).scalar_one()


class Store:
    """The database of one service."""

    def __init__(self, url: str, *, synchronous: str = "FULL") -> None:
        self.engines = Engines(url, synchronous=synchronous)
        self.probe = Probe(self.engines)

    def write(self, work: Callable[[Tx], T], *, lasting: bool = True) -> T:
        """`work` in one writing transaction, repeated after faults that pass.

        Without `lasting` the COMMIT does not wait for the disk. A power cut may then undo the
        last of such transactions, with all that they wrote, and never half of one: for what
        costs only work when it is undone, as a claim does.
        """
        engine = self.engines.write if lasting else self.engines.swift
        name = uuid.uuid4().hex
        return run(engine, lambda connection: work(Tx(connection, name)))

    def read(self, work: Callable[[Tx], T]) -> T:
        """`work` in one reading transaction."""
        return run(self.engines.read, lambda connection: work(Tx(connection)))

    def revision(self) -> str | None:
        """The schema's revision; None before the first migration.

        Raises
        ------
        Unavailable
            The database does not answer.
        """
        return run(self.engines.read, _revision)

    def described(self) -> dict[str, str]:
        """The database's `kind`, `version` and, for SQLite, `journal` mode."""
        return run(self.engines.read, _described)

    def snapshot(self, target: Path) -> list[dict[str, Any]]:
        """Copy the embedded database to a new file; the descriptions of its datasets."""
        return copy(self.engines, target)

    def events(self, search_id: str) -> list[Row]:
        """The history of a search, oldest first."""
        query = sa.select(event).where(event.c.search_id == search_id).order_by(event.c.id)
        return run(self.engines.read, lambda connection: list(connection.execute(query).all()))

    def close(self) -> None:
        """Close every connection."""
        self.engines.dispose()


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _described(connection: sa.Connection) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        asked = {"version": "SELECT sqlite_version()", "journal": "PRAGMA journal_mode"}
    else:
        asked = {"version": "SHOW server_version"}
    found = {k: str(connection.exec_driver_sql(q).scalar()) for k, q in asked.items()}
    return {"kind": connection.dialect.name, **found}
