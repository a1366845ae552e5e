"""`DatasetStore`: ingest, open, verify and delete datasets, all by the digest of their content."""

from __future__ import annotations

import codecs
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data import child
from hpsearch.data.arrays import open_facts, open_part, open_targets
from hpsearch.data.catalogue import BUILTIN, IDX_NAMES, idx_files
from hpsearch.data.formats import (
    FORMATS,
    by_media_type,
    by_suffix,
    name_suffixes,
    reader_of,
)
from hpsearch.data.info import (
    ROWS_FILE,
    SEALED_FILES,
    TRAIN_FILES,
    DatasetInfo,
    require_digest,
)
from hpsearch.data.limits import FULL, LOCAL, NO_ROOM, UPLOAD, Limits
from hpsearch.data.parse import bundled, idx
from hpsearch.data.parse.request import AS_IT_IS, Reader, Reading, Request
from hpsearch.data.places import (
    SEALED,
    LocalPlace,
    Place,
    RemotePlace,
    file_digest,
    missing,
    relative,
    sweep,
)
from hpsearch.data.row_facts import NO_FACTS, TRAIN_FACTS, RowFacts

_UTF8 = {"utf-8", "utf8", "us-ascii"}

Parse = Callable[[Request, Limits], DatasetInfo]


@dataclass(frozen=True, slots=True)
class TrainPart:
    """The training examples, memory-mapped: x (n_train, features) uint8 or float32, y (n_train,).

    uint8 is always an image; an image given as floats stays float32. Classes are int64, targets of
    a regression float64.
    """

    x: npt.NDArray[Any]
    y: npt.NDArray[Any]
    facts: RowFacts = NO_FACTS


