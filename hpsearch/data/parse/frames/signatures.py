"""Kinds of files by their first bytes, and the words for those that are not read."""

from __future__ import annotations

import re
from typing import Final, Literal, NoReturn

from hpsearch.data.parse.raw import refuse

Form = Literal["gzip", "zip", "parquet", "arrow", "json", "arff", "text"]

_AS_CSV = "save the table as CSV in UTF-8"
_PANDAS = "read it where it was written and save the table as CSV or Parquet"
_UNPACK = "unpack it, or send the table as it is, as gzip or as zip"

_READ: Final[tuple[tuple[bytes, Form], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
)

_NOT_READ: Final = (
    (b"FEA1", "a Feather file of version 1", "save the table as Parquet, or as Feather 2"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "save the sheet as CSV"),
    (b"RDX2\n", "an R data file (.rda)", "in R: write.csv(table, row.names = FALSE)"),
    (b"RDX3\n", "an R data file (.rda)", "in R: write.csv(table, row.names = FALSE)"),
    (b"RDA2\n", "an R data file (.rda)", "in R: write.csv(table, row.names = FALSE)"),
    (b"RDA3\n", "an R data file (.rda)", "in R: write.csv(table, row.names = FALSE)"),
    (b"X\n\x00\x00", "an R data file (.rds)", "in R: write.csv(table, row.names = FALSE)"),
    (b"\x89HDF", "an HDF5 file", _PANDAS),
    (b"SQLite format 3\x00", "an SQLite database", "export the table as CSV"),
    (b"%PDF", "a PDF document", _AS_CSV),
    (b"\x93NUMPY", "a single NumPy array (.npy)", "numpy.savez_compressed(path, x=x, y=y)"),
    (b"MATLAB 5.0", "a MATLAB file", "in MATLAB: writetable(table, 'table.csv')"),
    (b"$FL2", "an SPSS file (.sav)", "in SPSS: save as CSV"),
    (b"<stata_dta>", "a Stata file (.dta)", "in Stata: export delimited"),
    (b"ORC", "an ORC file", "save the table as Parquet"),
    (b"Obj\x01", "an Avro file", "save the table as Parquet"),
    (b"BZh", "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ", "packed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", _UNPACK),
    (b"7z\xbc\xaf", "a 7-zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x89PNG", "an image", "send images in an .npz file"),
    (b"\xff\xd8\xff", "an image", "send images in an .npz file"),
    (b"GIF8", "an image", "send images in an .npz file"),
)

_MARKUP: Final = (
    (b"<!doctype html", "an HTML page", _AS_CSV),
    (b"<html", "an HTML page", _AS_CSV),
    (b"<?xml", "an XML document", _AS_CSV),
    (b"@problemname", "a file of time series (.ts)", "send one row of numbers per series as CSV"),
)

_PICKLE = re.compile(rb"\x80[\x02-\x05][^\x00-\x08]?")
_TAR_AT = 257


def form_of(head: bytes, name: str = "") -> Form:
    """Return the form of a file by its first bytes, the suffix of its name as a hint.

    Raises
    ------
    errors.InvalidDataset
        It is of a form that is not read; the message says which, and the way out.
    """
    for start, form in _READ:
        if head.startswith(start):
            return form
    for start, what, way_out in _NOT_READ:
        if head.startswith(start):
            name_it(what, way_out)
    if head[:1] == b"\x80" and _PICKLE.match(head):
        name_it("a pickle, which is never opened", _PANDAS)
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        name_it("a tar archive", _UNPACK)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, what, way_out in _MARKUP:
        if text[:20].lower().startswith(start):
            name_it(what, way_out)
    if _is_arff(text, name):
        return "arff"
    return "json" if text[:1] == b"{" or re.match(rb"\[\s*[\]{]", text) else "text"


def name_it(what: str, way_out: str) -> NoReturn:
    """Refuse a file of a form that is not read."""
    refuse("file", f"this is {what}, which is not read as a table; {way_out}")


def _is_arff(text: bytes, name: str) -> bool:
    """Tell whether the first line that is no comment names a relation."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith(b"%"):
            return line.lower().split(None, 1)[0] == b"@relation"
    # Nothing but comments was seen.
    return bool(text) and name.lower().endswith(".arff")
