"""Moving a database along the schema's history."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import exc

from hpsearch.errors import Corrupt, InvalidRequest, Misconfigured, Unavailable
from hpsearch.records import Act
from hpsearch.store import Engines
from hpsearch.store.acting import actor
from hpsearch.store.audit import Entry
from hpsearch.store.clock import now
from hpsearch.store.faults import translating
from hpsearch.store.tables import audit, worker

_BACK = re.compile("-([1-9][0-9]{0,3})")
LOCK = 0x68707365  # "hpse": the advisory lock under which PostgreSQL is migrated
ANSWER_SECONDS = 30.0  # how long a database that is starting is waited for


def config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration; nothing of it lies in a file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def head() -> str:
    """The newest revision that this version of the program knows."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    assert revision is not None  # there is at least one
    return revision


class Database:
    """A database and its place in the schema's history."""

    def __init__(self, url: str) -> None:
        self._engines = Engines(url)

    def current(self) -> str | None:
        """The revision that the database is at."""
        with translating(), self._engines.read.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def upgrade(self) -> None:
        """Bring the database to the newest revision; several processes may try at once.

        Raises
        ------
        Unavailable
            The database does not answer, or refuses.
        Misconfigured
            A newer version has migrated it.
        """
        self._run(lambda made: command.upgrade(made, "head"), check=_known)

    def downgrade(self, revision: str) -> None:
        """Take the database back to an older revision; what the newer ones held is lost."""
        self._run(lambda made: command.downgrade(made, revision))

    def losses(self, revision: str) -> list[str]:
        """Name what a downgrade to `revision` throws away, a sentence for each step, the newest first.

        `revision` is that of a step, -N for N steps back, or "base" for an empty database, which no
        -N leads to.

        Raises
        ------
        InvalidRequest
            There is no such revision below the database's own.
        """
        script = ScriptDirectory.from_config(config())
        at = self.current() or "base"
        back = _BACK.fullmatch(revision)
        try:
            steps = list(script.iterate_revisions(at, "base" if back else revision))
        except RevisionError as error:
            raise InvalidRequest(f"no way back from {at} to {revision!r}: {error}") from error
        if back and int(back[1]) >= len(steps):
            raise InvalidRequest(
                f"{revision} leads from {at} to the empty database, which has to be named: base"
            )
        steps = steps[: int(back[1])] if back else steps
        return [f"{step.revision}: {step.module.loses}" for step in steps]

    def workers(self, *, alive: float) -> int:
        """Count the worker processes that were seen within `alive` seconds."""
        with translating(), self._engines.read.connect() as connection:
            if not sa.inspect(connection).has_table(worker.name):
                return 0
            recent = worker.c.seen_at > now() - alive
            query = sa.select(sa.func.count()).select_from(worker).where(recent)
            return connection.scalar(query) or 0

    def close(self) -> None:
        """Close every connection."""
        self._engines.dispose()

    def _run(self, step: Any, check: Callable[[str | None], None] = lambda _: None) -> None:
        self._wait()
        with translating(), self._engines.write.connect() as connection:
            if self._engines.sqlite:
                # SQLite changes a table by copying and dropping it, and the drop would take along
                # every row that refers to it. Inside a transaction the setting has no effect.
                raw = connection.connection.driver_connection
                assert raw is not None  # it was opened a line above
                raw.execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                if not self._engines.sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
                before = _revision(connection)
                check(before)
                step(config(connection))
                entry = _audit(connection, before)
                if self._engines.sqlite:
                    _check_references(connection)
            if self._engines.sqlite:
                connection.invalidate()  # the setting ends with the connection
        if entry is not None:
            entry.say()

    def _wait(self) -> None:
        """Wait for a database that is still starting."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                with self._engines.read.connect():
                    return
            except exc.OperationalError as error:
                if time.monotonic() > deadline:
                    raise Unavailable(f"the database does not answer: {error.orig}") from error
            time.sleep(0.5)


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _audit(connection: sa.Connection, before: str | None) -> Entry | None:
    """Note a change of the schema, where the schema that is left has an audit."""
    after = _revision(connection)
    if after == before:
        return None
    up = (after or "") > (before or "")
    action = Act.SCHEMA_UPGRADED if up else Act.SCHEMA_DOWNGRADED
    entry = Entry(actor(), action, after, {"from": before})
    if sa.inspect(connection).has_table(audit.name):
        values = {**entry.values(), "at": now(), "act": uuid.uuid4().hex}
        connection.execute(audit.insert().values(values))
    return entry


def _known(revision: str | None) -> None:
    """Refuse a database of a newer version.

    Raises
    ------
    Misconfigured
        No migration of this version leads to its revision.
    """
    known = {step.revision for step in ScriptDirectory.from_config(config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise Misconfigured(
            f"the database has the schema {revision}, and this version knows {head()}: install the "
            "version that made it or a newer one, or restore a backup of before"
        )


def _check_references(connection: sa.Connection) -> None:
    """Check the references that SQLite did not watch during the migration.

    Raises
    ------
    Corrupt
        A row refers to one that is not there; nothing is changed.
    """
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        table, row, parent, _ = broken[0]
        raise Corrupt(
            f"row {row} of table {table} refers to a row of {parent} that is not there "
            f"({len(broken)} such rows); restore a backup of the database"
        )
