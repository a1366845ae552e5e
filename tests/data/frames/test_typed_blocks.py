"""Blocks that are read by their types give what the text of each cell gives, or are read as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.data import UPLOAD
from hpsearch.data.limits import Limits
from hpsearch.data.parse import table, work
from hpsearch.data.parse.frames import read_frame, rows, typed_blocks
from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.frames.typed_blocks import Shape, batches, padded_fields
from hpsearch.data.parse.mixed import raw_of
from hpsearch.data.parse.parameters import reading_of
from hpsearch.data.parse.raw import Raw
from hpsearch.data.parse.request import Request

BLOCK = 60  # bytes: a few rows

CELLS = {
    "numbers": ("1.5", "-2", "3e4", "0.25", "+7", ".5", "2."),
    "counts": ("0", "10", "3", "9007199254740993"),
    "blanks": (" 1.5", "2 ", "\t3", "4"),
    "gaps": ("1.5", "", "-2", "7"),
    "spelled gaps": ("1.5", "NA", "3", "nan", ""),
    "blank gaps": ("1", "  ", "2.5", "3"),
    "padded": ("1", "2", "007", "3"),
    "zeros": ("0.5", "0", "00.5", "0e3"),
    "infinite": ("1", "2", "1e999", "-inf"),
    "words": ("a", " a", "b ", "ä", "level 05"),
    "dates": ("2024-01-02", "01/02/2024", "2025-01-02 00:10", "2024-02-02"),
    "flags": ("yes", "no", "yes", ""),
    "commas": ("1;5", "2", "3", "x"),
}
COLUMN = st.sampled_from(sorted(CELLS))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text is long enough to be read by its types, in blocks of a few rows."""
    whole = rows.Body.blocks

    def parted(body: rows.Body) -> Iterator[bytes]:
        for block in whole(body):
            yield from (block[at : at + BLOCK] for at in range(0, len(block), BLOCK))

    monkeypatch.setattr(typed_blocks, "SMALLEST", 0)
    monkeypatch.setattr(rows.Body, "blocks", parted)


def said_of(path: Path, *, typed: bool, limits: Limits = UPLOAD, **words: Any) -> Raw | str:
    """What a table becomes, or the refusal."""
    reading = reading_of(words)
    try:
        return raw_of(read_frame(path, reading, limits, typed=typed), reading, limits)
    except errors.UserError as error:
        return str(error)


def require_same(path: Path, **words: Any) -> Raw | str:
    slow, fast = (said_of(path, typed=typed, **words) for typed in (False, True))
    if isinstance(slow, str) or isinstance(fast, str):
        assert slow == fast
        return slow
    for name in ("columns", "names", "left_out", "notes", "classes", "label", "task"):
        assert getattr(slow, name) == getattr(fast, name), name
    assert slow.x.values.tobytes() == fast.x.values.tobytes()
    assert np.array_equal(slow.y, fast.y)
    for fact, values in slow.facts.arrays().items():
        np.testing.assert_array_equal(values, fast.facts.arrays()[fact])
    return fast


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kinds=st.lists(COLUMN, min_size=2, max_size=5),
    late=COLUMN,
    seed=st.integers(0, 2**32 - 1),
    odd=st.sampled_from(["", "blank line", "empty row", "short row", "no last end"]),
)
def test_any_table_is_what_the_text_of_its_cells_is(
    tmp_path: Path, small_blocks: None, kinds: list[str], late: str, seed: int, odd: str
) -> None:
    rng = np.random.default_rng(seed)
    lines = []
    for row in range(60):
        # A column may turn into another kind far below.
        here = [late if row > 40 and at == 0 else kind for at, kind in enumerate(kinds)]
        lines.append(",".join([*map(rng.choice, map(CELLS.get, here)), f"class {row % 3}"]))
    at = int(rng.integers(20, 60))
    put = {"blank line": "", "empty row": "," * len(kinds), "short row": "1,2"}
    if odd in put:
        lines.insert(at, put[odd])
    header = ",".join([*(f"c{at}" for at in range(len(kinds))), "label"])
    end = "" if odd == "no last end" else "\n"
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *lines]) + end)
    require_same(path)


