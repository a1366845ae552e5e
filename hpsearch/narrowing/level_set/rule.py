"""The decisions of the rule `level_set`; the package's docstring says by what it decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hpsearch.narrowing import quantile
from hpsearch.narrowing.level_set import categories
from hpsearch.narrowing.level_set.evaluation_grid import Axis
from hpsearch.narrowing.level_set.hull import Hull
from hpsearch.narrowing.level_set.loss_fallback import fall_back_on_loss
from hpsearch.narrowing.level_set.posterior_summary import Effect, PosteriorSummary
from hpsearch.narrowing.level_set.relevance import SUPPORT
from hpsearch.narrowing.step_limits import SETTLED, all_diverged, limit_step, retreat
from hpsearch.reasons import Side, Span, rules
from hpsearch.space import Box, Choices, Range, Space
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Decision, Numbers, Observation, Verdict

TRIALS_LEAST = 8  # finite trials inside the box, below which nothing is decided
UNIDENTIFIED = 0.9  # probability of an effect below the noise, from which a range is unidentified


def narrow(
    space: Space, box: Box, observations: Sequence[Observation], model: Surrogate | None
) -> list[Decision]:
    """Return a decision for each hyperparameter, in the order of `space.names`.

    Parameters
    ----------
    space
        What was asked for, with limits.
    box
        The ranges now.
    observations
        All trials so far, of every round, those of earlier searches among them.
    model
        Their surrogate. None where there are too few for one; the rule `quantile` decides then.
    """
    if all_diverged(observations):
        return retreat(space, box, observations)
    if model is None:
        ranked = quantile.narrow(space, box, observations, None)
        return [replace(d, reason=rules.ByRanks(d.reason)) for d in ranked]
    # Sums over trials must not depend, in any bit, on the order in which they are told.
    observations = sorted(observations, key=lambda o: (o.source, o.round, o.index))
    summary = PosteriorSummary.of(space, box, observations, model)
    if summary.trials < TRIALS_LEAST:
        return [_too_few(name, box, summary) for name in space.names]
    effects: dict[str, Effect] = {}
    decisions = []
    for name in space.names:
        now, asked = box[name], space.dimensions[name]
        own = summary.where_active(name, box, observations)
        if own is None or own.trials < TRIALS_LEAST:
            decisions.append(_too_few(name, box, summary, trials=0 if own is None else own.trials))
        elif isinstance(now, Choices):
            assert isinstance(asked, Choices)  # a box has the kinds of its space
            decisions.append(categories.decide(name, own, asked, box, observations))
        else:
            effects[name] = own.effect(own.axes[name])
            decisions.append(_range(own, own.axes[name], effects[name], observations))
    axes = {name: summary.axes[name] for name in effects}
    return fall_back_on_loss(decisions, box, observations, axes, effects)


def _too_few(
    name: str, box: Box, summary: PosteriorSummary, *, trials: int | None = None
) -> Decision:
    """Nothing can be said of the scores, but perhaps of where trials diverge.

    `trials` are those with a value of the hyperparameter, where not all have one.
    """
    now = box[name]
    trials = summary.trials if trials is None else trials
    numbers: Numbers = {"trials": trials}
    axis = summary.axes.get(name)
    if axis is not None:
        low, high = (e.side.innermost(e.stable, e.home) for e in axis.explored.edges)
        after = axis.now
        if (low, high) != (0.0, 1.0):
            after = limit_step(axis.asked, axis.now, low, high, stable=axis.explored.stable)
        if after != now:
            numbers = {**numbers, "width_before": axis.now.width, "width_after": after.width}
            stable = rules.OnlyStable(Span.of(after), trials)
            return Decision(name, now, after, Verdict.NARROWED, stable, numbers)
    few = rules.TooFewModelled(trials, TRIALS_LEAST)
    return Decision(name, now, now, Verdict.UNIDENTIFIED, few, numbers)


def _range(
    summary: PosteriorSummary, axis: Axis, effect: Effect, observations: Sequence[Observation]
) -> Decision:
    now = axis.now
    if effect.support < SUPPORT:
        return _unsupported(axis, effect)
    if effect.p_below_noise >= UNIDENTIFIED:
        reason = rules.BelowNoise(
            Span.of(now), effect.effect, effect.noise_sd, effect.p_below_noise
        )
        numbers = effect.numbers(now, now)
        return Decision(axis.name, now, now, Verdict.UNIDENTIFIED, reason, numbers)
    hull = Hull.of(summary, axis, observations)
    ends = hull.ends(axis.explored)
    low, high = (end.edge.further(end.edge.home, end.move) for end in ends)
    after = limit_step(axis.asked, now, low, high, stable=axis.explored.stable)
    openings = [end.opening(now, after) for end in ends]
    sides = tuple(side for side in openings if side is not None)
    if sides:
        return _open(axis, after, sides, effect, hull)
    return _inward(axis, after, effect, hull)


def _unsupported(axis: Axis, effect: Effect) -> Decision:
    """The range stays, or goes back to what was asked where the scores are against moving it."""
    now, name = axis.now, axis.name
    after = _asked_again(axis) if effect.support < -SUPPORT else now
    reason = rules.Unsupported(name, effect.support, after != now, Span.of(after))
    numbers = effect.numbers(now, after)
    return Decision(name, now, after, Verdict.UNIDENTIFIED, reason, numbers)


def _asked_again(axis: Axis) -> Range:
    """The asked range, as far as it is not known to diverge; the present one where that is it."""
    asked, now = axis.asked, axis.now
    low, high = (
        e.side.innermost(now.to_unit(e.side.edge(asked)), e.side.outermost(e.stable, e.home))
        for e in axis.explored.edges
    )
    if max(abs(low), abs(high - 1)) <= SETTLED:
        return now
    return limit_step(asked, now, low, high)


def _open(
    axis: Axis, after: Range, sides: tuple[rules.OpenSide, ...], effect: Effect, hull: Hull
) -> Decision:
    """The range grows, or would if its hard limit let it."""
    verdict = Verdict.OPEN_LOW if sides[0].new.side is Side.LOW else Verdict.OPEN_HIGH
    if len(sides) == len(Side):
        verdict = Verdict.OPEN_BOTH
    numbers = {**effect.numbers(axis.now, after), **hull.numbers}
    reason = rules.Open(sides, hull.moves_with)
    return Decision(axis.name, axis.now, after, verdict, reason, numbers)


def _inward(axis: Axis, after: Range, effect: Effect, hull: Hull) -> Decision:
    """The range shrinks, or is kept where it hardly would."""
    now, share = axis.now, after.width / axis.now.width
    if share > 1 - SETTLED:
        numbers = {**effect.numbers(now, now), **hull.numbers}
        kept = rules.AllMayBeBest(Span.of(now), effect.effect, effect.noise_sd, hull.moves_with)
        return Decision(axis.name, now, now, Verdict.KEPT, kept, numbers)
    reason = rules.PartMayBeBest(
        share=share,
        to=Span.of(after),
        effect=effect.effect,
        noise=effect.noise_sd,
        boundary=axis.explored.high.stable < 1 and after.high < now.high,
        moves_with=hull.moves_with,
    )
    numbers = {**effect.numbers(now, after), **hull.numbers}
    return Decision(axis.name, now, after, Verdict.NARROWED, reason, numbers)