class DatasetStore:
    """Datasets under `url`, a folder's path or an fsspec URL; `cache` is a local folder.

    Nothing is made or opened before it is needed. Every ingest parses in a limited child process,
    writes to a folder of its own and lets the dataset appear whole; a refused one leaves nothing.
    `parse` takes the place of the child process: `parse.work.ingest` parses in the caller's own.

    The split into training and test part is made once, at ingest, and is then the files themselves:
    the digest covers both parts, and the same content stored again keeps the files that lie here. A
    new rule for splits gives a new upload another digest, beside which stored datasets stay.
    """

    def __init__(
        self,
        url: str,
        cache: Path,
        *,
        uploads: Limits = UPLOAD,
        local: Limits = LOCAL,
        parse: Parse = child.run,
    ) -> None:
        self._place: Place = RemotePlace(url, cache) if "://" in url else LocalPlace(Path(url))
        self._uploads, self._local, self._parse = uploads, local, parse

    def ingest_builtin(
        self, name: str, *, folder: Path | None = None, offline: bool = False
    ) -> DatasetInfo:
        """Store a built-in dataset: from scikit-learn, from IDX files in `folder`, or OpenML.

        One of scikit-learn's that lies here whole is not read again: its content never changes.
        `folder` holds the four IDX files of mnist or fashion-mnist; where it does not exist or is
        empty, OpenML is asked, unless `offline`.

        Raises
        ------
        errors.NotFound
            No built-in dataset has this name.
        errors.InvalidDataset
            `folder` lacks some of the four files, or they are damaged.
        errors.Unavailable
            OpenML does not answer.
        """
        if name not in BUILTIN:
            raise errors.NotFound(f"no built-in dataset {name!r}; there are {', '.join(BUILTIN)}")
        about = BUILTIN[name]
        whole = self._whole(about.digest) if about.digest else None
        if whole is not None:
            return whole
        request = Request(
            reader=bundled.read, out="", name=name, source=about.source, licence=about.licence
        )
        if name in IDX_NAMES:
            if folder is not None and folder.is_dir() and any(folder.iterdir()):
                request = replace(request, reader=idx.read, path=str(folder))
            elif offline:
                raise errors.InvalidDataset(
                    f"{name} is not on this machine ({folder}) and downloads are switched off; "
                    f"`hpsearch datasets add {name} PATH` reads its four IDX files from a folder"
                )
            else:
                request = replace(request, reader=bundled.fetch, network=True)
        return self._ingest(request, self._local)

    def ingest_folder(
        self, name: str, path: Path, reading: Reading = AS_IT_IS, *, keep: bool = True
    ) -> DatasetInfo:
        """Store a folder with four IDX files, or a file in one of `FORMATS`, that the operator names.

        keep
            False stores nothing, and describes what would be stored.

        Raises
        ------
        errors.InvalidDataset
            `path` is none of them, or it cannot be trained on.
        errors.InvalidRequest
            An option is none of the file's format.
        """
        reader: Reader
        if path.is_dir():
            idx_files(path)
            reader = idx.read
        elif path.is_file():
            hint = by_suffix(path) or FORMATS["npz"]
            reader = reader_of(path, hint, reading)
            reading = replace(reading, filename=path.name)
        else:
            raise errors.InvalidDataset(
                f"{path} is not a folder of IDX files, {name_suffixes()} that exists"
            )
        source = f"{path.name} as {name}"
        request = Request(
            reader=reader, out="", name=name, path=str(path), source=source, **_fields(reading)
        )
        if name in IDX_NAMES:
            about = BUILTIN[name]
            request = replace(request, source=about.source, licence=about.licence)
        return self._ingest(request, self._local, keep=keep)

    def ingest_upload(
        self, path: Path, content_type: str, reading: Reading = AS_IT_IS, *, keep: bool = True
    ) -> DatasetInfo:
        """Store an uploaded file that lies at `path`; the file stays.

        keep
            False stores nothing, and describes what would be stored.

        Raises
        ------
        errors.UnsupportedType
            No media type of `FORMATS`, or text in an encoding that is not known.
        errors.InvalidDataset
            It cannot be trained on; `mistakes` says where and why.
        errors.InvalidRequest
            An option is none of the file's format.
        errors.TooLarge
            Beyond what the limits of uploads allow.
        """
        media, *parameters = content_type.lower().replace('"', "").replace(" ", "").split(";")
        hint = by_media_type(media)
        charset = next((one[8:] for one in parameters if one.startswith("charset=")), "")
        if hint is None or (charset and not _is_known(charset)):
            known = (
                f"{one.article} {'UTF-8 ' if one.text else ''}{one.noun} as {one.media_type}"
                for one in FORMATS.values()
            )
            raise errors.UnsupportedType(
                f"content type {content_type!r} is not understood; send {' or '.join(known)}"
            )
        if charset and charset not in _UTF8 and reading.encoding is None and hint.text:
            reading = replace(reading, encoding=charset)
        reader = reader_of(path, hint, reading)
        request = Request(reader, out="", path=str(path), source="upload", **_fields(reading))
        return self._ingest(request, self._uploads, keep=keep)

    def open_train(self, info: DatasetInfo) -> TrainPart:
        """Memory-map the training part; the sealed files are not touched.

        Raises
        ------
        errors.Corrupt
            A file is missing or of another shape than `info` says.
        errors.Unavailable
            The store does not answer.
        """
        x, y = open_part(self, info, TRAIN_FILES, info.n_train)
        facts = open_facts(self, info, TRAIN_FACTS, info.n_train)
        return TrainPart(x=x, y=y, facts=facts)

    def train_rows(self, info: DatasetInfo) -> tuple[npt.NDArray[Any], RowFacts]:
        """Targets (n_train,) and facts of the training part, whose features stay where they are.

        Raises: errors.Corrupt, errors.Unavailable, as `open_train` does.
        """
        y = open_targets(self, info, TRAIN_FILES[1], info.n_train)
        return y, open_facts(self, info, TRAIN_FACTS, info.n_train)

    def test_rows(self, info: DatasetInfo) -> npt.NDArray[np.int64] | None:
        """The numbers, from 0, of the file's examples that were sealed: numbers, no values.

        None where the file brought its own test part, or was stored before numbers were kept.

        Raises
        ------
        errors.Corrupt, errors.Unavailable
            The numbers are lost, or cannot be read.
        """
        if ROWS_FILE not in info.files:
            return None
        self.verify_files(info, (ROWS_FILE,))
        rows: npt.NDArray[np.int64] = np.load(self.file(info, ROWS_FILE), allow_pickle=False)
        return rows

    def verify(self, info: DatasetInfo) -> None:
        """Hash all files again.

        Raises
        ------
        errors.Corrupt
            Naming the file that is missing or differs from what was stored.
        errors.Unavailable
            A file cannot be read.
        """
        self.verify_files(info, info.files)

    def verify_files(self, info: DatasetInfo, names: Iterable[str]) -> None:
        """`verify` for some of the files: `TRAIN_FILES` spares the sealed ones."""
        for name in names:
            path = self.file(info, name)
            try:
                digest = file_digest(path)
            except FileNotFoundError as error:
                raise missing(info, name, str(path.parent)) from error
            except OSError as error:
                raise errors.Unavailable(f"{path} cannot be read: {error}") from error
            if digest != info.files[name]:
                raise errors.Corrupt(
                    f"{path} is not what was stored: SHA-256 {digest[:12]}…, "
                    f"not {info.files[name][:12]}…; remove its folder and add the dataset again"
                )

    def file(self, info: DatasetInfo, name: str) -> Path:
        """The local path of one of its files, fetched first where the store is remote."""
        return self._place.path(info, name)

    def info(self, digest: str) -> DatasetInfo:
        """The description stored beside the arrays.

        Raises
        ------
        errors.NotFound
            No dataset has this digest.
        """
        info = self._place.info(require_digest(digest))
        if info is None:
            raise errors.NotFound(f"no dataset {digest}")
        return info

    def size(self, info: DatasetInfo) -> int:
        """Bytes of the four arrays as they are stored.

        Raises
        ------
        errors.Unavailable
            The store does not answer.
        """
        try:
            return self._place.size(info)
        except OSError as error:
            raise errors.Unavailable(f"dataset {info.digest} cannot be read: {error}") from error

    def exists(self, digest: str) -> bool:
        """Return True if a dataset of this digest is stored here."""
        return self._place.info(require_digest(digest)) is not None

    def take(self, info: DatasetInfo, source: DatasetStore) -> None:
        """Store a copy of a dataset of another store, hashed before it appears; one that is here whole stays.

        Raises
        ------
        errors.Corrupt
            A file of the source is missing, or is not what was stored.
        errors.StorageFull, errors.Unavailable
            The copy cannot be written.
        """
        if self._whole(info.digest) is not None:
            return
        source.verify(info)
        staging = self._place.staging()
        try:
            (staging / SEALED).mkdir(mode=0o700, parents=True)
            for name in info.files:
                copy = staging / relative(name)
                _copy(source.file(info, name), copy, mode=0o600 if name in SEALED_FILES else 0o644)
                if file_digest(copy) != info.files[name]:
                    raise errors.Corrupt(f"{copy} is not what was written; look at its disk")
            self._place.publish(staging, info)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise errors.StorageFull(FULL) from error
            raise errors.Unavailable(f"{staging.parent} cannot be written: {error}") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def delete(self, digest: str) -> None:
        """Remove a dataset; one that is not here is no error."""
        self._place.delete(require_digest(digest))

    def _whole(self, digest: str) -> DatasetInfo | None:
        try:
            return self._place.whole(digest)
        except OSError as error:
            raise errors.Unavailable(f"dataset {digest} cannot be read: {error}") from error

    def _ingest(self, request: Request, limits: Limits, *, keep: bool = True) -> DatasetInfo:
        staging = self._place.staging()
        try:
            staging.parent.mkdir(parents=True, exist_ok=True)
            sweep(staging.parent)
            info = self._parse(replace(request, out=str(staging)), limits)
            return self._place.publish(staging, info) if keep else info
        except OSError as error:
            if error.errno in NO_ROOM:
                raise errors.StorageFull(FULL) from error
            raise errors.Unavailable(f"{staging.parent} cannot be written: {error}") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _fields(reading: Reading) -> dict[str, Any]:
    return {field.name: getattr(reading, field.name) for field in fields(Reading)}


def _copy(source: Path, target: Path, *, mode: int) -> None:
    """Copy a file, and have the disk keep it."""
    with source.open("rb") as content, target.open("xb") as file:
        target.chmod(mode)
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())


def _is_known(charset: str) -> bool:
    try:
        codecs.lookup(charset)
    except (LookupError, ValueError):
        return False
    return True
