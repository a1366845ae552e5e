"""The rule `domain_reduction`: its formulas by hand, and that it needs no memory."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import diverged, observe, space_of

from hpsearch.narrowing import step_limits
from hpsearch.narrowing.domain_reduction import narrow, window
from hpsearch.reasons import words
from hpsearch.space import Choices, Range
from hpsearch.trials import Verdict

LR = Range(low=1e-5, high=1.0, scale="log").limited(0, 1e4)
SPACE = space_of(learning_rate=LR)


def rounds(*places, epochs=2):
    """One trial a round, each better than the one before."""
    return [
        observe(0, {"learning_rate": LR.value(-5 + 5 * u)}, 0.1 * (k + 1), round=k + 1,
                epochs=epochs)
        for k, u in enumerate(places)
    ]  # fmt: skip


def one(seen, now=LR):
    return narrow(SPACE, {"learning_rate": now}, seen, None)[0]


def test_the_formulas_by_hand():
    # d_1 = 2 (.8 - .5) / 1 = .6, c = 0: gamma = (1 + .7) / 2 = .85, r_1 = .9 + .6 (.85 - .9)
    assert window(LR, [0.8]) == pytest.approx((0.8, 0.87, 0.6))
    # d_2 = 2 (.6 - .8) / .87, an oscillation: c < 0
    d = 2 * -0.2 / 0.87
    c = -math.sqrt(abs(d * 0.6))
    gamma = (1.0 * (1 + c) + 0.7 * (1 - c)) / 2
    width = (0.9 + abs(d) * (gamma - 0.9)) * 0.87
    assert window(LR, [0.8, 0.6]) == pytest.approx((0.6, width, d))
    # Where the best stays, eta alone shrinks the window.
    assert window(LR, [0.5, 0.5, 0.5]) == pytest.approx((0.5, 0.9**3, 0.0))


def test_full_oscillation_shrinks_most_and_panning_least():
    swung, panned = window(LR, [1.0, 0.0])[1], window(LR, [1.0, 1.425])[1]
    assert swung < panned


@given(places=st.lists(st.floats(-2, 3), min_size=1, max_size=40))
def test_the_window_never_grows_and_has_a_floor(places):
    widths = [window(LR, places[: k + 1])[1] for k in range(len(places))]
    assert all(a >= b for a, b in zip([1.0, *widths], widths, strict=False))
    assert widths[-1] >= step_limits.FLOOR


def test_it_follows_the_best_trial_and_narrows():
    decision = one(rounds(0.5))
    assert decision.verdict is Verdict.NARROWED
    assert (LR.to_unit(decision.after.low), LR.to_unit(decision.after.high)) == pytest.approx(
        (0.05, 0.95), abs=1e-5
    )
    assert decision.numbers["width"] == pytest.approx(0.9)
    after = decision.after
    assert words(decision.reason) == (
        f"narrowed to 90% of its width: between {after.low:.3g} and {after.high:.3g}, around the "
        "best value so far, 0.00316"
    )


def test_it_may_leave_the_asked_range_up_to_the_limit():
    decision = one(rounds(0.9))
    assert decision.verdict is Verdict.OPEN_HIGH
    assert LR.to_unit(decision.after.high) == pytest.approx(0.9 + decision.numbers["width"] / 2,
                                                            abs=1e-5)  # fmt: skip
    fixed = LR.model_copy(update={"hard_high": 1.0, "hard_low": 1e-5})
    space = space_of(learning_rate=fixed)
    decision = narrow(space, space.dimensions, rounds(0.9), None)[0]
    assert decision.verdict is Verdict.NARROWED
    assert decision.after.high == 1.0


def test_it_replays_the_rounds_whatever_box_it_is_shown():
    seen = rounds(0.8, 0.6)
    wide, shown_first = one(seen), one(seen[:1])
    after = one(seen, shown_first.after).after
    assert (after.low, after.high) == (wide.after.low, wide.after.high)


def test_opens_at_the_bottom_and_at_both_ends():
    assert one(rounds(0.1)).verdict is Verdict.OPEN_LOW
    inner = LR.part(0.45, 0.55)
    assert one(rounds(0.5), inner).verdict is Verdict.OPEN_BOTH
    assert one(rounds(0.5), one(rounds(0.5)).after).verdict is Verdict.KEPT


def test_only_the_longest_trainings_count():
    short = observe(1, {"learning_rate": 1e-5}, 0.99, round=1, epochs=1)
    assert one([*rounds(0.5), short]).after == one(rounds(0.5)).after


def test_what_it_knows_nothing_about_stays():
    space = space_of(learning_rate=LR, a=Choices(choices=(1, 2)))
    finite = observe(0, {"learning_rate": 0.01, "a": 1}, 0.9)
    levels = narrow(space, space.dimensions, [finite], None)[0]
    assert (levels.verdict, levels.after) == (Verdict.UNIDENTIFIED, levels.before)
    assert one([]).verdict is Verdict.UNIDENTIFIED
    gone = [diverged(i, {"learning_rate": 0.1}) for i in range(8)]
    assert one(gone).verdict is Verdict.OPEN_LOW
