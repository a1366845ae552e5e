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
from hpsearch.data import UPLOAD, equal_rows
from hpsearch.data.parse import narrow
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
        def __init__(self, *given: Any) -> None:
            taken.append(given[-1])
            super().__init__(*given)

    monkeypatch.setattr(rows, "Gathered", Seen)
    path = tmp_path / "table.csv"
    path.write_text("a,label\n" + "7,0\n" * 5_000)
    with pytest.raises(errors.TooLarge, match=message):
        read_frame(path, reading_of({}), replace(UPLOAD, **limits), typed=True)
    assert taken == [500]
