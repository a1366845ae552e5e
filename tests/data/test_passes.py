"""Quick passes over whole columns and matrices give what their plain formulas give."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.data import UPLOAD, equal_rows, splits
from hpsearch.data.parse import labels, narrow, write
from hpsearch.data.parse.frames import read_frame, rows
from hpsearch.data.parse.frames.gathered import Gathered, as_numbers
from hpsearch.data.parse.parameters import reading_of

RNG = np.random.default_rng(0)
GAPS = pa.array(["", "na"], pa.string())


def mixed_words(row: bytes) -> int:
    """splitmix64 of each word with its place, summed, in Python's integers."""
    total, mask = 0, 2**64 - 1
    padded = row + bytes(-len(row) % 8)
    for place in range(len(padded) // 8):
        word = int.from_bytes(padded[8 * place : 8 * place + 8], "little")
        word = (word + (place + 1) * 0x9E3779B97F4A7C15) & mask
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
        total += word ^ (word >> 31)
    return total & mask


@pytest.mark.parametrize("width", [1, 3, 8])
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8", "i8"])
def test_rows_hash_to_their_mixed_words(dtype: str, width: int) -> None:
    rows = RNG.integers(0, 200, (50, width)).astype(dtype)
    if rows.dtype.kind == "f":
        rows[3], rows[5] = -0.0, np.nan
    plain = np.where(rows == 0, rows.dtype.type(0), rows)
    expected = [mixed_words(np.ascontiguousarray(row).tobytes()) for row in plain]
    assert equal_rows.hashes(rows).tolist() == expected


@given(st.lists(st.integers(0, 12), max_size=30))
def test_numbers_of_rows_rise_with_each_new_one(values: list[int]) -> None:
    seen: dict[int, int] = {}
    expected = [seen.setdefault(value, len(seen)) for value in values]
    assert equal_rows.numbered(np.array(values, np.uint64)).tolist() == expected


def test_gaps_are_counted_block_by_block() -> None:
    x = np.where(RNG.random((7_000, 40)) < 0.01, np.nan, 1.0).astype(np.float32)
    x[:, 3] = 2
    marked = RNG.random(len(x)) < 0.5
    every, some = narrow.gaps(x, marked)
    np.testing.assert_array_equal(every, np.isnan(x).sum(axis=0))
    np.testing.assert_array_equal(some, np.isnan(x[marked]).sum(axis=0))


CELLS = st.lists(
    st.sampled_from(["7", "0", "0.5", "10", "-01", "0e3", "", "2", "00.5"]), max_size=9
)


@given(CELLS, st.sampled_from(["1", "007", " 01", "\u00a005", "00", "0.0", "\t9 "]), CELLS)
def test_digits_behind_a_needless_0_are_no_number(
    cells: list[str], one: str, before: list[str]
) -> None:
    array = pa.array([*before, *cells, one], pa.string())[len(before) :]
    padded = any(re.fullmatch("0[0-9]+", cell.strip()) for cell in (*cells, one))
    values = as_numbers(array, GAPS)
    assert (values is None) == padded
    if values is not None:
        expected = [float(cell) if cell.strip() else None for cell in (*cells, one)]
        assert values.to_pylist() == expected


def test_more_rows_than_the_first_lines_promise_are_read(tmp_path: Path) -> None:
    long = [f"{n}.{'3' * 60},{n % 2}" for n in range(1_000)]
    short = [f"{n},{n % 2}" for n in range(20_000)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,label", *long, *short]) + "\n")
    frame = read_frame(path, reading_of({}), UPLOAD, typed=True)
    assert frame.rows == 21_000
    assert frame.columns[0].cells[20_999].as_py() == 19_999


@pytest.mark.parametrize(
    ("limits", "message"), [({"rows": 500}, "5,000 rows"), ({"data": 500 * 2 * 4}, "40,000 bytes")]
)
def test_room_is_taken_for_no_more_rows_than_the_limits_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], message: str
) -> None:
    """Else a table beyond them would end the parser for want of memory, and the message would say so."""
    taken: list[int] = []

    class Seen(Gathered):
        def __init__(self, *given: Any, **named: Any) -> None:
            taken.append(given[-1])
            super().__init__(*given, **named)

    monkeypatch.setattr(rows, "Gathered", Seen)
    path = tmp_path / "table.csv"
    path.write_text("a,label\n" + "7,0\n" * 5_000)
    with pytest.raises(errors.TooLarge, match=message):
        read_frame(path, reading_of({}), replace(UPLOAD, **limits), typed=True)
    assert taken == [500]


