"""What the rule `level_set` decides on planted functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from narrowing.level_set_cases import BOTH, LR, WD, bump, decided, sampled
from support.builders import observe, space_of

from hpsearch.narrowing import level_set, quantile
from hpsearch.narrowing.level_set import relevance, rule
from hpsearch.narrowing.level_set.explored import divergence_boundary
from hpsearch.narrowing.level_set.hull import spacing
from hpsearch.narrowing.level_set.posterior_summary import caution
from hpsearch.reasons import words
from hpsearch.space import Range
from hpsearch.surrogate import fitted
from hpsearch.trials import Verdict


class TestVerdicts:
    def test_narrowed_around_the_best_and_the_flat_one_unidentified(self):
        found, _ = decided(sampled(bump(0.6), n=64))
        rate, decay = found["learning_rate"], found["weight_decay"]
        assert rate.verdict is Verdict.NARROWED
        assert LR.to_unit(rate.after.low) < 0.6 < LR.to_unit(rate.after.high)
        assert 0.4 - 1e-6 <= rate.after.width / LR.width < 0.8
        assert words(rate.reason).startswith(
            f"narrowed to {rate.after.width / LR.width:.0%} of its width"
        )
        assert decay.verdict is Verdict.UNIDENTIFIED
        assert decay.after == decay.before
        assert "without weight_decay the scores of all trials are explained no worse" in (
            words(decay.reason)
        )

    @pytest.mark.parametrize(("at", "verdict"), [(1.4, "open_high"), (-0.4, "open_low")])
    def test_open_where_the_best_lies_beyond(self, at, verdict):
        rate = decided(sampled(bump(at)))[0]["learning_rate"]
        assert rate.verdict == verdict
        start, end = LR.to_unit(rate.after.low), LR.to_unit(rate.after.high)
        assert (end if at > 1 else start) == pytest.approx(1.5 if at > 1 else -0.5, abs=1e-5)
        assert 0 < (start if at > 1 else 1 - end) <= 0.6 + 1e-5  # the other edge follows
        side = "top" if at > 1 else "bottom"
        part = "highest" if at > 1 else "lowest"
        chance = rate.numbers["chance_high" if at > 1 else "chance_low"]
        moved = rate.after.high if at > 1 else rate.after.low
        assert words(rate.reason).startswith(
            f"open at the {side}: the best value lies in the {part} tenth of the range or beyond "
            f"with a probability of {chance:.0%}, so the range now ends at {moved:g}"
        )

    def test_open_at_both_ends(self):
        seen = sampled(lambda u: 0.5 + 1.2 * (u[0] - 0.5) ** 2, n=32, noise=0.03)
        rate = decided(seen)[0]["learning_rate"]
        assert rate.verdict is Verdict.OPEN_BOTH
        assert LR.to_unit(rate.after.low) == pytest.approx(-0.5, abs=1e-5)
        assert LR.to_unit(rate.after.high) == pytest.approx(1.5, abs=1e-5)
        assert words(rate.reason).count("so the range now ends at") == 2

    def test_at_its_limit_it_is_open_and_says_so(self):
        fixed = LR.model_copy(update={"hard_high": LR.high})
        space = space_of(learning_rate=fixed, weight_decay=WD)
        rate = decided(sampled(bump(1.4), space=space), space=space)[0]["learning_rate"]
        assert rate.verdict is Verdict.OPEN_HIGH
        assert rate.after.high == 1.0
        assert "and 1 is the limit, beyond which nothing was tried" in words(rate.reason)

    def test_expansion_ends_at_the_limit(self):
        near = LR.model_copy(update={"hard_high": 2.0})
        space = space_of(learning_rate=near, weight_decay=WD)
        rate = decided(sampled(bump(1.4), space=space), space=space)[0]["learning_rate"]
        assert rate.after.high == 2.0

    def test_a_ridge_is_named_on_either_side(self):
        seen = sampled(lambda u: 0.9 - 2.0 * (u[0] + u[1] - 1) ** 2, n=64)
        found, _ = decided(seen)
        for name, other in (("learning_rate", "weight_decay"), ("weight_decay", "learning_rate")):
            decision = found[name]
            assert decision.after.width > 0.7 * decision.before.width
            r = decision.numbers[f"corr_{other}"]
            assert r < -0.6
            assert f"its best value falls with {other}, correlation {r:.1f}" in words(
                decision.reason
            )

    def test_unidentified_where_the_rest_of_the_effect_is_below_the_noise(self):
        box = {**BOTH.dimensions, "learning_rate": LR.part(0.55, 0.65)}
        seen = [*sampled(bump(0.6), n=64), *sampled(bump(0.6), box=box, n=256, round=2)]
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert rate.verdict is Verdict.UNIDENTIFIED
        assert rate.after == rate.before
        assert rate.numbers["p_below_noise"] >= rule.UNIDENTIFIED
        assert rate.numbers["support"] > relevance.SUPPORT
        assert "which is below the noise of one training" in words(rate.reason)

    def test_a_range_narrowed_too_far_grows_again_to_what_the_data_cover(self):
        box = {**BOTH.dimensions, "learning_rate": LR.part(0.1, 0.3)}
        seen = [*sampled(bump(0.6), n=64), *sampled(bump(0.6), box=box, round=2)]
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert rate.verdict is Verdict.OPEN_HIGH
        assert rate.after.contains(LR.from_unit(0.6))
        assert rate.after.high < LR.from_unit(0.8)

    def test_where_the_best_does_not_lean_on_the_edge_the_reason_says_how_far_it_grows(self):
        box = {**BOTH.dimensions, "learning_rate": LR.part(0.45, 0.75)}
        seen = [
            *sampled(bump(0.6, 0.3), n=32, noise=0.03),
            *sampled(bump(0.6, 0.3), box=box, round=2, n=16, noise=0.03),
        ]
        rate = decided(seen, box=box)[0]["learning_rate"]
        n = rate.numbers
        beyond = max(n["hull_high"] + n["margin"], n["tried"]) - 1
        assert words(rate.reason) == (
            "open at the top: values that may be as good as the best, margin included, reach "
            f"beyond the edge by {beyond:.0%} of the width, so the range now ends at "
            f"{rate.after.high:g}"
        )

    @pytest.mark.parametrize("moved", [(0.1, 0.3), (-0.5, 0.6), (0.8, 1.5)])
    def test_a_range_that_was_moved_by_luck_goes_back_to_what_was_asked(self, moved):
        """It was moved in round 1; after round 2 the scores do not need it at all."""
        box = {**BOTH.dimensions, "weight_decay": WD.part(*moved)}
        seen = [*sampled(bump(0.6), n=64), *sampled(bump(0.6), box=box, round=2)]
        decay = decided(seen, box=box)[0]["weight_decay"]
        assert decay.verdict is Verdict.UNIDENTIFIED
        assert decay.numbers["support"] < -relevance.SUPPORT
        assert (decay.after.low, decay.after.high) == (WD.low, WD.high)
        assert decay.numbers["width_after"] == decay.after.width
        assert words(decay.reason) == (
            "unidentified: without weight_decay the scores of all trials are explained no worse "
            f"(log likelihood ratio {decay.numbers['support']:.1f}), so the range goes back to "
            "what was asked, between 1e-08 and 0.1"
        )

    def test_it_does_not_go_back_to_where_trials_diverged(self):
        """Below the cliff every rate is as good as any other."""

        def cliff(u):
            return None if u[0] > 0.7 else 0.9

        box = {**BOTH.dimensions, "learning_rate": LR.part(0.1, 0.4)}
        seen = [*sampled(cliff, n=64, seed=1), *sampled(cliff, box=box, round=2, seed=1)]
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert rate.verdict is Verdict.UNIDENTIFIED
        assert rate.numbers["support"] < -relevance.SUPPORT
        assert rate.after.low == LR.low
        assert 0.65 < LR.to_unit(rate.after.high) < 0.75

    def test_too_few_trials_are_counted(self):
        seen = sampled(bump(0.5), n=6)
        for decision in decided(seen)[0].values():
            assert decision.verdict is Verdict.UNIDENTIFIED
            assert words(decision.reason) == (
                "unidentified: 6 finite trials inside the box are too few to model; it takes 8"
            )

    def test_without_a_surrogate_ranks_decide_and_that_is_said(self):
        seen = sampled(bump(0.5), n=32)
        by_ranks = quantile.narrow(BOTH, BOTH.dimensions, seen, None)
        found = level_set.narrow(BOTH, BOTH.dimensions, seen, None)
        for one, other in zip(found, by_ranks, strict=True):
            assert (one.after, one.verdict, one.numbers) == (
                other.after, other.verdict, other.numbers,
            )  # fmt: skip
            assert words(one.reason) == words(other.reason) + (
                " (by ranks: too few finite trials for a surrogate)"
            )

    def test_more_hyperparameters_call_for_more_caution(self):
        assert [caution(d) for d in (1, 2, 5, 7, 30)] == pytest.approx([0.5, 0.5, 1.0, 1.4, 2.0])


class TestDivergence:
    def test_a_round_that_diverged_lowers_the_learning_rate(self):
        before = sampled(bump(0.3), n=16)
        seen = [*before, *sampled(lambda _: None, round=2, n=16)]
        model = fitted(BOTH, seen, epochs=2)
        rate, decay = level_set.narrow(BOTH, BOTH.dimensions, seen, model)
        assert rate.verdict is Verdict.OPEN_LOW
        assert rate.after.low < LR.low
        assert "all 16 trials of the round diverged" in words(rate.reason)
        assert decay.after == decay.before
        assert level_set.narrow(BOTH, BOTH.dimensions, seen, None) == [rate, decay]

    def test_what_diverges_is_cut_off_and_never_expanded_into(self):
        def cliff(u):
            return None if u[0] > 0.7 else 0.5 + 0.5 * u[0]

        seen = sampled(cliff, n=64)
        rate = decided(seen)[0]["learning_rate"]
        assert rate.verdict is Verdict.NARROWED
        assert LR.to_unit(rate.after.high) < 0.75
        best = max(o.params["learning_rate"] for o in seen if o.finite)
        assert rate.after.contains(best)
        assert words(rate.reason).count("and nearly every trial above diverged") == 1

        box = {**BOTH.dimensions, "learning_rate": LR.part(0.2, 0.65)}
        seen = [*sampled(cliff, n=64), *sampled(cliff, box=box, round=2)]
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert LR.to_unit(rate.after.high) < 0.75

    def test_where_hardly_anything_was_finite_the_frontier_decides(self):
        seen = sampled(lambda u: None if u[0] > 0.2 else 0.5, n=24, seed=3)
        assert 4 <= sum(o.finite for o in seen) < rule.TRIALS_LEAST
        found = decided(seen)[0]
        rate = found["learning_rate"]
        assert rate.verdict is Verdict.NARROWED
        assert rate.after.low == LR.low
        assert LR.to_unit(rate.after.high) == pytest.approx(0.4, abs=1e-5)  # the brake
        assert "nearly every trial outside diverged" in words(rate.reason)
        assert found["weight_decay"].verdict is Verdict.UNIDENTIFIED

    @pytest.mark.parametrize(
        ("finite", "gone", "expected"),
        [
            (np.arange(30) / 30, np.array([1.0, 1.1, 1.2, 1.3]), (29 / 30 + 1.0) / 2),
            (np.arange(30) / 30, np.array([1.0, 1.1]), math.inf),  # too few
            (np.arange(30) / 30, np.array([0.1, 0.4, 0.5, 0.8]), math.inf),  # anywhere
            (np.array([0.1, 0.2]), np.array([0.3, 0.4, 0.5]), math.inf),  # nearly all diverge
            (np.arange(30) / 30, np.empty(0), math.inf),
            (np.empty(0), np.arange(5.0), math.inf),
        ],
    )
    def test_the_divergence_boundary(self, finite, gone, expected):
        assert divergence_boundary(finite, gone) == pytest.approx(expected)

    def test_a_stray_finite_trial_beyond_the_frontier_does_not_hide_it(self):
        gone = np.linspace(1.0, 2.0, 12)
        assert divergence_boundary(np.append(np.linspace(0, 0.9, 20), 1.5), gone) == pytest.approx(
            0.95
        )


@pytest.mark.parametrize(
    ("trials", "low", "high", "expected"),
    [([0.1, 0.4, 0.6, 0.9], 0.3, 0.7, 0.8 / 3), ([0.1, 0.9], 0.4, 0.5, 0.8), ([], 0.2, 0.4, 1.0),
     ([0.5], -0.2, 1.3, 1.5 / 2)],
)  # fmt: skip
def test_spacing(trials, low, high, expected):
    assert spacing(np.array(trials), low, high) == pytest.approx(expected)


def test_the_same_bits_every_time():
    seen = sampled(bump(0.6), n=32)
    model = fitted(BOTH, seen, epochs=2)
    one, two = (level_set.narrow(BOTH, BOTH.dimensions, seen, model) for _ in range(2))
    assert one == two


def test_trials_of_earlier_searches_are_heard_through_the_surrogate():
    own = sampled(bump(0.6), n=8)
    earlier = [
        observe(o.index, o.params, o.accuracy, round=0, source=1, score=o.score)
        for o in sampled(bump(0.6), n=64, seed=9)
    ]
    rate = decided([*earlier, *own])[0]["learning_rate"]
    assert rate.verdict is Verdict.NARROWED
    assert rate.after.contains(LR.from_unit(0.6))
    assert rate.numbers["trials"] == 72


def test_whole_numbers_stay_whole():
    size = Range(low=1, high=8, integer=True).limited(1, 100)
    space = space_of(hidden_layers=size, learning_rate=LR)
    seen = sampled(lambda u: 0.9 - 0.8 * (u[0] - 3 / 7) ** 2, space=space, n=64)
    layers = decided(seen, space=space)[0]["hidden_layers"]
    assert layers.verdict is Verdict.NARROWED
    assert layers.after.low.is_integer()
    assert layers.after.contains(4)
    assert layers.after.high - layers.after.low < 6


def test_many_whole_numbers_are_as_good_as_real_ones():
    size = Range(low=16, high=4096, integer=True, scale="log").limited(1, 1e6)
    space = space_of(batch_size=size, learning_rate=LR)
    seen = sampled(lambda u: 0.9 - 0.8 * (u[0] - 0.5) ** 2, space=space, n=64)
    batch = decided(seen, space=space)[0]["batch_size"]
    assert batch.verdict is Verdict.NARROWED
    assert batch.after.contains(256)
