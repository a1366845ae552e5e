"""Names of the sheets of an Excel workbook, which is not read: its XML is searched, never parsed."""

from __future__ import annotations

import html
import re
import zipfile
from typing import Final

from hpsearch.data.limits import MIB
from hpsearch.data.parse.frames.signatures import name_it

# No parser: the names of sheets need none, and a document type cannot make an entity grow.
_SHEET: Final = re.compile(r"<(?:\w{1,20}:)?sheet\s([^<>]{1,2000})>")
_ATTRIBUTE: Final = re.compile(r"""\b(name|state)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SHOWN = 10


def refuse_office(archive: zipfile.ZipFile) -> None:
    """Refuse an archive that is a workbook or a document of an office program, by its name."""
    names = set(archive.namelist())
    if "xl/workbook.xml" in names:
        sheets = _sheets(archive)
        shown = (
            f" with the {'sheet' if len(sheets) == 1 else 'sheets'} {', '.join(sheets[:_SHOWN])}"
        )
        more = ", ..." if len(sheets) > _SHOWN else ""
        name_it(f"an Excel workbook{shown + more if sheets else ''}", "save one as CSV")
    if "xl/workbook.bin" in names:
        name_it("a binary Excel workbook (.xlsb)", "save the sheet as CSV")
    if "word/document.xml" in names or "ppt/presentation.xml" in names:
        name_it("a document of an office program", "save the table as CSV")
    if "mimetype" in names and "content.xml" in names:
        name_it("a workbook or document of OpenOffice (.ods, .odt)", "save the sheet as CSV")


def _sheets(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of a workbook's sheets, hidden ones marked; none where they cannot be had."""
    try:
        with archive.open("xl/workbook.xml") as file:
            text = file.read(MIB).decode("utf-8", "replace")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return []
    return [name for name in map(_name, _SHEET.findall(text)) if name]


def _name(attributes: str) -> str:
    found = {key: double or single for key, double, single in _ATTRIBUTE.findall(attributes)}
    name = html.unescape(found.get("name", ""))[:40]
    shown = name if name.isprintable() else repr(name)
    return f"{shown} (hidden)" if found.get("state", "visible") != "visible" else shown
