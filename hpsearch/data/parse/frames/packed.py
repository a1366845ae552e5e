"""The table inside a gzip or a zip file, and the names of those zip files that are something else."""

from __future__ import annotations

import errno
import gzip
import io
import posixpath
import zipfile
from pathlib import Path
from typing import IO, Final, cast

from hpsearch import errors
from hpsearch.data.limits import Limits
from hpsearch.data.parse.frames.office import refuse_office
from hpsearch.data.parse.frames.signatures import name_it
from hpsearch.data.parse.frames.source import Bounded, Readable, Source
from hpsearch.data.parse.raw import refuse

# A number that is stored in four bytes takes eight to ten as text.
_TEXT_PER_STORED: Final = 2
_MAX_MEMBERS = 10_000
_TABLES: Final = frozenset(
    {".csv", ".tsv", ".tab", ".dat", ".data", ".txt", ".arff", ".parquet", ".json"}
    | {".jsonl", ".ndjson"}
)
_BESIDE: Final = frozenset({".md", ".names", ".pdf", ".html", ".rst", ""})


def inside(form: str, source: Source, limits: Limits) -> Source:
    """Return the table inside a gzip or zip file.

    Raises
    ------
    errors.InvalidDataset
        Packed twice, damaged, encrypted, several tables, a path outside, or a workbook.
    errors.TooLarge
        It unpacks to more than the limits allow, now or while it is read.
    """
    if source.packed:
        refuse("file", f"a {form} file inside a {source.packed} file; send the table packed once")
    return _gzip(source, limits) if form == "gzip" else _zip(source, limits)


def _size(source: Source) -> int:
    with source.open() as file:
        return file.seek(0, io.SEEK_END)


def _gzip(source: Source, limits: Limits) -> Source:
    size = _size(source)

    def open_() -> IO[bytes]:
        packed = source.open()
        return bounded((gzip.GzipFile(fileobj=packed), packed), limits, size, "gzip file")

    return Source(open_, source.name.removesuffix(".gz"), "gzip")


def bounded(files: tuple[Readable, ...], limits: Limits, size: int, what: str) -> IO[bytes]:
    """Return a packed stream that ends in `TooLarge` where it unpacks to more than is taken.

    files
        The stream, and what is to be closed with it; `size` is that of its packed bytes.
    """
    cap = _TEXT_PER_STORED * limits.data
    return io.BufferedReader(Bounded(files, cap=cap, packed_size=size, what=what))


def _zip(source: Source, limits: Limits) -> Source:
    try:
        with source.open() as packed, zipfile.ZipFile(packed) as archive:
            member = _table(archive)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        if isinstance(error, OSError) and error.errno is not None and error.errno != errno.EINVAL:
            raise
        refuse("file", f"the zip file is damaged ({error}); pack it again")
    if member.file_size > _TEXT_PER_STORED * limits.data:
        raise errors.TooLarge(
            f"{member.filename[:80]!r} unpacks to {member.file_size:,} bytes, at most "
            f"{_TEXT_PER_STORED * limits.data:,} are taken"
        )

    def open_() -> IO[bytes]:
        packed = source.open()
        try:
            stream = zipfile.ZipFile(packed).open(member)  # noqa: SIM115 (the caller closes it)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            packed.close()
            refuse("file", f"the zip file is damaged ({error}); pack it again")
        files = (cast("Readable", stream), packed)
        return bounded(files, limits, member.compress_size, "zip file")

    return Source(open_, posixpath.basename(member.filename), "zip")


def _table(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the single table among the members of an archive."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > _MAX_MEMBERS:
        refuse("file", f"the zip file has {len(entries):,} members; send the one that is a table")
    refuse_office(archive)
    entries = [entry for entry in entries if not _hidden(entry.filename)]
    if entries and all(entry.filename.endswith(".npy") for entry in entries):
        name_it("an .npz file", "send it as application/octet-stream")
    for entry in entries:
        _require_inside(entry)
    tables = [entry for entry in entries if not _beside(entry.filename)] or entries
    if len(tables) != 1:
        named = ", ".join(repr(entry.filename[:60]) for entry in tables[:6]) or "nothing"
        refuse("file", f"the zip file holds {named}; send one with a single table")
    (table,) = tables
    shown = repr(table.filename[:60])
    if table.flag_bits & 0x1:
        refuse("file", f"{shown} in the zip file is encrypted; pack it without a password")
    if table.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse("file", f"{shown} is packed by method {table.compress_type}; use deflate")
    return table


def _require_inside(entry: zipfile.ZipInfo) -> None:
    parts = entry.filename.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or ":" in parts[0]:
        refuse(
            "file",
            f"the zip file has a path outside of it, {entry.filename[:60]!r}; pack the table alone",
        )


def _hidden(name: str) -> bool:
    """Tell whether a member is what macOS and editors leave behind."""
    return name.startswith("__MACOSX/") or posixpath.basename(name).startswith(".")


def _beside(name: str) -> bool:
    """Tell whether a member lies beside a table: a page that describes it."""
    path = Path(name)
    described = path.stem.lower().startswith(("readme", "licen", "index"))
    return path.suffix.lower() in _BESIDE or (
        described and path.suffix.lower() not in _TABLES - {".txt"}
    )
