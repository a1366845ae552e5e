"""Scores to z and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hpsearch.surrogate.warp import DEPTH, Scale, Warp, warped

DELTAS = st.floats(0.01, 30.0)
SCORES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30)


@given(SCORES, DELTAS)
def test_there_and_back_is_the_score_down_to_the_floor(values: list[float], delta: float) -> None:
    scores = np.array(values)
    scale = Scale.of(scores)
    y, cut = scale.units(scores)
    back = Warp(scale, delta).score(warped(y, delta))
    floor = scale.top + scale.unit * scale.floor
    np.testing.assert_allclose(back, np.maximum(scores, floor), rtol=1e-6, atol=1e-6 * scale.unit)
    assert (cut == (y <= scale.floor)).all()
    assert y.max() == pytest.approx(0.0, abs=1e-9)


@given(SCORES, DELTAS)
def test_a_higher_z_is_a_higher_score_everywhere(values: list[float], delta: float) -> None:
    warp = Warp(Scale.of(np.array(values)), delta)
    z = np.linspace(2.0 * warp.lowest - 1.0, 3.0, 60)
    assert (np.diff(warp.score(z)) > 0.0).all()
    assert (warp.slope(z) > 0.0).all()


@given(DELTAS, st.floats(-8.0, 3.0))
def test_the_slope_is_that_of_finite_differences(delta: float, z: float) -> None:
    warp = Warp(Scale(0.9, 0.1, -5.0), delta)
    assume(min(abs(z), abs(z - warp.lowest)) > 1e-4)
    rise = np.diff(warp.score(np.array([z - 1e-5, z + 1e-5])))[0] / 2e-5
    assert warp.slope(np.array(z)) == pytest.approx(rise, rel=1e-4)


def test_the_top_keeps_its_units_and_the_depth_is_compressed() -> None:
    scale = Scale.of(np.array([0.5, 0.8, 0.9, 1.0]))
    assert (scale.top, scale.unit) == (1.0, pytest.approx(0.15))
    z = warped(np.array([0.5, -0.01, -3.0]), 1.0)
    np.testing.assert_allclose(z, [0.5, -math.log(1.01), -math.log(4.0)])


def test_a_diverged_trial_lies_at_the_floor() -> None:
    scores = np.array([0.8, 0.7, 0.6, math.nan, -math.inf])
    scale = Scale.of(scores[:3])
    y, cut = scale.units(scores)
    assert cut.tolist() == [False, False, True, True, True]
    assert (y[2:] == scale.floor).all()


def test_a_tail_without_end_is_cut() -> None:
    scale = Scale.of(-np.array([1.0, 1.1, 1.2, 1.3, 1e9]))
    assert scale.floor == -DEPTH


def test_a_score_beyond_measure_does_not_hide_the_spread_of_the_others() -> None:
    scale = Scale.of(-np.array([0.2, 0.24, 0.3, 0.4, 1e30]))
    assert scale.unit == pytest.approx(0.1)


@pytest.mark.parametrize("factor", [1e-12, 1e-3, 1e9])
def test_the_unit_goes_with_the_scores(factor: float) -> None:
    scores = np.array([0.1, 0.25, 0.3, 0.9])
    assert Scale.of(factor * scores).unit == pytest.approx(factor * Scale.of(scores).unit)


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.1]])
def test_scores_without_spread_still_have_a_unit(scores: list[float]) -> None:
    scale = Scale.of(np.array(scores))
    assert scale.unit > 0.0
    assert scale.floor <= -1.0
