"""The range that a search answers with holds nothing that nobody has tried."""

from __future__ import annotations

import math

import pytest
from support.builders import diverged, observe, resolve, search

from hpsearch.narrowing import RULES
from hpsearch.narrowing.clamping import clamp_to_evidence
from hpsearch.reasons import NewEdge, Reason, Side, words
from hpsearch.reasons.rules import LossLeads, OneCategoryLeft
from hpsearch.space import Choices, Range
from hpsearch.trials import Decision, FinalPlan, Verdict

NOW = Range(low=1e-3, high=1e-1, scale="log", hard_low=1e-6, hard_high=1e2)
GROWN = NOW.moved(1e-4, 1.0)
REASON = LossLeads(fell=False, rank=0.1, trials=9, p=0.01, new=NewEdge(Side.HIGH, 1.0))
SPACE = {"learning_rate": {"low": 1e-6, "high": 1e-4, "scale": "log"}}


def decision(after, reason: Reason = REASON, verdict: Verdict = Verdict.OPEN_HIGH) -> Decision:
    return Decision("learning_rate", NOW, after, verdict, reason, {"width_after": after.width})


def seen(*rates: float):
    return [observe(i, {"learning_rate": rate}) for i, rate in enumerate(rates)]


def test_a_range_ends_where_it_was_or_at_the_outermost_trial():
    (cut,) = clamp_to_evidence([decision(GROWN)], seen(0.01, 0.05))
    assert (cut.after.low, cut.after.high) == (1e-3, 1e-1)
    assert cut.verdict is Verdict.OPEN_HIGH
    assert words(cut.reason).endswith("but no round has looked beyond 0.1, where the answer ends")
    assert cut.numbers["width_after"] == pytest.approx(2.0)
    (cut,) = clamp_to_evidence([decision(GROWN)], seen(5e-4, 0.5))
    assert (cut.after.low, cut.after.high) == pytest.approx((5e-4, 0.5))


def test_what_shrinks_or_was_tried_stays_as_it_is():
    inward = decision(NOW.moved(2e-3, 5e-2), verdict=Verdict.NARROWED)
    tried = decision(GROWN)
    kind = Choices(choices=("a", "b"))
    choice = Decision("activation", kind, kind, Verdict.KEPT, OneCategoryLeft("a"))
    found = clamp_to_evidence([inward, tried, choice], seen(1e-5, 10.0))
    assert found == (inward, tried, choice)


def test_diverged_trials_are_no_evidence_for_a_range():
    lost = [diverged(9, {"learning_rate": 0.9})]
    (cut,) = clamp_to_evidence([decision(GROWN)], [*seen(0.01), *lost])
    assert cut.after.high == 1e-1


@pytest.mark.parametrize("rule", sorted(RULES))
def test_no_answer_reaches_beyond_the_trials(rule):
    """The optimum lies far above: every round opens the range, and the last one is not believed."""

    def climb(params, epochs):
        return 0.9 - 0.1 * abs(math.log10(params["learning_rate"])) - 0.1 / epochs

    resolved = resolve(space=SPACE, rounds=4, narrowing=rule, stop_early=False)
    rounds, trials, final = search(resolved, climb, noise=0.005)
    assert isinstance(final, FinalPlan)
    best, last = final.box["learning_rate"], rounds[-1].box["learning_rate"]
    tried = [o.params["learning_rate"] for o in trials]
    assert best.high <= max(last.high, *tried) * 1.000001
    assert best.low >= min(last.low, *tried) * 0.999999
    assert final.decisions[0].after == best
    assert (
        f"now ends at {best.high:g}" not in words(final.decisions[0].reason) or best.high in tried
    )
