"""A copy of the embedded service while it runs: database, datasets and key in one file.

The file is a plain tar archive whose members lie as they do in the data folder; `restore` checks
what it unpacks.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hpsearch.data import DatasetInfo
from hpsearch.data.info import TRAIN_FILES
from hpsearch.errors import Conflict, HpsearchError, InvalidRequest, Unavailable
from hpsearch.service import Services

DATABASE = "hpsearch.db"
DATA = "data"


@dataclass(frozen=True, slots=True)
class Backup:
    """The contents of an archive, and the datasets that it had to go without."""

    path: str
    bytes: int
    datasets: int
    missing: list[str]  # why a dataset could not be copied


def backup(services: Services, target: Path, *, besides: Iterable[Path] = ()) -> Backup:
    """Write everything that the service must keep to a new file, readable by its owner alone.

    The database is copied as it is at one moment, and the datasets that it names after it: a
    dataset never changes under its digest. `besides` are files of the data folder that are to
    come along where they exist.

    Raises
    ------
    InvalidRequest
        The database is PostgreSQL's, or the datasets lie on another machine.
    Conflict
        `target` exists.
    Unavailable
        The database does not answer, or the file cannot be written.
    """
    settings = services.settings
    if not services.store.engines.sqlite or "://" in settings.datasets_url:
        raise InvalidRequest(
            "this copies the embedded service; PostgreSQL is copied by pg_dump and datasets of "
            "another place by that place's own means (docs/distributed.md)"
        )
    if target.exists():
        raise Conflict(f"{target} exists; name a file that does not")
    missing: list[str] = []
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
            snapshot, part = Path(folder) / DATABASE, Path(folder) / "part.tar"
            infos = [DatasetInfo.from_json(info) for info in services.store.snapshot(snapshot)]
            with part.open("xb") as file:
                part.chmod(0o600)  # it holds the key and the sealed parts
                with tarfile.open(fileobj=file, mode="w") as archive:
                    archive.add(snapshot, DATABASE)
                    for path in besides:
                        if path.exists():
                            archive.add(path, str(path.relative_to(settings.home)))
                    for info in infos:
                        missing += _add(archive, services, info)
                file.flush()
                os.fsync(file.fileno())
            part.rename(target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error}") from error
    return Backup(str(target), target.stat().st_size, len(infos) - len(missing), missing)


def _add(archive: tarfile.TarFile, services: Services, info: DatasetInfo) -> list[str]:
    """Copy a dataset that is whole; else the reason why not, for the rest is worth keeping."""
    try:
        services.files.verify(info)
    except HpsearchError as error:
        return [str(error)]
    folder = services.files.file(info, TRAIN_FILES[0]).parent
    archive.add(folder, f"{DATA}/{info.digest}")
    return []
