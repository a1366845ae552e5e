"""The final comparison: the finalists, which of them can be told apart, the recommendation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support.builders import diverged, observe, resolve, search

from hpsearch.coordinator import Snapshot, decide, recommend
from hpsearch.coordinator.configurations import configurations
from hpsearch.coordinator.finalists import (
    compare,
    contenders,
    p_of_equal,
    paired_p,
    pooled_p,
    repeats_of,
)
from hpsearch.reasons import course, words
from hpsearch.space import Range, inside
from hpsearch.surrogate import fitted
from hpsearch.trials import FinalPlan, GiveUp, RoundKind

SPACE = {"learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"}}


def hill(params, epochs):
    """Best at 1e-2; short trainings score less."""
    return 0.9 - 0.02 * (math.log10(params["learning_rate"]) + 2) ** 2 - 0.2 / epochs


# --- without a surrogate -----------------------------------------------------------------------


def test_the_longest_trained_are_recommended():
    box = {"x": Range(low=0, high=1)}
    short = observe(0, {"x": 0.5}, 0.99, epochs=2)
    long = observe(0, {"x": 0.4}, 0.9, round=2, epochs=8)
    better = observe(1, {"x": 0.3}, 0.91, round=2, epochs=8)
    gone = diverged(2, {"x": 0.2}, round=3)
    assert recommend(box, [short, long, better, gone], None, 8).best == better
    assert recommend(box, [short, gone], None, 8).best == short
    assert recommend(box, [gone], None, 8) is None
    assert recommend(box, [], None, 8) is None


def test_ties_go_to_the_lower_loss_and_then_to_the_older_trial():
    box = {"x": Range(low=0, high=1)}
    one = observe(5, {"x": 0.1}, 0.9, loss=0.4)
    two = observe(6, {"x": 0.2}, 0.9, loss=0.3)
    three = observe(7, {"x": 0.3}, 0.9, loss=0.3)
    lossless = observe(0, {"x": 0.4}, 0.9, loss=None)
    assert recommend(box, [lossless, three, one, two], None, 2).best == two


def test_a_configuration_that_diverged_once_is_not_recommended():
    box = {"x": Range(low=0, high=1)}
    lucky = observe(0, {"x": 0.5}, 0.99)
    again = diverged(0, {"x": 0.5}, round=2)
    sound = observe(1, {"x": 0.4}, 0.8)
    assert recommend(box, [lucky, again, sound], None, 2).best == sound


def test_earlier_searches_are_not_recommended():
    box = {"x": Range(low=0, high=1)}
    earlier = observe(0, {"x": 0.5}, 0.99, round=0, source=1)
    own = observe(0, {"x": 0.4}, 0.8)
    assert recommend(box, [earlier, own], None, 2).best == own


# --- whole searches ----------------------------------------------------------------------------


def test_repeats_take_the_luck_out_of_the_recommendation():
    """Against the luckiest single training, over seeds and with much noise."""
    lucky, ours = [], []
    for seed in range(12):
        resolved = resolve(space=SPACE, seed=seed, epochs={"first": 8, "last": 8})
        _, seen, final = search(resolved, hill, noise=0.03)
        assert isinstance(final, FinalPlan)
        best = min(seen, key=lambda o: o.rank_key)
        lucky.append(hill(best.params, 8))
        ours.append(hill(final.recommended.best.params, 8))
    assert np.mean(ours) > np.mean(lucky)
    assert min(ours) > 0.85


def test_the_finalists_are_trained_in_full_with_seeds_of_their_own():
    rounds, seen, final = search(resolve(space=SPACE, rounds=8, stop_early=False), hill, noise=0.01)
    repeats = [r for r in rounds if r.kind is RoundKind.REPEAT]
    assert [r.number for r in repeats] == [7, 8]
    drawn = {tuple(p.items()) for r in rounds[:6] for p in r.trials}
    for plan in repeats:
        assert plan.rungs == (8,)
        assert {tuple(p.items()) for p in plan.trials} <= drawn
        assert all(inside(plan.box, p) for p in plan.trials)
    distinct = [len({tuple(p.items()) for p in r.trials}) for r in repeats]
    assert distinct[0] <= 16
    assert distinct[1] <= 8
    assert final.recommended.trainings >= 4
    assert final.recommended.best in seen


def test_why_exploring_ended_is_said_to_the_end():
    rounds, _, final = search(resolve(space=SPACE, stop_early=False), hill, noise=0.01)
    assert rounds[-1].kind is RoundKind.REPEAT
    assert words(rounds[-1].reason) == "the finalists are trained again"
    assert words(final.reason) == "all 4 rounds are done"


def test_one_of_the_finalists_is_recommended():
    for seed in range(6):
        resolved = resolve(space=SPACE, seed=seed, trials_per_round=24)
        rounds, _, final = search(resolved, lambda *_: 0.8, noise=0.02)
        repeated = [p for r in rounds if r.kind is RoundKind.REPEAT for p in r.trials]
        assert final.recommended.best.params in repeated
        assert final.recommended.trainings > 1


def test_a_single_configuration_needs_no_comparison():
    seen = [observe(i, {"learning_rate": 0.01}, 0.9, round=i + 1) for i in range(5)]
    assert len(contenders(resolve(space=SPACE).box, seen, None, 8)) == 1


@given(trials=st.integers(2, 40), count=st.integers(1, 8))
def test_every_finalist_is_trained_and_leaders_at_most_once_more(trials, count):
    seen = [observe(i, {"learning_rate": 0.01 / (i + 1)}, 0.9 - i / 100) for i in range(count)]
    found = contenders(resolve(space=SPACE).box, seen, None, 8)
    drawn = repeats_of(found, max(trials, len(found)))
    times = [drawn.count(c.params) for c in found]
    assert sum(times) == max(trials, len(found))
    assert times == sorted(times, reverse=True)
    assert max(times) - min(times) <= 1


def test_what_is_clearly_behind_drops_out():
    resolved = resolve(space=SPACE, epochs={"first": 8, "last": 8})
    seen = []
    for i, rate in enumerate(np.logspace(-5, 0, 40)):
        seen += [
            observe(i, {"learning_rate": float(rate)}, hill({"learning_rate": rate}, 8), epochs=8)
        ]
    model = fitted(resolved.space, seen, epochs=8)
    found = contenders(resolved.box, seen, model, 40)
    assert 2 <= len(found) < 20
    away = [abs(math.log10(c.params["learning_rate"]) + 2) for c in found]
    assert max(away) < 1.5


# --- the paired test ---------------------------------------------------------------------------


def bits(rng, rate, seeds, n):
    """Trainings that agree on which examples are hard."""
    hard = rng.random(n) < 1 - rate
    flips = rng.random((seeds, n)) < 0.03
    return (~hard ^ flips).astype(float)


def test_one_training_each_is_mcnemars_test():
    rng = np.random.default_rng(1)
    one, other = bits(rng, 0.9, 1, 400), bits(rng, 0.85, 1, 400)
    b = int(((one == 1) & (other == 0)).sum())
    c = int(((one == 0) & (other == 1)).sum())
    z = (b - c) / math.sqrt(b + c - (b - c) ** 2 / 400)
    assert paired_p(one, other) == pytest.approx(2 * stats.norm.sf(abs(z)))


def test_equal_configurations_are_told_apart_no_more_often_than_stated():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(400):
        shared = rng.random(500) < 0.15
        one, other = ((~shared ^ (rng.random((4, 500)) < 0.03)).astype(float) for _ in range(2))
        found.append(paired_p(one, other) < 0.05)
    assert np.mean(found) < 0.06


def test_pairing_sees_what_the_binomial_cannot():
    """Two points apart on the same 500 examples, four trainings each."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(100):
        hard = rng.random(500) < 0.15
        harder = hard | (rng.random(500) < 0.02 / 0.85)
        one, other = ((~h ^ (rng.random((4, 500)) < 0.01)).astype(float) for h in (hard, harder))
        found.append(paired_p(one, other) < 0.05)
    assert np.mean(found) > 0.6


