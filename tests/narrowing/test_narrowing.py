"""The contract of every narrowing rule."""

from __future__ import annotations

import json
import math

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import (
    choices,
    diverged,
    observe,
    ranges,
    space_of,
)

from hpsearch.narrowing import RULES, step_limits
from hpsearch.reasons import words
from hpsearch.space import Choices, Range, box_from_json, box_to_json, inside
from hpsearch.surrogate import fitted
from hpsearch.trials import TrialState, Verdict

LR = Range(low=1e-5, high=1.0, scale="log").limited(0, 1e4)


@st.composite
def histories(draw, dimension=None):
    """A space of one to three dimensions, and observations of one to three rounds in it."""
    kinds = st.one_of(ranges(), choices()) if dimension is None else dimension
    names = draw(st.sampled_from([["learning_rate"], ["learning_rate", "b"], ["a", "b", "c"]]))
    space = space_of(**{name: draw(kinds) for name in names})
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    target = rng.uniform(-0.3, 1.3, len(names))
    slope, noise = draw(st.sampled_from([0.0, 0.3, 1.0])), draw(st.sampled_from([0.0, 0.05]))
    share_diverged = draw(st.sampled_from([0.0, 0.3, 1.0]))
    seen = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        for i in range(draw(st.sampled_from([1, 5, 8, 16, 40]))):
            units = rng.random(len(names))
            params = {
                n: space.dimensions[n].from_unit(float(u))
                for n, u in zip(names, units, strict=True)
            }
            if rng.random() < share_diverged:
                seen.append(diverged(i, params, round=number))
                continue
            value = 0.8 - slope * float(np.abs(units - target).mean()) + noise * rng.normal()
            seen.append(observe(i, params, min(max(value, 0), 1), round=number))
    return space, seen


every_rule = pytest.mark.parametrize("name", sorted(RULES))
RANKED = [name for name in sorted(RULES) if name != "level_set"]


def check(space, decisions):
    """What holds of the decisions of every rule, whatever has been seen."""
    assert [d.name for d in decisions] == space.names
    for decision in decisions:
        before, after = decision.before, decision.after
        assert before == space.dimensions[decision.name]
        assert type(after) is type(before)
        assert words(decision.reason)
        assert isinstance(decision.verdict, Verdict)
        check_json(decision)
        check_verdict(decision)
        if isinstance(before, Choices):
            assert after.choices
            assert [x for x in before.choices if after.contains(x)] == list(after.choices)
        else:
            check_range(decision)


def check_range(decision):
    before, after = decision.before, decision.after
    assert before.hard_low <= after.low < after.high <= before.hard_high
    fixed = {"low", "high"}
    assert after.model_dump(exclude=fixed) == before.model_dump(exclude=fixed)
    assert not after.integer or (after.low.is_integer() and after.high.is_integer())
    # Edges are stored with six digits, or as whole numbers: one step each of slack.
    slack = sum(
        abs(before.coordinate(e + before.step(e)) - before.coordinate(e))
        for e in (after.low, after.high)
    )
    least = step_limits.SHRINK_LEAST * before.width - slack
    assert after.width >= least * (1 - 1e-9), words(decision.reason)


def check_json(decision):
    box = {"before": decision.before, "after": decision.after}
    assert box_from_json(json.loads(json.dumps(box_to_json(box)))) == box
    numbers = json.loads(json.dumps(dict(decision.numbers), allow_nan=False))
    assert numbers == decision.numbers


def check_verdict(decision):
    before, after = decision.before, decision.after
    if decision.verdict in (Verdict.KEPT, Verdict.UNIDENTIFIED):
        assert after == before
    elif decision.verdict is Verdict.NARROWED:
        assert after != before
        if not isinstance(before, Choices):
            assert before.low <= after.low < after.high <= before.high
    else:
        if decision.verdict in (Verdict.OPEN_LOW, Verdict.OPEN_BOTH):
            assert after.low < before.low or before.low == before.hard_low
        if decision.verdict in (Verdict.OPEN_HIGH, Verdict.OPEN_BOTH):
            assert after.high > before.high or before.high == before.hard_high


@every_rule
class TestContract:
    @given(history=histories())
    def test_decisions_without_a_surrogate(self, name, history):
        space, seen = history
        check(space, RULES[name](space, space.dimensions, seen, None))

    @given(history=histories(), data=st.data())
    def test_the_order_of_observations_does_not_matter(self, name, history, data):
        space, seen = history
        shuffled, rule = data.draw(st.permutations(seen)), RULES[name]
        assert rule(space, space.dimensions, seen, None) == (
            rule(space, space.dimensions, shuffled, None)
        )

    def test_no_observation_changes_nothing(self, name):
        space = space_of(a=LR, b=Choices(choices=(1, 2)))
        for decision in RULES[name](space, space.dimensions, [], None):
            assert decision.after == decision.before

    def test_repeated_narrowing_ends_at_a_floor(self, name):
        space = space_of(learning_rate=LR)
        box, seen, rng = space.dimensions, [], np.random.default_rng(0)
        for number in range(1, 25):
            for i in range(16):
                value = box["learning_rate"].from_unit(float(rng.random()))
                seen.append(
                    observe(i, {"learning_rate": value}, 0.9 - abs(math.log10(value) + 2) / 10,
                            round=number)
                )  # fmt: skip
            model = fitted(space, seen, epochs=2) if name == "level_set" else None
            box = {d.name: d.after for d in RULES[name](space, box, seen, model)}
        assert box["learning_rate"].width >= 0.9 * step_limits.FLOOR * LR.width
        assert box["learning_rate"].width < 0.3 * LR.width
        assert box["learning_rate"].contains(1e-2)


@pytest.mark.parametrize("name", RANKED)
@given(history=histories())
def test_the_best_trial_is_never_lost(name, history):
    space, seen = history
    finite = [o for o in seen if o.finite]
    box = {d.name: d.after for d in RULES[name](space, space.dimensions, seen, None)}
    if finite:
        assert inside(box, min(finite, key=lambda o: o.rank_key).params)


@hypothesis.settings(max_examples=60)
@given(history=histories(), data=st.data())
def test_decisions_with_a_surrogate(history, data):
    space, seen = history
    model = fitted(space, seen, epochs=2)
    decisions = RULES["level_set"](space, space.dimensions, seen, model)
    check(space, decisions)
    shuffled = data.draw(st.permutations(seen))
    assert RULES["level_set"](space, space.dimensions, shuffled, model) == decisions


def test_ranks_prefer_finite_then_accurate_then_low_loss_then_old():
    best = observe(3, {"a": 1}, 0.9, loss=0.1)
    order = [
        best,
        observe(1, {"a": 1}, 0.9, loss=0.2),
        observe(2, {"a": 1}, 0.9, loss=0.2),
        observe(1, {"a": 1}, 0.9, loss=0.2, round=2),
        observe(4, {"a": 1}, 0.9, loss=None),
        observe(0, {"a": 1}, 0.1),
        diverged(0, {"a": 1}),
    ]
    shuffled = [order[i] for i in (3, 6, 0, 5, 2, 4, 1)]
    assert sorted(shuffled, key=lambda o: o.rank_key) == order
    assert order[-1].accuracy == 0.0
    assert observe(0, {}, 0.5, state=TrialState.STOPPED).finite
