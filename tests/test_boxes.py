"""Choices, boxes and spaces, and how they survive JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from pydantic import ValidationError
from support.builders import boxes, choices, space_of

from hpsearch.space import (
    Choices,
    Range,
    box_from_json,
    box_to_json,
    inside,
    same_level,
)


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        ([], "at least 1 item"),
        (list(range(65)), "at most 64 items"),
        ([1, 1.0], "must differ"),
        ([0.0, -0.0], "must differ"),
        ([[5], [5]], "must differ"),
        ([None, None], "must differ"),
        ([math.nan], "finite"),
        ([[1.5]], "valid integer"),
        ([["5"]], "valid integer"),
        ([{}], "valid"),
        ("ab", "valid tuple"),
    ],
)
def test_choices_that_cannot_be_searched_are_refused(levels, says):
    with pytest.raises(ValidationError) as caught:
        Choices.model_validate({"choices": levels})
    assert says in str(caught.value)


def test_true_is_not_one():
    mixed = Choices.model_validate({"choices": [1, True, "1", [1]]})
    assert mixed.choices == (1, True, "1", (1,))
    assert [type(x) for x in mixed.choices] == [int, bool, str, tuple]
    assert not Choices(choices=(True,)).contains(1)
    assert Choices(choices=(1,)).contains(1.0)
    assert same_level(0, 0.0)
    assert not same_level(0, False)
    assert not same_level("1", 1)


@given(choices())
def test_choices_contain_their_levels_alone(dimension):
    assert all(dimension.contains(x) for x in dimension.choices)
    assert not dimension.contains("not a level")


@given(boxes)
@example({"x": Choices(choices=(1, True, 1.5, "a", (5, 6), ()))})
def test_a_box_survives_json(box):
    text = json.dumps(box_to_json(box), allow_nan=False)
    again = box_from_json(json.loads(text))
    assert again == dict(box)
    kinds = {
        name: [type(x) for x in d.choices] for name, d in box.items() if isinstance(d, Choices)
    }
    assert kinds == {
        name: [type(x) for x in d.choices] for name, d in again.items() if isinstance(d, Choices)
    }
    assert list(box_to_json(box)) == sorted(box)
    assert "null" not in text


def test_choices_given_as_values_stay_as_they_are():
    level = Choices(choices=("a", "b"))
    assert box_from_json({"x": level})["x"] == level
    with pytest.raises(ValidationError):
        Choices.model_validate(5)


def test_inside_means_every_dimension():
    box = {"a": Range(low=0, high=1), "b": Choices(choices=("x",))}
    assert inside(box, {"a": 0, "b": "x"})
    assert inside(box, {"a": 1, "b": "x", "c": 9})
    assert not inside(box, {"a": 1.1, "b": "x"})
    assert not inside(box, {"a": 0.5, "b": "y"})


def test_a_space_names_its_dimensions_in_one_order():
    space = space_of(b=Range(low=0, high=1), a=Choices(choices=(1,)), shaping=["a"])
    assert space.names == ["a", "b"]
    assert space.shaping == {"a"}
