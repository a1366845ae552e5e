"""API keys: ids and hashes, never secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def all(self) -> Sequence[Row]:
        """Every key, oldest first."""
        return self.connection.execute(
            sa.select(api_key).order_by(api_key.c.created_at, api_key.c.id)
        ).all()

    def revoke(self, key_id: str) -> bool:
        """Close a key for good."""
        return self.changed(
            api_key.update()
            .where(api_key.c.id == key_id, api_key.c.revoked_at.is_(None))
            .values(revoked_at=now())
        )