def test_no_difference_at_all_is_no_evidence():
    same = np.ones((2, 50))
    assert paired_p(same, same) == 1.0
    assert paired_p(same, np.zeros((2, 50))) == 0.0


def test_finalists_say_who_is_indistinguishable():
    rng = np.random.default_rng(4)
    params = [{"learning_rate": r} for r in (0.01, 0.012, 0.1)]
    shares, seen, right = (0.1, 0.1, 0.3), [], {}
    shared = rng.random(400)
    for k, (p, share) in enumerate(zip(params, shares, strict=True)):
        for m in range(4):
            row = (shared >= share) ^ (rng.random(400) < 0.02)
            index = 4 * k + m
            seen.append(observe(index, p, row.mean(), round=4, epochs=8, score=float(row.mean())))
            seen[-1] = type(seen[-1])(4, index, p, seen[-1].state, 8, int(row.sum()), 400, 0.3,
                                      score=float(row.mean()))  # fmt: skip
            right[4, index] = np.packbits(row).tobytes()
    box = resolve(space=SPACE).box
    best = recommend(box, seen, None, 8)
    found = compare(best, seen, None, 8, right)
    assert found[0].params == best.best.params
    by = {f.params["learning_rate"]: f for f in found}
    assert by[0.1].indistinguishable is False
    assert by[0.1].paired
    assert by[0.1].p < 1e-4
    assert by[0.1].difference == pytest.approx(0.2, abs=0.05)
    close = by[0.012] if best.best.params["learning_rate"] == 0.01 else by[0.01]
    assert close.indistinguishable
    assert all(f.trainings == 4 for f in found)


