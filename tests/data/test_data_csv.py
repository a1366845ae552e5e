"""Uploads as CSV: the column and the line of every mistake."""

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
    assert (raw.x.kind, raw.x.shape, raw.x.values.dtype) == ("tabular", (2,), np.float32)


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
    [
        ("", "missing; fill it in"),
        ("   ", "missing; fill it in"),
        ("nan", "missing (NaN)"),
        ("-inf", "infinite"),
        ("1e999", "infinite"),
        ("1e31", "rescale the column"),
        ("1_000", "'1_000' is not a number"),
        ("\uff11", "is not a number"),
        ("red", "'red' is not a number"),
        ("0x10", "'0x10' is not a number"),
        ('"1,5"', "'1,5' is not a number"),
    ],
)
def test_a_value_that_is_no_number_is_named_by_column_and_line(table, field, said):
    error = refused(table(f"age,weight,kind\n1,2,a\n3,{field},b\n"))
    assert error.mistakes[0].path == "x[1, 'weight']"
    assert "column 'weight', line 3" in str(error)
    assert said in str(error)


def test_all_mistakes_are_reported_at_once(table):
    error = refused(table("a,b,y\n1,,p\n2,3\nx,nan,q\n4,5,\n6,7,r\n"))
    paths = [mistake.path for mistake in error.mistakes]
    assert paths == ["x[0, 'b']", "x[1]", "x[2, 'a']", "x[2, 'b']", "y[3]"]
    assert "line 3 has 2 fields, the header has 3" in error.mistakes[1].message


def test_mistakes_beyond_twenty_end_the_reading(table):
    assert len(refused(table("a,y\n" + "x,1\n" * 500)).mistakes) == 20


def test_lines_are_counted_across_blocks_of_rows(table):
    rows = [f"{n},{n % 2}\n" for n in range(300_000)]
    rows[250_000] = "nan,1\n"
    error = refused(table("a,y\n" + "".join(rows)))
    assert error.mistakes[0].path == "x[250000, 'a']"
    assert "line 250002" in str(error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "0 column(s)"),
        ("a\n1\n", "separated by commas"),
        ("a;b;c\n1;2;3\n", "separated by commas"),
        ("1,2,3\n4,5,6\n", "holds numbers"),
        ("a,,y\n1,2,3\n", "no column name"),
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
        (b"a,y\n1,\xff\n", "not UTF-8"),
        ("a,y\n1,b\n".encode("utf-16"), "not UTF-8"),
        (b'a,y\n1,"b\n', "unexpected end of data"),
        (b'a,y\n1,"b"c\n', "expected after"),
        (b"a,y\n" + b"1" * 2000 + b",b\n", "field larger than field limit (1024)"),
        (b'a,y\n1,"' + b"b\n" * 2000, "field larger"),
        (b"a,y\n1," + b"b" * (5 << 20), "more than 4,194,304 characters"),
        (b"a,y\n1," + b"b" * 65 + b"\n", "longer than 64"),
        (b"PK\x03\x04\x00\x00", "NUL byte"),
    ],
)
def test_what_is_no_table_is_refused(table, content, said):
    assert said in str(refused(table(content)))


@pytest.mark.parametrize(
    ("limits", "said"),
    [(Limits(rows=1), "2 rows"), (Limits(columns=1), "2 features"), (Limits(data=8), "16 bytes")],
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
    assert np.isfinite(raw.x.values).all()
    assert len(raw.x.values) == len(raw.y)


VALUES = st.floats(-(2.0**99), 2.0**99, width=32)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20))
def test_what_is_written_is_read_back_exactly(table, rows):
    text = "a,b,y\n" + "".join(f"{a!r},{b!r},c\n" for a, b in rows)
    assert read(table(text)).x.values.tolist() == [list(row) for row in rows]
