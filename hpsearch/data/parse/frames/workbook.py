"""Reads a sheet of an Excel workbook: its rows become text, which is read as any other text is.

So titles, lines of names, units, totals and gaps are what they are in a CSV file, and line 5 of the
text is row 5 of the sheet. Numbers keep all their digits, dates are written as ISO 8601 has them,
and the text of a cell stays text: "01234" is no number.
"""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any, Final, cast

from hpsearch.data.limits import MIB, Limits
from hpsearch.data.notes import Note
from hpsearch.data.parse.frame import Frame
from hpsearch.data.parse.frames import delimited
from hpsearch.data.parse.frames.office import BOOK
from hpsearch.data.parse.frames.packed import bounded
from hpsearch.data.parse.frames.source import Readable, Source
from hpsearch.data.parse.raw import refuse, require_size
from hpsearch.data.parse.request import Reading
from hpsearch.plural import counted

_SHOWN: Final = 10
_EXACT: Final = 2**53  # numbers below have all their digits as whole ones
_KEPT: Final = 64  # bytes of a block that the next one needs: a place may lie across both
_PLACE: Final = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_TAG: Final = re.compile(r"<(?:\w{1,20}:)?(?:sheet|Relationship)\s([^<>]{1,4000})>")
_ATTRIBUTE: Final = re.compile(r"""\b(name|id|Id|Target)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_AT_ONCE: Final = (BOOK, _RELATIONS, "xl/sharedStrings.xml", "xl/styles.xml")


def read(source: Source, reading: Reading, limits: Limits, *, typed: bool = False) -> Frame:
    """Read the sheet that is named, or the first one that is not hidden, which a note says.

    Raises
    ------
    errors.InvalidDataset
        Damaged, encrypted, no such sheet, or no table in it.
    errors.TooLarge
        It unpacks to more than the limits allow, or its cells lie further apart than a table's.
    """
    if reading.delimiter is not None:
        refuse("delimiter", "the cells of a workbook have no delimiter; leave it out")
    _check_size(source, limits)
    book = _opened(source)
    sheet, notes = _chosen(book, reading)
    _check_sheet(source, sheet, limits)
    with _refusing():
        cells = book.get_sheet_by_name(sheet)
        text = _text(cells.iter_rows(), cells.iter_rows(), notes)
    del book, cells
    if not text:
        refuse("sheet", f"the sheet {sheet!r} has no cells; sheet=NAME reads another one")
    inside = Source(lambda: io.BytesIO(text), f"{sheet}.csv")
    frame = delimited.read(inside, replace(reading, delimiter=","), limits, typed=typed)
    return replace(frame, notes=(*notes, *frame.notes))


def _opened(source: Source) -> Any:
    with source.open() as file:
        content = io.BytesIO(file.read())
    with _refusing():
        return import_module("python_calamine").CalamineWorkbook.from_filelike(content)


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what the reader raises into a refusal, its panics too, which are no exceptions."""
    try:
        yield
    except MemoryError:
        raise
    except import_module("python_calamine").PasswordError:
        refuse("file", "the workbook is encrypted; save it without a password")
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            _refuse_damaged(error)
        raise


def _refuse_damaged(error: BaseException) -> Any:
    refuse("file", f"the workbook is damaged or of a kind that is not read: {str(error)[:200]}")


def _chosen(book: Any, reading: Reading) -> tuple[str, list[Note]]:
    """Return the name of the sheet to read, and the note where there are others."""
    calamine = import_module("python_calamine")
    tables = [one for one in book.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
    shown = [one.name for one in tables if one.visible == calamine.SheetVisibleEnum.Visible]
    names = [one.name for one in tables]
    if reading.sheet is not None:
        if reading.sheet not in names:
            refuse("sheet", f"no sheet {reading.sheet!r}; {_others(book)}")
        return reading.sheet, []
    if not shown:
        refuse("sheet", f"no sheet is visible; sheet=NAME says which to read; {_others(book)}")
    if len(names) == 1:
        return shown[0], []
    message = f"the sheet {shown[0]!r} is read, the first one that is not hidden; {_others(book)}"
    numbers: dict[str, float | int | str | None] = {"sheet": shown[0], "sheets": len(names)}
    return shown[0], [Note("sheet", "info", message, numbers, "sheet=NAME reads another one")]


def _others(book: Any) -> str:
    names = ", ".join(repr(name[:40]) for name in book.sheet_names[:_SHOWN])
    return f"the workbook has {names}{', ...' if len(book.sheet_names) > _SHOWN else ''}"


def _text(first: Iterator[list[Any]], again: Iterator[list[Any]], notes: list[Note]) -> bytes:
    """Return rows of cells as CSV, one a line; they are gone over twice."""
    moments: set[int] = set()
    timed: set[int] = set()
    for row in first:
        moments |= {at for at, cell in enumerate(row) if type(cell) is dt.datetime}
        timed |= {at for at, cell in enumerate(row) if type(cell) in (dt.time, dt.timedelta)}
    if timed:
        message = f"{counted(len(timed), 'column')} of times of the day: numbers of seconds"
        notes.append(Note("seconds", "info", message, {"columns": len(timed)}, "nothing to do"))
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerow
    for row in again:
        cells = [_cell(cell, moment=at in moments) for at, cell in enumerate(row)]
        if any(cell != "" for cell in cells):
            write(cells)
        else:
            out.write("\n")
    return out.getvalue().encode(errors="replace") if out.tell() else b""


def _cell(cell: Any, *, moment: bool) -> str | int | float:
    """Return a cell as the CSV has it; `moment` where others of its column have a time of day."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return int(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, dt.date):
        return f"{cell.isoformat()} 00:00:00" if moment else cell.isoformat()
    if isinstance(cell, dt.time):
        cell = dt.timedelta(hours=cell.hour, minutes=cell.minute, seconds=cell.second)
    if isinstance(cell, dt.timedelta):
        return cell.total_seconds()
    # A line of the text is a row of the sheet.
    return " ".join(cell.split("\n")) if isinstance(cell, str) else cell


def _check_size(source: Source, limits: Limits) -> None:
    """Refuse a workbook of which what is read when it is opened unpacks to more than is taken."""
    with _archive(source) as archive:
        for name in _AT_ONCE:
            if name in archive.NameToInfo:
                for _ in _blocks(archive, name, limits):
                    pass


def _check_sheet(source: Source, sheet: str, limits: Limits) -> None:
    """Refuse a sheet that unpacks to more than is taken, or whose cells lie too far apart.

    The reader makes a cell for each place between the first and the last one that is filled.
    """
    rows = width = 0
    with _archive(source) as archive:
        for block in _blocks(archive, _member(archive, sheet), limits):
            for column, row in _PLACE.findall(block):
                rows, width = max(rows, int(row)), max(width, _number(column))
    require_size(limits, rows, width, 4)


@contextmanager
def _archive(source: Source) -> Iterator[zipfile.ZipFile]:
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        _refuse_damaged(error)


def _blocks(archive: zipfile.ZipFile, name: str, limits: Limits) -> Iterator[bytes]:
    """Yield a member in blocks that begin with the end of the one before."""
    packed = archive.getinfo(name).compress_size
    stream = cast("Readable", archive.open(name))
    rest = b""
    with bounded((stream,), limits, packed, "workbook") as file:
        while block := file.read(MIB):
            yield rest + block
            rest = block[-_KEPT:]


def _member(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the member that holds a sheet; its XML is searched, never parsed."""
    ids = {one.get("name"): one.get("id", "") for one in _tags(archive, BOOK)}
    targets = {one.get("Id"): one.get("Target", "") for one in _tags(archive, _RELATIONS)}
    target = targets[ids[sheet]].lstrip("/")
    return target if target.startswith("xl/") else f"xl/{target}"


def _tags(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    with archive.open(name) as file:
        text = file.read(MIB).decode("utf-8", "replace")
    for attributes in _TAG.findall(text):
        pairs = _ATTRIBUTE.findall(attributes)
        yield {key: html.unescape(double or single) for key, double, single in pairs}


def _number(letters: bytes) -> int:
    """Return the number, from 1, of a column that is called by letters."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
