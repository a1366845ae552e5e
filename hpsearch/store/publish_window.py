"""The window of hints that belong on the broker, measured by the workers that are alive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from hpsearch.store.clock import now
from hpsearch.store.constants import constant, one_of
from hpsearch.store.queries import Queries
from hpsearch.store.statements import OURS_TO_TRAIN, due, with_broker
from hpsearch.store.tables import job, search, worker
from hpsearch.trials import WORKING, Hint, JobState


@dataclass(frozen=True, slots=True)
class Waiting:
    """Unclaimed hints that are not with the broker, in the order in which they are due.

    `window` belongs on the broker now; `beyond` is what comes next.
    """

    window: Sequence[Hint]
    beyond: Sequence[Hint]


class PublishWindow(Queries):
    """The window of unclaimed hints."""

    def waiting(self, *, per_slot: int, alive: float, republish: float) -> Waiting:
        """Hints to publish now: a window of unclaimed ones, in turns over all searches.

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
        query = _queued(lateral=self.dialect.lateral)
        values = {"per_slot": per_slot, "alive": alive, "republish": republish}
        rows = self.connection.execute(query, values).all()
        hints = [(Hint(*of_hint), fresh) for *of_hint, fresh, _ in rows]
        size = rows[0].size if rows else 0
        return Waiting(
            [hint for hint, fresh in hints[:size] if not fresh],
            [hint for hint, fresh in hints[size:] if not fresh],
        )

    def published(self, hints: Sequence[Hint]) -> None:
        """Note that hints have been sent; a crash before this costs one duplicate each."""
        sent = [(hint.job_id, hint.attempt) for hint in hints]
        self.connection.execute(
            job.update()
            .where(
                sa.tuple_(job.c.id, job.c.attempt).in_(sent),
                job.c.state == JobState.QUEUED,
            )
            .values(published_at=now())
        )


@cache
def _queued(*, lateral: bool) -> sa.Select[Any]:
    """The first queued jobs in turns over all searches: a window, and one more for each worker.

    Of each search no more jobs are looked at than that: the cost must not grow with what else
    is queued. SQLite knows no LATERAL; with a list of row ids it does what is meant.
    """
    seen = worker.c.seen_at > now() - sa.bindparam("alive", type_=sa.Double())
    count = sa.select(sa.func.count()).select_from(worker).where(seen).scalar_subquery()
    live = sa.case((count == 0, 1), else_=count)
    size = live * sa.bindparam("per_slot", type_=sa.Integer())
    first = (
        sa.select(job)
        .where(
            job.c.search_id == search.c.id,
            job.c.state == constant(JobState.QUEUED),
            due(),
        )
        .order_by(job.c.round, job.c.number)
        .limit(size + live)
        .correlate(search)
    )
    queued: Any = job.alias("queued")
    if lateral:
        queued = first.lateral("queued")
        source = search.join(queued, sa.true())
    else:
        source = search.join(queued, queued.c.id.in_(first.with_only_columns(job.c.id)))
    turn = sa.func.row_number().over(
        partition_by=queued.c.search_id, order_by=(queued.c.round, queued.c.number)
    )
    return (
        sa.select(
            queued.c.id,
            queued.c.attempt,
            queued.c.kind,
            queued.c.deadline_seconds,
            with_broker(queued.c.published_at).label("fresh"),
            size.label("size"),
        )
        .select_from(source)
        .where(one_of(search.c.state, WORKING), OURS_TO_TRAIN)
        .order_by(turn, sa.func.coalesce(search.c.served_at, 0.0), search.c.created_at)
        .limit(size + live)
    )
