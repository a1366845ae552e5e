"""A backup of the embedded service, put into an empty data folder and brought up to date there."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.errors import Conflict, Corrupt, InvalidRequest, Unavailable
from hpsearch.records import Act
from hpsearch.service.backup import DATA, DATABASE
from hpsearch.settings import Settings
from hpsearch.store import SCHEMA, Store
from hpsearch.store.snapshot import Snapshot, inspect

_MEMBER = re.compile(rf"hpsearch\.db|api\.key|{DATA}(/[0-9a-f]{{64}}(/[\w.]+){{0,2}})?")


@dataclass(frozen=True, slots=True)
class Restored:
    """A data folder that was made of a backup.

    revision
        The schema that the backup had; where it is older than this version's, it was migrated.
    missing
        Why a dataset that the database names is not there.
    """

    home: str
    revision: str
    schema: str
    datasets: int
    missing: Sequence[str]


def restore(file: Path, settings: Settings, *, migrate: Callable[[Path], None]) -> Restored:
    """Unpack a backup into the data folder of `settings`, which is empty or not there yet.

    Everything is unpacked, checked and migrated aside, and appears when it is whole. `migrate` gets
    the folder with the database. The audit of the restored service ends with a row about it.

    Raises
    ------
    InvalidRequest
        `file` is no backup, or the settings name another database.
    Conflict
        The folder is not empty, or the backup is of a newer schema.
    Corrupt
        The database in it is damaged.
    Unavailable
        The folder cannot be written.
    """
    home = settings.home.absolute()
    if settings.database_url is not None:
        raise InvalidRequest(
            "a backup is one of the embedded service: unset DATABASE_URL (a dump of PostgreSQL is "
            "restored by pg_restore)"
        )
    if not file.is_file():
        raise InvalidRequest(f"{file}: there is no such file")
    made = not home.exists()
    try:
        settings.make_home()
        if any(home.iterdir()):
            raise Conflict(
                f"{home} is not empty; name a folder that is, or is not there yet: --home"
            )
        with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as folder:
            return _restored(file, Path(folder), settings, migrate)
    except OSError as error:
        raise Unavailable(f"{home} cannot be written: {error}") from error
    finally:
        if made and home.is_dir() and not any(home.iterdir()):
            home.rmdir()


def _restored(
    file: Path, aside: Path, settings: Settings, migrate: Callable[[Path], None]
) -> Restored:
    _unpack(file, aside)
    copied = (aside / DATABASE).stat().st_mtime
    snapshot = inspect(aside / DATABASE)
    if snapshot.revision > SCHEMA:
        raise Conflict(
            f"{file} has the schema {snapshot.revision}, and this version knows {SCHEMA}: install the "
            "version that made it, or a newer one"
        )
    if snapshot.revision != SCHEMA:
        migrate(aside)
    infos = [DatasetInfo.from_json(info) for info in snapshot.infos]
    (aside / DATA).mkdir(exist_ok=True)
    datasets, missing = DatasetStore(str(aside / DATA), aside / "cache"), []
    elsewhere = DatasetStore(settings.datasets_url, settings.cache) if settings.data_url else None
    for info in infos:
        try:
            datasets.verify(info)
        except Corrupt:
            missing.append(f"dataset {info.digest} is not whole in the backup; add it again")
        else:
            if elsewhere is not None:
                elsewhere.take(info, datasets)
    _audit(aside / DATABASE, file, copied, snapshot)
    home = settings.home.absolute()
    # The database last: with it the folder is a service's.
    for name in ("api.key", *([] if elsewhere else [DATA]), DATABASE):
        if (aside / name).exists():
            (aside / name).rename(home / name)
    return Restored(str(home), snapshot.revision, SCHEMA, len(infos) - len(missing), missing)


def _audit(database: Path, file: Path, copied: float, snapshot: Snapshot) -> None:
    """Note in the restored database that it was restored, from which file and of which moment.

    What the copy's own audit ends with happened before: keys that were closed since are open again.
    """
    store = Store(f"sqlite:///{quote(str(database))}")
    moment = datetime.fromtimestamp(copied, UTC).isoformat(timespec="seconds")
    name = file.name.encode(errors="backslashreplace").decode()  # it may be no text, as in Latin-1
    about: dict[str, Any] = {"from": name, "copied_at": moment, "schema": snapshot.revision}
    try:
        store.write(lambda tx: tx.audit.add(Act.SERVICE_RESTORED, tx.installation.id(), **about))
    finally:
        store.close()


def _unpack(file: Path, folder: Path) -> None:
    """Unpack a backup, with the modes that it has, and as files of whoever runs this."""
    try:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter=_ours)  # noqa: S202  # `_ours` looks at each
    except (tarfile.TarError, EOFError) as error:
        raise InvalidRequest(f"{file} is no backup, or is cut off: {error}") from error
    if not (folder / DATABASE).is_file():
        raise InvalidRequest(f"{file} is no backup of hpsearch: there is no {DATABASE} in it")


def _ours(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """Let in what `backup` writes, and nothing else."""
    known = _MEMBER.fullmatch(member.name) and ".." not in member.name.split("/")
    if not known or not (member.isreg() or member.isdir()):
        raise InvalidRequest(f"{member.name[:80]!r} is in no backup of hpsearch")
    safe = tarfile.tar_filter(member, folder)
    return safe.replace(uid=None, gid=None, uname=None, gname=None)  # type: ignore[arg-type]
