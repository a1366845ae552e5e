"""Parquet and JSON: types, levels and gaps as their writers meant them."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hpsearch import errors
from hpsearch.data import Limits


def parquet(table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), buffer)
    return buffer.getvalue()


def of_pandas(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def test_a_dictionary_gives_levels_that_no_row_has_and_their_order(read, columns):
    levels = ["lo", "mid", "hi", "top"]
    words = pd.Categorical(["mid", "lo", None, "hi"], categories=levels, ordered=True)
    plain = pd.Categorical(["b", "a", "b", "a"])
    frame = read(of_pandas(pd.DataFrame({"size": words, "kind": plain, "x": [1.5, 2, 3, 4]})))
    size, kind, x = frame.columns
    assert (size.declared, size.levels) == ("ordered", tuple(levels))
    assert size.cells.to_pylist() == ["mid", "lo", None, "hi"]
    assert (kind.declared, kind.levels) == ("category", ("a", "b"))
    assert (x.declared, x.cells.type) == (None, pa.float64())


def test_a_dictionary_of_numbers_is_words_and_keeps_its_gap(read):
    cells = pa.DictionaryArray.from_arrays(pa.array([1, None, 0]), pa.array([10, 20]))
    (column,) = read(parquet({"code": cells})).columns
    assert (column.cells.to_pylist(), column.levels) == (["20", None, "10"], ("10", "20"))


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (pa.array([3.0, 2.5, 1.0]), ("3", "2.5", "1")),
        (pa.array([True, False]), ("true", "false")),
        (pa.array([dt.date(2024, 3, 1), None]), ("2024-03-01",)),
        (pa.array([2.0, float("nan")]), ("2",)),
    ],
)
def test_levels_of_a_typed_dictionary_are_the_words_of_its_cells(read, levels, words):
    codes = pa.array([0, 1, 0, None], pa.int8())
    cells = pa.DictionaryArray.from_arrays(codes, levels, ordered=True)
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, pa.schema({"v": cells.type})) as writer:
        writer.write_table(pa.table({"v": cells}))
    (column,) = read(sink.getvalue()).columns
    second = words[1] if len(levels.drop_null()) > 1 and len(words) > 1 else None
    assert column.levels == words
    assert column.cells.to_pylist() == [words[0], second, words[0], None]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32()),
        pa.array([0, 2**62], pa.int64()).cast(pa.timestamp("s")),
        pa.array([0, -(2**60)], pa.int64()).cast(pa.timestamp("ms", "UTC")),
        pa.DictionaryArray.from_arrays(
            pa.array([0, 1]), pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32())
        ),
    ],
)
def test_dates_in_no_year_that_there_is_are_refused_by_their_row(refused, cells):
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, pa.schema({"when": cells.type})) as writer:
        writer.write_table(pa.table({"when": cells}))
    assert "column 'when', row 2: the day" in str(refused(sink.getvalue()))


def test_row_groups_may_have_dictionaries_of_their_own(read):
    first = pa.chunked_array([pa.array(["b", "a"]).dictionary_encode()])
    second = pa.chunked_array([pa.array(["c", "a"]).dictionary_encode()])
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, pa.schema({"k": first.type})) as writer:
        writer.write_table(pa.table({"k": first}))
        writer.write_table(pa.table({"k": second}))
    (column,) = read(buffer.getvalue()).columns
    assert column.cells.to_pylist() == ["b", "a", "c", "a"]
    assert sorted(column.levels) == ["a", "b", "c"]


@pytest.mark.parametrize("rows", [[0, 1, 3], [0, 2, 4]])
def test_an_index_of_pandas_without_a_name_is_left_out_and_said(read, columns, codes, rows):
    whole = pd.DataFrame({"x": np.arange(6) / 2, "kind": list("abcabc")})
    frame = read(of_pandas(whole.loc[rows]))
    assert list(columns(frame)) == ["x", "kind"]
    assert codes(frame) == (["index"] if rows == [0, 1, 3] else [])
    named = read(of_pandas(whole.set_index("kind")))
    assert list(columns(named)) == ["x", "kind"]


def test_types_are_kept_or_said(read, columns, codes):
    when = dt.datetime(2024, 3, 1, 12, 30)  # noqa: DTZ001 (a file has such)
    frame = read(
        parquet(
            {
                "big": pa.array([9007199254740993, None]),
                "flag": pa.array([True, None]),
                "day": pa.array([dt.date(2024, 3, 1), None]),
                "when": pa.array([when, None], pa.timestamp("ns")),
                "zone": pa.array([when, None], pa.timestamp("us", tz="Europe/Berlin")),
                "price": pa.array([decimal.Decimal("2.50"), None], pa.decimal128(10, 2)),
                "took": pa.array([dt.timedelta(seconds=90), None], pa.duration("us")),
                "clock": pa.array([dt.time(0, 1, 30, 500_000), None], pa.time64("ns")),
                "half": pa.array(np.array([0.5, 1], np.float16)),
                "word": pa.array([" a ", None]),
                "never": pa.nulls(2),
            }
        )
    )
    cells = columns(frame)
    assert cells["big"] == [9007199254740993, None]
    assert cells["flag"] == [True, None]
    assert cells["day"] == [dt.date(2024, 3, 1), None]
    assert cells["when"][0] == when
    assert cells["zone"][0] == when
    assert (cells["price"], cells["took"], cells["clock"]) == (
        [2.5, None],
        [90, None],
        [90.5, None],
    )
    assert (cells["half"], cells["word"]) == ([0.5, 1], ["a", None])
    assert cells["never"] == [None, None]
    assert codes(frame) == ["time_zone", "seconds", "seconds"]


def test_columns_of_nested_types_are_named(refused):
    error = refused(parquet({"x": [1.0], "parts": [[1, 2]], "one": [{"a": 1}], "raw": [b"x"]}))
    assert [mistake.path for mistake in error.mistakes] == [
        "column 'parts'",
        "column 'one'",
        "column 'raw'",
    ]
    assert "list<" in str(error)


def test_parquet_that_is_damaged_empty_or_too_large_is_refused(read, refused):
    good = parquet({"x": pa.array(np.arange(1000.0)), "k": ["a"] * 1000})
    assert "damaged" in str(refused(good[:-20]))
    assert "damaged" in str(refused(b"PAR1" + b"\0" * 100 + b"PAR1"))
    assert "no rows" in str(refused(parquet({"x": pa.array([], pa.int32())})))
    with pytest.raises(errors.TooLarge, match="1,000 rows"):
        read(good, limits=Limits(rows=10))
    rng = np.random.default_rng(0)
    for _ in range(40):
        content = bytearray(good)
        content[rng.integers(4, len(good))] ^= 1 << rng.integers(8)
        try:
            read(bytes(content))
        except (errors.InvalidDataset, errors.TooLarge):
            pass


def test_parquet_in_gzip_is_read(read, columns):
    import gzip

    assert columns(read(gzip.compress(parquet({"x": [1, 2]})))) == {"x": [1, 2]}


ROWS = [{"a": 1, "zip": "01234"}, {"zip": "00007", "a": 2.5, "late": "z"}, {"a": None}]
EXPECTED = {
    "a": [1.0, 2.5, None],
    "zip": ["01234", "00007", None],
    "late": [None, "z", None],
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\n".join(map(json.dumps, ROWS)),
        "\n\n".join(map(json.dumps, ROWS)) + "\n\n",
        "\ufeff " + json.dumps(ROWS) + "\n",
    ],
    ids=["array", "indented", "lines", "blank lines", "bom"],
)
def test_records_are_read_from_an_array_and_from_lines(read, columns, text):
    assert columns(read(text)) == EXPECTED


def test_a_late_key_and_a_late_fraction_are_taken(read, columns):
    rows = '{"a": 1}\n' * 300_000 + '{"a": 2.5, "late": "z"}\n'
    cells = columns(read(rows))
    assert cells["a"] == [1] * 300_000 + [2.5]
    assert cells["late"] == [None] * 300_000 + ["z"]


def test_a_record_may_lie_across_blocks(read, columns):
    rows = [{"n": n, "text": "word " * (n % 40_000)} for n in range(0, 400_000, 7_001)]
    cells = columns(read(json.dumps(rows)))
    assert cells["n"] == [row["n"] for row in rows]
    assert cells["text"] == [row["text"].strip() for row in rows]


def test_values_of_json_become_columns_of_one_type(read, columns):
    rows = (
        '{"gap": NaN, "flag": true, "big": 9007199254740993, "mix": 1, "huge": 1'
        + "0" * 30
        + '}\n{"gap": 2, "flag": null, "big": 1, "mix": "x", "huge": -Infinity}\n'
    )
    cells = columns(read(rows))
    assert cells["gap"] == [None, 2]
    assert cells["flag"] == [True, None]
    assert cells["big"] == [9007199254740993, 1]
    assert cells["mix"] == ["1", "x"]
    assert cells["huge"] == [1e30, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no records"),
        ("{}", "no records"),
        ('[{"a": 1}', "no end after record 1"),
        ('[{"a": 1},]', "comma behind it"),
        ('[{"a": 1}] x', "text follows"),
        ('[{"a": 1} {"a": 2}]', "followed by"),
        ('{"a": 1}\n[2]', "record 2: is no object"),
        ('{"a": 1, "a": 2}', "a key is there twice"),
        ('{"a": [1, 2], "b": {"c": 1}}', "the key 'a' holds an array in record 1"),
        ('{"a": \n', "record 1"),
        ('{"a": "\\ud800"}', "half a character"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5_000 + "}", "record 1"),
        ('{"": 1, "b": 2}\n{"\\u0007": 1}', "no column name"),
    ],
)
def test_json_that_holds_no_table_is_refused(refused, text, said):
    assert said in str(refused(text))


def test_json_keeps_the_limits(read):
    text = json.dumps([{f"k{n}": 1 for n in range(20)}] * 3)
    with pytest.raises(errors.TooLarge, match="11 features"):
        read(text, limits=Limits(columns=10))
    with pytest.raises(errors.TooLarge, match="3 rows"):
        read(text, limits=Limits(rows=2))


# --- Arrow files and streams


def arrow_file(table, *, stream: bool = False, compression: str | None = None) -> bytes:
    table = table if isinstance(table, pa.Table) else pa.table(table)
    buffer = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with new(buffer, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=3)
    return buffer.getvalue()


KINDS = {
    "size": pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 0, 1]), pa.array(["lo", "hi", "top"]), ordered=True
    ),
    "n": pa.array([2**53 + 1, None, 3, 4, 5]),
    "day": pa.array([dt.date(2024, 1, 2)] * 5),
    "word": pa.array(["a ", None, "c", "d", "e"]),
    "wait": pa.array([dt.timedelta(seconds=2)] * 5),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_an_arrow_file_is_as_the_same_table_in_parquet(read, columns, stream, compression):
    table = pa.table(KINDS)
    frame = read(arrow_file(table, stream=stream, compression=compression))
    wanted = read(parquet(table))
    assert columns(frame) == columns(wanted)
    for one, other in zip(frame.columns, wanted.columns, strict=True):
        assert (one.name, one.declared, one.levels) == (other.name, other.declared, other.levels)
    assert frame.notes == wanted.notes


def test_the_feather_file_of_pandas(read, columns, tmp_path):
    path = tmp_path / "table.feather"
    pd.DataFrame({"x": [1.5, None], "k": pd.Categorical(["b", "a"])}).to_feather(path)
    frame = read(path.read_bytes())
    assert columns(frame) == {"x": [1.5, None], "k": ["b", "a"]}
    assert frame.columns[1].levels == ("a", "b")


def test_arrow_files_that_are_no_table(read, refused):
    nested = {"x": pa.array([[1], [2]]), "y": pa.array(["a", "b"])}
    assert "column 'x' is of the type list<item: int64>" in str(refused(arrow_file(nested)))
    assert "no rows" in str(refused(arrow_file({"x": pa.array([], pa.int64())})))
    with pytest.raises(errors.TooLarge, match="5 rows"):
        read(arrow_file(KINDS), limits=Limits(rows=4))


def test_damaged_arrow_files_are_refused(read):
    whole = arrow_file(KINDS)
    for cut in (1, 9, 200, len(whole) - 12):
        with pytest.raises(errors.InvalidDataset, match="damaged"):
            read(whole[:-cut])
    # Offsets of words that lead out of the column.
    words = pa.StringArray.from_buffers(
        2, pa.py_buffer(np.array([0, 10**6, 2], np.int32).tobytes()), pa.py_buffer(b"ab")
    )
    with pytest.raises(errors.InvalidDataset, match="damaged"):
        read(arrow_file({"w": words, "x": pa.array([1, 2])}))
