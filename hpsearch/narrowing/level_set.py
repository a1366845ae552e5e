"""The rule `level_set`: the range that may hold the best value, given everything seen so far.

Notation
    m, s     posterior mean and standard deviation of the score at full epochs
    c        0.5 to 2, more for more hyperparameters (`view.caution`)
    t        max(m - c s): what the best place is sure to reach
    L        the level set {x : m + c s >= t}, every place that may be as good
    x*       the place of the highest posterior mean inside the box
    effect   largest minus least score along one range through x*, all else held
    support  log likelihood ratio of the scores with and without a hyperparameter
    unit     a place in the present range: 0 at its low edge, 1 at its high edge

Every decision looks at all data and at the surroundings of the box, so a range that was narrowed
too far grows again. For each range:

1. The scores of all trials are explained as well without it, or its effect is below the noise of
   one training, probably: *unidentified*, and the range stays. Where they are explained clearly
   better without it, whatever moved the range was luck, and it goes back to what was asked.
2. The best place probably lies in the outer tenth, and x* does: the range is open there. It grows
   by half its width into what nobody has tried, up to its hard limit, and never to where trials
   only diverged.
3. Otherwise it becomes the hull of L and half the spacing of the trials there, and of the best
   trial so far: narrowed, kept, or grown again. Growing again counts as open: good values lie beyond the edge.

It keeps at least 0.4 of its width in one round, no edge moves inward by more than 0.6 of it, and
0.02 of the asked width stay for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hpsearch.narrowing import levels, quantile, statements
from hpsearch.narrowing.brakes import (
    EXPANSION,
    SETTLED,
    SHRINK_LEAST,
    Numbers,
    all_diverged,
    placed,
    retreat,
)
from hpsearch.narrowing.candidates import Axis
from hpsearch.narrowing.relevance import SUPPORT
from hpsearch.narrowing.ridge import ridges
from hpsearch.narrowing.signposts import signposted
from hpsearch.narrowing.territory import units
from hpsearch.narrowing.view import View
from hpsearch.narrowing.words import shown
from hpsearch.space import Box, Choices, Range, Space
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Decision, Observation, Verdict

Floats = NDArray[np.float64]

TRIALS_LEAST = 8  # finite trials inside the box, below which nothing is decided
UNIDENTIFIED = 0.9  # probability of an effect below the noise, from which a range is unidentified
EDGE = 0.1  # the outer part of a range, in which the best place makes it open
OPEN = 0.6  # probability of the best place in either outer part, from which a range is open
OPEN_SIDE = 0.3  # that of one outer part, from which it is open on that side
UNSEEN = 0.05  # width beyond an edge with no trial in it, from where the unknown begins


def narrow(
    space: Space, box: Box, observations: Sequence[Observation], model: Surrogate | None
) -> list[Decision]:
    """One decision for each hyperparameter, in the order of `space.names`.

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
        found = quantile.narrow(space, box, observations, None)
        why = " (by ranks: too few finite trials for a surrogate)"
        return [replace(d, reason=d.reason + why) for d in found]
    # Sums over trials must not depend, in any bit, on the order in which they are told.
    observations = sorted(observations, key=lambda o: (o.source, o.round, o.index))
    view = View.of(space, box, observations, model)
    if view.trials < TRIALS_LEAST:
        return [_too_few(name, box, view) for name in space.names]
    found = [_decided(name, space, box, observations, view) for name in space.names]
    return signposted(found, box, observations, view)


def _decided(
    name: str, space: Space, box: Box, observations: Sequence[Observation], view: View
) -> Decision:
    now, asked = box[name], space.dimensions[name]
    if isinstance(now, Choices):
        assert isinstance(asked, Choices)  # a box has the kinds of its space
        return levels.decided(name, view, asked, now, list(observations))
    return _range(view, view.axes[name], observations)


def _too_few(name: str, box: Box, view: View) -> Decision:
    """Nothing can be said of the scores, but perhaps of where trials diverge."""
    now = box[name]
    numbers: Numbers = {"trials": view.trials}
    reason = f"{view.trials} finite trials inside the box are too few to model"
    axis = view.axes.get(name)
    if axis is not None and (axis.territory.stable_low > 0 or axis.territory.stable_high < 1):
        t = axis.territory
        stable = (t.stable_low, t.stable_high)
        after = placed(
            axis.asked, axis.now, max(stable[0], 0.0), min(stable[1], 1.0), stable=stable
        )
        if after != now:
            numbers |= {"width_before": axis.now.width, "width_after": after.width}
            reason = (
                f"narrowed to between {shown(after)}: nearly every trial outside diverged, and "
                f"{reason}"
            )
            return Decision(name, now, after, Verdict.NARROWED, reason, numbers)
    reason = f"unidentified: {reason}; it takes {TRIALS_LEAST}"
    return Decision(name, now, now, Verdict.UNIDENTIFIED, reason, numbers)


