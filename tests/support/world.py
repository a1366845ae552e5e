"""A database to play with, again and again: a prepared state, a clock, answers that get lost."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from hpsearch.records import JobRecord, SearchRecord
from hpsearch.service import Services
from hpsearch.service.liveness import LivenessMonitor
from hpsearch.settings import Settings
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import job, search
from hpsearch.wiring import assemble, build
from support import clock as clocks
from support.bench import SPEC, Bench
from support.commits import Commits, broken
from support.postgres import Postgres

R = TypeVar("R", bound=NamedTuple)
START = 2_000_000_000.0  # later than any time of day at which a state is prepared
# Each has somebody to tell of its end: what is owed is checked with everything else.
TINY: dict[str, Any] = {**SPEC, "trials_per_round": 4, "webhook": {"url": "https://a.example/"}}
TICK = 7.0  # no multiple of it is a lease: what happens at the very moment is nobody's business
SETTINGS: dict[str, Any] = {
    "heartbeat_seconds": 5.0, "lease_seconds": 30.0, "tick_seconds": TICK, "retry_seconds": 2.0,
    "job_size": 2, "hints_per_slot": 100, "sqlite_synchronous": "NORMAL",
    "webhook_hosts": "a.example",
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """Services on a fresh copy of a prepared database."""

    url: str  # as the checker reads it
    services: Services
    clock: clocks.Clock
    commits: Commits

    @property
    def bench(self) -> Bench:
        """The steps that processes take."""
        return Bench(self.services)

    def close(self) -> None:
        """End the process; the database stays."""
        self.services.store.close()

    def restarted(self, strike: Callable[[], None]) -> World:
        """The same database after its process was killed: new services, nothing remembered."""
        self.close()
        return _running(self.services.settings, self.url, self.clock, strike)

    def rows(self, table: sa.Table) -> Sequence[sa.Row[Any]]:
        """Every row of a table."""
        with self.services.store.engines.read.connect() as connection:
            return connection.execute(sa.select(table)).all()

    def jobs(self) -> list[JobRecord]:
        """Every job."""
        return self._read(JobRecord, job)

    def searches(self) -> list[SearchRecord]:
        """Every search."""
        return self._read(SearchRecord, search)

    def _read(self, record: type[R], table: sa.Table) -> list[R]:
        with self.services.store.engines.read.connect() as connection:
            return Queries(connection).all(record, sa.select(*columns(record, table)))


class Worlds:
    """Copies of prepared databases, of one kind.

    `prepare` brings a database to the state from which each world starts; it is done once.
    """

    def __init__(
        self, make: Callable[..., Settings], folder: Path, *,
        migrated: Path | None = None, postgres: Postgres | None = None,
    ) -> None:  # fmt: skip
        self._make, self._postgres = make, postgres
        self._own = folder / f"world-{uuid.uuid4().hex[:8]}"
        self._own.mkdir()
        self._migrated = migrated
        self._prepared: dict[str, Path | str] = {}

    def close(self) -> None:
        """Forget every copy."""
        shutil.rmtree(self._own)

    def prepare(self, name: str, do: Callable[[Bench], None]) -> None:
        """Make the state `name`."""
        url, source = self._empty(name)
        with build(self._make(database_url=url, **SETTINGS)) as services:
            do(Bench(services))
        if isinstance(source, Path):
            with sa.create_engine(url).connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self._prepared[name] = source

    def _empty(self, name: str) -> tuple[str, Path | str]:
        if self._postgres is None:
            assert self._migrated is not None
            path = self._own / f"{name}.db"
            shutil.copyfile(self._migrated, path)
            return f"sqlite:///{path}", path
        database = f"w_{uuid.uuid4().hex[:12]}"
        url = self._postgres.create(database, template="migrated")
        clocks.install(url)
        return url, database

    @contextmanager
    def copy(self, name: str) -> Iterator[World]:
        """A world that starts in a prepared state."""
        source = self._prepared[name]
        if isinstance(source, Path):
            path = self._own / f"{uuid.uuid4().hex}.db"
            shutil.copyfile(source, path)
            url = ruled = f"sqlite:///{path}"
        else:
            assert self._postgres is not None
            database = f"w_{uuid.uuid4().hex[:12]}"
            url = self._postgres.create(database, template=source)
            ruled = clocks.ruled(url)
        try:
            yield from self._world(url, ruled)
        finally:
            if isinstance(source, Path):
                for left in self._own.glob(f"{path.stem}.db*"):
                    left.unlink()
            else:
                assert self._postgres is not None
                self._postgres.drop(database)

    def _world(self, url: str, ruled: str) -> Iterator[World]:
        world = _running(self._make(database_url=ruled, **SETTINGS), url, clocks.Clock(START), None)
        try:
            yield world
        finally:
            world.close()
            world.clock.close()


def _running(
    settings: Settings, url: str, clock: clocks.Clock, strike: Callable[[], None] | None
) -> World:
    services = assemble(settings)
    engines = services.store.engines
    clock.rule(engines)
    services.jobs.liveness = LivenessMonitor(
        lease=settings.lease_seconds, heartbeat=settings.heartbeat_seconds,
        tick=settings.tick_seconds, clock=clock,
    )  # fmt: skip
    return World(url, services, clock, Commits(engines, strike or broken(engines)))


def exploring(bench: Bench) -> None:
    """Two searches in their first round, of two jobs each."""
    for number in (1, 2):
        bench.submit(**{**TINY, "name": f"search {number}", "seed": number})
    bench.work.advance_due()


def finalizing(bench: Bench) -> None:
    """A search whose final job waits."""
    bench.submit(**TINY, name="search")
    bench.round()
    bench.round()
    bench.work.advance_due()


def submitted(bench: Bench) -> None:
    """A search that nobody has looked at."""
    bench.submit(**TINY, name="search")
