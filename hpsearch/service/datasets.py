"""Datasets: names to contents, ingest on first use, uploads, deletion."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hpsearch.data import AS_IT_IS, BUILTIN, DatasetInfo, DatasetStore, Reading
from hpsearch.data.info import VALIDATED
from hpsearch.errors import Conflict, InvalidRequest, NotFound, TooMany, Unavailable
from hpsearch.records import Act, DatasetRecord
from hpsearch.report.datasets import dataset_view, info_view
from hpsearch.report.views import DatasetView, Page, TestRowsView
from hpsearch.service import cursors, split_checks
from hpsearch.service.owners import limits_of
from hpsearch.settings import Settings
from hpsearch.spec import ResolvedSpec
from hpsearch.store import SHARED, Store, Tx

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Datasets:
    """The use cases about datasets."""

    def __init__(self, store: Store, files: DatasetStore, settings: Settings) -> None:
        self._store = store
        self._files = files
        self._settings = settings
        self._make, self._fetch = threading.Lock(), threading.Lock()

    def find(self, name: str, *, owner: str) -> DatasetInfo:
        """The dataset that `name` stands for now; a built-in one is made on first use.

        Raises
        ------
        NotFound
            Nobody gave this name to a dataset, or a built-in one cannot be fetched.
        TooMany
            Another caller waits for a built-in dataset from the internet.
        """
        known = self._known(name, owner)
        if known is not None:
            return known
        if name not in BUILTIN:
            raise self._unknown(name, owner)
        with self._turn(name):
            return self._known(name, owner) or self._made(name)

    def _known(self, name: str, owner: str) -> DatasetInfo | None:
        row = self._store.read(lambda tx: tx.library.get(owner, name))
        return None if row is None else DatasetInfo.from_json(row.info)

    def _made(self, name: str) -> DatasetInfo:
        folder = self._settings.home / "datasets" / name
        try:
            info = self._files.ingest_builtin(name, folder=folder)
        except Unavailable as error:
            # Trying again does not help; the message says what does.
            raise NotFound(str(error)) from error
        size = self._files.size(info)
        self._store.write(lambda tx: tx.library.put(SHARED, name, info, size))
        return info

    def require_splits(self, resolved: ResolvedSpec, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts of a dataset whose rows allow the splits of a spec, with the rows that validate.

        They are counted where groups or time decide the splits: these come to other shares than asked.

        Raises
        ------
        InvalidSpec
            They do not; names the field and the way out.
        """
        if not facts.get("groups") and not facts.get("time"):
            return dict(facts)
        validated = split_checks.validated(self._files, DatasetInfo.from_json(facts), resolved)
        return {**facts, VALIDATED: validated}

    def list(self, *, owner: str, limit: int = 100, cursor: str | None = None) -> Page:
        """The owner's datasets and the shared ones by name, built-in ones not yet made included."""
        key = cursors.decode(cursor, (str,))
        after = "" if key is None else str(key[0])
        rows = self._store.read(
            lambda tx: tx.library.page(owner, limit=limit + 1, after=after or None)
        )
        views = {row.name: self._view(row) for row in rows}
        edge = rows[-1].name if len(rows) > limit else None  # what comes later is on a later page
        for name in BUILTIN:
            if name > after and (edge is None or name < edge):
                views.setdefault(name, _unmade(name))
        names = sorted(views)
        more = cursors.encode((names[limit - 1],)) if len(names) > limit else None
        return Page(items=[views[name] for name in names[:limit]], next=more)

    def get(self, name: str, *, owner: str) -> DatasetView:
        """A dataset; looking at a built-in one does not make it.

        Raises
        ------
        NotFound
            Nobody gave this name to a dataset.
        """
        row = self._store.read(lambda tx: tx.library.get(owner, name))
        if row is not None:
            return self._view(row)
        if name not in BUILTIN:
            raise self._unknown(name, owner)
        return _unmade(name)

    def put(
        self,
        name: str,
        path: Path,
        *,
        content_type: str,
        owner: str,
        reading: Reading = AS_IT_IS,
        dry_run: bool = False,
    ) -> DatasetView:
        """Store an uploaded file under `name`; searches on an older content keep theirs.

        A dry run stores nothing, and shows what would be.

        Raises
        ------
        InvalidRequest, Conflict, InvalidDataset, TooLarge, UnsupportedType
            Nothing is stored then.
        """
        self._check(name)
        if dry_run:
            info = self._files.ingest_upload(path, content_type, reading, keep=False)
            return info_view(info.to_json(), name, builtin=False)
        return self._keep(
            owner, name, lambda: self._files.ingest_upload(path, content_type, reading)
        )

    def add(
        self, name: str, path: Path, *, owner: str, reading: Reading = AS_IT_IS,
        dry_run: bool = False,
    ) -> DatasetView:  # fmt: skip
        """Store files of the server's own machine; MNIST's four files under a built-in name too.

        A dry run stores nothing, and shows what would be.

        Raises
        ------
        InvalidRequest, Conflict, InvalidDataset
            Nothing is stored then.
        """
        folder = name in BUILTIN and path.is_dir()
        if not folder:
            self._check(name)
        if dry_run:
            info = self._files.ingest_folder(name, path, reading, keep=False)
            return info_view(info.to_json(), name, builtin=folder)
        return self._keep(
            SHARED if folder else owner,
            name,
            lambda: self._files.ingest_folder(name, path, reading),
        )

    def test_rows(self, name: str, *, owner: str) -> TestRowsView:
        """The numbers of the examples that were split off and sealed.

        Raises
        ------
        NotFound
            Nobody gave this name to a dataset, or its numbers were not kept.
        Conflict
            No rows were split off: it brought its own test part.
        """
        row = self._store.read(lambda tx: tx.library.get(owner, name))
        if row is None:
            raise self._unknown(name, owner)
        info = DatasetInfo.from_json(row.info)
        if info.test_split == "given":
            raise Conflict(f"{name!r} brought its own test part; no rows were split off")
        rows = self._files.test_rows(info)
        if rows is None:
            raise NotFound(
                f"{name!r} was stored before the numbers of sealed rows were kept; upload the same "
                "file again, which changes nothing else"
            )
        return TestRowsView(
            name=name, digest=info.digest, examples=info.n_train + info.n_test, rows=rows.tolist()
        )

    def delete(self, name: str, *, owner: str) -> None:
        """Forget a name; the files go with it where no search refers to them.

        Raises
        ------
        NotFound
            The owner has no dataset of this name.
        Conflict
            It is built in, or an unfinished search trains on it.
        """
        if name in BUILTIN:
            raise Conflict(f"{name!r} is built in and cannot be deleted")

        self.sweep(self._store.write(lambda tx: _remove(tx, owner, name)))

    def sweep(self, digest: str) -> None:
        """Remove a content that no name and no search refers to any more."""
        if self._store.write(lambda tx: tx.library.forget(digest)):
            self._files.delete(digest)

    def _keep(self, owner: str, name: str, ingest: Callable[[], DatasetInfo]) -> DatasetView:
        old = self._store.read(lambda tx: tx.library.get(owner, name))
        self._store.read(lambda tx: self._check_room(tx, owner, name, 1))
        info = ingest()
        if not self._files.exists(info.digest):
            ingest()  # somebody deleted the last use of these very bytes in the meantime
        size = self._files.size(info)
        try:
            self._store.write(lambda tx: self._name(tx, owner, name, info, size))
        except TooMany:
            self._discard(info.digest)
            raise
        if not self._files.exists(info.digest):
            ingest()  # or did so until the name was written
        if old is not None and old.owner == owner and old.digest != info.digest:
            self.sweep(old.digest)
        return self.get(name, owner=owner)

    def _name(self, tx: Tx, owner: str, name: str, info: DatasetInfo, size: int) -> None:
        tx.lock_owner(owner)
        self._check_room(tx, owner, name, size)
        tx.library.put(owner, name, info, size)
        tx.audit.add(Act.DATASET_PUT, name, owner=owner, digest=info.digest, bytes=size)

    def _check_room(self, tx: Tx, owner: str, name: str, size: int) -> None:
        """Refuse a dataset of `size` bytes that goes beyond the owner's quota."""
        if owner == SHARED:
            return
        count, held = tx.library.held(owner, but=name)
        limits = limits_of(tx, owner, self._settings)
        most, bytes_most = limits.datasets, limits.dataset_bytes
        if count >= most:
            raise TooMany(f"you have {count} datasets, the limit is {most}; delete one first")
        if held + size > bytes_most:
            raise TooMany(
                f"your datasets have {held:,} bytes and this one {size:,}, the limit is "
                f"{bytes_most:,}; delete one first"
            )

    def _discard(self, digest: str) -> None:
        """Remove the files of a content that nobody has come to name."""
        if self._store.read(lambda tx: tx.library.content(digest)) is None:
            self._files.delete(digest)

    def _check(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise InvalidRequest(
                f"dataset name {name[:80]!r}: use 1 to 64 of a-z 0-9 . _ -, a letter or digit first"
            )
        if name in BUILTIN:
            raise Conflict(f"{name!r} is the name of a built-in dataset; choose another")

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """Let one caller at a time make a built-in dataset; the others find it made.

        Nobody waits for one who waits for the internet: that would hold every thread.
        """
        distant = bool(BUILTIN[name].openml)
        lock = self._fetch if distant else self._make
        if not lock.acquire(blocking=not distant):
            raise TooMany(f"a dataset is being fetched for another request; try {name} again later")
        try:
            yield
        finally:
            lock.release()

    def _unknown(self, name: str, owner: str) -> NotFound:
        known = ", ".join([*BUILTIN, *self._own(owner)])
        return NotFound(f"unknown dataset {name!r}; known are {known}")

    def _own(self, owner: str) -> Sequence[str]:
        rows = self._store.read(lambda tx: tx.library.page(owner, limit=20, after=None))
        return [row.name for row in rows if row.owner == owner]

    def _view(self, dataset: DatasetRecord) -> DatasetView:
        return dataset_view(dataset, builtin=dataset.owner == SHARED)


def _unmade(name: str) -> DatasetView:
    about = BUILTIN[name]
    return DatasetView(name=name, builtin=True, source=about.source, licence=about.licence)


def _remove(tx: Tx, owner: str, name: str) -> str:
    """Forget a name; the digest of its content."""
    row = tx.library.get(owner, name)
    if row is None or row.owner != owner:
        raise NotFound(f"unknown dataset {name!r}")
    users = tx.library.in_use(owner, row.digest)
    if users:
        raise Conflict(f"{users} unfinished searches train on {name!r}; cancel them first")
    tx.library.remove(owner, name)
    tx.audit.add(Act.DATASET_DELETED, name, owner=owner, digest=row.digest)
    return row.digest
