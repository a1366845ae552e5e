"""Places of datasets: a local folder used in place, or any fsspec URL behind a local cache.

    <place>/<digest>/info.json  train_x.npy  train_y.npy  test_rows.npy
                     sealed/test_x.npy  sealed/test_y.npy

A dataset appears whole or not at all. A local one is written beside its place and renamed; at a
remote one, where folders cannot be renamed, `info.json` is written last and nothing counts
before it is there. Writing the same content twice writes the same bytes, so it needs no lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from hpsearch import errors
from hpsearch.data.info import SEALED_FILES, DatasetInfo
from hpsearch.data.limits import NO_ROOM

INFO = "info.json"
SEALED = "sealed"
_STAGING = ".incoming-"
_STALE_SECONDS = 24 * 3600.0
_CHUNK = 1 << 20


class Place(Protocol):
    """A place that holds datasets by digest."""

    def staging(self) -> Path:
        """A folder to write a new dataset to; need not exist yet."""
        ...

    def publish(self, staging: Path, info: DatasetInfo) -> DatasetInfo:
        """Make the dataset in `staging` appear, using it up; the info with the stored hashes."""
        ...

    def info(self, digest: str) -> DatasetInfo | None:
        """The stored description, None where the dataset is not here."""
        ...

    def whole(self, digest: str) -> DatasetInfo | None:
        """The stored description where every file is known to be as it says, None elsewhere."""
        ...

    def path(self, info: DatasetInfo, name: str) -> Path:
        """The local path of one of the dataset's files, fetched first where it must be."""
        ...

    def size(self, info: DatasetInfo) -> int:
        """Bytes of the dataset's arrays as they are stored."""
        ...

    def delete(self, digest: str) -> None:
        """Remove the dataset; nothing happens where it is not here."""
        ...


def relative(name: str) -> str:
    """Return the path of a dataset's file inside the dataset's folder."""
    return f"{SEALED}/{name}" if name in SEALED_FILES else name