@pytest.mark.parametrize("name", sorted(CELLS))
def test_blocks_are_read_by_type_where_the_cells_allow_it(
    tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    taken: list[bool] = []
    whole = typed_blocks._typed

    def noted(*given: Any) -> Any:
        made = whole(*given)
        taken.append(made is not None)
        return made

    monkeypatch.setattr(typed_blocks, "_typed", noted)
    cells = CELLS[name]
    lines = [f"{n * 0.5},{cells[n % len(cells)]},{n % 7},{'xy'[n % 2]}" for n in range(200)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([f"first,of {name},third,label", *lines]) + "\n")
    require_same(path, drop=["third"])
    # A block that is not what was expected costs a second look: at most eight of them.
    assert taken.count(False) <= 8
    assert taken.count(True) > 20 or name in {"zeros", "infinite", "padded", "blank gaps"}


def test_columns_between_blanks_are_read_in_few_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that are rewritten come one by one, and a reader's call costs the same for a block."""
    read: list[int] = []
    whole = typed_blocks._read

    def noted(block: bytes, *given: Any) -> Any:
        read.append(len(block))
        return whole(block, *given)

    monkeypatch.setattr(typed_blocks, "_read", noted)
    path = tmp_path / "table.txt"
    lines = [f"{n * 0.25:.6f}   {n % 11}  {n % 7}.5 {'xy'[n % 2]}" for n in range(60_000)]
    path.write_text("\n".join(["a b c label", *lines]) + "\n")
    assert path.stat().st_size > typed_blocks.SMALLEST
    require_same(path, delimiter="space")
    assert len(read) < 8


def test_numbers_and_words_lie_where_the_matrix_is_made(tmp_path: Path, small_blocks: None) -> None:
    lines = [f"{n},w{n % 3},{n / 8},{n % 5 or ''},{'xy'[n % 2]}" for n in range(400)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,w,b,gaps,label", *lines]) + "\n")
    frame = read_frame(path, reading_of({}), UPLOAD, typed=True)
    room = frame.room
    assert room is not None
    assert [one.coded for one in frame.columns] == [False, True, False, False, True]
    assert np.may_share_memory(frame.columns[2].cells.to_numpy(), room[2])
    made = require_same(path, drop=["a"])
    assert isinstance(made, Raw)
    assert made.x.values.strides[0] == 8  # columns in one piece


@pytest.mark.parametrize(
    "words",
    [
        {"drop": ["n0", "w1"]},
        {"groups": "w2"},
        {"time": "n2", "weight": "n4"},
        {"label": "n1", "task": "regression"},
        {"kind": ["n1:category", "w1:category"]},
        {"missing": ["5", "u1"]},
        {"rare": "3"},
        {"label": "w1"},
    ],
)
def test_parameters_mean_the_same(tmp_path: Path, small_blocks: None, words: Any) -> None:
    rng = np.random.default_rng(3)
    lines = [
        f"{rng.integers(9)},{n % 11}.5,u{rng.integers(4)},{n},v{n % 13},{1 + n % 3},"
        f"{'' if n == 77 else 'abc'[n % 3]}"
        for n in range(300)
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["n0,n1,w1,n2,w2,n4,label", *lines]) + "\n")
    assert isinstance(require_same(path, **words), Raw)


def test_many_words_and_dates_of_several_numbers_are_put_together_apart(
    tmp_path: Path, small_blocks: None
) -> None:
    lines = [
        f"2024-{1 + n % 12:02}-{1 + n % 28:02},{n % 7},word {n % 1500},id {n},{'xy'[n % 2]}"
        for n in range(3000)
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["when,n,many,id,label", *lines]) + "\n")
    made = require_same(path)
    assert isinstance(made, Raw)
    assert [one.name for one in made.left_out] == ["id"]
    assert made.x.values.flags.c_contiguous  # seven columns came out of one


def test_more_memory_than_is_allowed_is_not_set_aside(tmp_path: Path, small_blocks: None) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,label\n" + "".join(f"{n},{n % 5},{n % 2}\n" for n in range(300)))
    reading = reading_of({})
    for beyond in ({"rows": 100}, {"data": 100 * 3 * 4}):
        with pytest.raises(errors.TooLarge):
            read_frame(path, reading, replace(UPLOAD, **beyond), typed=True)
    little = replace(UPLOAD, memory=5_000)
    assert read_frame(path, reading, little, typed=True).room is None
    assert isinstance(require_same(path, limits=little), Raw)


@given(
    st.lists(
        st.lists(st.sampled_from(["7", "07", "0", "00", " 01", "0.5", "x 05", ""]), min_size=3,
                 max_size=3),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_no_cell_behind_a_needless_0_is_overlooked(lines: list[list[str]]) -> None:
    block = "".join(",".join(row) + "\n" for row in lines).encode()
    found = padded_fields(block, Shape(3, ",", None), len(lines))
    padded = {at for row in lines for at, one in enumerate(row) if re.match(r"\s*0[0-9]", one)}
    assert found is not None
    assert padded <= found
    cells = [(at, one) for row in lines for at, one in enumerate(row)]
    suspects = {at for at, one in cells if re.search(r"(^|\s)0[0-9]", one)}
    first_or_last = {0, 2} if suspects & {0, 2} else set()
    assert found <= suspects | first_or_last


def test_lines_that_are_no_rows_leave_it_unclear() -> None:
    assert padded_fields(b"1,2,3\n,\n07,1,2\n", Shape(3, ",", None), 2) is None
    assert padded_fields(b"1,2,3\n,\n7,1,2\n", Shape(3, ",", None), 2) == set()


def test_a_block_that_does_not_fit_comes_as_text() -> None:
    shape = Shape(2, ",", arrow("csv").ParseOptions(delimiter=",", quote_char=False))
    forms = ["number", "words"]
    blocks = [b"1,a\n2,b", b"\n3,a\nx,b\n", b",a\n"]
    made = [list(map(str, map(typ, one))) for one in batches(blocks, shape, lambda: forms)]
    coded = str(pa.dictionary(pa.int32(), pa.string()))
    assert made == [["double", coded], ["string", "string"], ["double", coded]]


def typ(column: Any) -> Any:
    return column.type


def test_a_store_keeps_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, in this process: read by types, or as text."""
    rng = np.random.default_rng(0)
    lines = [
        f"{rng.normal():.6g},{1_700_000_000 + n},{rng.integers(-50, 50)},w{rng.integers(5)},"
        f"class {n % 3}"
        for n in range(40_000)
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["x,clock,n,word,label", *lines]) + "\n")
    assert path.stat().st_size > typed_blocks.SMALLEST
    digests = []
    for smallest in (typed_blocks.SMALLEST, 1 << 40):
        monkeypatch.setattr(typed_blocks, "SMALLEST", smallest)
        digests.append(ingested(path, tmp_path / f"out{smallest}"))
    assert digests[0] == digests[1]


def ingested(path: Path, out: Path) -> dict[str, Any]:
    request = Request(table.read, out=str(out), path=str(path), label="label")
    return work.ingest(request, UPLOAD).to_json()
