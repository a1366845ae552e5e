"""Where no network has learned yet: ranges wait, or follow the loss to where learning begins.

All scores are luck then, those of initial weights, and an effect of the size of the noise is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.narrowing.brakes import EXPANSION, SETTLED, placed
from hpsearch.narrowing.candidates import Axis
from hpsearch.narrowing.relevance import SUPPORT
from hpsearch.narrowing.trend import Trend, signpost, unlearned
from hpsearch.narrowing.view import View
from hpsearch.narrowing.words import ends_at
from hpsearch.space import Box, Range
from hpsearch.trials import Decision, Observation, Verdict

DOUBT = 0.3  # probability of an effect below the noise, from which the effect is a rumour


def signposted(
    found: list[Decision], box: Box, observations: Sequence[Observation], view: View
) -> list[Decision]:
    """Where no network has learned yet, scores are luck; the loss may say where learning begins."""
    sure = any(
        view.supports[d.name] >= SUPPORT and float(d.numbers["p_below_noise"] or 0.0) < DOUBT
        for d in found
        if d.name in view.axes
    )
    if sure or not unlearned(box, observations):
        return found
    trend = signpost(box, observations)
    if trend is not None and _established(trend.name, found, view.axes[trend.name]):
        trend = None
    return [
        d if d.name not in view.axes else
        _followed(d, trend, view.axes[d.name]) if trend is not None and d.name == trend.name else
        _waiting(d)
        for d in found
    ]  # fmt: skip


def _established(name: str, found: list[Decision], axis: Axis) -> bool:
    """Whether the range was narrowed by evidence that still stands: no rumour moves it then."""
    support = next(d.numbers["support"] for d in found if d.name == name)
    narrowed = axis.now.width < (1 - SETTLED) * axis.asked.width
    return narrowed and float(support or 0.0) >= SUPPORT


def _waiting(decision: Decision) -> Decision:
    """The range stays: what its scores say, they say by luck."""
    if decision.verdict is Verdict.UNIDENTIFIED:
        return decision
    now, n = decision.before, decision.numbers
    reason = (
        "unidentified: no network in the box has learned to tell the classes apart, and the effect "
        f"{n['effect']:.2g} is no more than the noise of one training ({n['noise_sd']:.2g}) with a "
        f"probability of {n['p_below_noise']:.0%}, so the range stays"
    )
    numbers = {**n, "width_after": n["width_before"]}
    return Decision(decision.name, now, now, Verdict.UNIDENTIFIED, reason, numbers)


def _beyond(axis: Axis, trend: Trend) -> Range:
    """The range grown half the asked width past all that was asked: there, nobody learned."""
    asked, now, t = axis.asked, axis.now, axis.territory
    step = EXPANSION * asked.width / now.width
    if trend.upward:
        top = max(now.to_unit(asked.high), 1.0) + step
        return placed(asked, now, 0.0, max(1.0, min(top, t.stable_high)))
    bottom = min(now.to_unit(asked.low), 0.0) - step
    return placed(asked, now, min(0.0, max(bottom, t.stable_low)), 1.0)


def _followed(decision: Decision, trend: Trend, axis: Axis) -> Decision:
    after = _beyond(axis, trend)
    if after == axis.now:
        return _waiting(decision)
    numbers = {
        **decision.numbers, "loss_rank": trend.rank, "loss_p": trend.p, "ranked": trend.trials,
        "fell": int(trend.fell), "width_after": after.width,
    }  # fmt: skip
    side, moved = ("top", after.high) if trend.upward else ("bottom", after.low)
    loss = "fell furthest" if trend.fell else "is lowest"
    reason = (
        f"open at the {side}: no score stands out, but the loss {loss} in the quarter at that "
        f"end (mean rank {trend.rank:.2f} of {trend.trials} trials, p = {trend.p:.2g}), "
        f"{ends_at(moved)}"
    )
    verdict = Verdict.OPEN_HIGH if trend.upward else Verdict.OPEN_LOW
    return Decision(decision.name, axis.now, after, verdict, reason, numbers)
