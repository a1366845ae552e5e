"""The outbox of webhooks: the deliveries that searches owe when they end, and their fate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.records import DeliveryRecord, DueDelivery
from hpsearch.store.clock import now
from hpsearch.store.queries import Queries, columns
from hpsearch.store.statements import TOUCH
from hpsearch.store.tables import delivery, search

DELIVERED, GIVEN_UP = "webhook_delivered", "webhook_given_up"  # events of the search
LONGEST_PAUSE = 86_400.0  # seconds; a delivery that waits for longer was sent away by a clock step

# Executed by the transaction that has just ended a search. The revision is that of its end, so
# the name is the same for everybody, and another one where a failed final test ends again.
OWE = delivery.insert().from_select(
    ["id", "search_id", "state", "ended_at", "due_at"],
    sa.select(
        search.c.id + sa.literal("-") + sa.cast(search.c.revision, sa.String),
        search.c.id,
        search.c.state,
        search.c.finished_at,
        search.c.finished_at,
    ).where(
        search.c.id == sa.bindparam("a_search", type_=search.c.id.type),
        search.c.webhook.is_not(None),
    ),
)


class Outbox(Queries):
    """A delivery for each end of a search that has a webhook."""

    def due(self, *, limit: int) -> Sequence[DueDelivery]:
        """Deliveries to be made now, in turns over the owners, the longest overdue first.

        Whoever has many, with a receiver that takes its time, cannot keep the others waiting.
        """
        late = sa.or_(delivery.c.due_at <= now(), delivery.c.due_at > now() + LONGEST_PAUSE)
        turn = sa.func.row_number().over(partition_by=search.c.owner, order_by=delivery.c.due_at)
        query: sa.Select[Any] = (
            sa.select(
                delivery.c.id,
                delivery.c.search_id,
                delivery.c.state,
                delivery.c.ended_at,
                delivery.c.attempts,
                search.c.name,
                search.c.webhook,
            )
            .join(search, search.c.id == delivery.c.search_id)
            .where(delivery.c.due_at.is_not(None), late)
            .order_by(turn, delivery.c.due_at)
            .limit(limit)
        )
        return self.all(DueDelivery, query)

    def begin(self, due: DueDelivery, *, patience: float) -> bool:
        """Count an attempt before it is made; False where somebody else has begun it.

        Whoever is not heard of for `patience` seconds has not delivered.
        """
        return self.changed(
            delivery.update()
            .where(
                delivery.c.id == due.id,
                delivery.c.attempts == due.attempts,
                delivery.c.due_at.is_not(None),
            )
            .values(attempts=due.attempts + 1, due_at=now() + patience)
        )

    def delivered(self, delivery_id: str) -> bool:
        """Note that the receiver has taken it."""
        return self._settle(delivery_id, DELIVERED, delivered_at=now(), error=None)

    def missed(self, delivery_id: str, error: str, *, pause: float) -> bool:
        """Note why an attempt failed; the next one is made after `pause` seconds."""
        return self.changed(
            delivery.update()
            .where(delivery.c.id == delivery_id, delivery.c.due_at.is_not(None))
            .values(error=error, due_at=now() + pause)
        )

    def give_up(self, delivery_id: str, error: str) -> bool:
        """Note that nobody will be told."""
        return self._settle(delivery_id, GIVEN_UP, error=error)

    def of(self, ids: Sequence[str]) -> Mapping[str, DeliveryRecord]:
        """The newest delivery of each of these searches that has ended."""
        if not ids:
            return {}
        query = sa.select(*columns(DeliveryRecord, delivery))
        query = query.where(delivery.c.search_id.in_(ids)).order_by(delivery.c.ended_at)
        return {record.search_id: record for record in self.all(DeliveryRecord, query)}

    def _settle(self, delivery_id: str, kind: str, **values: object) -> bool:
        """End a delivery, once; its search's status shows it."""
        row = self.connection.execute(
            delivery.update()
            .where(delivery.c.id == delivery_id, delivery.c.due_at.is_not(None))
            .values(due_at=None, **values)
            .returning(delivery.c.search_id, delivery.c.attempts)
        ).one_or_none()
        if row is None:
            return False
        self.connection.execute(TOUCH, {"a_search": row.search_id})
        detail = {"delivery": delivery_id, "attempts": row.attempts, "error": values["error"]}
        self.record(kind, search_id=row.search_id, detail=detail)
        return True
