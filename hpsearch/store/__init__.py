"""The database, and the one place where SQL is written: its rows leave as records.

`Store.write` and `Store.read` run a piece of work in one short transaction. The work gets a
`Tx`, whose groups of queries have one method per question or conditional change.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from hpsearch.database_address import behind_a_pooler
from hpsearch.records import EventRecord
from hpsearch.store.audit import Audit, Entry
from hpsearch.store.cohorts import Cohorts
from hpsearch.store.dialect import DIALECTS
from hpsearch.store.engine import Engines, Prepared, run
from hpsearch.store.final_test import FinalTest
from hpsearch.store.installation import Installation
from hpsearch.store.keys import Keys
from hpsearch.store.library import SHARED, Library
from hpsearch.store.loops import Loops
from hpsearch.store.metrics_queries import MetricsQueries
from hpsearch.store.models import Models
from hpsearch.store.outbox import Outbox
from hpsearch.store.plans import Plans
from hpsearch.store.publish_window import PublishWindow, Waiting
from hpsearch.store.queries import Queries, columns
from hpsearch.store.queue import Queue
from hpsearch.store.quotas import Quotas
from hpsearch.store.results import Results, Written
from hpsearch.store.retention import Retention
from hpsearch.store.searches import Searches
from hpsearch.store.snapshot import Probe, copy
from hpsearch.store.statements import TIME
from hpsearch.store.tables import event, metadata
from hpsearch.store.trials import Trials
from hpsearch.store.workers import Workers

__all__ = [
    "SCHEMA",
    "SHARED",
    "Engines",
    "Store",
    "Tx",
    "Waiting",
    "Written",
    "metadata",
]

T = TypeVar("T")

SCHEMA = "0013"  # the newest revision of `migrations`, which a test compares with this


class Tx:
    """An open transaction, by subject."""

    def __init__(self, connection: sa.Connection, work: str | None = None) -> None:
        self.searches = Searches(connection, work)
        self.plans = Plans(connection)
        self.trials = Trials(connection)
        self.queue = Queue(connection)
        self.results = Results(connection)
        self.final = FinalTest(connection)
        self.cohorts = Cohorts(connection)
        self.window = PublishWindow(connection)
        self.workers = Workers(connection)
        self.loops = Loops(connection)
        self.installation = Installation(connection)
        self.library = Library(connection)
        self.models = Models(connection)
        self.keys = Keys(connection)
        self.outbox = Outbox(connection)
        self.metrics = MetricsQueries(connection)
        self.retention = Retention(connection)
        self.quotas = Quotas(connection)
        self.audit = Audit(connection, work)
        self._connection = connection

    def lock_owner(self, owner: str) -> None:
        """Until this transaction ends, let no other one count what `owner` has."""
        DIALECTS[self._connection.dialect.name].lock(self._connection, owner)

    def time(self) -> float:
        """Seconds since the epoch by the database's clock."""
        return self._connection.execute(TIME).scalar_one()


class Store:
    """The database of one service."""

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "FULL",
        prepared: Prepared = "auto",
        limit: float | None = None,
    ) -> None:
        self.engines = Engines(url, synchronous=synchronous, prepared=prepared, limit=limit)
        self.probe = Probe(self.engines)

    def write(self, work: Callable[[Tx], T], *, durable: bool = True) -> T:
        """`work` in one writing transaction, repeated after faults that pass.

        Without `durable` the COMMIT does not wait for the disk. A power cut may then undo the
        last of such transactions, with all that they wrote, and never half of one: for what
        costs only work when it is undone, as a claim does.

        What the work added to the audit is said in the log as well, once it is committed.
        """
        engine = self.engines.write if durable else self.engines.async_commit
        name = uuid.uuid4().hex

        def once(connection: sa.Connection) -> tuple[T, Sequence[Entry]]:
            tx = Tx(connection, name)
            return work(tx), tx.audit.written

        value, entries = run(engine, once)
        for entry in entries:
            entry.say()
        return value

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
        return None if self.engines.unmade else run(self.engines.read, _revision)

    def described(self) -> dict[str, str]:
        """The database's `kind` and `version`; SQLite's `journal` mode, or PostgreSQL's `encoding`.

        And whether a `pooler` lies between, and statements are `prepared`: yes or no.
        """
        return run(self.engines.read, _described)

    def snapshot(self, target: Path) -> list[dict[str, Any]]:
        """Copy the embedded database to a new file; the descriptions of its datasets."""
        return copy(self.engines, target)

    def events(self, search_id: str) -> Sequence[EventRecord]:
        """The history of a search, oldest first."""
        query = sa.select(*columns(EventRecord, event)).where(event.c.search_id == search_id)
        query = query.order_by(event.c.id)
        return run(
            self.engines.read, lambda connection: Queries(connection).all(EventRecord, query)
        )

    def close(self) -> None:
        """Close every connection."""
        self.engines.dispose()


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _described(connection: sa.Connection) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        questions = {"version": "SELECT sqlite_version()", "journal": "PRAGMA journal_mode"}
        more = {}
    else:
        questions = {"version": "SHOW server_version", "encoding": "SHOW server_encoding"}
        server: Any = connection.connection.driver_connection
        more = {
            "pooler": "yes" if behind_a_pooler(server) else "no",
            "prepared": "no" if server.prepare_threshold is None else "yes",
        }
    answers = {k: str(connection.exec_driver_sql(q).scalar()) for k, q in questions.items()}
    return {"kind": connection.dialect.name, **answers, **more}
