"""Kinds of columns: what is guessed, what is asked, what is left out, what the sender decides."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.columns import stored
from hpsearch.data import UPLOAD, Reading
from hpsearch.data.parse.frame import Frame, FrameColumn
from hpsearch.data.parse.mixed import raw_of
from hpsearch.data.parse.parameters import reading_of
from hpsearch.data.parse.raw import Raw

NAN = np.nan
ROWS = 40
Y = ["a", "b"] * (ROWS // 2)


def frame(delimiter: str = ",", **columns: Any) -> Frame:
    """A frame of columns given as lists of text, as arrow arrays, or whole; a label y is added."""
    made = [
        cells
        if isinstance(cells, FrameColumn)
        else FrameColumn(name, pa.array(cells, pa.string()) if isinstance(cells, list) else cells)
        for name, cells in columns.items()
    ]
    rows = len(made[0].cells)
    label = [] if "y" in columns else [FrameColumn("y", pa.array((Y * rows)[:rows]))]
    return Frame((*made, *label), first_row=2, delimiter=delimiter)


def read(given: Frame, **words: Any) -> Raw:
    return raw_of(given, reading_of(words), UPLOAD)


def refused(given: Frame, **words: Any) -> errors.InvalidDataset:
    with pytest.raises(errors.InvalidDataset) as found:
        read(given, **words)
    return found.value


def only(raw: Raw) -> tuple[Any, list[float]]:
    (column,) = raw.columns
    return column, raw.x.values[:, 0].tolist()


def left(raw: Raw) -> dict[str, str]:
    return {one.name: one.kind for one in raw.left_out}


# --- tables as they always were


@pytest.mark.parametrize("typed", [False, True])
def test_whole_numbers_that_become_one_are_noted(typed):
    cells = [2**60 + row for row in range(ROWS)]
    given = pa.array(cells) if typed else [str(cell) for cell in cells]
    raw = read(frame(a=given, b=[str(row) for row in range(ROWS)]))
    (note,) = [one for one in raw.notes if one.code == "digits_lost"]
    assert note.numbers == {"column": "a", "given": ROWS, "kept": 1}
    assert "kind=a:id" in note.advice
    few = [str(2**60 + 2**20 * row) for row in range(ROWS)]
    raw = read(frame(a=few, b=[str(row) for row in range(ROWS)]))
    assert "digits_lost" not in {one.code for one in raw.notes}


def test_numbers_with_both_decimal_marks_are_refused():
    cells = [f"{row % 9}{'.,'[row % 2]}5" for row in range(ROWS)]
    mistake = refused(frame(a=cells)).mistakes[0]
    assert mistake.path == "x[:, 'a']"
    assert "a decimal point and with a decimal comma, such as '0.5' and '1,5'" in mistake.message
    assert "kind=a:category" in mistake.message
    assert only(read(frame(a=cells), kind="a:category"))[0].kind == "category"


def test_a_table_of_numbers_says_nothing_of_its_columns() -> None:
    raw = read(frame(a=["1", "2.5", "-4e2"], b=["7", "7", "7"], c=["True", "False", "true"]))
    assert (raw.columns, raw.left_out, raw.notes, raw.rows) == ((), (), (), None)
    assert raw.names == ("a", "b", "c")
    assert raw.x.values.tolist() == [[1, 7, 1], [2.5, 7, 0], [-400, 7, 1]]


def test_columns_without_names_have_none_where_all_are_numbers() -> None:
    table = frame(c1=["1", "2", "3"], c2=["1", "5", "7"])
    unnamed = Frame(table.columns, named=False, first_row=1)
    raw = raw_of(unnamed, Reading(label="0"), UPLOAD)
    assert raw.y.tolist() == ["1", "2", "3"]
    mixed = Frame((FrameColumn("c0", pa.array(["p", "q", "p"])), *table.columns), named=False)
    assert raw_of(mixed, Reading(), UPLOAD).names == ("c0", "c1", "c2")


# --- numbers


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "NA", "?"], [1, NAN, NAN]),
        (["1.5", "", "none"], [1.5, NAN, NAN]),
        (["1", "N/A", "+3"], [1, NAN, 3]),
        (["1", "null", "."], [1, NAN, NAN]),
        (["-", "nan", "2"], [NAN, NAN, 2]),
    ],
)
def test_words_for_nothing_are_gaps_among_numbers(cells: list[str], values: list[float]) -> None:
    column, found = only(read(frame(a=cells)))
    assert column.kind == "number"
    np.testing.assert_array_equal(found, values)


def test_words_for_nothing_are_levels_among_words() -> None:
    raw = read(frame(len=["NA", "2.5", "3"], state=["None", "NA", "None"]))
    number, word = raw.columns
    assert (number.kind, word.kind, word.levels) == ("number", "category", ("NA", "None"))
    np.testing.assert_array_equal(raw.x.values, [[NAN, 1], [2.5, 0], [3, 1]])
    assert next(note.code for note in raw.notes) == "words_for_nothing"
    column, found = only(read(frame(state=["none", "x", "z"]), missing="None"))
    assert (column.levels, column.gaps) == (("x", "z"), ("none",))
    np.testing.assert_array_equal(found, [NAN, 0, 1])


def test_a_declared_number_is_a_gap_however_it_is_written() -> None:
    _, found = only(read(frame(a=["-200", "1", "-200.0"]), missing="-200"))
    np.testing.assert_array_equal(found, [NAN, 1, NAN])


def test_few_words_among_numbers_are_refused_by_column_with_three_of_them() -> None:
    cells = [str(n) for n in range(97)] + ["old", "new", "old", "12a", "?"]
    error = refused(frame(age=cells, size=["x", *map(str, range(100)), "y"]))
    first, second = error.mistakes
    assert first.path == "x[:, 'age']"
    assert "4 cells are no numbers: 'old' (line 99)" in first.message
    for said in ("'new'", "'12a'", "missing=old", "kind=age:category", "drop=age"):
        assert said in first.message
    assert second.path == "x[:, 'size']"
    assert "2 cells are no numbers" in second.message
    raw = read(frame(age=cells), missing=["old,new", "12a"])
    assert np.isnan(raw.x.values).sum() == 5
    assert read(frame(age=cells), kind="age:category").columns[0].kind == "category"
    assert "no numbers" in str(refused(frame(age=["1", "x", "y"]), kind="age:number"))


def test_names_made_of_digits_are_words() -> None:
    column, found = only(read(frame(zip=["01234", "00007", "01234"])))
    assert (column.kind, column.levels, found) == ("category", ("00007", "01234"), [1, 0, 1])
    asked = read(frame(zip=["01234", "00007", "7"]), kind="zip:number")
    assert (asked.columns, asked.x.values[:, 0].tolist()) == ((), [1234, 7, 7])


@pytest.mark.parametrize(
    ("cells", "delimiter", "values", "decimal"),
    [
        (["2,5", "12.000,10", "3"], ";", [2.5, 12000.1, 3], ","),
        (["1,234.5", "1,000", "2"], ",", [1234.5, 1000, 2], "."),
        (["1,234,567", "1", "2"], ",", [1234567, 1, 2], "."),
        (["0.123", "0.456", "0.789"], ";", [0.123, 0.456, 0.789], "."),
        (["1.234", "2.500", "3.125"], ",", [1.234, 2.5, 3.125], "."),
    ],
)
def test_decimal_marks(cells: list[str], delimiter: str, values: list[float], decimal: str) -> None:
    raw = read(frame(delimiter, a=cells))
    assert raw.x.values[:, 0].tolist() == values
    assert (raw.columns[0].decimal if raw.columns else ".") == decimal


@pytest.mark.parametrize(("cell", "delimiter"), [("1.234", ";"), ("1,234", ",")])
def test_a_mark_that_may_be_either_is_asked_about(cell: str, delimiter: str) -> None:
    cells = [cell, cell.replace("1", "2", 1), "7"]
    error = refused(frame(delimiter, a=cells))
    assert "may be 1234 or 1.234; decimal=. or decimal=," in str(error)
    point, comma = (
        read(frame(delimiter, a=cells), decimal=mark).x.values[0, 0] for mark in (".", ",")
    )
    assert {point, comma} == {1234, 1.234}
    beside = read(frame(delimiter, a=cells, b=["2,5", "1", "1"]))
    assert beside.x.values[0].tolist() == [1234 if "." in cell else 1.234, 2.5]


def test_true_and_false_beside_0_and_1_are_numbers_and_beside_others_refused() -> None:
    assert read(frame(a=["True", "0", "1"])).x.values[:, 0].tolist() == [1, 0, 1]
    assert "True or False beside numbers" in str(refused(frame(a=["True", "2.5", "3"])))


def test_values_that_cannot_be_trained_on_are_named_by_column_and_line() -> None:
    error = refused(frame(a=["1", "inf", "3"], b=["1", "2", "1e31"]))
    assert [mistake.path for mistake in error.mistakes] == ["x[:, 'a']", "x[:, 'b']"]
    assert "column 'a', line 3: is infinite" in str(error)


# --- words


@pytest.mark.parametrize(
    ("cells", "levels", "values"),
    [
        (["T", "F", ""], ("F", "T"), [1, 0, NAN]),
        (["yes", "no", "yes"], ("no", "yes"), [1, 0, 1]),
        (["n", "y", ""], ("n", "y"), [0, 1, NAN]),
        (["TRUE", "", "false"], ("false", "TRUE"), [1, NAN, 0]),
    ],
)
def test_booleans(cells: list[str], levels: tuple[str, ...], values: list[float]) -> None:
    column, found = only(read(frame(ok=cells)))
    assert (column.kind, column.levels) == ("boolean", levels)
    np.testing.assert_array_equal(found, values)


def test_two_words_are_a_boolean_where_the_sender_says_so() -> None:
    column, found = only(read(frame(sex=["m", "f", "m"]), kind="sex:boolean"))
    assert (column.kind, column.levels, found) == ("boolean", ("f", "m"), [1, 0, 1])
    assert "has 3 words" in str(refused(frame(sex=["m", "f", "x"]), kind="sex:boolean"))


def test_levels_are_sorted_and_the_order_of_rows_changes_none() -> None:
    words = ["pear", "apple", "Fig", "10", "9"] * 8
    one, other = (only(read(frame(a=cells)))[0] for cells in (words, words[::-1]))
    assert one == other
    assert one.levels == ("10", "9", "Fig", "apple", "pear")


def test_an_order_is_the_senders_or_the_files() -> None:
    column, found = only(read(frame(size=["S", "L", "M"]), ordered="size:S<M<L<XL"))
    assert (column.kind, column.levels, found) == ("ordered", ("S", "M", "L", "XL"), [0, 2, 1])
    error = str(refused(frame(size=["S", "L", "Q"]), ordered="size:S<L"))
    assert "none of the levels 'S', 'L': 'Q' (line 4)" in error
    assert "ordered=size:" in str(refused(frame(size=["S", "L", "M"]), kind="size:ordered"))
    file = FrameColumn("size", pa.array(["S", "L", "S"]), "ordered", ("S", "M", "L"))
    column, found = only(read(frame(size=file)))
    assert (column.kind, column.levels, found) == ("ordered", ("S", "M", "L"), [0, 2, 0])


def test_words_that_nearly_all_differ_are_left_out_and_said() -> None:
    raw = read(
        frame(
            name=[f"Person {n}, Mr" for n in range(ROWS)],
            ticket=[f"T{n}" for n in range(ROWS)],
            town=[f"t{n % 25}" for n in range(ROWS)],
            veil=["p"] * ROWS,
            gone=["NA"] * ROWS,
        )
    )
    assert left(raw) == {"name": "text", "ticket": "id", "veil": "constant", "gone": "empty"}
    assert "40 different words in 40 rows" in raw.left_out[0].reason
    assert raw.names == ("town",)
    assert next(note.code for note in raw.notes) == "many_levels"
    kept = read(frame(ticket=[f"T{n}" for n in range(ROWS)]), kind="ticket:category")
    assert len(kept.columns[0].levels) == ROWS


def test_a_column_with_one_word_and_gaps_tells_something() -> None:
    column, found = only(read(frame(bought=["t", "", "t"])))
    assert (column.levels, left(read(frame(bought=["t", "", "t"])))) == (("t",), {})
    np.testing.assert_array_equal(found, [0, NAN, 0])


def test_many_numbers_among_words_are_said() -> None:
    cells = ["1", "2", "3", "C", "5", "6", "A", "8"] * 5
    raw = read(frame(boat=cells))
    assert raw.columns[0].kind == "category"
    assert raw.notes[0].code == "numbers_among_words"
    assert "75% of its cells are numbers" in raw.notes[0].message


# --- dates


def test_dates_become_the_parts_that_vary() -> None:
    raw = read(frame(day=["2012/01/01", "2012/06/15", ""], a=["1", "2", "3"]))
    names = [column.name for column in raw.columns]
    parts = ["days", "year_sin", "year_cos", "week_sin", "week_cos"]
    assert names == [*(f"day: {part}" for part in parts), "a"]
    first = raw.columns[0]
    assert (first.kind, first.source, first.part, first.date_format) == (
        "number", "day", "days", "%Y/%m/%d",
    )  # fmt: skip
    assert raw.x.values[:2, 0].tolist() == [15340, 15506]
    assert np.isnan(raw.x.values[2, :5]).all()


def test_day_or_month_first_is_told_by_a_value_or_asked() -> None:
    days = ["01/04/2024", "02/04/2024"]
    april = (dt.date(2024, 4, 1) - dt.date(1970, 1, 1)).days
    error = str(refused(frame(day=[*days, "03/04/2024"])))
    assert "kind=day:date-dmy or kind=day:date-mdy" in error
    assert read(frame(day=[*days, "13/04/2024"])).x.values[0, 0] == april
    assert read(frame(day=[*days, "03/04/2024"]), kind="day:date-dmy").x.values[0, 0] == april
    january = read(frame(day=[*days, "03/04/2024"]), kind="day:date-mdy").x.values[0, 0]
    assert january == (dt.date(2024, 1, 4) - dt.date(1970, 1, 1)).days
    assert read(frame(day=["04/13/2024", *days])).columns[0].date_format == "%m/%d/%Y"


def test_a_few_cells_that_are_no_dates_are_refused() -> None:
    days = [f"2024-01-{n:02}" for n in range(1, 31)]
    assert "1 cell is no date in the form %Y-%m-%d: 'soon'" in str(
        refused(frame(day=[*days, "soon"]))
    )
    assert "known forms" in str(refused(frame(day=["a", "b", "c"]), kind="day:date"))
    assert read(frame(day=["18.00.00", "19.30.00", "18.00.00"])).columns[0].kind == "category"
    assert read(frame(day=["20240102", "20240203", "20240304"])).columns == ()
    asked = read(frame(day=["20240102", "20240203", "20240304"]), kind="day:date")
    assert asked.columns[0].date_format == "%Y%m%d"


# --- typed columns


def test_typed_columns_are_what_they_are() -> None:
    raw = read(
        frame(
            whole=pa.array([1, None, 3]),
            ok=pa.array([True, None, False]),
            zip=pa.array(["01234", None, "00007"]),
            size=pa.array(["lo", None, "hi"]).dictionary_encode(),
            day=pa.array([dt.date(1970, 1, 2), None, dt.date(1970, 1, 3)]),
            lasted=pa.array([dt.timedelta(seconds=90), None, dt.timedelta(0)]),
            none=pa.nulls(3),
        )
    )
    kinds = {column.source or column.name: column.kind for column in raw.columns}
    assert kinds == {
        "whole": "number", "ok": "boolean", "zip": "category", "size": "category",
        "day": "number", "lasted": "number",
    }  # fmt: skip
    assert left(raw) == {"none": "empty"}
    np.testing.assert_array_equal(raw.x.values[1], NAN)
    lasted = raw.names.index("lasted")
    assert raw.x.values[0, [0, raw.names.index("day: days"), lasted]].tolist() == [1, 1, 90]
    plain = read(frame(a=pa.array([1, 2, 3]), b=pa.array([0.5, 1.5, 2.5])))
    assert (plain.columns, plain.x.values.tolist()) == ((), [[1, 0.5], [2, 1.5], [3, 2.5]])


def test_numbers_that_are_codes_are_words_where_the_sender_says_so() -> None:
    for cells in (["0", "12", "0"], pa.array([0, 12, 0]), pa.array([0.0, 12.0, 0.0])):
        column, found = only(read(frame(hour=cells), kind="hour:category"))
        assert (column.levels, found) == (("0", "12"), [0, 1, 0])


def test_blanks_around_typed_words_are_taken_away_and_it_is_said() -> None:
    raw = read(frame(sex=pa.array([" Male", "Male", "Female", None])))
    assert raw.columns[0].levels == ("Female", "Male")
    assert raw.notes[0].code == "words_merged"


def test_columns_of_lists_are_refused_by_name() -> None:
    assert "drop=a leaves it out" in str(refused(frame(a=pa.array([[1], [2], [3]]))))


# --- columns that are not learnt from


def test_a_first_column_without_a_name_numbers_the_rows() -> None:
    numbers = FrameColumn("", pa.array(["1", "2", "3"]))
    words = FrameColumn("", pa.array(["Fiat", "Ford", "Audi"]))
    for column in (numbers, words):
        raw = read(frame(**{"": column}, a=["1", "2", "4"]))
        assert (raw.names, left(raw)) == (("a",), {"": "index"})
    twice = FrameColumn("", pa.array(["1", "1", "3"]))
    measured = FrameColumn("", pa.array(["1.5", "2.5", "3"]))
    for column in (twice, measured):
        assert "names= gives it one" in str(refused(frame(**{"": column}, a=["1", "2", "4"])))


def test_columns_are_dropped_and_unknown_ones_named_with_those_there_are() -> None:
    table = frame(a=["1", "2", "4"], b=["x", "z", "x"], c=["1", "5", "6"])
    raw = read(table, drop="b")
    assert (raw.names, left(raw), raw.columns) == (("a", "c"), {"b": "dropped"}, ())
    error = refused(table, drop="bb", kind="q:number", ordered="r:x<z")
    assert [mistake.path for mistake in error.mistakes] == ["drop", "kind", "ordered"]
    assert "no column 'bb'; there are a, b, c, y" in str(error)
    assert "no kind 'colour'" in str(refused(table, kind="b:colour"))
    assert "is the label" in str(refused(table, drop="y", label="y"))
    assert "no column is left" in str(refused(table, drop="a,b,c"))


# --- the label


def test_the_label_is_the_senders_the_files_or_the_last() -> None:
    table = frame(a=["p", "q", "p"], b=["1", "2", "3"])
    assert read(table, label="a").y.tolist() == ["p", "q", "p"]
    assert "no column 'z'; there are a, b, y" in str(refused(table, label="z"))
    note = read(table).notes[-1]
    assert (note.code, note.numbers["label"]) == ("label_by_default", "y")
    said = FrameColumn("a", pa.array(["p", "q", "p"]), role="label")
    assert read(Frame((said, *table.columns[1:]))).label == "a"
    last = FrameColumn("kept", pa.array(["1", "2", "3"]), role="left_out")
    assert "which column holds the label" in str(refused(Frame((*table.columns, last))))


def test_the_order_of_a_files_classes_is_kept() -> None:
    label = FrameColumn("y", pa.array(["good", "bad", "good"]), "category", ("good", "fair", "bad"))
    raw = read(frame(a=["1", "2", "3"], y=label))
    assert (raw.classes, raw.y.tolist()) == (("good", "bad"), [0, 1, 0])


def test_rows_without_a_label_are_left_out_and_counted() -> None:
    raw = read(frame(a=["1", "2", "3", "4"], y=["p", "", "None", "NA"]))
    assert raw.y.tolist() == ["p", "None", "NA"]
    assert raw.rows is not None
    assert raw.rows.tolist() == [0, 2, 3]
    assert raw.notes[0].numbers == {"label": "y", "rows": 1, "of": 4}
    assert raw.x.values[:, 0].tolist() == [1, 3, 4]
    assert "no row has a label" in str(refused(frame(a=["1", "2"], y=["", ""])))


def test_declared_words_leave_rows_out_of_a_label_too() -> None:
    raw = read(frame(a=["1", "2", "3", "4"], y=["p", "na", "None", "NA"]), missing="NA")
    assert raw.y.tolist() == ["p", "None"]
    (note,) = [note for note in raw.notes if note.code == "rows_without_label"]
    assert "2 rows of 4 without a label (column 'y'; missing= declares na)" in note.message
    codes = read(frame(a=["1", "2", "3"], y=pa.array([1, -9, 2])), missing="-9")
    assert codes.y.tolist() == [1, 2]


def test_targets_are_numbers_where_the_task_says_so() -> None:
    raw = read(frame(a=["1", "2", "3"], y=["2,5", "NA", "3,5"]), task="regression", missing="x")
    assert (raw.task, raw.y.tolist()) == ("regression", [2.5, 3.5])
    assert raw.x.values[:, 0].tolist() == [1, 3]
    many = [*map(str, range(40)), "x"]
    assert "1 cell is no number: 'x'" in str(refused(frame(a=many[:41], y=many), task="regression"))


# --- what is stored is what is predicted from


WORDS = st.sampled_from(["", "a", "B ", "NA", "?", "1", "2.50", "01", "x y", "1,5", "T", "é"])
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6).map(repr),
    st.integers(-1000, 1000).map(str),
    st.sampled_from(["", "NA", "?", "-", "1e3", "+4", ".5", "7.", "1,234.5"]),
)
DATES = st.one_of(st.dates(dt.date(1960, 1, 1)).map(lambda day: f"{day:%Y-%m-%d}"), st.just(""))


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(*(st.lists(one, min_size=3, max_size=30) for one in (WORDS, NUMBERS, DATES))),
    st.sampled_from(["", "NA", "a", "-200"]),
)
def test_what_is_stored_is_what_stored_makes_of_the_same_cells(
    cells: list[str], missing: str
) -> None:
    thirds = len(cells[::3])
    table = frame(
        v=[cell.strip() for cell in cells], w=["p", "q", "r"] * thirds, y=["k", "l", "m"] * thirds
    )
    table = Frame(tuple(FrameColumn(c.name, c.cells[: len(cells)]) for c in table.columns))
    try:
        raw = read(table, missing=missing, decimal=".")
    except errors.InvalidDataset:
        return
    for at, column in enumerate(raw.columns):
        given_ = (
            cells if (column.source or column.name) == "v" else table.columns[1].cells.to_pylist()
        )
        np.testing.assert_array_equal(raw.x.values[:, at], stored(column, given_))
