"""Columns that are read as numbers from the start are what the words would have become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.data import UPLOAD
from hpsearch.data.parse.frames import read_frame
from hpsearch.data.parse.mixed import raw_of
from hpsearch.data.parse.parameters import reading_of
from hpsearch.data.parse.raw import Raw

ROWS = 30_000  # several batches


def both(tmp_path: Path, text: str, **words: Any) -> tuple[Raw, Raw, set[str]]:
    """The table read as words and as numbers, and the names of the columns that came as numbers."""
    path = tmp_path / "table.csv"
    path.write_text(text)
    reading = reading_of(words)
    frames = [read_frame(path, reading, UPLOAD, typed=typed) for typed in (False, True)]
    numbers = {one.name for one in frames[1].columns if str(one.cells.type) == "double"}
    slow, fast = (raw_of(frame, reading, UPLOAD) for frame in frames)
    return slow, fast, numbers


def require_same(slow: Raw, fast: Raw) -> None:
    assert slow.columns == fast.columns
    assert slow.names == fast.names
    assert slow.left_out == fast.left_out
    assert [note.code for note in slow.notes] == [note.code for note in fast.notes]
    assert slow.x.values.tobytes() == fast.x.values.tobytes()
    assert np.array_equal(slow.y, fast.y)


CELLS = {
    "plain": ("1.5", "-2", "3e4", "0.25"),
    "blank": ("1.5", "", "3", " 4 "),
    "gaps": ("1.5", "NA", "null", "?", "-3"),
    "nan": ("1.5", "NaN", "2", "0"),
    "padded": ("1", "2", "007", "3"),
    "words": ("a", "b", "c", "a"),
    "nothing": ("NA", "None", "NA", "None"),
    "empty": ("", "", "", ""),
    "groups": ('"1,234"', "5", '"12,000"', "7"),
    "flags": ("1", "0", "True", "False"),
    "declared": ("1", "unknown", "2", "-200"),
    "dates": ("2024-01-02", "2024-01-03", "2024-02-02", "2025-01-02"),
    "zeros": ("0.0", "0", "00", "1"),
    "large": ("1e29", "9007199254740993", "1e-320", "12"),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_column_read_as_numbers_is_what_its_words_become(tmp_path: Path, name: str) -> None:
    cells = CELLS[name]
    rows = [f"{n * 0.5},{cells[n % len(cells)]},{n % 7},{'xy'[n % 2]}" for n in range(40)]
    text = "\n".join([f"first,of {name},third,label", *rows]) + "\n"
    slow, fast, numbers = both(tmp_path, text, missing=["unknown", "-200"])
    require_same(slow, fast)
    assert {"first", "third"} <= numbers
    read = {"plain", "blank", "gaps", "nan", "declared", "large"}
    assert (f"of {name}" in numbers) == (name in read)


def test_a_word_or_a_padded_number_far_below_gives_the_whole_column_back(tmp_path: Path) -> None:
    late = [f"{n}.5,{n},{n % 9},{n % 3}" for n in range(ROWS)]
    late[-1] = "1.5,0012,word,1"
    text = "\n".join(["number,code,mixed,label", *late]) + "\n"
    reading = {"kind": ["mixed:category", "code:category"]}
    path = tmp_path / "table.csv"
    path.write_text(text)
    frame = read_frame(path, reading_of({}), UPLOAD, typed=True)
    kinds = {one.name: str(one.cells.type).partition("<")[0] for one in frame.columns}
    few = {"mixed": "dictionary", "label": "dictionary"}
    assert kinds == {"number": "double", "code": "string"} | few
    cells = {one.name: one.cells for one in frame.columns}
    assert cells["code"][0].as_py() == "0"
    assert cells["code"][ROWS - 1].as_py() == "0012"
    assert len(cells["mixed"]) == ROWS
    said = read_frame(path, reading_of(reading), UPLOAD, typed=True)
    assert [str(one.cells.type).partition("<")[0] for one in said.columns] == [
        *("double", "string", "dictionary", "dictionary")
    ]


def test_what_the_sender_speaks_of_stays_as_it_is_written(tmp_path: Path) -> None:
    rows = [f"{n % 4}.0,{n % 3},{n},{n % 2}" for n in range(40)]
    text = "\n".join(["level,y,number,last", *rows]) + "\n"
    slow, fast, numbers = both(tmp_path, text, label="y", kind=["level:category"])
    require_same(slow, fast)
    assert numbers == {"number"}
    assert fast.columns[0].levels == ("0.0", "1.0", "2.0", "3.0")


@pytest.mark.parametrize("begin", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bytes_are_those_of_the_characters_whatever_the_ends_of_lines(
    tmp_path: Path, begin: str, end: str
) -> None:
    rows = [f"{n},Zoë {n % 3},{n % 2}" for n in range(60)]
    path = tmp_path / "table.csv"
    path.write_bytes((begin + end.join(["# é", "nümber,wörd,label", *rows, "", ""])).encode())
    frame = read_frame(path, reading_of({}), UPLOAD, typed=True)
    assert [one.name for one in frame.columns] == ["nümber", "wörd", "label"]
    assert frame.columns[0].cells.to_pylist() == list(range(60))
    assert frame.columns[1].cells[59].as_py() == "Zoë 2"


def test_rows_that_end_early_are_noted_of_columns_of_numbers_too(tmp_path: Path) -> None:
    rows = [f"{n},{n},{n}" for n in range(1, 40)] + ["1,2,", "1,,"]
    text = "\n".join(["a,b,c", *rows]) + "\n"
    slow, fast, numbers = both(tmp_path, text, label="a", task="regression")
    require_same(slow, fast)
    assert numbers == {"b"}
    assert "padded_rows" in {note.code for note in fast.notes}


def test_names_of_the_sender_take_the_place_of_a_line_that_names_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "40,2,yes,no,maybe,so\n" + "".join(f"{n}.5,{n % 9},{n % 2}\n" for n in range(40))
    )
    reading = reading_of({"header": "1", "names": ["size", "count", "class"]})
    frame = read_frame(path, reading, UPLOAD)
    assert [one.name for one in frame.columns] == ["size", "count", "class"]
    assert frame.rows == 40
