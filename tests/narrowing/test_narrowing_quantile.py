"""What the rule `quantile` does, and the sentences that it says with their numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats
from support.builders import (
    diverged,
    observe,
    space_of,
)

from hpsearch.narrowing import quantile, step_limits
from hpsearch.reasons import words
from hpsearch.space import Choices, Range, same_level
from hpsearch.trials import Verdict

LR = Range(low=1e-5, high=1.0, scale="log").limited(0, 1e4)


def line(places, best, *, name="learning_rate", dimension=LR, others=()):
    """Observations at unit `places`; those whose index is in `best` are the best ones."""
    seen = [
        observe(i, {name: dimension.from_unit(u)}, 0.9 if i in best else 0.5)
        for i, u in enumerate(places)
    ]
    return [*seen, *others]


def one(observations, dimension=LR, now=None, name="learning_rate"):
    space = space_of(**{name: dimension})
    return quantile.narrow(space, {name: now or dimension}, observations, None)[0]


EVEN = [(i + 0.5) / 32 for i in range(32)]


def recomputed_p(seen, now, best):
    places = [now.to_unit(o.params["learning_rate"]) for o in seen]
    top = [u for i, u in enumerate(places) if i in best]
    rest = [u for i, u in enumerate(places) if i not in best]
    return float(stats.ks_2samp(top, rest).pvalue)


def test_narrowed_to_the_hull_of_the_best_and_its_margin():
    best = set(range(10, 18))
    seen = line(EVEN, best)
    decision = one(seen)
    assert decision.verdict is Verdict.NARROWED
    low, high = (LR.to_unit(x) for x in (decision.after.low, decision.after.high))
    # The hull of 8 neighbours is 7/32 wide, 9/32 with margins: the brake makes it 0.4.
    assert high - low == pytest.approx(0.4, abs=1e-5)
    assert (low + high) / 2 == pytest.approx(14 / 32, abs=1e-5)
    p = recomputed_p(seen, LR, best)
    assert decision.numbers["p"] == pytest.approx(p)
    assert decision.numbers["margin"] == pytest.approx(1 / 32, abs=1e-5)
    assert decision.numbers["hull_low"] == pytest.approx(EVEN[10], abs=1e-5)
    assert decision.numbers["hull_high"] == pytest.approx(EVEN[17], abs=1e-5)
    assert decision.numbers["median"] == pytest.approx(14 / 32, abs=1e-5)
    assert (decision.numbers["top"], decision.numbers["rest"]) == (8, 24)
    after = decision.after
    assert words(decision.reason) == (
        f"narrowed to 40% of its width: the best 8 of 32 trials lie between {after.low:.3g} and "
        f"{after.high:.3g}, margin included (Kolmogorov-Smirnov p = {p:.2g})"
    )


def test_a_wide_hull_keeps_its_width():
    seen = line([*np.linspace(0.3, 0.8, 8), *np.linspace(0, 0.2, 12), *np.linspace(0.9, 1, 12)],
                set(range(8)))  # fmt: skip
    decision = one(seen)
    low, high = (LR.to_unit(x) for x in (decision.after.low, decision.after.high))
    assert (low, high) == (
        pytest.approx(0.3 - 0.5 / 7, abs=1e-5),
        pytest.approx(0.8 + 0.5 / 7, abs=1e-5),
    )


def test_unidentified_when_the_best_lie_anywhere():
    best = set(range(0, 32, 4))
    seen = line(EVEN, best)
    decision = one(seen)
    assert decision.verdict is Verdict.UNIDENTIFIED
    p = recomputed_p(seen, LR, best)
    assert p > quantile.ALPHA
    assert words(decision.reason) == (
        "unidentified: the best 8 of 32 trials are spread like the others (Kolmogorov-Smirnov "
        f"p = {p:.2g}), so the range stays"
    )


@pytest.mark.parametrize(
    ("best", "p", "verdict"),
    [((0, 3, 5, 8, 11, 14, 16, 19), 0.083, "narrowed"),
     ((0, 3, 6, 9, 11, 14, 17, 20), 0.139, "unidentified")],
)  # fmt: skip
def test_where_the_evidence_suffices(best, p, verdict):
    decision = one(line(EVEN, set(best)))
    assert decision.numbers["p"] == pytest.approx(p, abs=5e-4)
    assert decision.verdict == verdict


@pytest.mark.parametrize(("upward", "verdict"), [(True, "open_high"), (False, "open_low")])
def test_open_where_the_best_lean_on_an_edge(upward, verdict):
    best = set(range(24, 32)) if upward else set(range(8))
    decision = one(line(EVEN, best))
    assert decision.verdict == verdict
    low, high = (LR.to_unit(x) for x in (decision.after.low, decision.after.high))
    if upward:
        assert high == pytest.approx(1.5, abs=1e-5)
        assert low == pytest.approx(EVEN[24] - 1 / 32, abs=1e-5)
        assert words(decision.reason) == (
            "open at the top: the median of the best 8 trials lies at 88% of the range, and they "
            "reach its edge at 1, so the range now ends at 316.228"
        )
    else:
        assert low == pytest.approx(-0.5, abs=1e-5)
        assert high == pytest.approx(EVEN[7] + 1 / 32, abs=1e-5)
        assert "lies at 12% of the range" in words(decision.reason)
        assert words(decision.reason).startswith(
            "open at the bottom: the median of the best 8 trials"
        )
        assert words(decision.reason).endswith("so the range now ends at 3.16228e-08")


@pytest.mark.parametrize("upward", [True, False])
def test_at_its_limit_a_leaning_range_narrows_within_step_limits_and_says_so(upward):
    fixed = LR.model_copy(update={"hard_low": LR.low, "hard_high": LR.high})
    best = set(range(24, 32)) if upward else set(range(8))
    decision = one(line(EVEN, best), fixed)
    assert decision.verdict == ("open_high" if upward else "open_low")
    low, high = (LR.to_unit(x) for x in (decision.after.low, decision.after.high))
    assert (low, high) == pytest.approx((0.6, 1.0) if upward else (0.0, 0.4), abs=1e-5)
    limit = "1" if upward else "1e-05"
    assert f"which is the limit {limit}: nothing was tried beyond" in words(decision.reason)


def test_expansion_ends_at_the_limit():
    near = LR.model_copy(update={"hard_high": 2.0})
    decision = one(line(EVEN, set(range(24, 32))), near)
    assert decision.after.high == 2.0
    assert words(decision.reason).endswith("so the range now ends at 2")
    assert decision.after.width >= 0.4 * LR.width - 1e-6


def test_kept_when_the_best_fill_the_range():
    best = {0, 1, 2, 3, 28, 29, 30, 31}
    decision = one(line(EVEN, best))
    assert decision.verdict is Verdict.KEPT
    assert words(decision.reason).startswith(
        "kept between 1e-05 and 1: the best 8 of 32 trials fill it, margin included"
    )
    assert decision.numbers["width_after"] == decision.numbers["width_before"] == LR.width


def test_kept_at_the_floor():
    tenth = LR.part(0.5, 0.52)
    seen = line(EVEN, set(range(12, 20)), dimension=tenth)
    decision = one(seen, LR, tenth)
    assert decision.verdict is Verdict.KEPT
    assert "could share less, but it is at its least" in words(decision.reason)


def test_integers_keep_two_values():
    two = Range(low=3, high=4, integer=True).limited(1, 100)
    seen = [observe(i, {"n": float(3 + (i < 8))}, 0.9 if i < 8 else 0.5) for i in range(32)]
    decision = one(seen, two, name="n")
    assert decision.verdict is Verdict.OPEN_HIGH
    assert (decision.after.low, decision.after.high) == (4, 5)
    assert words(decision.reason).endswith("so the range now ends at 5")


def test_integers_are_put_into_whole_words():
    size = Range(low=16, high=4096, integer=True, scale="log").limited(1, 1e6)
    seen = line(EVEN, set(range(10, 18)), dimension=size, name="batch_size")
    decision = one(seen, size, name="batch_size")
    found = re.search(r"lie between (\d+) and (\d+), ", words(decision.reason))
    assert found
    assert (float(found[1]), float(found[2])) == (decision.after.low, decision.after.high)


@pytest.mark.parametrize(("finite", "rest"), [(3, 0), (7, 0), (3, 20), (0, 0)])
def test_too_few_trials_are_unidentified_and_counted(finite, rest):
    seen = [observe(i, {"learning_rate": LR.from_unit(i / 10)}, i / 10) for i in range(finite)]
    seen += [diverged(50 + i, {"learning_rate": 0.9}, round=1) for i in range(rest)]
    decision = one(seen)
    assert decision.verdict is Verdict.UNIDENTIFIED
    top = min(4, finite)
    assert words(decision.reason) == (
        f"unidentified: {top} of the best and {finite + rest - top} other trials inside the box "
        "are too few to compare; it takes 4 of each"
    )


def test_earlier_searches_have_no_say():
    seen = line(EVEN, set(range(10, 18)))
    earlier = [observe(i, {"learning_rate": 1.0}, 0.95, round=0, source=1) for i in range(20)]
    assert one([*earlier, *seen]) == one(seen)


def test_trials_outside_the_box_have_no_say():
    half = LR.part(0, 0.5)
    seen = line(EVEN, set(range(24, 32)))
    decision = one(seen, LR, half)
    assert decision.numbers["top"] + decision.numbers["rest"] == 16


def test_diverged_trials_count_as_the_worst():
    seen = line(EVEN[:16], set(range(16)))
    seen += [diverged(16 + i, {"learning_rate": LR.from_unit(u)}) for i, u in enumerate(EVEN[16:])]
    decision = one(seen)
    assert decision.after.high < LR.high
    assert decision.numbers["top"] == 4  # a quarter of the 16 finite ones


class TestAllDiverged:
    def test_the_learning_rate_goes_down_and_nothing_else_moves(self):
        space = space_of(learning_rate=LR, dropout=Range(low=0, high=0.5).limited(0, 0.9))
        seen = [
            diverged(i, {"learning_rate": LR.from_unit(u), "dropout": u / 2})
            for i, u in enumerate(EVEN)
        ]
        dropout, rate = quantile.narrow(space, space.dimensions, seen, None)
        assert rate.verdict is Verdict.OPEN_LOW
        assert (rate.after.low, rate.after.high) == (3.16228e-08, 0.00316228)
        assert words(rate.reason) == (
            "open at the bottom: all 32 trials of the round diverged, so the range moves down to "
            "between 3.16e-08 and 0.00316"
        )
        assert dropout.verdict is Verdict.UNIDENTIFIED
        assert dropout.after == dropout.before
        assert "all 32 trials of the round diverged, which says nothing about dropout" in (
            words(dropout.reason)
        )

    def test_a_lower_limit_still_lets_the_upper_edge_down(self):
        fixed = LR.model_copy(update={"hard_low": LR.low})
        decision = one([diverged(i, {"learning_rate": 0.1}) for i in range(8)], fixed)
        assert (decision.after.low, decision.after.high) == (LR.low, 0.00316228)

    def test_down_to_the_floor(self):
        fixed = LR.model_copy(update={"hard_low": LR.low})
        now = fixed
        for _ in range(12):
            decision = one([diverged(i, {"learning_rate": 0.1}) for i in range(8)], fixed, now)
            now = decision.after
        assert now.width >= 0.99 * step_limits.FLOOR * LR.width
        assert decision.verdict is Verdict.OPEN_LOW
        assert "can move no further down than 1e-05; a lower hard_low" in words(decision.reason)

    def test_the_best_of_earlier_rounds_is_not_lost(self):
        good = observe(0, {"learning_rate": LR.from_unit(0.8)}, 0.9)
        seen = [good, *(diverged(i, {"learning_rate": 0.9}, round=2) for i in range(8))]
        decision = one(seen)
        assert decision.after.low < LR.low
        assert LR.to_unit(decision.after.high) == pytest.approx(0.8, abs=1e-4)
        assert decision.after.contains(good.params["learning_rate"])

    def test_chosen_learning_rates_stay(self):
        rates = Choices(choices=(0.1, 1.0))
        decision = one([diverged(i, {"learning_rate": 1.0}) for i in range(8)], rates)
        assert decision.verdict is Verdict.UNIDENTIFIED
        assert decision.after == rates

    def test_one_finite_trial_is_another_case(self):
        seen = [diverged(i, {"learning_rate": 0.1}) for i in range(8)]
        seen.append(observe(8, {"learning_rate": 1e-4}, 0.3))
        assert one(seen).after == LR


class TestLevels:
    LEVELS = Choices(choices=("relu", "sigmoid", "tanh"))

    def seen(self, counts, best):
        """`counts` trials of each level; those of the levels in `best` are the best ones."""
        return [
            observe(100 * k + i, {"a": level}, 0.9 if level in best and i < 8 else 0.5)
            for k, (level, count) in enumerate(counts.items())
            for i in range(count)
        ]

    def test_a_level_is_dropped_on_evidence(self):
        seen = self.seen({"relu": 16, "sigmoid": 16, "tanh": 2}, {"relu"})
        decision = one(seen, self.LEVELS, name="a")
        assert decision.verdict is Verdict.NARROWED
        assert decision.after.choices == ("relu", "tanh")
        numbers = decision.numbers
        assert (numbers["level_1_top"], numbers["level_1_trials"]) == (0, 16)
        top, rest = numbers["top"], numbers["rest"]
        assert (top, rest) == (9, 25)
        p = float(stats.fisher_exact([[0, top], [16, rest - 16]], alternative="less").pvalue)
        assert numbers["level_1_p"] == pytest.approx(p)
        assert words(decision.reason) == (
            f"dropped sigmoid: none of its 16 trials is among the best 9 (Fisher p = {p:.2g})"
        )

    def test_a_level_with_few_trials_stays(self):
        seen = self.seen({"relu": 30, "sigmoid": 3}, {"relu"})
        decision = one(seen, self.LEVELS, name="a")
        assert decision.verdict is Verdict.UNIDENTIFIED
        assert decision.after == self.LEVELS
        assert "too few trials to be ruled out" in words(decision.reason)

    def test_two_levels_at_once(self):
        seen = self.seen({"relu": 30, "sigmoid": 30, "tanh": 30}, {"relu"})
        seen = [o if o.params["a"] != "relu" else observe(o.index, o.params, 0.9) for o in seen]
        decision = one(seen, self.LEVELS, name="a")
        assert decision.after.choices == ("relu",)
        assert words(decision.reason).count("none of its 30 trials") == 2

    def test_one_is_not_true(self):
        mixed = Choices(choices=(1, True))
        seen = [observe(i, {"a": True if i % 2 else 1}, 0.9 if i % 2 else 0.1) for i in range(64)]
        decision = one(seen, mixed, name="a")
        assert [type(x) for x in decision.after.choices] == [bool]
        assert all(same_level(x, True) for x in decision.after.choices)
