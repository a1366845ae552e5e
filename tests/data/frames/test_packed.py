"""Packed tables, and files that are named for what they are."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
import zlib
from functools import partial

import numpy as np
import pytest

from hpsearch import errors
from hpsearch.data import Limits

TABLE = b"a,kind\n1,x\n3,y\n"
CELLS = {"a": ["1", "3"], "kind": ["x", "y"]}

# Without times: the names of tests hold the bytes, and are the same in every process.
packed = partial(gzip.compress, mtime=0)


def zipped(*members: tuple[str, bytes], **options) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        packed(TABLE),
        packed(TABLE[:8]) + packed(TABLE[8:]),
        zipped(("table.csv", TABLE)),
        zipped(("data/", b""), ("data/table.csv", TABLE), ("__MACOSX/._table.csv", b"\0\0")),
        zipped(("README.md", b"hello"), ("table.csv", TABLE)),
        zipped(("table", TABLE)),
    ],
)
def test_a_packed_table_is_read(read, columns, content):
    assert columns(read(content)) == CELLS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(("a.csv", TABLE), ("b.csv", TABLE)), "'a.csv', 'b.csv'"),
        (zipped(("../a.csv", TABLE)), "path outside"),
        (zipped(("/etc/a.csv", TABLE)), "path outside"),
        (zipped(("C:\\a.csv", TABLE)), "path outside"),
        (zipped(), "nothing"),
        (zipped(("x.npy", b"")), "an .npz file"),
        (zipped(("a.zip", zipped(("a.csv", TABLE)))), "inside a zip file"),
        (packed(packed(TABLE)), "gzip file inside a gzip file"),
        (zipped(("a.csv", TABLE))[:-8], "damaged"),
        (packed(TABLE)[:-4], "damaged"),
        (packed(TABLE)[:12], "damaged"),
        (b"\x1f\x8b rubbish", "damaged"),
        (b"PK\x03\x04" + b"\0" * 50, "damaged"),
    ],
)
def test_what_is_packed_otherwise_is_refused(refused, content, said):
    assert said in str(refused(content))


def test_an_encrypted_member_and_a_broken_one_are_refused(refused):
    content = bytearray(zipped(("a.csv", TABLE)))
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    content[6] |= 1
    assert "encrypted" in str(refused(bytes(content)))
    content = bytearray(zipped(("a.csv", TABLE * 50)))
    content[45] ^= 0xFF
    assert "damaged" in str(refused(bytes(content)))


def test_a_bomb_ends_at_the_limits(read):
    row = b"1,x\n" * (1 << 20)
    with pytest.raises(errors.TooLarge, match="unpacks to more than 2,097,152 bytes"):
        read(packed(b"a,kind\n" + row), limits=Limits(data=1 << 20))
    with pytest.raises(errors.TooLarge, match="unpacks to"):
        read(zipped(("a.csv", b"a,kind\n" + row)), limits=Limits(data=1 << 20))
    packer = zlib.compressobj(9, wbits=31)
    block = b"0,0\n" * (1 << 20)
    bomb = packer.compress(b"a,kind\n") + b"".join(packer.compress(block) for _ in range(20))
    with pytest.raises(errors.TooLarge, match="more than 200 times"):
        read(bomb + packer.flush())


def saved(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"FEA1\0\0", "Feather"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
        (packed(b"RDX3\nX\n"), "R data file (.rda)"),
        (pickle.dumps({"a": [1, 2]}), "a pickle"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\n<!DOCTYPE html><html>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (saved(np.zeros(3)), ".npy"),
        (b"BZh91AY", "bzip2"),
        (b"\0" * 257 + b"ustar" + b"\0" * 250, "tar archive"),
        (zipped(("word/document.xml", b"")), "office program"),
        (zipped(("mimetype", b""), ("content.xml", b"")), "OpenOffice"),
        (zipped(("xl/workbook.bin", b"")), "xlsb"),
        (b"@problemName x\n@data\n1,2:a\n", "time series"),
    ],
)
def test_files_of_other_forms_are_named(refused, content, said):
    (mistake,) = refused(content).mistakes
    assert mistake.path == "file"
    assert said in mistake.message
    assert ";" in mistake.message  # the way out follows
