"""What the rule `level_set` decides on planted functions, and that its numbers are the evidence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from core.builders import diverged, observe, space_of
from scipy import stats
from scipy.stats import qmc

from hpsearch.narrowing import brakes, level_set, quantile
from hpsearch.narrowing.relevance import WITHOUT, log_likelihood, supports
from hpsearch.narrowing.territory import frontier
from hpsearch.narrowing.trend import signpost
from hpsearch.narrowing.view import View, caution
from hpsearch.samplers import from_unit
from hpsearch.space import Choices, Range
from hpsearch.surrogate import fitted
from hpsearch.trials import Verdict

LR = Range(low=1e-5, high=1.0, scale="log").limited(0, 1e4)
WD = Range(low=1e-8, high=1e-1, scale="log").limited(0, 1e4)
BOTH = space_of(learning_rate=LR, weight_decay=WD)
NOISE = 0.01


def sampled(truth, *, space=BOTH, box=None, n=32, round=1, seed=0, noise=NOISE, **more):
    """Observations of a quasi-random round in a box; `truth(units)` None diverges.

    Units are places in the asked range, in the order of names.
    """
    box, rng = box or space.dimensions, np.random.default_rng([seed, round])
    units = qmc.Sobol(len(space.names), rng=rng).random_base2(math.ceil(math.log2(n)))[:n]
    seen = []
    for i, row in enumerate(units):
        params = {k: from_unit(box[k], float(u)) for k, u in zip(space.names, row, strict=True)}
        places = [
            a.to_unit(params[k]) if isinstance(a := space.dimensions[k], Range) else params[k]
            for k in space.names
        ]
        value = truth(places)
        if value is None:
            seen.append(diverged(i, params, round=round))
        else:
            value = float(np.clip(value + noise * rng.standard_normal(), 0, 1))
            fields = {"score": value, "loss": 1 - value, **more}
            seen.append(observe(i, params, value, round=round, **fields))
    return seen


def decided(seen, *, space=BOTH, box=None):
    """The decisions by name, and the model behind them."""
    model = fitted(space, seen, epochs=2)
    return {d.name: d for d in level_set.narrow(space, box or space.dimensions, seen, model)}, model


def bump(at, steep=1.0, k=0):
    return lambda u: 0.9 - steep * (u[k] - at) ** 2


class TestVerdicts:
    def test_narrowed_around_the_best_and_the_flat_one_unidentified(self):
        found, _ = decided(sampled(bump(0.6), n=64))
        rate, decay = found["learning_rate"], found["weight_decay"]
        assert rate.verdict is Verdict.NARROWED
        assert LR.to_unit(rate.after.low) < 0.6 < LR.to_unit(rate.after.high)
        assert 0.4 - 1e-6 <= rate.after.width / LR.width < 0.8
        assert rate.reason.startswith(f"narrowed to {rate.after.width / LR.width:.0%} of its width")
        assert decay.verdict is Verdict.UNIDENTIFIED
        assert decay.after == decay.before
        assert "without weight_decay the scores of all trials are explained no worse" in (
            decay.reason
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
        assert rate.reason.startswith(
            f"open at the {side}: the best value lies in the {part} tenth of the range or beyond "
            f"with a probability of {chance:.0%}, so the range now ends at {moved:g}"
        )

    def test_open_at_both_ends(self):
        seen = sampled(lambda u: 0.5 + 1.2 * (u[0] - 0.5) ** 2, n=32, noise=0.03)
        rate = decided(seen)[0]["learning_rate"]
        assert rate.verdict is Verdict.OPEN_BOTH
        assert LR.to_unit(rate.after.low) == pytest.approx(-0.5, abs=1e-5)
        assert LR.to_unit(rate.after.high) == pytest.approx(1.5, abs=1e-5)
        assert rate.reason.count("so the range now ends at") == 2

    def test_at_its_limit_it_is_open_and_says_so(self):
        fixed = LR.model_copy(update={"hard_high": LR.high})
        space = space_of(learning_rate=fixed, weight_decay=WD)
        rate = decided(sampled(bump(1.4), space=space), space=space)[0]["learning_rate"]
        assert rate.verdict is Verdict.OPEN_HIGH
        assert rate.after.high == 1.0
        assert "and 1 is the limit; a wider hard limit may hold better values" in rate.reason

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
            assert f"its best value falls with {other}, correlation {r:.1f}" in decision.reason

    def test_unidentified_where_the_rest_of_the_effect_is_below_the_noise(self):
        box = {**BOTH.dimensions, "learning_rate": LR.part(0.55, 0.65)}
        seen = [*sampled(bump(0.6), n=64), *sampled(bump(0.6), box=box, n=256, round=2)]
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert rate.verdict is Verdict.UNIDENTIFIED
        assert rate.after == rate.before
        assert rate.numbers["p_below_noise"] >= level_set.UNIDENTIFIED
        assert rate.numbers["support"] > level_set.SUPPORT
        assert "which is below the noise of one training" in rate.reason

    def test_a_range_narrowed_too_far_grows_again_to_what_the_data_cover(self):
        box = {**BOTH.dimensions, "learning_rate": LR.part(0.1, 0.3)}
        seen = [*sampled(bump(0.6), n=64), *sampled(bump(0.6), box=box, round=2)]
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert rate.verdict is Verdict.OPEN_HIGH
        assert rate.after.contains(LR.from_unit(0.6))
        assert rate.after.high < LR.from_unit(0.8)

    def test_too_few_trials_are_counted(self):
        seen = sampled(bump(0.5), n=6)
        for decision in decided(seen)[0].values():
            assert decision.verdict is Verdict.UNIDENTIFIED
            assert decision.reason == (
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
            assert one.reason == other.reason + (
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
        assert "all 16 trials of the round diverged" in rate.reason
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
        assert rate.reason.count("and nearly every trial above diverged") == 1

        box = {**BOTH.dimensions, "learning_rate": LR.part(0.2, 0.65)}
        seen = [*sampled(cliff, n=64), *sampled(cliff, box=box, round=2)]
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert LR.to_unit(rate.after.high) < 0.75

    def test_where_hardly_anything_was_finite_the_frontier_decides(self):
        seen = sampled(lambda u: None if u[0] > 0.2 else 0.5, n=24, seed=3)
        assert 4 <= sum(o.finite for o in seen) < level_set.TRIALS_LEAST
        found = decided(seen)[0]
        rate = found["learning_rate"]
        assert rate.verdict is Verdict.NARROWED
        assert rate.after.low == LR.low
        assert LR.to_unit(rate.after.high) == pytest.approx(0.4, abs=1e-5)  # the brake
        assert "nearly every trial outside diverged" in rate.reason
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
    def test_the_frontier(self, finite, gone, expected):
        assert frontier(finite, gone) == pytest.approx(expected)

    def test_a_stray_finite_trial_beyond_the_frontier_does_not_hide_it(self):
        gone = np.linspace(1.0, 2.0, 12)
        assert frontier(np.append(np.linspace(0, 0.9, 20), 1.5), gone) == pytest.approx(0.95)


class TestLossAsSignpost:
    def flat(self, loss, *, seed=1, accuracy=0.1, slope=0.0, n=32):
        """Scores that depend on little; `loss` is that of a place in the learning rate."""
        rng = np.random.default_rng(seed)
        return [
            observe(o.index, o.params, o.accuracy, score=o.score,
                    loss=loss(LR.to_unit(o.params["learning_rate"])) + 0.01 * rng.normal())
            for o in sampled(lambda u: accuracy + slope * u[0], seed=seed, n=n)
        ]  # fmt: skip

    @pytest.mark.parametrize("upward", [True, False])
    def test_the_range_opens_towards_the_lower_loss(self, upward):
        seen = self.flat(lambda u: 2.3 - 0.2 * (u if upward else 1 - u))
        rate, decay = decided(seen)[0].values()
        assert rate.verdict is (Verdict.OPEN_HIGH if upward else Verdict.OPEN_LOW)
        moved = rate.after.high if upward else rate.after.low
        assert LR.to_unit(moved) == pytest.approx(1.5 if upward else -0.5, abs=1e-5)
        places = np.array([LR.to_unit(o.params["learning_rate"]) for o in seen])
        losses = np.array([o.loss for o in seen])
        outer = places > 0.75 if upward else places < 0.25
        p = stats.mannwhitneyu(losses[outer], losses[~outer], alternative="less").pvalue
        assert rate.numbers["loss_p"] == pytest.approx(p)
        rank = (stats.rankdata(losses)[outer].mean() - 0.5) / 32
        assert rate.numbers["loss_rank"] == pytest.approx(rank)
        assert rate.reason == (
            f"open at the {'top' if upward else 'bottom'}: no score stands out, but the loss is "
            f"lowest in the quarter at that end (mean rank {rank:.2f} of 32 trials, p = {p:.2g}), "
            f"so the range now ends at {moved:g}"
        )
        assert decay.verdict is Verdict.UNIDENTIFIED

    @pytest.mark.parametrize(
        ("loss", "accuracy"),
        [
            (lambda u: 2.3 + (u - 0.5) ** 2, 0.1),  # lowest in the middle
            (lambda u: 0.3 - 0.2 * u, 0.9),  # they learn already
        ],
    )
    def test_otherwise_it_says_nothing(self, loss, accuracy):
        seen = self.flat(loss, accuracy=accuracy)
        assert decided(seen)[0]["learning_rate"].verdict is Verdict.UNIDENTIFIED

    def test_at_its_limit_there_is_nowhere_to_go(self):
        fixed = LR.model_copy(update={"hard_high": LR.high})
        space = space_of(learning_rate=fixed, weight_decay=WD)
        seen = self.flat(lambda u: 2.3 - 0.2 * u)
        assert decided(seen, space=space)[0]["learning_rate"].verdict is Verdict.UNIDENTIFIED

    def test_where_nobody_has_learned_doubtful_effects_move_nothing(self):
        """An effect of the size of the noise, which counts as long as the networks learn."""
        waited = 0
        for seed in range(4):
            seen = self.flat(lambda _: 2.3, seed=seed, slope=0.008, n=256)
            learned = [
                observe(o.index, o.params, o.accuracy, score=o.score, loss=0.1) for o in seen
            ]
            otherwise = decided(learned)[0]
            for name, decision in decided(seen)[0].items():
                if "no network in the box has learned" in decision.reason:
                    waited += 1
                    assert decision.verdict is Verdict.UNIDENTIFIED
                    assert decision.after == decision.before
                    assert otherwise[name].verdict is not Verdict.UNIDENTIFIED
        assert waited

    def test_ranks_are_taken_among_trials_of_one_length(self):
        """Longer trainings, which lose less, lie at low rates: pooled, the order is reversed."""
        seen = [
            observe(i, {"learning_rate": LR.from_unit(u)}, 0.1, epochs=8 if i % 4 else 2,
                    loss=(1.5 if i % 4 else 2.3) - 0.2 * u)
            for i, u in enumerate((np.arange(32) + 0.5) / 32)
        ]  # fmt: skip
        found = signpost({"learning_rate": LR}, seen)
        assert found.upward
        assert found.rank < 0.15
        assert found.trials == 32
        assert signpost({"learning_rate": LR}, seen[:4]) is None
        assert signpost({"learning_rate": LR}, []) is None

    def test_other_ranges_have_to_make_a_stronger_case(self):
        def seen(name, n):
            return [
                observe(i, {name: LR.from_unit((i + 0.5) / n)}, 0.1,
                        loss=2.2 if i >= 0.75 * n and i % 3 else 2.3 + 0.001 * i)
                for i in range(n)
            ]  # fmt: skip

        assert signpost({"learning_rate": LR}, seen("learning_rate", 24)) is not None
        assert signpost({"momentum": LR}, seen("momentum", 24)) is None
        assert signpost({"momentum": LR}, seen("momentum", 240)) is not None


class TestLevels:
    SPACE = space_of(activation=Choices(choices=("relu", "tanh", "sigmoid")), learning_rate=LR)

    def seen(self, worth, n=48):
        return sampled(
            lambda u: worth[u[0]] - 0.5 * (u[1] - 0.5) ** 2, space=self.SPACE, n=n, seed=1
        )

    def test_a_level_goes_on_evidence(self):
        seen = self.seen({"relu": 0.9, "tanh": 0.9, "sigmoid": 0.7})
        decision = decided(seen, space=self.SPACE)[0]["activation"]
        assert decision.verdict is Verdict.NARROWED
        assert decision.after.choices == ("relu", "tanh")
        trials = sum(o.params["activation"] == "sigmoid" for o in seen)
        chance = decision.numbers["level_2_chance"]
        assert decision.numbers["level_2_trials"] == trials
        assert chance < 0.05
        assert decision.reason == (
            f"dropped sigmoid: after {trials} trials, it is the best with a probability of "
            f"{chance:.2g}"
        )
        chances = [decision.numbers[f"level_{i}_chance"] for i in range(3)]
        assert sum(chances) == pytest.approx(1.0)

    def test_equal_levels_stay(self):
        seen = self.seen({"relu": 0.9, "tanh": 0.9, "sigmoid": 0.9})
        decision = decided(seen, space=self.SPACE)[0]["activation"]
        assert decision.verdict is Verdict.UNIDENTIFIED
        assert decision.after == decision.before

    def test_a_level_with_few_trials_stays(self):
        seen = self.seen({"relu": 0.9, "tanh": 0.9, "sigmoid": 0.7})
        few = [o for o in seen if o.params["activation"] == "sigmoid"][:3]
        seen = [o for o in seen if o.params["activation"] != "sigmoid"] + few
        decision = decided(seen, space=self.SPACE)[0]["activation"]
        assert decision.after.contains("sigmoid")
        assert decision.numbers["level_2_trials"] == 3

    def test_the_last_level_is_kept(self):
        box = {**self.SPACE.dimensions, "activation": Choices(choices=("relu",))}
        seen = self.seen({"relu": 0.9, "tanh": 0.6, "sigmoid": 0.6})
        decision = decided(seen, space=self.SPACE, box=box)[0]["activation"]
        assert decision.verdict is Verdict.KEPT
        assert decision.reason == "kept: relu is the one level left"


class TestNumbers:
    """What a decision states, computed once more from the observations and the model."""

    def case(self):
        seen = sampled(lambda u: 0.9 - (u[0] - 0.55) ** 2 - 0.3 * (u[1] - 0.4) ** 2, n=64)
        found, model = decided(seen)
        return seen, found, model

    def grid(self, model, side=121):
        low, high = model.encoding.bounds(BOTH.dimensions)
        axes = [np.linspace(a, b, side) for a, b in zip(low, high, strict=True)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)

    def test_the_level_set_on_a_grid(self):
        _, found, model = self.case()
        places = self.grid(model)
        mean, sd = model.predict(places)
        c = caution(2)
        threshold = float(np.max(mean - c * sd))
        level = places[mean + c * sd >= threshold]
        for k, name in enumerate(BOTH.names):
            numbers = found[name].numbers
            assert numbers["c"] == c
            assert numbers["threshold"] == pytest.approx(threshold, abs=0.002)
            assert numbers["hull_low"] == pytest.approx(level[:, k].min(), abs=0.04)
            assert numbers["hull_high"] == pytest.approx(level[:, k].max(), abs=0.04)

    def test_edges_margin_and_widths(self):
        seen, found, _ = self.case()
        for name, decision in found.items():
            n, now = decision.numbers, decision.before
            assert decision.verdict is Verdict.NARROWED
            places = [now.to_unit(o.params[name]) for o in seen]
            within = sum(n["hull_low"] <= u <= n["hull_high"] for u in places)
            below = max([0.0, *(u for u in places if u < n["hull_low"])])
            above = min([1.0, *(u for u in places if u > n["hull_high"])])
            margin = (above - below) / (1 + within) / 2
            assert n["margin"] == pytest.approx(margin)
            low = max(min(n["hull_low"] - margin, n["tried"]), 0.0)
            high = min(max(n["hull_high"] + margin, n["tried"]), 1.0)
            expected = now.part(low, high)
            if high - low >= brakes.SHRINK_LEAST:
                assert (decision.after.low, decision.after.high) == (expected.low, expected.high)
            assert n["width_before"] == now.width
            assert n["width_after"] == decision.after.width
            assert n["trials"] == len(seen)

    def test_the_best_trial_by_posterior_mean_is_held(self):
        seen, found, model = self.case()
        means = model.predict(model.encoding.encode([o.params for o in seen]))[0]
        best = seen[int(np.argmax(means))]
        for name, decision in found.items():
            value = best.params[name]
            assert decision.numbers["tried"] == pytest.approx(decision.before.to_unit(value))
            assert decision.after.contains(value)

    def test_effect_and_noise(self):
        _, found, model = self.case()
        places = self.grid(model)
        best = places[int(np.argmax(model.predict(places)[0]))]
        for k, name in enumerate(BOTH.names):
            slice_ = np.repeat(best[None], 41, axis=0)
            slice_[:, k] = np.linspace(0, 1, 41)
            draws = model.sample(slice_, 2000, np.random.default_rng(5))
            effects = np.ptp(draws, axis=1)
            numbers = found[name].numbers
            assert numbers["noise_sd"] == model.noise_sd
            assert numbers["effect"] == pytest.approx(np.median(effects), rel=0.15)
            below = np.mean(effects < model.noise_sd)
            assert numbers["p_below_noise"] == pytest.approx(below, abs=0.1)

    def test_support_is_a_ratio_of_likelihoods(self):
        _, found, model = self.case()
        cov = model.chol @ model.chol.T
        z = cov @ model.alpha
        expected = stats.multivariate_normal(np.zeros(len(z)), cov).logpdf(z)
        constant = 0.5 * len(z) * math.log(2 * math.pi)
        assert log_likelihood(cov, z) == pytest.approx(expected + constant)
        for name, support in supports(model).items():
            assert found[name].numbers["support"] == support > level_set.SUPPORT
        assert max(model.constants.lengths) < WITHOUT / 100

    def test_the_chances_of_the_best_place(self):
        seen, found, model = self.case()
        places = self.grid(model, side=25)
        draws = model.sample(places, 1000, np.random.default_rng(1))
        best = places[np.argmax(draws, axis=1)]
        for k, name in enumerate(BOTH.names):
            numbers = found[name].numbers
            assert numbers["chance_low"] == pytest.approx(np.mean(best[:, k] <= 0.1), abs=0.1)
            assert numbers["chance_high"] == pytest.approx(np.mean(best[:, k] >= 0.9), abs=0.1)
        view = View.of(BOTH, BOTH.dimensions, seen, model)
        assert view.often.sum() == pytest.approx(1.0)
        assert view.level[view.often > 0].all()


@pytest.mark.parametrize(
    ("trials", "low", "high", "expected"),
    [([0.1, 0.4, 0.6, 0.9], 0.3, 0.7, 0.8 / 3), ([0.1, 0.9], 0.4, 0.5, 0.8), ([], 0.2, 0.4, 1.0),
     ([0.5], -0.2, 1.3, 1.5 / 2)],
)  # fmt: skip
def test_spacing(trials, low, high, expected):
    assert level_set.spacing(np.array(trials), low, high) == pytest.approx(expected)


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