def file_digest(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing(info: DatasetInfo, name: str, where: str) -> errors.Corrupt:
    """The error for a file that should be there and is not."""
    return errors.Corrupt(
        f"{relative(name)} of dataset {info.digest} is not in {where}; every machine must see the "
        "same HPSEARCH_DATA_URL, and `hpsearch datasets add` stores a lost dataset again"
    )


def sweep(parent: Path) -> None:
    """Remove what killed ingests left behind more than a day ago."""
    for entry in parent.glob(f"{_STAGING}*"):
        # Another process may sweep at the same moment.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - entry.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)


class LocalPlace:
    """A folder of this machine (or one mounted on all of them), used in place."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def staging(self) -> Path:
        """A new name beside the datasets, so that publishing is one rename."""
        return _staging_in(self._root)

    def publish(self, staging: Path, info: DatasetInfo) -> DatasetInfo:
        """Rename into place; the same content already there and whole stays as it is."""
        _write_durably(staging / INFO, info)
        for folder in (staging / SEALED, staging):
            _sync_folder(folder)
        target = self._root / info.digest
        for _ in range(3):
            try:
                staging.rename(target)
            except OSError as error:
                refusal = error
            else:
                _sync_folder(self._root)
                return info
            if target.is_dir():
                stored = self.whole(info.digest)
                if stored is not None:
                    return self._completed(staging, target, info, stored)
                # What is there is damaged: put it aside and try again.
                self.delete(info.digest)
        raise errors.Unavailable(f"{target} cannot be written: {refusal}") from refusal

    def _completed(
        self, staging: Path, target: Path, info: DatasetInfo, stored: DatasetInfo
    ) -> DatasetInfo:
        """Give what lies here the description of now, and the files that it did not have yet."""
        for name in info.files.keys() - stored.files.keys():
            (staging / relative(name)).rename(target / relative(name))
        made = replace(info, files={**info.files, **stored.files})
        if made != stored:
            _write_durably(staging / INFO, made)
            (staging / INFO).rename(target / INFO)
            _sync_folder(target)
        return made

    def info(self, digest: str) -> DatasetInfo | None:
        """Read `info.json`."""
        try:
            return _parse_info((self._root / digest / INFO).read_bytes())
        except FileNotFoundError:
            return None

    def whole(self, digest: str) -> DatasetInfo | None:
        """Compare every file with the hash in `info.json`."""
        folder = self._root / digest
        try:
            info = _parse_info((folder / INFO).read_bytes())
            # A file that may not be read is not damaged: PermissionError is left to the caller.
            whole = all(file_digest(folder / relative(n)) == info.files[n] for n in info.files)
        except (FileNotFoundError, errors.Corrupt):
            return None
        return info if whole else None

    def path(self, info: DatasetInfo, name: str) -> Path:
        """The stored file itself."""
        return self._root / info.digest / relative(name)

    def size(self, info: DatasetInfo) -> int:
        """From the files' own entries."""
        return sum(self.path(info, name).stat().st_size for name in info.files)

    def delete(self, digest: str) -> None:
        """Rename away, then remove: nobody sees half a dataset. Open memory maps stay valid."""
        doomed = _staging_in(self._root)
        with contextlib.suppress(FileNotFoundError):
            (self._root / digest).rename(doomed)
            shutil.rmtree(doomed)


class RemotePlace:
    """A folder behind fsspec. Files are fetched once into `cache`, checked, then used there."""

    def __init__(self, url: str, cache: Path) -> None:
        # fsspec takes its time to import; a local store never needs it.
        import fsspec

        self._url, self._cache = url, cache
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise errors.Misconfigured(f"HPSEARCH_DATA_URL={url} cannot be used: {error}") from (
                error
            )

    def staging(self) -> Path:
        """A new name in the cache."""
        return _staging_in(self._cache)

    def publish(self, staging: Path, info: DatasetInfo) -> DatasetInfo:
        """Upload the arrays, then `info.json`, whose presence says that the rest is there."""
        with self._answering():
            self._files.makedirs(self._remote(info.digest, SEALED), exist_ok=True)
            for name in info.files:
                part = relative(name)
                self._files.put_file(str(staging / part), self._remote(info.digest, part))
            self._files.pipe_file(self._remote(info.digest, INFO), _format_info(info))
        return info

    def info(self, digest: str) -> DatasetInfo | None:
        """Fetch `info.json`."""
        with self._answering():
            try:
                return _parse_info(self._files.cat_file(self._remote(digest, INFO)))
            except FileNotFoundError:
                return None

    def whole(self, digest: str) -> DatasetInfo | None:  # noqa: ARG002  # see below
        """Never known: all of it would have to be fetched."""
        return None

    def path(self, info: DatasetInfo, name: str) -> Path:
        """The cached file, fetched and checked against its SHA-256 the first time."""
        target = self._cache / info.digest / relative(name)
        if not target.exists():
            self._fetch(info, name, target)
        return target

    def size(self, info: DatasetInfo) -> int:
        """Ask the place itself."""
        with self._answering():
            return sum(self._files.size(self._remote(info.digest, relative(n))) for n in info.files)

    def delete(self, digest: str) -> None:
        """Remove `info.json` first, then the rest, then this machine's cached copy."""
        with self._answering():
            for path in (self._remote(digest, INFO), self._remote(digest)):
                with contextlib.suppress(FileNotFoundError):
                    self._files.rm(path, recursive=True)
        shutil.rmtree(self._cache / digest, ignore_errors=True)

    def _fetch(self, info: DatasetInfo, name: str, target: Path) -> None:
        sealed = name in SEALED_FILES
        part = target.with_name(f"{target.name}.{secrets.token_hex(8)}.part")
        mode = 0o600 if sealed else 0o644
        try:
            target.parent.mkdir(mode=0o700 if sealed else 0o777, parents=True, exist_ok=True)
            handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
            with self._answering(), os.fdopen(handle, "wb") as to:
                with self._files.open(self._remote(info.digest, relative(name)), "rb") as source:
                    shutil.copyfileobj(source, to, _CHUNK)
                to.flush()
                os.fsync(to.fileno())
            if file_digest(part) != info.files[name]:
                raise errors.Corrupt(
                    f"{relative(name)} of dataset {info.digest} in {self._url} is damaged"
                )
            part.rename(target)
        except FileNotFoundError as error:
            raise missing(info, name, self._url) from error
        except OSError as error:
            raise errors.Unavailable(f"{target.parent} cannot be written: {error}") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()

    def _remote(self, *parts: str) -> str:
        return "/".join([self._root.rstrip("/"), *parts])

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, errors.HpsearchError):
            raise
        # Any exception, for the errors of backends have no class in common (botocore's, aiohttp's,
        # gcsfs' own), and a store that cannot be used is the same to the caller whatever it says.
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise  # a full disk has another way out, here or there
            raise errors.Unavailable(
                f"{self._url} does not answer ({type(error).__name__}: {error})"
            ) from error


def _staging_in(parent: Path) -> Path:
    return parent / f"{_STAGING}{secrets.token_hex(8)}"


def _format_info(info: DatasetInfo) -> bytes:
    return json.dumps(info.to_json(), indent=1).encode() + b"\n"


def _parse_info(content: bytes) -> DatasetInfo:
    try:
        value: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise errors.Corrupt(f"{INFO} of a dataset is not JSON: {error}") from error
    return DatasetInfo.from_json(value)


def _write_durably(path: Path, info: DatasetInfo) -> None:
    with path.open("wb") as file:
        file.write(_format_info(info))
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
