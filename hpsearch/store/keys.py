"""API keys: ids and hashes, never secrets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from hpsearch.records import KeyRecord, NewKey
from hpsearch.store.clock import now
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import api_key


class Keys(Queries):
    """The rows of the keys."""

    def insert(self, new: NewKey, *, days: int | None = None) -> bool:
        """Insert a key; False when the id is taken."""
        expires = None if days is None else now() + days * 86400.0
        values = {**asdict(new), "created_at": now(), "expires_at": expires}
        return self.insert_once(api_key, values)

    def upsert(self, new: NewKey) -> None:
        """Insert a key with a fixed id, or change its secret; a revoked one lives again."""
        if not self.insert(new):
            self.connection.execute(
                api_key.update()
                .where(api_key.c.id == new.id)
                .values({**asdict(new), "revoked_at": None, "expires_at": None})
            )

    def get(self, key_id: str) -> KeyRecord | None:
        """The key of an id."""
        return self.one(KeyRecord, self._select().where(api_key.c.id == key_id))

    def page(
        self, *, limit: int | None = None, after: tuple[Any, ...] | None = None
    ) -> Sequence[KeyRecord]:
        """Keys behind this (created_at, id), oldest first; all of them without a limit."""
        order = (api_key.c.created_at, api_key.c.id)
        query = self._select().order_by(*order).limit(limit)
        if after is not None:
            query = query.where(sa.tuple_(*order) > sa.tuple_(*after))
        return self.all(KeyRecord, query)

    def note_use(self, key_ids: Collection[str]) -> None:
        """Note that these keys have been used by now."""
        self.connection.execute(
            api_key.update().where(api_key.c.id.in_(list(key_ids))).values(last_used_at=now())
        )

    def revoke(self, key_id: str) -> bool:
        """Close a key for good."""
        return self.changed(
            api_key.update()
            .where(api_key.c.id == key_id, api_key.c.revoked_at.is_(None))
            .values(revoked_at=now())
        )

    def _select(self) -> sa.Select[Any]:
        live = sa.and_(
            api_key.c.revoked_at.is_(None),
            sa.or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now()),
        )
        return sa.select(*columns(KeyRecord, api_key), live)
