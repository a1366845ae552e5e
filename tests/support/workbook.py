"""Excel workbooks from rows of cells, in the least XML that readers take."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

BEGIN = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = (
    f'{BEGIN}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
)
# Number formats of cells: none, a date, a moment, a time of the day.
STYLES = (
    f'{BEGIN}<styleSheet xmlns="{MAIN}"><cellXfs>'
    + "".join(f'<xf numFmtId="{number}" applyNumberFormat="1"/>' for number in (0, 14, 22, 21))
    + "</cellXfs></styleSheet>"
)
EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - cells have no zone


def workbook(
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    hidden: Sequence[str] = (),
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """The bytes of a workbook; `more` are members that take the place of others, or stand beside them."""
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="rId{at}"'
        + (' state="hidden"' if name in hidden else "")
        + "/>"
        for at, name in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{at}" Type="{RELATION}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    members: dict[str, bytes | str] = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": f'{BEGIN}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{BEGIN}<workbook xmlns="{MAIN}" xmlns:r="{RELATION}"><sheets>{listed}'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{BEGIN}<Relationships xmlns="{PACKAGE}/relationships">'
        f'{relations}<Relationship Id="rIdS" Type="{RELATION}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": STYLES,
    }
    for at, rows in enumerate(sheets.values(), 1):
        members[f"xl/worksheets/sheet{at}.xml"] = sheet(rows)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, **(more or {})}.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def sheet(rows: Sequence[Sequence[Any]]) -> str:
    """The XML of a sheet; None is an empty place."""
    lines = (
        f'<row r="{at}">'
        + "".join(_cell(f"{_letters(n)}{at}", x) for n, x in enumerate(row, 1))
        + "</row>"
        for at, row in enumerate(rows, 1)
    )
    return f'{BEGIN}<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(place: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        kind = "e" if value.startswith("#") else "inlineStr"
        inside = f"<v>{value}</v>" if kind == "e" else f"<is><t>{escape(value)}</t></is>"
        return f'<c r="{place}" t="{kind}">{inside}</c>'
    style = 0
    if isinstance(value, dt.time):
        style, value = 3, (value.hour * 3600 + value.minute * 60 + value.second) / 86400
    elif isinstance(value, dt.date):
        style = 2 if isinstance(value, dt.datetime) else 1
        moment = dt.datetime(value.year, value.month, value.day) if style == 1 else value  # noqa: DTZ001
        value = (moment - EPOCH) / dt.timedelta(days=1)
    return f'<c r="{place}" s="{style}"><v>{value!r}</v></c>'


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
