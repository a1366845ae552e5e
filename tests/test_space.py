"""Ranges, choices and boxes: round trips, limits, and the edges of floating point."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.builders import ranges

from hpsearch.space import (
    Range,
    box_from_json,
    box_to_json,
    rounded,
)

UNITS = st.floats(0, 1)


def refused(**fields) -> str:
    with pytest.raises(ValidationError) as caught:
        Range.model_validate(fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"low": 1000003, "high": 1000001}, "got low=1000003 and high=1000001"),
        ({"low": 1e6, "high": 1e6 + 1e-6}, "hardly a number between them"),
        ({"low": 1e300, "high": 1e300 * (1 + 1e-11), "scale": "log"}, "hardly a number"),
        ({"low": 0.2, "high": 0.4, "integer": True}, "whole edges, got 0.2 and 0.4"),
        ({"low": 2, "high": 1}, "low must be below high, got low=2 and high=1"),
        ({"low": 1, "high": 1}, "low must be below high"),
        ({"low": 0, "high": 1, "scale": "log"}, "a log range must stay above zero, got 0"),
        ({"low": -1, "high": 1, "scale": "log"}, "above zero, got -1"),
        ({"low": 1e-320, "high": 1, "scale": "log"}, "above zero, got 9.99988867182683e-321"),
        ({"low": 1, "high": 2, "scale": "log", "hard_low": 0}, "above zero, got 0"),
        ({"low": 1, "high": 2, "hard_low": 1.5}, "hard_low=1.5 is above low=1"),
        ({"low": 1, "high": 2, "hard_high": 1.5}, "hard_high=1.5 is below high=2"),
        ({"low": 1.5, "high": 3, "integer": True}, "whole edges, got 1.5 and 3"),
        ({"low": 1, "high": 3.5, "integer": True}, "whole edges, got 1 and 3.5"),
        ({"low": 0.1, "high": 0.1 + 1e-14}, "so close that a float64 has hardly a number"),
        ({"low": -1.7e308, "high": 1.7e308}, "too wide to divide"),
        ({"low": math.nan, "high": 1}, "finite number"),
        ({"low": 0, "high": math.inf}, "finite number"),
        ({"low": "0", "high": 1}, "valid number"),
        ({"low": True, "high": 2}, "valid number"),
        ({"low": 0, "high": 1, "scale": "cubic"}, "'log' or 'linear'"),
        ({"low": 0, "high": 1, "step": 1}, "Extra inputs"),
        ({"low": 0}, "Field required"),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused_with_its_reason(fields, says):
    assert says in refused(**fields)


@given(ranges(), UNITS)
def test_every_place_holds_a_value_inside(dimension, unit):
    value = dimension.from_unit(unit)
    assert dimension.contains(value)
    assert value in (dimension.low, dimension.high) or value == dimension.kept(value)
    assert not dimension.integer or value.is_integer()


@given(ranges(integer=False), UNITS)
def test_place_and_value_invert_each_other(dimension, unit):
    value = dimension.from_unit(unit)
    place = dimension.to_unit(value)
    assert -1e-9 <= place <= 1 + 1e-9
    # A value has six digits, so a place is known to half a step of the sixth.
    half = abs(value) * 10.0 ** (1 - 6) if dimension.scale == "linear" else 1e-5
    assert abs(place - unit) <= half / dimension.width + 1e-6
    assert dimension.from_unit(place) == pytest.approx(value, rel=2e-6, abs=1e-300)


@given(ranges(), UNITS)
def test_coordinate_and_value_invert_each_other(dimension, unit):
    value = dimension.from_unit(unit)
    assume(value == dimension.kept(value))
    assert dimension.value(dimension.coordinate(value)) == value


@given(ranges(), UNITS, UNITS)
def test_places_keep_the_order_of_values(dimension, one, other):
    one, other = sorted((one, other))
    assert dimension.from_unit(one) <= dimension.from_unit(other)


def test_edges_of_places():
    log = Range(low=1e-4, high=1e-1, scale="log")
    assert [log.from_unit(u) for u in (0, 1 / 3, 2 / 3, 1)] == [1e-4, 1e-3, 1e-2, 1e-1]
    assert log.to_unit(1e-5) == pytest.approx(-1 / 3)
    assert log.width == pytest.approx(3)
    assert Range(low=-1, high=3).from_unit(0.5) == 1
    assert Range(low=-1, high=3).to_unit(4) == 1.25


def test_every_whole_number_gets_the_same_share_of_a_linear_range():
    dimension = Range(low=3, high=6, integer=True)
    drawn = [dimension.from_unit((i + 0.5) / 4000) for i in range(4000)]
    assert {v: drawn.count(v) for v in (3, 4, 5, 6)} == dict.fromkeys((3, 4, 5, 6), 1000)


@given(ranges(), st.lists(UNITS, min_size=1, max_size=5))
def test_the_places_of_many_values_are_those_of_each(dimension, units):
    values = [dimension.from_unit(unit) for unit in units]
    places = [dimension.to_unit(value) for value in values]
    assert dimension.to_units(np.array(values)) == pytest.approx(places, rel=1e-9, abs=1e-9)


@given(st.integers(-100, 100), st.integers(1, 300), st.data())
def test_whole_numbers_of_a_linear_range_come_back(low, width, data):
    dimension = Range(low=low, high=low + width, integer=True)
    value = float(data.draw(st.integers(low, low + width)))
    assert dimension.from_unit(dimension.to_unit(value)) == value


@given(ranges(), UNITS, UNITS)
def test_moved_edges_stay_in_the_hard_limits_and_apart(dimension, one, other):
    start, end = dimension.coordinate(dimension.hard_low), dimension.coordinate(dimension.hard_high)
    low, high = (dimension.value(start + u * (end - start)) for u in sorted((one, other)))
    moved = dimension.moved(low, high)
    assert dimension.hard_low <= moved.low < moved.high <= dimension.hard_high
    assert Range.model_validate(moved.model_dump()) == moved


@given(ranges())
def test_edges_beyond_the_limits_are_moved_to_them(dimension):
    far_low = dimension.hard_low / 2 if dimension.scale == "log" else dimension.hard_low - 1e9
    moved = dimension.moved(far_low, dimension.hard_high + abs(dimension.hard_high) + 1)
    assert (moved.low, moved.high) == (dimension.hard_low, dimension.hard_high)


def test_an_edge_that_does_not_move_keeps_its_digits_and_edges_never_meet():
    dimension = Range(low=0.123456789, high=9.87654321).limited(-100, 100)
    assert dimension.moved(0.123456789, 5).low == 0.123456789
    assert dimension.part(0, 1) == dimension
    assert dimension.moved(5.0000001, 5.0000002) is dimension


@given(ranges(), st.floats(-0.5, 1), st.floats(0.05, 1.5))
def test_a_part_lies_between_its_places(dimension, start, length):
    part = dimension.part(start, start + length)
    assert dimension.hard_low <= part.low < part.high <= dimension.hard_high
    assert Range.model_validate(part.model_dump()) == part
    if start < -1e-9:
        assert part.low < dimension.low or dimension.low == dimension.hard_low or part == dimension
    if start + length > 1 + 1e-9:
        assert (
            part.high > dimension.high
            or dimension.high == dimension.hard_high
            or (part == dimension)
        )


def test_expansion_goes_as_far_as_it_is_told_in_the_scale_of_the_range():
    log = Range(low=1e-4, high=1e-2, scale="log").limited(0, 1e4)
    assert (log.part(-0.5, 1).low, log.part(0, 1.5).high) == (1e-5, 1e-1)
    assert (log.part(0, 1.5).low, log.part(-0.5, 1).high) == (1e-4, 1e-2)
    linear = Range(low=0, high=4).limited(-10, 10)
    assert (linear.part(-0.5, 1).low, linear.part(0, 1.5).high) == (-2, 6)
    assert linear.part(0.25, 0.5) == linear.moved(1, 2)


@pytest.mark.parametrize(
    ("dimension", "low", "high"),
    [
        (Range(low=3, high=4, integer=True), 2, 5),
        (Range(low=1, high=2, integer=True, scale="log"), 1, 2000),
        (Range(low=0.1, high=0.100001), 0.099999, 0.100002),
    ],
)
def test_expansion_moves_by_one_step_at_least(dimension, low, high):
    dimension = dimension.limited(1 if dimension.integer else 0, 1e6)
    assert (dimension.hard_low, dimension.hard_high) == (low, high)
    grown = dimension.part(-0.01, 1.01)
    assert grown.high > dimension.high
    assert grown.low < dimension.low or dimension.low == dimension.hard_low


@given(ranges(), st.floats(-1e9, 0.5), st.floats(2, 1e9))
def test_limits_are_never_narrower_than_asked_and_lie_in_the_domain(dimension, lowest, highest):
    assume(lowest <= dimension.low)
    assume(dimension.high <= highest)
    limited = Range(
        low=dimension.low, high=dimension.high, scale=dimension.scale, integer=dimension.integer
    ).limited(lowest, highest)
    assert lowest <= limited.hard_low <= limited.low
    assert limited.high <= limited.hard_high <= highest
    assert limited.scale == "linear" or limited.hard_low > 0
    assert box_from_json({"x": limited.model_dump(exclude_none=True)})["x"] == limited


def test_how_far_expansion_may_go():
    log = Range(low=1e-3, high=1e-1, scale="log").limited(0, 1e4)
    assert (log.hard_low, log.hard_high) == (1e-6, 1e2)
    linear = Range(low=0.2, high=0.6).limited(0, 0.9)
    assert (linear.hard_low, linear.hard_high) == (0, 0.9)
    forbidden = Range(low=1, high=2, hard_low=1, hard_high=2).limited(0, 10)
    assert (forbidden.hard_low, forbidden.hard_high) == (1, 2)
    whole = Range(low=2, high=5, integer=True).limited(1, 7.5)
    assert (whole.hard_low, whole.hard_high) == (1, 7)


def test_limits_of_the_user_are_clipped_to_the_domain_too():
    batch = Range(low=8, high=64, scale="log", integer=True, hard_low=1, hard_high=1e6)
    assert batch.limited(1, 1000).hard_high == 1000


def test_limits_of_the_smallest_numbers_stay_above_zero():
    tiny = Range(low=1e-306, high=1e-3, scale="log").limited(0, 1)
    assert tiny.hard_low == sys.float_info.min
    assert box_from_json(box_to_json({"x": tiny}))["x"] == tiny
    assert tiny.part(-2, 1).low == tiny.hard_low


def test_limits_beyond_the_largest_numbers_are_finite():
    huge = Range(low=1e-300, high=1e307, scale="log").limited(0, 1e308)
    assert huge.hard_high == 1e308
    assert huge.part(0, 1.5).high == 1e308
    assert huge.from_unit(1) == 1e307
    assert huge.part(-3, 1).low == huge.hard_low


@given(ranges(integer=True))
def test_a_grid_holds_distinct_whole_values_of_its_range(dimension):
    grid = dimension.grid()
    assert 2 <= len(grid) <= 64
    assert len(set(grid)) == len(grid)
    assert sorted(grid) == list(grid)
    assert all(dimension.contains(v) and v.is_integer() for v in grid)


@given(ranges(integer=False))
def test_a_grid_of_fractions_lies_in_its_range(dimension):
    grid = dimension.grid()
    assert len(grid) >= 2
    assert len(set(grid)) == len(grid)
    assert all(dimension.contains(v) for v in grid)


@pytest.mark.parametrize(
    ("low", "high", "scale", "grid"),
    [
        (8, 128, "log", (8, 16, 32, 64, 128)),
        (10, 100, "log", (16, 32, 64)),
        (100, 150, "log", (100, 150)),
        (17, 31, "log", (17, 31)),
        (1, 3, "linear", (1, 2, 3)),
        (1, 2, "linear", (1, 2)),
        (10, 80, "linear", (10, 20, 30, 40, 50, 60, 70, 80)),
    ],
)
def test_grids(low, high, scale, grid):
    assert Range(low=low, high=high, scale=scale, integer=True).grid() == grid


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_is_a_projection(value):
    assume(abs(value) < 1e308)
    assert rounded(rounded(value)) == rounded(value)
    assert rounded(value) == pytest.approx(value, rel=5.1e-6, abs=5e-324)


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_whole_numbers_are_not_rounded_however_large_they_are(scale):
    seeds = Range(low=20_000_000, high=20_000_005, integer=True, scale=scale)
    values = {seeds.from_unit(place / 50) for place in range(51)}
    assert values == {20_000_000 + step for step in range(6)}
    narrowed = seeds.moved(20_000_002, 20_000_003)
    assert (narrowed.low, narrowed.high) == (20_000_002, 20_000_003)