def by_columns(x: np.ndarray) -> np.ndarray:
    """The same matrix with each column in one piece, and room behind it."""
    room = np.full((x.shape[1] + 1, len(x) + 3), 7, x.dtype)
    room[: x.shape[1], : len(x)] = x.T
    return room[: x.shape[1], : len(x)].T


def matrix() -> np.ndarray:
    x = RNG.normal(size=(9_000, 33)) * 10.0 ** RNG.integers(-6, 9, 33)
    x[:, 3], x[::7, 5], x[4, 6] = -0.0, np.nan, 1_700_000_000.25
    return x


def test_a_matrix_of_columns_in_one_piece_is_hashed_and_seeds_alike() -> None:
    x, y = matrix(), np.arange(9_000)
    lying = by_columns(x)
    np.testing.assert_array_equal(equal_rows.hashes(lying), equal_rows.hashes(x))
    np.testing.assert_array_equal(
        equal_rows.hashes(lying, np.dtype(np.float32)), equal_rows.hashes(x, np.dtype(np.float32))
    )
    assert write.content_seed(lying, y, "meant") == write.content_seed(x, y, "meant")
    assert narrow.inexact_columns(lying) == narrow.inexact_columns(x)


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "i8"])
def test_a_matrix_of_columns_in_one_piece_becomes_the_same_float32(
    dtype: str, shifted: bool
) -> None:
    x = np.nan_to_num(matrix()).astype(dtype)
    offset = RNG.normal(size=33) * 1e6 if shifted else None
    lying = by_columns(x)
    made = narrow.narrow(lying, offset)
    assert np.may_share_memory(made, lying)
    assert made.dtype == np.float32
    assert np.ascontiguousarray(made).tobytes() == narrow.narrow(x, offset).tobytes()


def test_rows_of_columns_in_one_piece_are_written_alike(tmp_path: Path) -> None:
    x = np.nan_to_num(matrix()).astype(np.float32)
    rows = np.flatnonzero(RNG.random(len(x)) < 0.8)
    digests = []
    for at, array in enumerate((x, by_columns(x))):
        writer = write.Writer(tmp_path / str(at), "")
        writer.write("train_x.npy", array, rows)
        writer.write("test_x.npy", array)
        digests.append((writer.digest, writer.files))
    assert digests[0] == digests[1]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=40),
    st.sampled_from([0, 300, 70_000]),
)
def test_rows_are_ranked_by_class_key_and_number(pairs: list[tuple[int, int]], above: int) -> None:
    keys = np.array([key for key, _ in pairs], np.uint64)
    codes = np.array([code + above * (code > 1) for _, code in pairs], np.intp)
    for these in (keys, np.arange(len(keys), dtype=np.uint64)[::-1].copy()):
        expected = np.lexsort((these, codes))
        np.testing.assert_array_equal(splits.ranked(these, codes), expected)


@pytest.mark.parametrize("words", [("b", "a", "10", "2", "é"), tuple(map(str, range(300)))])
def test_distinct_labels_and_their_places_are_those_of_numpy(words: tuple[str, ...]) -> None:
    y = np.array(words)[RNG.integers(0, len(words), 2_000)]
    for made, expected in zip(
        labels.distinct_words(y), np.unique(y, return_inverse=True), strict=True
    ):
        np.testing.assert_array_equal(made, expected)
