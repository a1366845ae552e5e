"""API keys: ids and hashes, never secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.store.base import Part, Row
from hpsearch.store.clock import now
from hpsearch.store.tables import api_key


class Keys(Part):
    """The rows of the keys."""

    def insert(self, values: Mapping[str, Any], *, days: int | None = None) -> bool:
        """A new key; False when the id is taken."""
        expires = None if days is None else now() + days * 86400.0
        return self.insert_once(api_key, {**values, "created_at": now(), "expires_at": expires})

    def upsert(self, values: Mapping[str, Any]) -> None:
        """A key with a fixed id, whose secret may have changed; revoked ones live again."""
        if not self.insert(values):
            self.connection.execute(
                api_key.update()
                .where(api_key.c.id == values["id"])
                .values({**values, "revoked_at": None, "expires_at": None})
            )

    def get(self, key_id: str) -> Row | None:
        """One key, with `live` saying whether it is neither expired nor revoked."""
        live = sa.and_(
            api_key.c.revoked_at.is_(None),
            sa.or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now()),
        )
        return self.one(sa.select(api_key, live.label("live")).where(api_key.c.id == key_id))

    def page(self, *, limit: int, after: tuple[Any, ...] | None) -> Sequence[Row]:
        """Keys after the given (created_at, id), oldest first."""
        order = (api_key.c.created_at, api_key.c.id)
        query = sa.select(api_key).order_by(*order).limit(limit)
        if after is not None:
            query = query.where(sa.tuple_(*order) > sa.tuple_(*after))
        return self.connection.execute(query).all()

    def all(self) -> Sequence[Row]:
        """Every key, oldest first."""
        return self.connection.execute(
            sa.select(api_key).order_by(api_key.c.created_at, api_key.c.id)
        ).all()

    def used(self, key_ids: Collection[str]) -> None:
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
