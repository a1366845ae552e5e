"""Decisions where no network has learned yet: ranges wait, or follow the loss to where learning begins.

All scores are luck then, those of initial weights, and an effect of the size of the noise is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpsearch.narrowing.level_set.evaluation_grid import Axis
from hpsearch.narrowing.level_set.loss_trend import LossTrend, nothing_learned, strongest_trend
from hpsearch.narrowing.level_set.posterior_summary import Effect
from hpsearch.narrowing.level_set.relevance import SUPPORT
from hpsearch.narrowing.step_limits import EXPANSION, SETTLED, limit_step
from hpsearch.reasons import NewEdge, Side, rules
from hpsearch.space import Box, Range
from hpsearch.trials import Decision, Observation, Verdict

DOUBT = 0.3  # probability of an effect below the noise, from which the effect is a rumour


def fall_back_on_loss(
    decisions: list[Decision],
    box: Box,
    observations: Sequence[Observation],
    axes: Mapping[str, Axis],
    effects: Mapping[str, Effect],
) -> list[Decision]:
    """Replace the decisions on ranges where no network has learned yet; others stay."""
    sure = any(e.support >= SUPPORT and e.p_below_noise < DOUBT for e in effects.values())
    if sure or not nothing_learned(box, observations):
        return decisions
    trend = strongest_trend(box, observations)
    if trend is not None and trend.name not in axes:  # too few trials have a value of it
        trend = None
    if trend is not None and _established(axes[trend.name], effects[trend.name]):
        trend = None
    return [
        d if d.name not in axes else
        _follow(d, trend, axes[d.name], effects[d.name])
        if trend is not None and d.name == trend.name else
        _wait(d, effects[d.name])
        for d in decisions
    ]  # fmt: skip


def _established(axis: Axis, effect: Effect) -> bool:
    """Tell whether the range was narrowed by evidence that still stands: no rumour moves it then."""
    narrowed = axis.now.width < (1 - SETTLED) * axis.asked.width
    return narrowed and effect.support >= SUPPORT


def _wait(decision: Decision, effect: Effect) -> Decision:
    """The range stays: its scores are luck."""
    if decision.verdict is Verdict.UNIDENTIFIED:
        return decision
    now = decision.before
    reason = rules.NothingLearned(effect.effect, effect.noise_sd, effect.p_below_noise)
    numbers = {**decision.numbers, "width_after": decision.numbers["width_before"]}
    return Decision(decision.name, now, now, Verdict.UNIDENTIFIED, reason, numbers)


def _beyond(axis: Axis, side: Side) -> Range:
    """The range grown half the asked width past all that was asked: there, nobody learned."""
    asked, now = axis.asked, axis.now
    edge = axis.explored.low if side is Side.LOW else axis.explored.high
    past = side.outermost(now.to_unit(side.edge(asked)), edge.home)
    past = edge.further(past, EXPANSION * asked.width / now.width)
    grown = side.outermost(edge.home, side.innermost(past, edge.stable))
    low, high = (grown, 1.0) if side is Side.LOW else (0.0, grown)
    return limit_step(asked, now, low, high)


def _follow(decision: Decision, trend: LossTrend, axis: Axis, effect: Effect) -> Decision:
    after = _beyond(axis, trend.side)
    if after == axis.now:
        return _wait(decision, effect)
    numbers = {
        **decision.numbers, "loss_rank": trend.rank, "loss_p": trend.p, "ranked": trend.trials,
        "fell": int(trend.fell), "width_after": after.width,
    }  # fmt: skip
    new = NewEdge(trend.side, trend.side.edge(after))
    reason = rules.LossLeads(trend.fell, trend.rank, trend.trials, trend.p, new)
    verdict = Verdict.OPEN_HIGH if trend.side is Side.HIGH else Verdict.OPEN_LOW
    return Decision(decision.name, axis.now, after, verdict, reason, numbers)
