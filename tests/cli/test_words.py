from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.report import words
from hpsearch.report.views import RangeView


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (90_061, "25 h 01 min"),
    ],
)
def test_durations(seconds, expected):
    assert words.duration(seconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.00123456, "0.001235"),
        (1e-8, "1e-08"),
        (64, "64"),
        (True, "true"),
        ("adam", "adam"),
        ((100, 50), "[100, 50]"),
        ("a\x1b[0m", "a\N{REPLACEMENT CHARACTER}[0m"),
    ],
)
def test_values(value, expected):
    assert words.level(value) == expected


def test_ranges():
    assert words.span(RangeView(low=1e-5, high=1.0, scale="log")) == "1e-05 to 1"
    assert words.span(RangeView(choices=("relu", "tanh"))) == "relu, tanh"
    assert words.span(RangeView()) == "-"


@given(st.text())
def test_no_text_steers_a_terminal(text):
    shown = words.plain(text)
    assert len(shown) == len(text)
    assert not any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 for c in shown)


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (tuple(range(8)), "0, 1, 2, 3, 4, 5, 6, 7"),
        (tuple(range(16, 136, 8)), "15 levels, 16 to 128"),
        (tuple("abcdefghi"), "9 levels"),
        ((True, *range(2, 10)), "9 levels"),
    ],
)
def test_a_cell_of_a_table_has_few_levels(choices, expected):
    assert words.short_span(RangeView(choices=choices)) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("f0_5", "f0.5"), ("f1", "f1"), ("log_loss", "log loss")]
)
def test_a_metric_has_the_name_that_people_write(name, expected):
    assert words.metric(name) == expected
