"""Excel workbooks: a sheet is read as text is; sizes are known before a cell is."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from support.workbook import BEGIN, MAIN, sheet, workbook

from hpsearch import errors
from hpsearch.data import DatasetStore, Limits
from hpsearch.data.parse.parameters import reading_of

moment = partial(dt.datetime, tzinfo=None)  # cells have no zone

ROWS = [
    ["code", "len", "ok", "day", "at", "hour", "kind"],
    ["01234", 1, True, dt.date(2024, 1, 2), moment(2024, 1, 2, 3, 4, 5), dt.time(6, 30), "a"],
    ["007", 2.5, False, dt.date(2024, 1, 3), moment(2024, 1, 3), None, "x\ny"],
    ["9", None, True, None, moment(2024, 1, 4, 1), dt.time(0, 0, 1), "#N/A"],
]


def test_cells_keep_their_kinds(read, columns, codes):
    frame = read(workbook({"data": ROWS}))
    assert columns(frame) == {
        "code": ["01234", "007", "9"],
        "len": ["1", "2.5", ""],
        "ok": ["true", "false", "true"],
        "day": ["2024-01-02", "2024-01-03", ""],
        "at": ["2024-01-02 03:04:05", "2024-01-03 00:00:00", "2024-01-04 01:00:00"],
        "hour": ["23400.0", "", "1.0"],
        "kind": ["a", "x y", ""],
    }
    assert (frame.first_row, codes(frame)) == (2, ["seconds"])


def test_the_first_visible_sheet_is_read_and_said(read, columns):
    book = workbook({"notes": [["a", "b"], [0, 0]], "iris": [["c", "d"], [1, "p"]], "cars": ROWS},
                    hidden=["notes"])  # fmt: skip
    frame = read(book)
    assert columns(frame) == {"c": ["1"], "d": ["p"]}
    (note,) = frame.notes
    assert (
        "'iris' is read, the first one that is not hidden; the workbook has 'notes', 'iris', 'cars'"
        in (note.message)
    )
    assert columns(read(book, sheet="notes")) == {"a": ["0"], "b": ["0"]}
    assert len(read(book, sheet="cars").columns) == 7


def test_sheets_that_cannot_be_read(refused):
    assert "no sheet 'x'; the workbook has 'a', 'b'" in refused(
        workbook({"a": ROWS, "b": ROWS}), sheet="x"
    ).summary  # fmt: skip
    assert "no sheet is visible" in refused(workbook({"a": ROWS}, hidden=["a"])).summary
    assert "has no cells" in refused(workbook({"a": []})).summary
    assert "no delimiter" in refused(workbook({"a": ROWS}), delimiter=";").summary


def test_lines_are_rows_of_the_sheet_and_titles_are_none(read, refused):
    above = [["Lengths of 2024"], [], *ROWS]
    frame = read(workbook({"data": above}))
    assert [column.name for column in frame.columns] == ROWS[0]
    assert frame.first_row == 4
    nameless = [[1.5, 2.5, "a"], [3.5, 4.5, "b"]]
    assert "the first line may name the columns" in refused(workbook({"data": nameless})).summary


def test_a_place_far_away_is_no_table(read):
    """A cell in the last row and column would be 17 thousand million cells in memory."""
    far = f'{BEGIN}<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    book = workbook({"data": ROWS}, more={"xl/worksheets/sheet1.xml": far.encode()})
    with pytest.raises(errors.TooLarge, match="the dataset has 68,719,476,736 bytes"):
        read(book)


def test_a_workbook_that_unpacks_to_much_is_refused(read):
    long = sheet([[f"word {n}", n] for n in range(4000)]).encode()
    book = workbook({"data": ROWS}, more={"xl/sharedStrings.xml": b" " * (3 << 20)})
    with pytest.raises(errors.TooLarge, match="unpacks to more than"):
        read(book, limits=Limits(data=1 << 20))
    book = workbook({"data": ROWS}, more={"xl/worksheets/sheet1.xml": long})
    with pytest.raises(errors.TooLarge, match="unpacks to more than"):
        read(book, limits=Limits(data=1 << 16))


@pytest.mark.parametrize("cut", [40, 200, 600])
def test_damaged_workbooks_are_refused(read, cut):
    whole = workbook({"data": ROWS})
    with pytest.raises(errors.InvalidDataset):
        read(whole[:-cut])
    broken = bytearray(whole)
    at = broken.index(b"xl/worksheets/sheet1.xml") + 40
    broken[at : at + cut // 4] = b"\x00" * (cut // 4)
    with pytest.raises(errors.UserError):
        read(bytes(broken))


def test_no_entity_is_expanded(refused):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    xml = f'<!DOCTYPE w [<!ENTITY e0 "ha">{entities}]><worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&e11;</t></is></c></row></sheetData></worksheet>'
    assert refused(workbook({"a": ROWS}, more={"xl/worksheets/sheet1.xml": xml.encode()}))


def test_an_upload_goes_by_the_limited_child(by_child: DatasetStore, tmp_path):
    rows = [["x", "n", "kind"], *([at / 3, at % 5, "ab"[at % 2]] for at in range(40))]
    file = tmp_path / "book.bin"
    file.write_bytes(workbook({"one": [["z"]], "two": rows}))
    info = by_child.ingest_upload(
        file, "application/octet-stream", reading_of({"sheet": "two", "label": "kind"})
    )
    assert (info.feature_names, info.n_train + info.n_test) == (("x", "n"), 40)
