"""Datasets by name, their contents by digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.data import DatasetInfo
from hpsearch.records import ContentRecord, DatasetRecord
from hpsearch.store.clock import now
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import dataset, dataset_content, search
from hpsearch.trials import ENDED

SHARED = ""  # owner of the built-in datasets


class Library(Queries):
    """Names belong to owners; contents are shared by whoever stored the same bytes."""

    def put(self, owner: str, name: str, info: DatasetInfo, size: int) -> None:
        """Give a name to a content of `size` bytes; a name that was taken moves on to it.

        A content that is stored already gets the description of now: it may say more.
        """
        digest = info.digest
        content = {"digest": digest, "info": info.to_json(), "bytes": size}
        if not self.insert_once(dataset_content, content):
            self.connection.execute(
                dataset_content.update().where(dataset_content.c.digest == digest).values(content)
            )
        fresh = self.insert_once(
            dataset, {"owner": owner, "name": name, "digest": digest, "created_at": now()}
        )
        if not fresh:
            self.connection.execute(
                dataset.update()
                .where(dataset.c.owner == owner, dataset.c.name == name)
                .values(digest=digest)
            )

    def get(self, owner: str, name: str) -> DatasetRecord | None:
        """A dataset of the owner's, else a shared one."""
        query = self._named(owner).where(dataset.c.name == name).order_by(dataset.c.owner.desc())
        return self.one(DatasetRecord, query.limit(1))

    def page(self, owner: str, *, limit: int, after: str | None) -> Sequence[DatasetRecord]:
        """The owner's and the shared datasets by name."""
        # Byte order, as the caller sorts: a database's own locale may have another.
        name = dataset.c.name.collate(self.dialect.bytewise)
        query = self._named(owner).order_by(name).limit(limit)
        if after is not None:
            query = query.where(name > after)
        return self.all(DatasetRecord, query)

    def content(self, digest: str) -> ContentRecord | None:
        """The content of a digest."""
        query = sa.select(*columns(ContentRecord, dataset_content))
        return self.one(ContentRecord, query.where(dataset_content.c.digest == digest))

    def digests(self) -> Sequence[str]:
        """Every content that is stored."""
        query = sa.select(dataset_content.c.digest).order_by(dataset_content.c.digest)
        return self.connection.execute(query).scalars().all()

    def infos(self) -> Sequence[Mapping[str, Any]]:
        """The description of every content that is stored."""
        query = sa.select(dataset_content.c.info).order_by(dataset_content.c.digest)
        return self.connection.execute(query).scalars().all()

    def held(self, owner: str, *, but: str) -> tuple[int, int]:
        """Number and bytes of an owner's datasets besides `but`.

        A content under two names counts twice.
        """
        query = (
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(dataset_content.c.bytes), 0))
            .select_from(dataset)
            .join(dataset_content, dataset_content.c.digest == dataset.c.digest)
            .where(dataset.c.owner == owner, dataset.c.name != but)
        )
        count, size = self.connection.execute(query).one()
        return int(count), int(size)

    def in_use(self, owner: str, digest: str) -> int:
        """Unfinished searches of an owner on a content."""
        query = sa.select(sa.func.count()).where(
            search.c.owner == owner,
            search.c.dataset_digest == digest,
            search.c.state.not_in(list(ENDED)),
        )
        return self.connection.execute(query).scalar_one()

    def remove(self, owner: str, name: str) -> bool:
        """Forget a name."""
        return self.changed(
            dataset.delete().where(dataset.c.owner == owner, dataset.c.name == name)
        )

    def forget(self, digest: str) -> bool:
        """Forget a content that no name and no search refers to."""
        return self.changed(
            dataset_content.delete().where(
                dataset_content.c.digest == digest,
                ~sa.exists().where(dataset.c.digest == digest),
                ~sa.exists().where(search.c.dataset_digest == digest),
            )
        )

    def _named(self, owner: str) -> sa.Select[Any]:
        return (
            sa.select(*columns(DatasetRecord, dataset), dataset_content.c.info)
            .join(dataset_content, dataset_content.c.digest == dataset.c.digest)
            .where(dataset.c.owner.in_([owner, SHARED]))
        )
