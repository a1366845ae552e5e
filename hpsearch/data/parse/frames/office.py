"""Workbooks and documents of office programs, told apart by the members of their archives."""

from __future__ import annotations

import zipfile
from typing import Final

from hpsearch.data.parse.frames.signatures import name_it
from hpsearch.data.parse.frames.source import Source

BOOK: Final = "xl/workbook.xml"


def is_workbook(source: Source) -> bool:
    """Tell whether a zip file is an Excel workbook."""
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            return BOOK in archive.NameToInfo
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        return False


def refuse_office(archive: zipfile.ZipFile) -> None:
    """Refuse an archive that is a document of an office program which is not read, by its name."""
    names = set(archive.namelist())
    if "xl/workbook.bin" in names:
        name_it("a binary Excel workbook (.xlsb)", "save the sheet as CSV")
    if "word/document.xml" in names or "ppt/presentation.xml" in names:
        name_it("a document of an office program", "save the table as CSV")
    if "mimetype" in names and "content.xml" in names:
        name_it("a workbook or document of OpenOffice (.ods, .odt)", "save the sheet as CSV")