def _range(view: View, axis: Axis, observations: Sequence[Observation]) -> Decision:
    now, effects = axis.now, view.effects(axis)
    effect, below = float(np.median(effects)), float(np.mean(effects < view.model.noise_sd))
    support = view.supports[axis.name]
    numbers: Numbers = {
        "trials": view.trials, "noise_sd": view.model.noise_sd, "effect": effect,
        "effect_high": float(np.quantile(effects, 0.95)), "p_below_noise": below,
        "support": support,
        "c": view.c,
        "threshold": view.threshold, "width_before": now.width, "width_after": now.width,
    }  # fmt: skip
    if support < SUPPORT:
        return _unsupported(axis, numbers)
    if below >= UNIDENTIFIED:
        reason = (
            f"unidentified: between {shown(now)} it changes the score of the best place by "
            f"{effect:.2g}, which is below the noise of one training ({view.model.noise_sd:.2g}) "
            f"with a probability of {below:.0%}, so the range stays"
        )
        return Decision(axis.name, now, now, Verdict.UNIDENTIFIED, reason, numbers)
    places = axis.units(view.places)
    low, high = float(places[view.level].min()), float(places[view.level].max())
    trials = units(axis.name, now, [o for o in observations if o.finite])
    margin = 0.5 * spacing(trials, low, high)
    chances = view.chance(places <= EDGE), view.chance(places >= 1 - EDGE)
    numbers |= {
        "hull_low": low, "hull_high": high, "margin": margin, "best": float(places[view.best]),
        "chance_low": chances[0], "chance_high": chances[1],
    }  # fmt: skip
    told = ridges(view, axis, numbers)
    low, high = low - margin, high + margin
    if view.tried is not None:  # the range holds what will be recommended
        tried = float(axis.units(view.tried[None])[0])
        numbers["tried"] = tried
        low, high = min(low, tried), max(high, tried)
    return _moved(axis, (low, high), chances, numbers, told)


def _unsupported(axis: Axis, numbers: Numbers) -> Decision:
    """The range stays, or goes back to what was asked where the scores are against moving it."""
    now, support = axis.now, float(numbers["support"] or 0.0)
    after = _asked_again(axis) if support < -SUPPORT else now
    numbers["width_after"] = after.width
    where = "stays" if after == now else "goes back to what was asked,"
    reason = (
        f"unidentified: without {axis.name} the scores of all trials are explained no worse "
        f"(log likelihood ratio {support:.1f}), so the range {where} between {shown(after)}"
    )
    return Decision(axis.name, now, after, Verdict.UNIDENTIFIED, reason, numbers)


def _asked_again(axis: Axis) -> Range:
    """The asked range, as far as it is not known to diverge; the present one where that is it."""
    asked, now, t = axis.asked, axis.now, axis.territory
    low = max(now.to_unit(asked.low), min(t.stable_low, 0.0))
    high = min(now.to_unit(asked.high), max(t.stable_high, 1.0))
    if max(abs(low), abs(high - 1)) <= SETTLED:
        return now
    return placed(asked, now, low, high)


def spacing(trials: Floats, low: float, high: float) -> float:
    """The mean gap of trials (n,) between `low` and `high`, from neighbour to neighbour of both."""
    below, above = trials[trials < low], trials[trials > high]
    start = float(below.max()) if below.size else min(low, 0.0)
    end = float(above.min()) if above.size else max(high, 1.0)
    return (end - start) / (len(trials) - len(below) - len(above) + 1)


def _moved(
    axis: Axis,
    hull: tuple[float, float],
    chances: tuple[float, float],
    numbers: Numbers,
    told: str,
) -> Decision:
    """The range from hull[0] to hull[1] (units), and further out where it is open."""
    t, now = axis.territory, axis.now
    # On a plateau the draws peak at its ends, where least is known: the mean has to agree.
    outer = not EDGE < float(numbers["best"] or 0.0) < 1 - EDGE
    leaning = [outer and sum(chances) >= OPEN and c >= OPEN_SIDE for c in chances]
    outward = [
        _outward(-hull[0], -t.seen_low, -t.lowest, -t.stable_low, leaning=leaning[0]),
        _outward(hull[1] - 1, t.seen_high - 1, t.highest - 1, t.stable_high - 1,
                 leaning=leaning[1]),
    ]  # fmt: skip
    outward = [max(x, SHRINK_LEAST - 1) for x in outward]  # one edge may not do it all
    stable = (t.stable_low, t.stable_high)
    after = placed(axis.asked, now, -outward[0], 1 + outward[1], stable=stable)
    numbers["width_after"] = after.width
    limits = (
        now.low == now.hard_low and t.stable_low < 0,
        now.high == now.hard_high and t.stable_high > 1,
    )
    reasons = [
        statements.leaning("lowest", chances[0]) if leaning[0] else statements.growing(-hull[0]),
        statements.leaning("highest", chances[1])
        if leaning[1]
        else statements.growing(hull[1] - 1),
    ]
    opened = [
        reasons[0] if after.low < now.low or (leaning[0] and limits[0]) else None,
        reasons[1] if after.high > now.high or (leaning[1] and limits[1]) else None,
    ]
    if any(opened):
        return statements.opened(axis, after, opened, numbers, told)
    return statements.inward(axis, after, numbers, told)


def _outward(hull: float, seen: float, most: float, stable: float, *, leaning: bool) -> float:
    """How far an edge moves outward, in widths; below 0 it moves inward.

    All arguments count outward from the edge: how far the level set and its margin go, how far
    trials have been, how far the range may grow, where trials start to diverge.
    """
    if leaning and stable > 0 and hull >= seen - UNSEEN:  # the unknown begins where L ends
        return max(min(EXPANSION, most), min(hull, seen))
    if hull > SETTLED:
        grown = min(hull, seen, stable)
        return grown if grown > UNSEEN else min(0.0, stable)
    return min(hull, 0.0, stable)
