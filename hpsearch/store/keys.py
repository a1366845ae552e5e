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

    def replace(self, new: NewKey, *, former: str) -> None:
        """Give the key of a fixed id another secret; what it was stays, revoked, under the id `former`."""
        names = [column.name for column in api_key.columns]
        ended = sa.func.coalesce(api_key.c.revoked_at, now())
        others = {"id": sa.literal(former), "revoked_at": ended}
        kept = sa.select(*(others.get(name, api_key.c[name]) for name in names))
        held = api_key.c.id == new.id
        self.connection.execute(api_key.insert().from_select(names, kept.where(held)))
        anew = dict.fromkeys(("expires_at", "revoked_at", "last_used_at"))
        self.connection.execute(
            api_key.update().where(held).values({**asdict(new), **anew, "created_at": now()})
        )

    def with_secret(self, secret_sha256: str, *, prefix: str) -> KeyRecord | None:
        """The key of a secret among those whose ids begin so."""
        ours = api_key.c.id.startswith(prefix, autoescape=True)
        return self.one(KeyRecord, _KEYS.where(api_key.c.secret_sha256 == secret_sha256, ours))

    def delete(self, key_id: str) -> None:
        """Forget a key."""
        self.connection.execute(api_key.delete().where(api_key.c.id == key_id))

    def revive(self, key_id: str) -> None:
        """Open a revoked key again."""
        self.connection.execute(
            api_key.update().where(api_key.c.id == key_id).values(revoked_at=None)
        )

    def has_owner(self, owner: str) -> bool:
        """True of an owner who has, or had, a key."""
        return self.exists(sa.select(api_key.c.id).where(api_key.c.owner == owner))

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
