"""Figures of the whole service, at a cost that grows with what is under way, not with what is stored.

Ended jobs and trained trials are never counted in their rows: the append-only history tells
what has been added since the last look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from hpsearch.records import WorkerRecord
from hpsearch.store.clock import now
from hpsearch.store.constants import constant, one_of
from hpsearch.store.queries import Queries, columns
from hpsearch.store.statements import OURS_TO_TRAIN, due
from hpsearch.store.tables import event, job, search, worker
from hpsearch.trials import WORKING, JobState

SETTLED_SECONDS = 2.0  # an event this old has no older one that is still to be committed
_FINAL = (job.c.kind == "final").label("final")


class Queued(NamedTuple):
    """Jobs that wait, final ones or others; `oldest` is in seconds, None without a due one."""

    final: bool
    jobs: int
    claimable: int
    oldest: float | None


class Running(NamedTuple):
    """Jobs that run, final ones or others; `oldest` is the age of the oldest heartbeat."""

    final: bool
    jobs: int
    oldest: float


class EventCount(NamedTuple):
    """Events of one kind, with the trials and epochs that they trained."""

    kind: str
    about_job: bool
    number: int
    trials: int
    epochs: int


class Connections(NamedTuple):
    """Connections of PostgreSQL: the most that this role may open in this database, and those that are."""

    most: int
    open: int


# -1 is no limit. What is kept for superusers, and for roles of PostgreSQL's own, is not ours.
_CONNECTIONS = """
    SELECT least(
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true), '0')::int,
        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
        (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
    ), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
"""


class MetricsQueries(Queries):
    """A method per group of figures."""

    def searches(self) -> Mapping[str, int]:
        """Number of searches by state; a state without any is left out."""
        query = sa.select(search.c.state, sa.func.count()).group_by(search.c.state)
        return {state.value: count for state, count in self.connection.execute(query)}

    def queued(self) -> Sequence[Queued]:
        """Queued jobs: all, those that may be claimed now, and the age of the oldest of these."""
        claimable = sa.and_(one_of(search.c.state, WORKING), due())
        since = sa.case((claimable, now() - job.c.created_at))
        return self.all(Queued, _jobs(JobState.QUEUED, sa.func.count(since), sa.func.max(since)))

    def running(self, *, lease: float) -> Sequence[Running]:
        """Running jobs, and the seconds since the heartbeat that is oldest."""
        silent = sa.func.max(now() + lease - job.c.lease_until)
        return self.all(Running, _jobs(JobState.RUNNING, silent))

    def workers(self, *, alive: float) -> Sequence[WorkerRecord]:
        """Workers that were seen within `alive` seconds, the oldest first."""
        silent = now() - worker.c.seen_at
        query = sa.select(*columns(WorkerRecord, worker), silent)
        query = query.where(worker.c.seen_at > now() - alive)
        return self.all(WorkerRecord, query.order_by(worker.c.started_at, worker.c.id))

    def connections(self) -> Connections | None:
        """The server's connections; None for SQLite, which has no limit."""
        if self.connection.dialect.name == "sqlite":
            return None
        most, opened = self.connection.exec_driver_sql(_CONNECTIONS).one()
        return Connections(most, opened)

    def newest_event(self) -> int:
        """The newest event before which none is missing; 0 where there is none."""
        settled = event.c.at < now() - SETTLED_SECONDS
        query = sa.select(event.c.id).where(settled).order_by(event.c.id.desc()).limit(1)
        return self.connection.execute(query).scalar() or 0

    def events(self, *, after: int, until: int) -> Sequence[EventCount]:
        """Events behind `after` by kind, those of jobs and of searches apart."""
        about_job = event.c.job_id.is_not(None).label("about_job")
        trained = [
            sa.func.sum(sa.case((event.c.kind == "done", event.c.detail[name].as_integer())))
            for name in ("trials", "epochs")
        ]
        query = (
            sa.select(
                event.c.kind,
                about_job,
                sa.func.count(),
                *(sa.func.coalesce(sums, 0) for sums in trained),
            )
            .where(event.c.id > after, event.c.id <= until)
            .group_by(event.c.kind, about_job)
        )
        return self.all(EventCount, query)


def _jobs(state: JobState, *figures: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Jobs of a state, final ones and others, with some figures of each."""
    return (
        sa.select(_FINAL, sa.func.count(), *figures)
        .join(search, search.c.id == job.c.search_id)
        # Trainers elsewhere are no worker's queue.
        .where(job.c.state == constant(state), OURS_TO_TRAIN)
        .group_by(_FINAL)
    )
