"""Numbers as people write them: with a mark of a unit, in groups of digits; never silently words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.columns import Column, stored
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.parse.parameters import reading_of
from hpsearch.number_text import NUMBER_PATTERNS, text_number

ROWS = 40
Maker = Callable[..., Path]


def text(cells: list[str], delimiter: str = ",") -> str:
    """A table of a quoted column v, a column x of numbers, and a label y."""
    lines = [
        delimiter.join([f'"{cell}"', f"{0.37 * at:.2f}".replace(".", "," if delimiter == ";" else "."), "ab"[at % 2]])
        for at, cell in enumerate(cells)
    ]  # fmt: skip
    return "\n".join([delimiter.join("vxy"), *lines, ""])


def take(store: DatasetStore, file: Path, **words: object) -> DatasetInfo:
    return store.ingest_upload(file, "text/csv", reading_of({"label": "y", **words}))


def refused(store: DatasetStore, file: Path, **words: object) -> str:
    with pytest.raises(errors.InvalidDataset) as caught:
        take(store, file, **words)
    return caught.value.summary


def numbers(store: DatasetStore, info: DatasetInfo) -> set[float]:
    """The training values of the first column."""
    shift = 0 if info.offset is None else info.offset[0]
    return set(np.round(store.open_train(info).x[:, 0] + shift, 2).tolist())


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [
        ("{}%", "%"), ("{} %", "%"), ("{}‰", "‰"), ("${}", "$"), ("$ {}", "$"), ("{} €", "€"),
        ("£{}", "£"), ("US${}", "US$"), ("EUR {}", "EUR"), ("{}\u202f₹", "₹"), ("-${}", "$"),
        ("$-{}", "$"),
    ],
)  # fmt: skip
def test_a_mark_that_all_numbers_have_is_taken_off_and_said(
    store: DatasetStore, table: Maker, pattern: str, unit: str
) -> None:
    values = [at / 4 for at in range(1, ROWS + 1)]
    info = take(store, table(text([pattern.format(value) for value in values])))
    column = info.columns[0]
    assert (column.name, column.kind, column.unit) == ("v", "number", unit)
    note = next(note for note in info.notes if note.code == "unit_mark")
    assert note.numbers == {"column": "v", "unit": unit}
    sign = -1 if "-" in pattern else 1
    assert numbers(store, info) <= {sign * round(value, 2) for value in values}
    assert DatasetInfo.from_json(info.to_json()) == info


@pytest.mark.parametrize(
    "cells",
    [
        [f"{1000 + 37 * at:,}".replace(",", mark) for at in range(ROWS)]
        for mark in (" ", "\u00a0", "\u202f", "'", "’")
    ],
    ids=["blank", "no-break", "narrow", "apostrophe", "quote"],
)
def test_groups_by_blanks_and_apostrophes(
    store: DatasetStore, table: Maker, cells: list[str]
) -> None:
    info = take(store, table(text(cells)))
    assert [column.kind for column in info.columns] == ["number", "number"]
    assert numbers(store, info) <= {1000.0 + 37 * at for at in range(ROWS)}


def test_commas_and_marks_together(store: DatasetStore, table: Maker) -> None:
    info = take(store, table(text([f"${1234 * at + 1000:,}.50" for at in range(ROWS)])))
    assert numbers(store, info) <= {1234.0 * at + 1000.5 for at in range(ROWS)}


def test_decimal_commas_behind_semicolons(store: DatasetStore, table: Maker) -> None:
    cells = [f"1.{at:03}.000,5 €" for at in range(ROWS)]
    info = take(store, table(text(cells, ";")))
    assert (info.columns[0].unit, info.columns[0].decimal) == ("€", ",")
    assert min(numbers(store, info)) >= 1e6


def test_what_may_be_read_in_two_ways_is_asked(store: DatasetStore, table: Maker) -> None:
    cells = [f"{at + 1}.250 €" for at in range(ROWS)]
    file = table(text(cells, ";").replace(",", "0"))  # no other column tells the mark
    assert "decimal=" in refused(store, file)
    assert take(store, file, decimal=",").columns[0].unit == "€"


def test_gaps_stay_gaps(store: DatasetStore, table: Maker) -> None:
    cells = [("NA", "", "-99%")[at % 3] if at % 2 else f"{at}%" for at in range(ROWS)]
    info = take(store, table(text(cells)), missing="-99%")
    assert info.columns[0].missing == ROWS // 2


def test_marks_on_some_numbers_alone_are_refused_with_the_ways_out(
    store: DatasetStore, table: Maker
) -> None:
    """5% and 0.05 may be the same, and 5 something else."""
    file = table(text([f"{at}%" if at % 3 else f"{at}" for at in range(ROWS)]))
    message = refused(store, file)
    assert (
        "26 of 40 numbers have the mark '%', the others none: '1%' (line 3), '0' (line 2)"
        in message
    )
    assert take(store, file, kind="v:number").columns[0].unit == "%"
    assert take(store, file, kind="v:category").columns[0].kind == "category"


@pytest.mark.parametrize("words", [{}, {"kind": "v:number"}])
def test_two_currencies_are_never_one(
    store: DatasetStore, table: Maker, words: dict[str, str]
) -> None:
    file = table(text([f"${at}" if at % 3 else f"€{at}" for at in range(ROWS)]))
    assert "2 different marks ('$', '€')" in refused(store, file, **words)


def test_a_word_among_marked_numbers_is_named(store: DatasetStore, table: Maker) -> None:
    file = table(text(["oops" if at == 3 else f"{at}%" for at in range(ROWS)]))
    assert "'oops' (line 5); missing=oops" in refused(store, file)
    assert take(store, file, missing="oops").columns[0].missing == 1


@pytest.mark.parametrize("cell", ["1.{}.3beta", "1 {} €"])
def test_no_number_is_said_to_be_in_words_that_hold_none(
    store: DatasetStore, table: Maker, cell: str
) -> None:
    info = take(store, table(text([cell.format(10 + at % 7) for at in range(ROWS)])))
    assert "numbers_with_unit" not in [note.code for note in info.notes]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("3%", "0.03"), "20 of 40 numbers have the mark '%', the others none"),
        (("3%", "$3"), "numbers with 2 different marks ('$', '%')"),
    ],
)
@pytest.mark.parametrize("role", [{"label": "v", "task": "regression"}, {"weight": "v"}])
def test_labels_and_weights_have_one_mark_or_none(
    store: DatasetStore, table: Maker, cells: tuple[str, str], said: str, role: dict[str, str]
) -> None:
    summary = refused(store, table(text([cells[at % 2] for at in range(ROWS)])), **role)
    assert said in summary
    assert "kind=" not in summary


def test_words_behind_numbers_are_words_and_said(store: DatasetStore, table: Maker) -> None:
    file = table(text([f"{at % 7} kg" for at in range(ROWS)]))
    info = take(store, file)
    assert info.columns[0].kind == "category"
    assert [n.advice for n in info.notes if n.code == "numbers_with_unit"] == [
        "kind=v:number takes the numbers"
    ]
    assert take(store, file, kind="v:number").columns[0].unit == "kg"


def test_a_target_and_a_weight_with_marks(store: DatasetStore, table: Maker) -> None:
    file = table(text([f"{at + 1}%" for at in range(ROWS)]))
    info = take(store, file, label="v", task="regression", drop="y")
    assert info.target[0] >= 1
    assert "unit_mark" in {note.code for note in info.notes}
    assert take(store, file, weight="v").weights[1] + take(store, file, weight="v").weights[4] == (
        pytest.approx(ROWS * (ROWS + 1) / 2)
    )


def test_what_is_no_weight_is_not_told_to_be_a_category(store: DatasetStore, table: Maker) -> None:
    file = table(text(["many" if at % 5 == 0 else f"{at}%" for at in range(ROWS)]))
    message = refused(store, file, weight="v")
    assert "8 cells are no numbers: 'many' (line 2)" in message
    assert message.endswith(
        "correct such cells, or leave the rows out; weight=NAME names another column"
    )


def test_a_model_reads_cells_as_the_file_had_them() -> None:
    column = Column("v", "number", unit="%", decimal=",")
    assert stored(column, ["5%", "12,5 %", "-3 %", "7", None, 9.5]).tolist()[:4] == [5, 12.5, -3, 7]
    with pytest.raises(errors.InvalidRequest, match="'5\\$' is not a number"):
        stored(column, ["5$"])
    assert Column.from_json(column.to_json()) == column
    assert "unit" not in Column("v", "number").to_json()


@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from(["", "%", "$", "€", "CHF"]),
    st.sampled_from([",", " ", "'", "\u202f"]),
    st.booleans(),
)
def test_a_number_comes_back_however_it_is_written(
    value: int, unit: str, mark: str, before: bool
) -> None:
    grouped = f"{abs(value):,}".replace(",", mark)
    digits = f"{unit}{grouped}" if before else f"{grouped}{unit}"
    sign = "-" if value < 0 else ""
    assert text_number(sign + digits, unit=unit) == value


@pytest.mark.parametrize("word", ["5%", "$", "%", "5 5", "1,2,3", "1 23", "--5", "5--", "1'23'456"])
def test_what_is_no_number(word: str) -> None:
    assert text_number(word) is None
    assert set(NUMBER_PATTERNS) == {".", ","}


@pytest.mark.parametrize("cell", ["{} kg\u00a0net", "{} m²", "{} m\uff12", "{} °C"])
def test_a_unit_that_training_took_off_is_taken_off_again(
    store: DatasetStore, table: Maker, cell: str
) -> None:
    cells = [cell.format(at % 9) for at in range(ROWS)]
    info = take(store, table(text(cells)), kind=["v:number"])
    assert stored(info.columns[0], cells).tolist() == [at % 9 for at in range(ROWS)]
