"""What a search does next: the plans, their jobs, and when it stops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import asked, caps, diverged, observe, resolve, search, spaces

from hpsearch.coordinator import Snapshot, decide, grouped
from hpsearch.narrowing import RULES
from hpsearch.reasons import words
from hpsearch.samplers import SAMPLERS
from hpsearch.space import inside
from hpsearch.spec import parse, schedule
from hpsearch.trials import (
    FinalPlan,
    GiveUp,
    Role,
    RoundKind,
    RoundPlan,
    Stream,
    TrialState,
    Verdict,
)

SIZES = st.integers(1, 64)


def seen_by(resolved, rounds=1, *, n=32, seed=0):
    """Observations of `rounds` rounds, better towards the middle of every range."""
    rng = np.random.default_rng(seed)
    seen = []
    for number in range(1, rounds + 1):
        for i in range(n):
            params = {name: d.from_unit(float(rng.random())) for name, d in resolved.box.items()}
            away = sum(abs(resolved.box[k].to_unit(v) - 0.5) for k, v in params.items())
            epochs = resolved.rungs(number)[-1]
            seen.append(observe(i, params, 0.9 - away / 2, round=number, epochs=epochs))
    return seen


def after(resolved, seen, rounds=1, **more):
    """A search that has explored for some rounds, in the asked ranges."""
    return Snapshot(resolved, resolved.box, seen, kinds=[RoundKind.EXPLORE] * rounds, **more)


def test_the_first_round_looks_at_the_asked_ranges():
    resolved = resolve()
    plan = decide(Snapshot(resolved, resolved.box), job_size=8)
    assert isinstance(plan, RoundPlan)
    assert (plan.number, plan.kind, plan.rungs) == (1, RoundKind.EXPLORE, (2, 4, 8))
    assert plan.box == resolved.box
    assert plan.decisions == ()
    assert len(plan.trials) == 32


@given(space=spaces, seed=st.integers(0, 2**53 - 1), job_size=SIZES, done=st.integers(0, 1))
def test_a_snapshot_has_one_plan(space, seed, job_size, done):
    space = {k: v for k, v in space.items() if "choices" not in v} or asked()["space"]
    resolved = resolve(space=space, seed=seed)
    seen = seen_by(resolved, done)
    plans = [
        decide(after(resolved, history, done), job_size=job_size)
        for history in (tuple(seen), list(reversed(seen)))
    ]
    assert plans[0] == plans[1]


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_sampler_and_rule_searches_to_the_end(sampler, rule):
    resolved = resolve(sampler=sampler, narrowing=rule, rounds=3, trials_per_round=16)
    rounds, seen, final = search(
        resolved, lambda p, _: 0.9 - abs(np.log10(p["learning_rate"]) + 2) / 5
    )
    assert isinstance(final, FinalPlan)
    assert len(rounds) <= 3
    assert len(seen) == 16 * len(rounds)


def test_the_job_size_never_changes_what_is_trained():
    space = {**asked()["space"], "activation": {"choices": ["relu", "tanh"]}}
    resolved = resolve(space=space, epochs={"first": 2, "last": 8, "halving": False})
    snapshot = Snapshot(resolved, resolved.box)
    plans = [decide(snapshot, job_size=size) for size in (1, 3, 32, 1000)]
    assert all(plan.trials == plans[0].trials for plan in plans)
    assert len({len(plan.jobs) for plan in plans}) > 1


def test_seeds_and_rounds_draw_other_trials():
    one, two = resolve(seed=1), resolve(seed=2)
    draws = [decide(Snapshot(r, r.box), job_size=8).trials for r in (one, two)]
    assert draws[0] != draws[1]
    later = decide(after(one, seen_by(one)), job_size=8)
    assert later.trials != draws[0]


@given(space=spaces, n=st.integers(1, 200), job_size=SIZES, halving=st.booleans())
def test_jobs_hold_whole_cohorts_and_every_trial_once(space, n, job_size, halving):
    epochs = {"first": 1, "last": 8, "halving": halving}
    resolved = resolve(space=space, trials_per_round=n, epochs=epochs, rounds=2)
    plan = decide(Snapshot(resolved, resolved.box), job_size=job_size)
    assert sorted(i for job in plan.jobs for i in job) == list(range(n))
    assert sorted(i for cohort in plan.cohorts for i in cohort) == list(range(n))
    assert len(plan.jobs) >= min(schedule.COHORTS, len(plan.cohorts))
    largest = max(map(len, plan.cohorts))
    for job in plan.jobs:
        assert 1 <= len(job) <= max(job_size, largest)
        assert all(type(i) is int for i in job)
        assert list(job) == sorted(job)
        assert all(set(c) <= set(job) or not set(c) & set(job) for c in plan.cohorts)
    if not halving:
        assert largest == 1


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 9, 10, 13])
def test_a_round_makes_four_jobs_where_it_can(n):
    jobs = grouped([[i] for i in range(n)], 100)
    assert len(jobs) == min(n, schedule.COHORTS)
    assert max(map(len, jobs)) - min(map(len, jobs)) <= 1


def test_cohorts_are_neighbours_in_shape():
    space = {"activation": {"choices": ["relu", "tanh"]}, **asked()["space"]}
    plan = decide(Snapshot(resolve(space=space), resolve(space=space).box), job_size=100)
    shapes = [{plan.trials[i]["activation"] for i in cohort} for cohort in plan.cohorts]
    assert all(len(found) == 1 for found in shapes)
    assert {"relu", "tanh"} == set().union(*shapes)


def test_a_round_begins_with_the_decisions_on_the_one_before():
    resolved = resolve(rounds=3, narrowing="quantile")
    seen = seen_by(resolved)
    plan = decide(after(resolved, seen), job_size=8)
    assert isinstance(plan, RoundPlan)
    assert plan.number == 2
    assert [d.name for d in plan.decisions] == resolved.space.names
    assert plan.box == {d.name: d.after for d in plan.decisions}
    assert plan.decisions[0].verdict is Verdict.NARROWED
    assert all(inside(plan.box, params) for params in plan.trials)


@given(rounds=st.integers(1, 6), done=st.integers(0, 8), failed=st.integers(0, 5))
def test_no_round_beyond_those_asked_for(rounds, done, failed):
    resolved = resolve(rounds=rounds, trials_per_round=8)
    seen = seen_by(resolved, done, n=8)
    plan = decide(after(resolved, seen, done, failed=failed), job_size=8)
    assert plan.number == done + 1
    if done < resolved.explore_rounds and resolved.spec.stop_early is False:
        assert plan.kind is RoundKind.EXPLORE
    if done >= rounds:
        assert isinstance(plan, FinalPlan)
    elif done >= resolved.explore_rounds:
        assert plan.kind is RoundKind.REPEAT


@pytest.mark.parametrize("models", [1, 2, 5, 20])
def test_the_final_plan(models):
    resolved = resolve(rounds=1, final={"models": models})
    seen = seen_by(resolved)
    plan = decide(after(resolved, seen), job_size=8)
    assert isinstance(plan, FinalPlan)
    assert words(plan.reason) == "all 1 rounds are done"
    assert list(plan.roles) == [Role.RECOMMENDED, *[Role.DRAWN] * (models - 1), Role.OPTIMISM]
    assert plan.trials[0] == plan.trials[-1] == plan.recommended.best.params
    assert plan.recommended.best in seen
    drawn = plan.trials[1:-1]
    assert all(inside(plan.box, params) for params in drawn)
    assert len({p["learning_rate"] for p in drawn}) == models - 1
    rng = np.random.default_rng([resolved.spec.seed, Stream.FINAL, 2])
    assert list(drawn) == SAMPLERS["random"].propose(
        resolved.space, plan.box, (), None, models - 1, rng
    )
    assert plan == decide(after(resolved, seen), job_size=64)


def test_all_trials_failed():
    resolved = resolve()
    plan = decide(
        Snapshot(resolved, resolved.box, (), failed=32, kinds=[RoundKind.EXPLORE]), job_size=8
    )
    assert isinstance(plan, GiveUp)
    assert "none of the 32 trials of round 1 could be trained" in words(plan.reason)


def test_all_trials_diverged_lowers_the_learning_rate_and_at_last_gives_up():
    resolved = resolve(rounds=3)
    rounds, seen, plan = search(resolved, lambda *_: None)
    assert isinstance(plan, GiveUp)
    assert words(plan.reason).startswith(
        f"all {len(seen)} trials diverged; lower the learning-rate"
    )
    assert len(rounds) == 3
    lows = [r.box["learning_rate"].low for r in rounds]
    highs = [r.box["learning_rate"].high for r in rounds]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs, reverse=True)
    assert len(set(highs)) == 3


def plateau(n=64, **fields):
    """A search that saw the same score wherever it looked, but for a little noise."""
    space = {"dropout": {"low": 0.0, "high": 0.8}}
    resolved = resolve(space=space, finalists={"rounds": 0}, **fields)
    noise = 0.01 * np.random.default_rng(3).standard_normal(n)
    seen = [
        observe(i, {"dropout": 0.8 * i / (n - 1)}, score=0.9 + noise[i], loss=0.1) for i in range(n)
    ]
    return resolved, seen


def test_a_search_with_nothing_left_to_gain_stops_early():
    resolved, seen = plateau(rounds=4, epochs={"first": 2, "last": 2})
    plan = decide(after(resolved, seen), job_size=8)
    assert isinstance(plan, FinalPlan)
    gain, noise = plan.evidence.expected_gain, plan.evidence.noise_sd
    assert gain < 0.1 * noise
    assert words(plan.reason) == (
        f"the expected improvement left is {gain:.2g}, below 0.1 of the noise of one training "
        f"({noise:.2g}), after round 1 of 4"
    )


def test_but_not_before_its_trials_are_trained_for_long():
    resolved, seen = plateau(rounds=4, epochs={"first": 2, "last": 8, "halving": False})
    assert isinstance(decide(after(resolved, seen), job_size=8), RoundPlan)


def test_ranges_that_stay_are_no_reason_to_stop_while_there_is_something_to_gain():
    """Nothing can be excluded yet, and the rule keeps all of the range; the gain decides."""
    space = {"dropout": {"low": 0.0, "high": 0.8, "hard_low": 0.0, "hard_high": 0.8}}
    epochs = {"first": 2, "last": 2}
    resolved = resolve(space=space, finalists={"rounds": 0}, rounds=4, epochs=epochs)
    hills = [0.7 + 0.1 * math.cos(2 * math.pi * ((i + 0.5) / 10 - 0.11) / 0.78) for i in range(10)]
    seen = [
        observe(i, {"dropout": 0.08 * (i + 0.5)}, score=score, loss=0.1)
        for i, score in enumerate(hills)
    ]
    plan = decide(after(resolved, seen), job_size=8)
    assert [d.verdict for d in plan.decisions] == [Verdict.KEPT]
    assert plan.evidence.expected_gain > 0.1 * plan.evidence.noise_sd
    assert isinstance(plan, RoundPlan)


def test_few_trials_are_no_reason_to_stop():
    resolved = resolve(rounds=4, trials_per_round=4, epochs={"first": 2, "last": 2})
    seen = seen_by(resolved, n=4)
    assert isinstance(decide(after(resolved, seen), job_size=8), RoundPlan)


def test_a_round_that_diverged_is_no_reason_to_stop():
    space = {"dropout": {"low": 0.0, "high": 0.5}}
    resolved = resolve(rounds=4, space=space, epochs={"first": 2, "last": 2})
    seen = [diverged(i, {"dropout": 0.1}) for i in range(16)]
    assert isinstance(decide(after(resolved, seen), job_size=8), RoundPlan)


def test_the_recommendation_lies_in_the_best_range():
    for seed in range(20):
        resolved = parse(asked(seed=seed, trials_per_round=16), resolve().facts, caps())
        truth = lambda p, e: 0.9 - abs(np.log10(p["learning_rate"]) + 2) / 8 - 0.2 / e  # noqa: E731
        _, _, final = search(resolved, truth, noise=0.02)
        assert isinstance(final, FinalPlan)
        assert inside(final.box, final.recommended.best.params)
        assert final.recommended.best.state is TrialState.COMPLETED
