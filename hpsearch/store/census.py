"""The service counted, at a cost that grows with what is under way and not with what is stored.

Ended jobs and trained trials are never counted in their rows: the append-only history tells
what has been added since the last look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.store.base import Part, Row
from hpsearch.store.clock import now
from hpsearch.store.constants import constant, one_of
from hpsearch.store.statements import OURS_TO_TRAIN, due
from hpsearch.store.tables import event, job, search, worker
from hpsearch.trials import WORKING, JobState

SETTLED_SECONDS = 2.0  # an event this old has no older one that is still to be committed
_FINAL = (job.c.kind == "final").label("final")


class Census(Part):
    """One method per group of figures."""

    def searches(self) -> Mapping[str, int]:
        """How many searches are in each state that has one."""
        query = sa.select(search.c.state, sa.func.count()).group_by(search.c.state)
        return {row.state: row[1] for row in self.connection.execute(query)}

    def queued(self) -> Sequence[Row]:
        """Queued jobs by `final`: all, those that may be claimed now, seconds of the oldest."""
        claimable = sa.and_(one_of(search.c.state, WORKING), due())
        since = sa.case((claimable, now() - job.c.created_at))
        return self._jobs(
            JobState.QUEUED,
            sa.func.count(since).label("claimable"),
            sa.func.max(since).label("oldest"),
        )

    def running(self, *, lease: float) -> Sequence[Row]:
        """Running jobs by `final`: all, and the seconds since the heartbeat that is oldest."""
        silent = sa.func.max(now() + lease - job.c.lease_until)
        return self._jobs(JobState.RUNNING, silent.label("oldest"))

    def _jobs(self, state: JobState, *figures: sa.ColumnElement[Any]) -> Sequence[Row]:
        query = (
            sa.select(_FINAL, sa.func.count().label("all"), *figures)
            .join(search, search.c.id == job.c.search_id)
            # Trainers elsewhere are no worker's queue.
            .where(job.c.state == constant(state), OURS_TO_TRAIN)
            .group_by(_FINAL)
        )
        return self.connection.execute(query).all()

    def workers(self, *, alive: float) -> Sequence[Row]:
        """Workers that were seen within `alive` seconds, the oldest first."""
        seen = worker.c.seen_at > now() - alive
        silent = (now() - worker.c.seen_at).label("silent")
        return self.connection.execute(
            sa.select(worker, silent).where(seen).order_by(worker.c.started_at, worker.c.id)
        ).all()

    def newest_event(self) -> int:
        """The newest event before which none is missing; 0 where there is none."""
        settled = event.c.at < now() - SETTLED_SECONDS
        query = sa.select(event.c.id).where(settled).order_by(event.c.id.desc()).limit(1)
        return self.connection.execute(query).scalar() or 0

    def events(self, *, after: int, until: int) -> Sequence[Row]:
        """Events by `kind` and whether they are a job's, with the trials and epochs they trained."""
        about_job = event.c.job_id.is_not(None).label("about_job")
        trained = [
            sa.func.sum(sa.case((event.c.kind == "done", event.c.detail[name].as_integer())))
            for name in ("trials", "epochs")
        ]
        query = (
            sa.select(
                event.c.kind,
                about_job,
                sa.func.count().label("number"),
                *(
                    sa.func.coalesce(t, 0).label(n)
                    for t, n in zip(trained, ("trials", "epochs"), strict=True)
                ),
            )
            .where(event.c.id > after, event.c.id <= until)
            .group_by(event.c.kind, about_job)
        )
        return self.connection.execute(query).all()
