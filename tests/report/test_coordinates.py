"""Parallel coordinates: every value in its place, and no place where there is none."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.report.coordinates import Ended, coordinates
from hpsearch.report.views import CoordinatesView, RangeView, TrialView
from hpsearch.trials import TrialState

RATE = RangeView(low=1e-4, high=1.0, scale="log")
KIND = RangeView(choices=("sgd", "momentum", None, 1, True))
MOMENTUM = RangeView(low=0.0, high=0.9, scale="linear")
CONDITIONS = {"momentum": {"kind": ["momentum"]}}


def trial(index: int, score: float | None, **params: Any) -> TrialView:
    return TrialView(
        id=f"1-{index}", round=1, index=index, params=params, epochs=1, validation_loss=None,
        validation_accuracy=None, score=score,
        state=TrialState.DIVERGED if score is None else TrialState.COMPLETED,
    )  # fmt: skip


def view(trials: list[TrialView], direction: Any = "maximize", **ranges: Any) -> CoordinatesView:
    named = {name: [one] for name, one in ranges.items()}
    return coordinates(Ended(trials, len(trials), direction), named, CONDITIONS)


def test_values_lie_on_their_scales_and_what_has_no_effect_has_no_place() -> None:
    trials = [
        trial(0, 0.5, rate=1e-2, kind="momentum", momentum=0.45),
        trial(1, 0.9, rate=1.0, kind="sgd", momentum=0.9),  # of no effect beside sgd
        trial(2, None, rate=1e-4, kind=None),  # not active, and diverged
        trial(3, 0.7, rate=1e-3, kind=True),
    ]
    shown = view(trials, rate=RATE, kind=KIND, momentum=MOMENTUM)
    assert [axis.name for axis in shown.axes] == ["rate", "kind", "momentum", "score"]
    assert [axis.scale for axis in shown.axes] == ["log", "levels", "linear", "linear"]
    first, second, third, fourth = shown.lines
    assert first.places == [0.5, 0.3, 0.5, 0.0]
    assert second.places == [1.0, 0.1, None, 1.0]
    assert third.places == [0.0, 0.5, None, None]
    assert (third.values, third.score) == ([1e-4, None, None, None], None)
    assert fourth.places[1] == 0.9  # true is not 1
    assert [tick.text for tick in shown.axes[0].ticks] == ["0.0001", "0.001", "0.01", "0.1", "1"]
    assert [tick.text for tick in shown.axes[1].ticks] == ["sgd", "momentum", "null", "1", "true"]


def test_an_axis_reaches_over_every_range_and_every_trial() -> None:
    later = RangeView(low=1e-1, high=10.0, scale="log")
    ended = Ended([trial(0, 1.0, rate=1e-6)], 1, "maximize")
    (axis, _) = coordinates(ended, {"rate": [RATE, later]}, {}).axes
    assert (axis.low, axis.high) == (1e-6, 10.0)
    gone = coordinates(
        Ended([trial(0, 1.0, kind="tanh")], 1, "maximize"), {"kind": [RangeView(choices=("relu",))]}, {}
    )  # fmt: skip
    assert gone.axes[0].levels == ["relu", "tanh"]


def test_lower_scores_are_up_where_they_are_better_and_outliers_press_nothing() -> None:
    scores = [3.0, 2.0, 1.0, 4.0, 2.5, 1e300]
    shown = view([trial(i, s, rate=0.1) for i, s in enumerate(scores)], "minimize", rate=RATE)
    places = {line.score: line.places[-1] for line in shown.lines}
    assert places[1.0] == 1.0
    assert places[4.0] == 0.0
    assert places[2.5] == 0.5
    assert (places[1e300], shown.beyond) == (0.0, 1)
    assert shown.axes[-1].ticks[0].text == "4.0000 or worse"


def test_one_value_and_none_at_all_have_axes_too() -> None:
    alone = view([trial(0, 0.5, rate=0.1)], rate=RangeView(low=0.1, high=0.1, scale="log"))
    assert alone.lines[0].places == [0.5, 0.5]
    assert [len(axis.ticks) for axis in alone.axes] == [1, 1]
    empty = view([], rate=RATE)
    assert (empty.lines, empty.of, empty.axes[-1].ticks) == ([], 0, [])


@pytest.mark.parametrize("worst", [5e-324, 1e-310, -1e100, -1e-5])
def test_scores_that_hardly_differ_or_differ_vastly_have_an_axis(worst: float) -> None:
    scores = [0.0, worst, worst, worst]
    shown = view([trial(i, s, rate=0.1) for i, s in enumerate(scores)], rate=RATE)
    assert {line.places[-1] for line in shown.lines} == {0.0, 1.0}


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(
    low=NUMBERS, width=st.floats(0, 1e30), values=st.lists(NUMBERS, max_size=8),
    scores=st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=8, max_size=8),
    direction=st.sampled_from(["maximize", "minimize"]), log=st.booleans(), integer=st.booleans(),
)  # fmt: skip
def test_places_are_shares_in_the_order_of_their_values(
    low: float, width: float, values: list[float], scores: list[float | None], direction: str,
    log: bool, integer: bool,
) -> None:  # fmt: skip
    range_ = RangeView(
        low=low, high=low + width, scale="log" if log and low > 0 else "linear", integer=integer
    )
    trials = [trial(i, s, x=v) for i, (v, s) in enumerate(zip(values, scores, strict=False))]
    shown = view(trials, direction, x=range_)
    assert all(0 <= p <= 1 for line in shown.lines for p in line.places if p is not None)
    for axis in shown.axes:
        places = [tick.place for tick in axis.ticks]
        assert places == sorted(places)
        assert len(places) <= 9
    by_value = sorted(shown.lines, key=lambda line: line.values[0])  # type: ignore[arg-type,return-value]
    assert [p for p, _ in (line.places for line in by_value)] == sorted(
        p for p, _ in (line.places for line in by_value)
    )
    sign = -1 if direction == "minimize" else 1
    scored = sorted(
        (line for line in shown.lines if line.score is not None),
        key=lambda o: sign * (o.score or 0),
    )
    assert [line.places[-1] for line in scored] == sorted(line.places[-1] or 0 for line in scored)
    assert all(math.isfinite(line.score) for line in shown.lines if line.score is not None)


def test_more_trials_than_are_shown_are_counted() -> None:
    ended = Ended([trial(0, 0.5, rate=0.1)], 100, "maximize")
    assert coordinates(ended, {"rate": [RATE]}, {}).of == 100


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_a_range_that_holds_zero_is_linear(low: float) -> None:
    shown = view([], rate=RangeView(low=low, high=1.0, scale="log"))
    assert shown.axes[0].scale == "linear"
