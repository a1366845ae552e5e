"""Cells of one column become the numbers that a dataset stores for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from hpsearch.columns import DATE_PARTS, Column, date_part, stored, text_number
from hpsearch.errors import InvalidRequest

NAN = np.nan


def same(found: np.ndarray, wanted: list[float]) -> None:
    np.testing.assert_array_equal(found, np.array(wanted))
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1.5", ".", 1.5),
        ("-.5e3", ".", -500.0),
        ("+7", ".", 7.0),
        ("1,234.5", ".", 1234.5),
        ("1,23", ".", None),
        ("12.000,10", ",", 12000.1),
        ("2,5", ",", 2.5),
        ("2.5", ",", None),
        ("1_000", ".", None),
        ("٣", ".", None),
        ("0x10", ".", None),
        ("", ".", None),
        ("-inf", ".", -np.inf),
    ],
)
def test_numbers_are_plain_or_grouped_by_three(text: str, decimal: str, number: float) -> None:
    assert text_number(text, decimal) == number


def test_a_number_is_itself_and_a_gap_is_nan() -> None:
    column = Column("a", "number", gaps=("-200",))
    same(stored(column, [" 1.5", "NA", "?", "", "-200", "-200.0", None, 2]), [1.5, *[NAN] * 6, 2.0])
    same(stored(column, np.array([1, -200, 3])), [1.0, NAN, 3.0])
    same(stored(column, pd.Series([1.5, None, -200.0])), [1.5, NAN, NAN])
    same(stored(column, pd.array([1, None], dtype="Int64")), [1.0, NAN])
    same(stored(column, np.array([True, False])), [1.0, 0.0])


def test_a_word_in_a_number_column_names_column_and_word() -> None:
    with pytest.raises(InvalidRequest, match="column 'age': 'old' is not a number"):
        stored(Column("age", "number"), ["1", "old"])
    with pytest.raises(InvalidRequest, match="is no single value"):
        stored(Column("age", "number"), [[1], 2])


def test_a_category_is_the_number_of_its_level_and_other_comes_behind() -> None:
    column = Column("state", "category", levels=("NA", "None", "x"), gaps=("gone",))
    same(stored(column, ["x ", "NA", "None", "y", "", "Gone", None]), [2, 0, 1, 3, NAN, NAN, NAN])
    same(stored(column, pd.Series(["x", None], dtype="category")), [2, NAN])


def test_numbers_are_found_among_the_words_of_a_category() -> None:
    column = Column("hour", "category", levels=("0", "12", "true"))
    same(stored(column, [0, 12.0, "12", 13, True, NAN]), [0, 1, 1, 3, 2, NAN])
    same(stored(Column("zip", "category", levels=("01234",)), [1234, "1234"]), [0, 1])


def test_a_boolean_takes_its_own_words_and_true_and_false() -> None:
    column = Column("ok", "boolean", levels=("F", "T"))
    same(stored(column, ["T", "f", True, "no", 0, "", pd.NA]), [1, 0, 1, 0, 0, NAN, NAN])
    with pytest.raises(InvalidRequest, match="column 'ok': 'maybe' is neither 'F' nor 'T'"):
        stored(column, ["maybe"])
    same(stored(Column("sex", "boolean", levels=("f", "m")), ["m", "f"]), [1, 0])


def part_of(part: str, cells: object, form: str = "%d/%m/%Y") -> np.ndarray:
    column = Column(f"day: {part}", "number", source="day", part=part, date_format=form)
    return stored(column, cells)


def test_dates_are_read_in_their_form_and_typed_ones_as_they_are() -> None:
    same(part_of("days", ["02/01/1970", "", None]), [1, NAN, NAN])
    same(
        part_of("days", [date(1970, 1, 3), datetime(1970, 1, 1, 12, tzinfo=UTC), pd.NaT]),
        [2, 0.5, NAN],
    )
    same(part_of("days", np.array(["1970-01-02", "NaT"], "datetime64[ns]")), [1, NAN])
    same(part_of("days", pd.Series(pd.to_datetime(["1970-01-02", None]))), [1, NAN])
    east = datetime(1970, 1, 1, 12, tzinfo=timezone(timedelta(hours=12)))
    same(part_of("days", [east]), [0.0])
    with pytest.raises(InvalidRequest, match="column 'day': '1970-01-02' is no date in the form"):
        part_of("days", ["1970-01-02"])
    with pytest.raises(InvalidRequest, match="column 'day': 7 is no date"):
        part_of("days", [7])


def test_places_in_year_week_and_day_come_round() -> None:
    moments = pd.date_range("1999-01-01", "2005-01-01", freq="h")
    microseconds = moments.to_numpy().astype("datetime64[us]").astype(np.int64)
    parts = {part: date_part(microseconds, part) for part in DATE_PARTS}
    days = 365 + moments.is_leap_year
    year = (moments.day_of_year - 1 + moments.hour / 24) / days
    week = (moments.day_of_week + moments.hour / 24) / 7
    for name, share in (("year", year), ("week", week), ("day", moments.hour / 24)):
        np.testing.assert_allclose(parts[f"{name}_sin"], np.sin(2 * np.pi * share), atol=1e-9)
        np.testing.assert_allclose(parts[f"{name}_cos"], np.cos(2 * np.pi * share), atol=1e-9)
    before = datetime(1960, 2, 29, 6, tzinfo=UTC)
    same(part_of("days", [before]), [before.timestamp() / 86400])
