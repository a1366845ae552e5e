"""Readers that turn the bytes of a file into a `Frame`, by what the first bytes are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from hpsearch.data.limits import Limits
from hpsearch.data.parse.frame import Frame
from hpsearch.data.parse.frames import arff, arrow_file, delimited, parquet, records, workbook
from hpsearch.data.parse.frames.names import named
from hpsearch.data.parse.frames.office import is_workbook
from hpsearch.data.parse.frames.packed import inside
from hpsearch.data.parse.frames.signatures import form_of
from hpsearch.data.parse.frames.source import Source, of_file
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.request import Reading

FrameReader = Callable[[Source, Reading, Limits], Frame]

_READERS: Final[dict[str, FrameReader]] = {
    "arff": arff.read,
    "parquet": parquet.read,
    "arrow": arrow_file.read,
    "json": records.read,
}


def read_frame(path: Path, reading: Reading, limits: Limits, *, typed: bool = False) -> Frame:
    """Read the table of a file: text of any separator, LIBSVM, ARFF, Parquet, Arrow, JSON, a workbook; also by gzip or zip.

    The first bytes decide; a suffix is a hint where they do not. Names of columns are checked:
    printable, each there once, "" only for a first column.

    typed
        True makes columns of numbers of a text what they are; False leaves them as it writes them.

    Raises
    ------
    errors.InvalidDataset
        Not a table, one with mistakes, or one that may be read in two ways: both are said, with
        the parameter that chooses.
    errors.TooLarge
        More rows, columns or bytes than the limits allow.
    """
    source = of_file(path, reading.filename)
    form = form_of(source.head(), source.name)
    if form == "zip" and is_workbook(source):
        return named(workbook.read(source, reading, limits, typed=typed), reading.names)
    if form in ("gzip", "zip"):
        source = inside(form, source, limits)
        form = form_of(source.head(), source.name)
        if form in ("gzip", "zip"):
            inside(form, source, limits)
    if reading.sheet is not None:
        refuse("sheet", f"a workbook has sheets, and this is a table of another form ({form})")
    if form == "text":
        return named(delimited.read(source, reading, limits, typed=typed), reading.names)
    return named(_READERS[form](source, reading, limits), reading.names)
