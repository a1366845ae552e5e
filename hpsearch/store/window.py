"""What is to be published, and who is there to claim it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.store.base import Part
from hpsearch.store.clock import now
from hpsearch.store.tables import job, search, worker
from hpsearch.trials import WORKING, Hint, JobState, RoundKind

LONGEST_DELAY = 600.0  # seconds; a job that has to wait for longer was sent away by a clock step


def due() -> sa.ColumnElement[bool]:
    """Whether a job need not wait any more."""
    waiting = job.c.not_before.between(now(), now() + LONGEST_DELAY)
    return sa.or_(job.c.not_before.is_(None), sa.not_(waiting))


class Window(Part):
    """The window of unclaimed hints, and the live workers that it is measured by."""

    def hints(self, *, per_slot: int, alive: float, republish: float) -> Sequence[Hint]:
        """What to publish now: a window of unclaimed hints, in turns over all searches.

        Within a turn the search comes first that has waited longest for a claim, so that
        many searches that have more jobs than there is room cannot keep a new one out.

        Parameters
        ----------
        per_slot
            Unclaimed hints for each live worker.
        alive
            Seconds within which a live worker has been seen.
        republish
            Seconds after which an unclaimed hint counts as lost.
        """
        fresh = job.c.published_at.between(now() - republish, now())  # later: the clock was set
        queued = (
            sa.select(
                job.c.id,
                job.c.attempt,
                job.c.kind,
                job.c.deadline_seconds,
                search.c.created_at,
                sa.func.coalesce(search.c.served_at, 0.0).label("served_at"),
                fresh.label("fresh"),
                sa.func.row_number()
                .over(
                    partition_by=job.c.search_id,
                    order_by=(sa.case((fresh, 0), else_=1), job.c.round, job.c.number),
                )
                .label("turn"),
            )
            .join(search, search.c.id == job.c.search_id)
            .where(
                job.c.state == JobState.QUEUED,
                search.c.state.in_(WORKING),
                due(),
            )
            .subquery()
        )
        slots = sa.select(sa.func.count()).where(worker.c.seen_at > now() - alive)
        live = max(1, self.connection.execute(slots).scalar_one())
        query = (
            sa.select(queued)
            .order_by(queued.c.turn, queued.c.served_at, queued.c.created_at)
            .limit(live * per_slot)
        )
        rows = self.connection.execute(query).all()
        return [
            Hint(row.id, row.attempt, RoundKind(row.kind), row.deadline_seconds)
            for row in rows
            if not row.fresh
        ]

    def published(self, hints: Sequence[Hint]) -> None:
        """Note that hints have been sent; a crash before this costs one duplicate each."""
        for hint in hints:
            self.connection.execute(
                job.update()
                .where(
                    job.c.id == hint.job_id,
                    job.c.attempt == hint.attempt,
                    job.c.state == JobState.QUEUED,
                )
                .values(published_at=now())
            )

    def seen(self, worker_id: str, values: Mapping[str, Any]) -> None:
        """Note that a worker lives."""
        if not self.insert_once(
            worker, {"id": worker_id, "started_at": now(), "seen_at": now(), **values}
        ):
            self.connection.execute(
                worker.update().where(worker.c.id == worker_id).values(seen_at=now())
            )

    def gone(self, worker_id: str | None = None, *, older_than: float | None = None) -> None:
        """Forget a worker that stopped, or all that have been silent for long."""
        condition = (
            worker.c.id == worker_id
            if older_than is None
            else worker.c.seen_at < now() - older_than
        )
        self.connection.execute(worker.delete().where(condition))
