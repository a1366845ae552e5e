"""Rounds, rungs and cohorts: how many trials, for how many epochs, exactly."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import mistakes, resolve

from hpsearch.spec import schedule


def test_stacks_under_four_are_not_halved():
    assert [schedule.survivors(n) for n in range(1, 9)] == [1, 2, 3, 2, 3, 3, 4, 4]


@given(first=st.integers(1, 300), more=st.integers(0, 700))
def test_rungs_double_up_to_the_last(first, more):
    rungs = schedule.rungs(first, first + more, halving=True)
    assert rungs[0] == first or rungs == (first + more,)
    assert rungs[-1] == first + more
    assert all(b == 2 * a for a, b in pairwise(rungs[:-1]))
    assert all(b >= schedule.LAST_RUNG * a for a, b in pairwise(rungs))
    assert schedule.rungs(first, first + more, halving=False) == (first,)


def test_what_a_cohort_costs():
    """32 from 2 epochs: 32x2, 16x2, 8x4, 4x8, then two for 16 and 20 more."""
    rungs = schedule.rungs(2, 52, halving=True)
    assert rungs == (2, 4, 8, 16, 32, 52)
    assert schedule.cohort_sizes(32, rungs) == (32, 16, 8, 4, 2, 2)
    assert schedule.cohort_epochs(32, rungs) == 232
    assert schedule.cohort_epochs(3, rungs) == 3 * 52


@given(n=st.integers(1, 500), size=st.integers(1, 64))
def test_a_split_loses_nobody_and_is_even(n, size):
    cohorts = schedule.split(range(n), size)
    assert [i for c in cohorts for i in c] == list(range(n))
    sizes = [len(c) for c in cohorts]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) < 2 * size or n < size


def test_a_round_of_thirty_two_makes_four_cohorts():
    assert schedule.cohort_size(32, None) == 8
    assert schedule.cohort_size(1000, None) == schedule.COHORT_MOST
    assert schedule.cohort_size(4, None) == schedule.COHORT_LEAST
    assert schedule.cohort_size(32, 32) == 32


@given(first=st.integers(1, 500), last=st.integers(1, 500), steps=st.integers(1, 50))
def test_the_way_from_first_to_last(first, last, steps):
    values = [schedule.between(first, last, k, steps) for k in range(1, steps + 1)]
    assert values[-1] == last
    assert values == sorted(values, reverse=last < first)
    if steps > 1:
        assert values[0] == first
    low, high = min(first, last), max(first, last)
    assert all(low <= v <= high for v in values)


def test_a_default_search_explores_three_rounds_and_repeats_one():
    resolved = resolve()
    assert (resolved.explore_rounds, resolved.repeat_rounds) == (3, 1)
    assert [resolved.rungs(r) for r in (1, 2, 3)] == [(2, 4, 8), (4, 8), (8,)]
    assert resolved.trials_planned == 128
    # four cohorts of 8: 8x2 + 4x2 + 2x4, then 8x4 + 4x4, then 8x8; and 32 repeats of 8 epochs
    assert resolved.epochs_planned == 4 * (32 + 48 + 64) + 256


def test_short_searches_repeat_nothing_unless_asked():
    assert resolve(rounds=2).repeat_rounds == 0
    assert resolve(rounds=2, finalists={"rounds": 1}).repeat_rounds == 1
    assert resolve(rounds=8).repeat_rounds == 2
    assert resolve(rounds=8, finalists={"rounds": 0}).repeat_rounds == 0


def test_trials_may_become_fewer_from_round_to_round():
    resolved = resolve(rounds=5, trials_per_round={"first": 32, "last": 4})
    assert [resolved.trials(r) for r in range(1, 5)] == [32, 16, 8, 4]
    assert resolved.trials_planned == 32 + 16 + 8 + 4 + 4


def test_a_budget_bounds_what_is_planned():
    assert resolve(epochs={"first": 2, "last": 8, "budget": 300}).epochs_planned == 300


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"rounds": 4, "finalists": {"rounds": 4}}, "finalists.rounds", "leave none to explore"),
        ({"trials_per_round": {"first": 0, "last": 4}}, "trials_per_round.first", "got 0"),
        ({"trials_per_round": "many"}, "trials_per_round", "got 'many'"),
        ({"trials_per_round": {"first": 20_000}}, "trials_per_round.first", "cap of 10,000"),
        ({"validation": {"folds": 3, "repeats": 2}}, "validation", "exclude each other"),
        ({"epochs": {"budget": 0}}, "epochs.budget", "got 0"),
        ({"epochs": {"budget": 7}}, "epochs.budget", "does not pay for one training of 8"),
        ({"max_seconds": 0}, "max_seconds", "greater than 0"),
        ({"objective": "f3"}, "objective", "got 'f3'"),
        ({"objective": "f1"}, "objective", "speaks of the positive one of two classes"),
    ],
)
def test_mistakes_are_named(fields, path, words):
    found = mistakes({"dataset": "digits", "space": {"learning_rate": {
        "low": 1e-5, "high": 1.0, "scale": "log"}}, **fields})  # fmt: skip
    assert words in found[path], found
