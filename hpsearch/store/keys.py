"""API keys: ids and hashes, never secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from hpsearch.records import KeyRecord, NewKey
from hpsearch.store.clock import now
from hpsearch.store.queries import Queries, columns
from hpsearch.store.statements import bind
from hpsearch.store.tables import api_key

_LIVE = sa.and_(
    api_key.c.revoked_at.is_(None),
    sa.or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now()),
)
_KEYS = sa.select(*columns(KeyRecord, api_key), _LIVE)
_BY_ID = _KEYS.where(api_key.c.id == bind("an_id", api_key.c.id))


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
        return self.one(KeyRecord, _BY_ID, an_id=key_id)

    def page(
        self, *, limit: int | None = None, after: tuple[Any, ...] | None = None
    ) -> Sequence[KeyRecord]:
        """Keys behind this (created_at, id), oldest first; all of them without a limit."""
        order = (api_key.c.created_at, api_key.c.id)
        query = _KEYS.order_by(*order).limit(limit)
        if after is not None:
            query = query.where(sa.tuple_(*order) > sa.tuple_(*after))
        return self.all(KeyRecord, query)

    def note_use(self, ages: Mapping[str, float]) -> None:
        """Note the last use of keys: by id, so many seconds ago; an earlier use changes nothing."""
        for key_id, age in sorted(ages.items()):
            used, last = now() - age, api_key.c.last_used_at
            self.connection.execute(
                api_key.update()
                .where(api_key.c.id == key_id, sa.or_(last.is_(None), last < used))
                .values(last_used_at=used)
            )

    def revoke(self, key_id: str) -> bool:
        """Close a key for good."""
        return self.changed(
            api_key.update()
            .where(api_key.c.id == key_id, api_key.c.revoked_at.is_(None))
            .values(revoked_at=now())
        )
