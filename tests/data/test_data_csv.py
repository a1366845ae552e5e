"""Uploads as CSV: the column and a line of every mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.data import UPLOAD, Limits
from hpsearch.data.parse import table as reader
from hpsearch.data.parse.request import Request

GOOD = "age,weight,kind\n1,2.5,a\n3,-4e2,b\n"


def read(path: Path, label: str | None = None, limits: Limits = UPLOAD):
    return reader.read(Request(reader.read, out="", path=str(path), label=label), limits)


def refused(path: Path, label: str | None = None) -> errors.InvalidDataset:
    with pytest.raises(errors.InvalidDataset) as found:
        read(path, label)
    return found.value


def test_the_last_column_is_the_label(table):
    raw = read(table(GOOD))
    assert raw.names == ("age", "weight")
    assert raw.y.tolist() == ["a", "b"]
    assert raw.x.values.tolist() == [[1, 2.5], [3, -400]]
    assert (raw.x.kind, raw.x.shape, raw.x.values.dtype) == ("tabular", (2,), np.float64)


def test_any_column_can_be_the_label(table):
    raw = read(table("kind,age,weight\na,1,2\nb,3,4\n"), "kind")
    assert raw.names == ("age", "weight")
    assert raw.y.tolist() == ["a", "b"]
    assert raw.x.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\n\n"),
        GOOD.removesuffix("\n"),
        GOOD.replace("age,weight,kind", ' "age" , weight, kind').replace(' "age" ', '"age"'),
        GOOD.replace("1,2.5,a", '"1"," 2.5 "," a "'),
    ],
    ids=["bom", "crlf", "blank lines", "no last break", "quoted header", "quoted fields"],
)
def test_spellings_of_the_same_table_are_read_alike(table, text):
    raw = read(table(text))
    assert raw.names == ("age", "weight")
    assert raw.y.tolist() == ["a", "b"]
    assert raw.x.values.tolist() == [[1, 2.5], [3, -400]]


def test_labels_may_hold_commas_breaks_in_quotes_and_64_characters(table):
    word = "ü" * 64
    raw = read(table(f'x,y\n1,"a, b"\n2,{word}\n'))
    assert raw.y.tolist() == ["a, b", word]


@pytest.mark.parametrize(
    ("field", "said"),
    [("-inf", "infinite"), ("1e999", "infinite"), ("1e31", "rescale the column")],
)
def test_a_value_that_cannot_be_trained_on_is_named_by_column_and_line(table, field, said):
    error = refused(table(f"age,weight,kind\n1,2,a\n3,{field},b\n"))
    assert error.mistakes[0].path == "x[:, 'weight']"
    assert "column 'weight', line 3" in str(error)
    assert said in str(error)


@pytest.mark.parametrize("field", ["", "   ", "nan", "NA"])
def test_a_missing_number_is_a_gap(table, field):
    raw = read(table(f"age,weight,kind\n1,2,a\n3,{field},b\n4,5,a\n"))
    assert [column.kind for column in raw.columns] == ["number", "number"]
    np.testing.assert_array_equal(raw.x.values, [[1, 2], [3, np.nan], [4, 5]])


@pytest.mark.parametrize("field", ["1_000", "\uff11", "red", "0x10"])
def test_a_cell_among_many_numbers_that_is_none_is_named_by_column_and_line(table, field):
    rows = "".join(f"{n},{n % 7},{'ab'[n % 2]}\n" for n in range(60))
    error = refused(table(f"age,weight,kind\n{rows}1,{field},a\n"))
    (mistake,) = error.mistakes
    assert mistake.path == "x[:, 'weight']"
    assert f"{field!r} (line 62)" in mistake.message


def test_all_columns_with_mistakes_are_reported_at_once(table):
    error = refused(table("a,b,y\n1,inf,p\ninf,2,q\n3,4,p\n"))
    assert [mistake.path for mistake in error.mistakes] == ["x[:, 'a']", "x[:, 'b']"]
    assert "line 3" in refused(table("a,b,y\n1,2,p\n2,3\n4,5,q\n6,7,r\n")).mistakes[0].path


def test_lines_are_counted_across_blocks_of_rows(table):
    rows = [f"{n},{n % 2}\n" for n in range(300_000)]
    rows[250_000] = "inf,1\n"
    error = refused(table("a,y\n" + "".join(rows)))
    assert error.mistakes[0].path == "x[:, 'a']"
    assert "line 250002" in str(error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("a\n1\n", "delimiter= says what separates them"),
        ("1,2,3\n4,5,6\n", "header=true if it names them, header=false"),
        ("a,,y\n1,2,3\n", "column 2 has no name"),
        (f"{'a' * 201},y\n1,2\n", "no column name"),
        ("a\x07,y\n1,2\n", "no column name"),
        ("a,a,y\n1,2,3\n", "twice"),
        ("a,y\n", "no rows"),
        ("a,y\n\n\n", "no rows"),
    ],
)
def test_headers_that_cannot_be_used_are_refused(table, text, said):
    assert said in str(refused(table(text)))


def test_a_label_that_is_no_column_is_refused_with_the_columns_there_are(table):
    error = refused(table(GOOD), "colour")
    assert error.mistakes[0].path == "label"
    assert "age, weight, kind" in str(error)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,y\n1,\x00\n", "NUL byte"),
        (b'a,y\n1,"b\n', "unexpected end of data"),
        (b'a,y\n1,"b"c\n', "expected after"),
        (b'a,y\n1,"' + b"b\n" * 2000, "unexpected end of data"),
        (b"a,y\n1," + b"b" * (5 << 20), "more than 4,194,304 characters"),
        (b"a,y\n1," + b"b" * 65 + b"\n", "longer than 64"),
        (b"PK\x03\x04\x00\x00", "zip file is damaged"),
    ],
)
def test_what_is_no_table_is_refused(table, content, said):
    assert said in str(refused(table(content)))


@pytest.mark.parametrize(
    ("limits", "said"),
    [(Limits(rows=1), "2 rows"), (Limits(columns=1), "3 features"), (Limits(data=8), "12 bytes")],
)
def test_the_limits_are_named(table, limits, said):
    with pytest.raises(errors.TooLarge, match=said):
        read(table(GOOD), None, limits)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet='ab,;"\n\r 0123456789.eE_-+\x00\ufeff', max_size=80))
def test_any_text_is_read_or_refused(table, text):
    path = table(text)
    try:
        raw = read(path)
    except errors.InvalidDataset:
        return
    assert raw.columns or np.isfinite(raw.x.values).all()
    assert len(raw.x.values) == len(raw.y)


VALUES = st.floats(-(2.0**99), 2.0**99, width=32)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20))
def test_what_is_written_is_read_back_exactly(table, rows):
    text = "a,b,y\n" + "".join(f"{a!r},{b!r},c\n" for a, b in rows)
    assert read(table(text)).x.values.tolist() == [list(row) for row in rows]