def test_only_finalists_are_compared():
    seen = [observe(i, {"learning_rate": 0.01 * (i + 1)}, 0.9, epochs=8) for i in range(5)]
    best = recommend(resolve(space=SPACE).box, seen, None, 8)
    assert compare(best, seen, None, 8, {}) == []
    assert len(configurations(seen, None)) == 5


def test_one_spread_for_all_settings_tells_more_than_two_trainings() -> None:
    one, other = np.array([0.80, 0.82]), np.array([0.75, 0.76])
    alone = pooled_p(one, other, [one, other])
    assert alone == pytest.approx(stats.ttest_ind(one, other).pvalue)
    more = [one, other, *(np.array([x, x + 0.015]) for x in (0.6, 0.7, 0.65))]
    assert pooled_p(one, other, more) < alone
    assert pooled_p(one[:1], other[:1], more) > pooled_p(one, other, more)
    assert pooled_p(one, other, []) is None
    equal = np.array([0.5, 0.5])
    assert pooled_p(equal, equal, [equal]) == 1.0
    assert pooled_p(equal, equal - 0.1, [equal]) == 0.0


def test_one_and_true_are_two_settings() -> None:
    seen = [
        observe(i, {"flag": level}, score, epochs=8)
        for i, (level, score) in enumerate([(1, 0.8), (True, 0.6), (1, 0.81), (True, 0.61)])
    ]
    p = p_of_equal({"flag": 1}, {"flag": True}, seen, 8, {})
    assert p is not None
    assert p < 0.01
    assert p_of_equal({"flag": True}, {"flag": True}, seen, 8, {}) == 1.0


def test_what_diverged_when_it_was_trained_again_is_not_called_forbidden() -> None:
    fields = {"space": SPACE, "rounds": 2, "trials_per_round": 2, "finalists": {"rounds": 1}}
    resolved = resolve(**fields)
    params = [{"learning_rate": rate} for rate in (0.01, 0.1)]
    again = [diverged(i, one, round=2) for i, one in enumerate(params)]
    seen = [observe(i, one, 0.8, epochs=8) for i, one in enumerate(params)] + again
    now = Snapshot(resolved, resolved.box, seen, kinds=[RoundKind.EXPLORE, RoundKind.REPEAT])
    plan = decide(now, job_size=8)
    assert isinstance(plan, GiveUp)
    assert isinstance(plan.reason, course.EverythingDiverged)
