"""Limits that were set for one owner."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from hpsearch.records import QuotaRecord
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import quota

_ROWS = sa.select(*columns(QuotaRecord, quota))


class Quotas(Queries):
    """A row for each owner who has limits of their own."""

    def of(self, owner: str) -> QuotaRecord:
        """The limits of an owner; all None where there are none of their own."""
        stored = self.one(QuotaRecord, _ROWS.where(quota.c.owner == owner))
        return stored or QuotaRecord(owner)

    def all_set(self) -> Sequence[QuotaRecord]:
        """Every owner with limits of their own, by name."""
        return self.all(QuotaRecord, _ROWS.order_by(quota.c.owner))

    def put(self, limits: QuotaRecord) -> None:
        """Set the limits of an owner, in place of those that they had."""
        self.connection.execute(quota.delete().where(quota.c.owner == limits.owner))
        if any(value is not None for value in limits[1:]):
            self.connection.execute(quota.insert().values(limits._asdict()))
