"""Places: columns, the way there and back, and what lies inside a box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import boxes
from surrogate.searches import LEVELS, MIXED, draw

from hpsearch.space import Box, Choices, Dimension, Range, Space, inside
from hpsearch.surrogate import Encoding

ENCODING = Encoding.of(MIXED)
SEEDS = st.integers(0, 2**32 - 1)


def test_every_hyperparameter_has_its_columns_in_the_order_of_names() -> None:
    assert list(ENCODING.columns) == ["batch_size", "dropout", "initializer", "learning_rate"]
    assert [s.stop - s.start for s in ENCODING.columns.values()] == [1, 1, 3, 1]
    assert ENCODING.width == 6
    assert ENCODING.groups.tolist() == [0, 1, 2, 2, 2, 3]
    assert Encoding.of(Space({})).width == 0


def test_a_place_holds_the_units_of_the_asked_range() -> None:
    params = {"batch_size": 16, "dropout": 0.75, "initializer": "normal", "learning_rate": 1e-6}
    place = ENCODING.encode([params])[0]
    rate = MIXED.dimensions["learning_rate"]
    assert isinstance(rate, Range)
    np.testing.assert_allclose(place, [0.2, 1.5, 0.0, 1.0, 0.0, rate.to_unit(1e-6)])


def test_a_level_that_was_not_asked_for_is_none_of_the_columns() -> None:
    params = {"batch_size": 8, "dropout": 0.0, "initializer": "zeros", "learning_rate": 1e-5}
    assert not ENCODING.encode([params]).any()


@given(SEEDS)
def test_decoding_an_encoded_trial_gives_it_back(seed: int) -> None:
    params = draw(np.random.default_rng(seed))
    found = ENCODING.decode(ENCODING.encode([params]), MIXED.dimensions)[0]
    assert list(found) == MIXED.names
    assert found["batch_size"] == params["batch_size"]
    assert found["initializer"] == params["initializer"]
    for name in ("dropout", "learning_rate"):
        assert found[name] == pytest.approx(params[name], rel=1e-5)


@given(boxes, SEEDS)
def test_what_is_decoded_lies_in_the_box(box: Box, seed: int) -> None:
    encoding = Encoding.of(Space(box))
    anywhere = np.random.default_rng(seed).normal(0.5, 1.0, (8, encoding.width))
    for params in encoding.decode(anywhere, box):
        assert inside(box, params)


@given(boxes, SEEDS)
def test_what_is_spread_lies_between_the_bounds(box: Box, seed: int) -> None:
    encoding = Encoding.of(Space(box))
    places = encoding.spread(np.random.default_rng(seed).random((16, len(box))), box)
    low, high = encoding.bounds(box)
    assert (places >= low - 1e-9).all()
    assert (places <= high + 1e-9).all()


@given(SEEDS)
def test_spreading_is_from_unit_and_encoding(seed: int) -> None:
    units = np.random.default_rng(seed).random((5, 4))
    trials = [
        {n: MIXED.dimensions[n].from_unit(u) for n, u in zip(MIXED.names, row, strict=True)}
        for row in units
    ]
    places = ENCODING.spread(units, MIXED.dimensions)
    np.testing.assert_allclose(places, ENCODING.encode(trials), atol=1e-4)


def test_dropped_levels_have_no_room_and_are_never_decoded() -> None:
    box = {**MIXED.dimensions, "initializer": Choices(choices=LEVELS[:2])}
    low, high = ENCODING.bounds(box)
    part = ENCODING.columns["initializer"]
    assert low[part].tolist() == [0.0, 0.0, 0.0]
    assert high[part].tolist() == [1.0, 1.0, 0.0]
    place = np.array([[0.5, 0.5, 0.2, 0.3, 0.9, 0.5]])
    assert ENCODING.decode(place, box)[0]["initializer"] == "normal"


def test_every_level_and_every_whole_number_get_one_share() -> None:
    space = Space({"hidden_layers": Range(low=1, high=4, integer=True), **MIXED.dimensions})
    encoding = Encoding.of(space)
    places = encoding.spread((np.arange(120)[:, None] + 0.5) / 120 * np.ones(5), space.dimensions)
    layers = [p["hidden_layers"] for p in encoding.decode(places, space.dimensions)]
    levels = [p["initializer"] for p in encoding.decode(places, space.dimensions)]
    assert [layers.count(k) for k in (1, 2, 3, 4)] == [30] * 4
    assert [levels.count(x) for x in LEVELS] == [40] * 3


def test_a_box_beyond_the_asked_range_has_edges_beyond_0_and_1() -> None:
    wide = Range(low=1e-6, high=10.0, scale="log")
    low, high = ENCODING.bounds({**MIXED.dimensions, "learning_rate": wide})
    np.testing.assert_allclose([low[-1], high[-1]], [-0.2, 1.2])


@given(boxes, SEEDS)
def test_what_is_snapped_is_what_is_decoded(box: Box, seed: int) -> None:
    encoding = Encoding.of(Space(box))
    anywhere = np.random.default_rng(seed).normal(0.5, 1.0, (8, encoding.width))
    snapped = encoding.snapped(anywhere, box)
    again = encoding.encode(encoding.decode(anywhere, box))
    sizes = [1e-4 + 1e-5 * _relative(box[name]) for name in encoding.columns]
    assert (np.abs(snapped - again) < np.array(sizes)[encoding.groups]).all()


def _relative(dimension: Dimension) -> float:
    """How much of the range six digits are, in units of 1e-5."""
    if isinstance(dimension, Choices):
        return 0.0
    if dimension.scale == "log":
        return 1.0 / dimension.width
    return max(abs(dimension.low), abs(dimension.high)) / dimension.width


def test_hyperparameters_of_a_trial_are_counted_where_they_are_active() -> None:
    flat = Encoding.of(MIXED)
    assert flat.active_number == len(MIXED.names)
    kind, rate = Choices(choices=("a", "b")), Range(low=0.0, high=1.0)
    conditions = {"x": {"kind": ("a",)}, "y": {"kind": ("a",)}}
    space = Space({"kind": kind, "x": rate, "y": rate}, conditions=conditions)
    assert abs(Encoding.of(space).active_number - 2.0) < 0.1
