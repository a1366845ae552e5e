"""The database seen from outside its tables: a test write, and a copy of it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from hpsearch.errors import Corrupt, Unavailable
from hpsearch.store.clock import now
from hpsearch.store.engine import Engines
from hpsearch.store.faults import translating
from hpsearch.store.tables import dataset_content, worker

PROBE_SECONDS = 5.0  # for which an answer holds, however often it is asked for


class Probe:
    """A test write: a database without room on its disk refuses it."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._lock = threading.Lock()
        self._tried: float | None = None
        self._refusal: str | None = None

    def __call__(self) -> None:
        """Commit a row that is gone again with it.

        Raises
        ------
        Unavailable
            The database refuses; the message has its words.
        """
        with self._lock:
            if self._tried is None or time.monotonic() - self._tried > PROBE_SECONDS:
                self._refusal = self._try()
                self._tried = time.monotonic()
            if self._refusal is not None:
                raise Unavailable(self._refusal)

    def _try(self) -> str | None:
        mark = str(uuid.uuid4())
        row = {"id": mark, "host": "", "pid": 0, "started_at": now(), "seen_at": 0.0}
        try:
            with translating(), self._engines.write.begin() as connection:
                connection.execute(worker.insert().values(**row, fingerprint={}))
                connection.execute(worker.delete().where(worker.c.id == mark))
        except Unavailable as fault:
            return str(fault)
        return None


def copy(engines: Engines, target: Path) -> list[dict[str, Any]]:
    """Write SQLite's database as it is at one moment to `target`; its datasets' descriptions.

    Readers and writers go on meanwhile.

    Raises
    ------
    Unavailable
        There is no room, or the database does not answer.
    """
    module_error: type[Exception] = engines.read.dialect.dbapi.Error  # type: ignore[union-attr]
    try:
        with translating():
            source = engines.read.raw_connection()  # VACUUM refuses to run in a transaction
        try:
            source.cursor().execute("VACUUM INTO ?", (str(target),))
        finally:
            source.close()
    except module_error as error:
        raise Unavailable(f"the database cannot be copied to {target}: {error}") from error
    return list(inspect(target).infos)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copied database: the revision of its schema, and the descriptions of its datasets."""

    revision: str
    infos: Sequence[dict[str, Any]]


def inspect(path: Path) -> Snapshot:
    """Look into a copied database without changing it.

    Raises
    ------
    Corrupt
        It is damaged, or no database of ours.
    """
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    try:
        with engine.connect() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if said != "ok":
                raise Corrupt(f"{path.name} is damaged: {said}; take an older backup")
            query = sa.text("SELECT version_num FROM alembic_version")
            revision = connection.execute(query).scalar_one()
            infos = connection.execute(sa.select(dataset_content.c.info)).scalars().all()
    except exc.SQLAlchemyError as error:
        raise Corrupt(f"{path.name} is no database of hpsearch: {error}") from error
    finally:
        engine.dispose()
    return Snapshot(revision, infos)
