"""Ranges far narrower than their values are large: nothing is lost to rounding, for search or reader."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from support.builders import caps

from hpsearch.coordinator import Snapshot, decide
from hpsearch.coordinator.evidence import divergence_boundary
from hpsearch.digits import alone, digits_of, in_full, told_apart
from hpsearch.reasons import NewEdge, Side, Span, rules
from hpsearch.reasons import words as worded
from hpsearch.report import words
from hpsearch.report.views import RangeView
from hpsearch.space import Choices, Range, box_from_json, box_to_json, fitted, rounded
from hpsearch.spec import parse
from hpsearch.surrogate.surface import _short
from hpsearch.trials import FinalPlan, Observation, RoundPlan, TrialState
from hpsearch.workloads import NO_DATASET

MILLION = Range(low=1e6, high=1e6 + 1e-3)
NEAR_ONE = Range(low=0.999999, high=1.0)


@st.composite
def narrow(draw: Callable[..., Any]) -> Range:
    """Ranges of every width that a float64 can divide, about numbers of every size."""
    scale = draw(st.sampled_from(["linear", "log"]))
    size = 10.0 ** draw(st.integers(-30, 30))
    low = size * draw(st.floats(1.0, 9.9))
    if scale == "linear" and draw(st.booleans()):
        low = -low
    high = low + abs(low) * 10.0 ** draw(st.integers(-11, 2)) * draw(st.floats(1.0, 9.9))
    ends = abs(math.log10(size)) + 1 if scale == "log" else 1
    assume(high - low >= 1e4 * ends * 8 * math.ulp(max(abs(low), abs(high))))
    return Range(low=low, high=high, scale=scale).limited(-1e300, 1e300)


@given(narrow())
@example(MILLION)
@example(NEAR_ONE)
def test_values_are_distinct_and_inside(dimension):
    values = [dimension.from_unit((i + 0.5) / 1000) for i in range(1000)]
    assert all(dimension.contains(v) for v in values)
    assert len(set(values)) == 1000
    assert values == sorted(values)
    places = dimension.to_units(np.array(values))
    assert places == pytest.approx((np.arange(1000) + 0.5) / 1000, abs=2e-4)


@given(narrow(), st.floats(0, 0.5), st.floats(0.4, 1))
@example(MILLION, 0.25, 0.5)
def test_narrowed_edges_are_rounded_by_the_width(dimension, start, length):
    part = dimension.part(start, min(start + length, 1.0))
    assert dimension.low <= part.low < part.high <= dimension.high
    expected = min(start + length, 1.0) - start
    assert part.width / dimension.width == pytest.approx(expected, abs=1e-3)
    assert box_from_json(json.loads(json.dumps(box_to_json({"x": part}))))["x"] == part


@given(narrow(), st.floats(0.01, 0.5))
@example(MILLION.limited(0, 1e9), 0.5)
def test_expansion_goes_as_far_as_it_is_told(dimension, more):
    grown = dimension.part(-more, 1 + more)
    for edge, place in ((grown.low, -more), (grown.high, 1 + more)):
        at_limit = edge in (dimension.hard_low, dimension.hard_high)
        assert at_limit or dimension.to_unit(edge) == pytest.approx(place, abs=1e-3)
    assert grown.width > dimension.width


def test_limits_lie_a_width_beyond_the_edges():
    limited = MILLION.limited(0, 1e9)
    assert limited.hard_low == pytest.approx(1e6 - 1e-3, abs=1e-9)
    assert limited.hard_high == pytest.approx(1e6 + 2e-3, abs=1e-9)
    assert limited.hard_low < limited.low < limited.high < limited.hard_high


@given(narrow(), st.floats(0, 0.9))
def test_an_edge_that_hardly_moves_stays(dimension, share):
    noise = share * dimension.place_noise
    assert dimension.part(noise, 1 - noise) == dimension
    assert dimension.part(-noise, 1 + noise) == dimension


def test_what_rounding_leaves_about_zero_is_zero():
    assert Range(low=-1, high=1).value(1e-17) == 0.0
    assert Range(low=-1e-17, high=1e-17).value(1e-18) == 1e-18


@given(st.floats(1e-5, 1e5), st.floats(1e-3, 1.0), st.floats(0, 1))
def test_usual_ranges_keep_six_digits(low, more, unit):
    dimension = Range(low=low, high=low * (1 + 10 * more))
    value = dimension.from_unit(unit)
    narrow = low > 10 * (dimension.high - low)
    assert narrow or value in (dimension.low, dimension.high) or value == rounded(value)


# --- what other programs send, and what people see ----------------------------------------------


def test_a_value_beyond_a_narrow_range_is_not_taken_for_its_limit():
    limited = MILLION.limited(1e6, 1e6 + 1e-3)
    assert fitted(limited, 1e6 + 1e-3 + 1e-9) == 1e6 + 1e-3
    assert fitted(limited, 1e6 + 0.4) == 1e6 + 0.4
    wide = Range(low=0, high=0.3).limited(0, 0.3)
    assert fitted(wide, 0.30000000000000004) == 0.3
    near = Choices(choices=(0.1, 0.1 + 1e-9, 0.2))
    assert fitted(near, 0.1 + 1e-16) == 0.1
    assert fitted(near, 0.1 + 5e-10) == 0.1 + 5e-10
    assert fitted(Choices(choices=(0.1, 0.2, 0.3)), 0.30000000000000004) == 0.3


@given(narrow())
@example(MILLION)
@example(NEAR_ONE)
def test_the_edges_that_people_see_differ(dimension):
    view = RangeView(low=dimension.low, high=dimension.high, scale=dimension.scale)
    low, high = words.span(view).split(" to ")
    assert float(low) < float(high)
    width = dimension.high - dimension.low
    assert float(low) == pytest.approx(dimension.low, abs=0.01 * width)
    assert float(high) == pytest.approx(dimension.high, abs=0.01 * width)
    sentence = worded(rules.WindowMoved(rules.Move.KEPT, Span.of(dimension), 1.0, dimension.low))
    low, high, best = map(float, re.findall(r"-?[\d.]+(?:e[-+]\d+)?", sentence))
    assert best == low < high


def test_edges_are_named_with_all_their_digits():
    assert in_full(316.228) == "316.228"
    assert in_full(1e-8) == "1e-08"
    assert in_full(1000000.0004) == "1000000.0004"
    leans = rules.TopLeans(4, 0.9, 1000000.001, NewEdge(Side.HIGH, 1000000.0015))
    assert "its edge at 1000000.001, so the range now ends at 1000000.0015" in worded(leans)
    assert told_apart(0.4567891, 1.0, 3) == "0.457"
    assert told_apart(1000000.00045678, 1e-3, 3) == "1000000.00046"


def test_values_are_shortened_but_for_those_of_a_narrow_range():
    assert words.level(0.0123456) == "0.01235"
    assert words.level(1e6 / 3) == "3.333e+05"  # all digits of a float64: no range has kept them
    assert words.level(MILLION.from_unit(0.25)) == "1000000.00025"
    assert alone(0.30000000000000004, 3) == "0.3"
    assert digits_of(0.0, 1.0, 6) == digits_of(1.0, math.inf, 6) == 6


def test_the_boundary_of_divergence_lies_in_its_gap():
    def seen(unit: float, i: int) -> Observation:
        state = TrialState.DIVERGED if unit > 0.6 else TrialState.COMPLETED
        rate = MILLION.from_unit(unit)
        return Observation(1, i, {"learning_rate": rate}, state, 1, 0, 0, None, score=0.5)

    boundary = divergence_boundary([seen(i / 20, i) for i in range(21)])
    assert boundary is not None
    assert boundary.edge == pytest.approx(MILLION.from_unit(0.625), abs=3e-5)
    assert boundary.highest_finite < boundary.edge < boundary.lowest_diverged


def test_a_surface_keeps_the_digits_that_its_spread_needs():
    assert _short(np.array([0.123456789, 0.987654321])) == [0.12346, 0.98765]
    hill = 1e6 + 1e-3 * np.linspace(0, 1, 21)
    assert np.diff(_short(hill)) == pytest.approx(5e-5, rel=1e-3)


# --- the same decisions, in widths ----------------------------------------------------------------

RANGES: dict[str, tuple[str, float, float]] = {
    "unit": ("linear", 0.0, 1.0),
    "million": ("linear", 1e6, 1e6 + 1e-3),
    "near one": ("linear", 0.999999, 1.0),
    "tiny": ("linear", -3e-9, 5e-9),
    "huge": ("linear", -2e12, 7e12),
    "narrow log": ("log", 1e-3, 1e-3 * (1 + 1e-6)),
    "wide log": ("log", 1e-6, 1.0),
}


@cache
def played(name: str, narrowing: str) -> tuple[list[list[Any]], dict[str, float]]:
    """Each round's verdict, edges and trials in widths of what was asked, and the recommendation."""
    scale, low, high = RANGES[name]
    asked = Range(low=low, high=high, scale=scale)  # type: ignore[arg-type]
    edges = {
        "hard_low": low,
        "hard_high": high,
        "low": asked.from_unit(0.2),
        "high": asked.from_unit(0.6),
    }
    space = {"x": {"scale": scale, **edges}, "y": {"low": 0.0, "high": 1.0}}
    document = {
        "objective": "external", "space": space, "narrowing": narrowing, "rounds": 4,
        "trials_per_round": 16, "epochs": {"first": 1, "last": 1}, "seed": 5, "stop_early": False,
    }  # fmt: skip
    resolved = parse(document, NO_DATASET, caps())
    seen: list[Observation] = []
    kinds, box, rounds = [], resolved.box, []
    while True:
        plan = decide(Snapshot(resolved, box, tuple(seen), kinds=tuple(kinds)), job_size=16)
        assert isinstance(plan, RoundPlan | FinalPlan)
        now = plan.box["x"]
        assert isinstance(now, Range)
        verdicts = [(d.name, d.verdict) for d in plan.decisions]
        places = [asked.to_unit(float(p["x"])) for p in plan.trials]  # type: ignore[arg-type]
        rounds.append([verdicts, [asked.to_unit(now.low), asked.to_unit(now.high)], places])
        if isinstance(plan, FinalPlan):
            best = {k: float(v) for k, v in plan.recommended.best.params.items()}  # type: ignore[arg-type]
            return rounds, {**best, "x": asked.to_unit(best["x"])}
        box = plan.box
        kinds.append(plan.kind)
        luck = 0.01 * np.random.default_rng([4, plan.number]).standard_normal(len(plan.trials))
        for i, params in enumerate(plan.trials):
            u, y = places[i], float(params["y"])  # type: ignore[arg-type]
            score = -((u - 0.7) ** 2) - 0.3 * (y - 0.4) ** 2 + float(luck[i])
            seen.append(
                Observation(
                    plan.number, i, params, TrialState.COMPLETED, 1, 0, 0, None, score=score
                )
            )


@pytest.mark.parametrize("narrowing", ["level_set", "quantile", "domain_reduction"])
@pytest.mark.parametrize("name", [name for name in RANGES if name != "unit"])
def test_the_decisions_do_not_depend_on_where_a_range_lies(name, narrowing):
    plain, best = played("unit", narrowing)
    rounds, other = played(name, narrowing)
    assert [r[0] for r in rounds] == [r[0] for r in plain]
    for mine, theirs in zip(rounds, plain, strict=True):
        assert mine[1] == pytest.approx(theirs[1], abs=2e-3)
        assert mine[2] == pytest.approx(theirs[2], abs=2e-3)
    assert other == pytest.approx(best, abs=2e-3)
    assert any(d[1].open for r in plain for d in r[0]) or narrowing == "domain_reduction"
