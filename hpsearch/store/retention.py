"""Removal of ended searches, of their curves and history, of contents that nothing refers to.

Events keep growing in number: the newest one is never removed, or SQLite would give its number
again and whoever counts from one event to the next would miss some.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from hpsearch.records import ContentRecord
from hpsearch.store.clock import now
from hpsearch.store.plans import ADVANCED, FROZEN
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import dataset, dataset_content, event, round_, search, trial
from hpsearch.trials import ENDED

PRUNED = "pruned"  # the event of a search that has lost its curves
# Under which fingerprints a search was decided is part of its result.
_DURABLE = (ADVANCED, FROZEN, PRUNED)


def _pruned() -> sa.ColumnElement[bool]:
    return sa.exists().where(event.c.search_id == search.c.id, event.c.kind == PRUNED)


class OldSearch(NamedTuple):
    """A search that may be removed, with the number of its trials and events."""

    id: str
    trials: int
    events: int


class Retention(Queries):
    """Everything here takes `older_than`, the seconds for which a search must have ended."""

    def candidates(self, *, older_than: float, with_curves: bool) -> Sequence[OldSearch]:
        """Searches that ended long ago, with their `trials` and `events`, the oldest first.

        With `with_curves` only those that still have curves to lose.
        """
        trials = sa.select(sa.func.coalesce(sa.func.sum(round_.c.planned), 0)).where(
            round_.c.search_id == search.c.id
        )
        events = sa.select(sa.func.count()).where(event.c.search_id == search.c.id)
        if with_curves:
            events = events.where(event.c.kind.not_in(_DURABLE))
        query: sa.Select[Any] = sa.select(
            search.c.id,
            trials.scalar_subquery().label("trials"),
            events.scalar_subquery().label("events"),
        ).where(_old(older_than))
        if with_curves:
            query = query.where(~_pruned())
        return self.all(OldSearch, query.order_by(search.c.finished_at))

    def pruned(self, search_id: str) -> bool:
        """True of a search that has lost its curves."""
        return self.exists(sa.select(search.c.id).where(search.c.id == search_id, _pruned()))

    def forget_history(self, search_id: str) -> None:
        """Remove the events of a removed search, but for the one that says so."""
        self.connection.execute(
            event.delete().where(event.c.search_id == search_id, event.c.kind != "deleted")
        )

    def slim(self, search_id: str, *, older_than: float) -> bool:
        """Remove curves and history of a search that ended long ago; its answers stay.

        Its revision rises, for some findings about it rest on the curves.
        """
        mine = (search.c.id == search_id, _old(older_than), ~_pruned())
        if not self.changed(search.update().where(*mine).values(revision=search.c.revision + 1)):
            return False
        self.record(PRUNED, search_id=search_id)
        self.connection.execute(
            trial.update().where(trial.c.search_id == search_id).values(curve=sa.null(), right=None)
        )
        self.connection.execute(
            event.delete().where(event.c.search_id == search_id, event.c.kind.not_in(_DURABLE))
        )
        return True

    def stray_events(self, *, older_than: float) -> int:
        """Number of old events of searches that were removed."""
        query = sa.select(sa.func.count()).select_from(event).where(*_stray(older_than))
        return self.connection.execute(query).scalar_one()

    def forget_stray_events(self, *, older_than: float, limit: int) -> int:
        """Remove some of them, and count them."""
        some = sa.select(event.c.id).where(*_stray(older_than)).order_by(event.c.id).limit(limit)
        return self.connection.execute(event.delete().where(event.c.id.in_(some))).rowcount

    def unreferenced(self, *, but_old: float | None = None) -> Sequence[ContentRecord]:
        """Contents without a name and a search.

        With `but_old`, searches that ended so many seconds ago count as gone.
        """
        users: Any = search.c.dataset_digest == dataset_content.c.digest
        if but_old is not None:
            users = sa.and_(users, sa.not_(_old(but_old)))
        query = sa.select(*columns(ContentRecord, dataset_content)).where(
            ~sa.exists().where(dataset.c.digest == dataset_content.c.digest),
            ~sa.exists().where(users),
        )
        return self.all(ContentRecord, query.order_by(dataset_content.c.digest))


def _old(seconds: float) -> sa.ColumnElement[bool]:
    return sa.and_(
        search.c.state.in_(list(ENDED)),
        sa.func.coalesce(search.c.finished_at, search.c.created_at) < now() - seconds,
    )


def _stray(seconds: float) -> tuple[sa.ColumnElement[bool], ...]:
    newest = sa.select(sa.func.max(event.c.id)).scalar_subquery()
    return (
        event.c.at < now() - seconds,
        event.c.search_id.is_not(None),
        ~sa.exists().where(search.c.id == event.c.search_id),
        event.c.id < newest,
    )
