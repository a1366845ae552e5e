"""The rule `quantile`: the hull of the best quarter, within the step limits that make it safe.

Notation
    top      the best quarter of the finite trials inside the box, at least four of them
    rest     all other trials inside the box, diverged ones among them
             (of both only those trained as long as the latest round, see `comparable`)
    unit     a trial's place in the present range: 0 at the low edge, 1 at the high edge
    gap      mean distance of neighbouring top trials, the margin added on either side

For each range: where the places of the top could as well be a draw from all places
(Kolmogorov-Smirnov, p > 0.1) the range is *unidentified* and stays. Where the top leans on
an edge, the range expands there by half its width, up to its hard limit, and the other edge
follows. Otherwise it becomes the hull of the top plus the margin. Either way it keeps at least
0.4 of its width in one round and at least 0.02 of the asked width for ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hpsearch.narrowing.step_limits import EXPANSION, all_diverged, limit_step, retreat, unit_of
from hpsearch.reasons import EdgeState, NewEdge, Side, Span, rules
from hpsearch.space import Box, Choices, Dimension, Range, Space, inside, same_level
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Decision, Numbers, Observation, Verdict

TOP_SHARE = 0.25
TOP_LEAST = 4
ALPHA = 0.1  # p above which a dimension counts as unidentified
CATEGORY_ALPHA = 0.05  # p below which a category is dropped
CATEGORY_TRIALS = 4  # trials a category must have had before it may be dropped
LEAN = 0.75  # median place of the top beyond which it leans on the edge
EDGE = 0.1  # how near to the edge the outermost top trial must be

Values = NDArray[np.float64]


def narrow(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
) -> list[Decision]:
    """Return a decision for each hyperparameter, in the order of `space.names`.

    Parameters
    ----------
    space
        What was asked for, with limits.
    box
        The ranges now.
    observations
        All trials so far, of every round; those of earlier searches have no say.
    model
        Not looked at: this rule counts ranks alone.
    """
    observations = [o for o in observations if not o.source]
    if all_diverged(observations):
        return retreat(space, box, observations)
    # Settings of the user's choice are where the user looked: places of draws are compared here.
    within: Sequence[Observation] = sorted(
        (
            o
            for o in observations
            if not o.chosen and inside(box, o.params) and space.permits(o.params)
        ),
        key=lambda o: o.rank_key,
    )
    within = comparable(within, observations)
    return [
        _one(name, space.dimensions[name], box[name], *_parted(name, within))
        for name in space.names
    ]


def _parted(
    name: str, within: Sequence[Observation]
) -> tuple[Sequence[Observation], Sequence[Observation]]:
    """The top and the rest of the trials, in the order of their ranks, that have a value of `name`."""
    within = [o for o in within if name in o.params]
    finite = sum(o.finite for o in within)
    count = min(max(TOP_LEAST, math.ceil(TOP_SHARE * finite)), finite)
    return within[:count], within[count:]


def comparable(
    within: Sequence[Observation], observations: Sequence[Observation]
) -> Sequence[Observation]:
    """Return those of `within` that were trained for as long as the latest round was.

    Longer trainings are more accurate wherever they look. Ranked together with shorter ones
    they would fill the top, and a range that has just been moved would seem to matter because
    only they have been in its new part. Where too few are left, all must do.
    """
    lengths: dict[int, int] = {}
    for o in observations:
        lengths[o.round] = max(lengths.get(o.round, 0), o.epochs)
    longest = lengths[max(lengths)] if lengths else 0
    alike = [o for o in within if lengths[o.round] == longest]
    return alike if len(alike) >= 2 * TOP_LEAST else within


def _one(
    name: str,
    asked: Dimension,
    now: Dimension,
    top: Sequence[Observation],
    rest: Sequence[Observation],
) -> Decision:
    numbers: Numbers = {"top": len(top), "rest": len(rest)}
    if len(top) < TOP_LEAST or len(rest) < TOP_LEAST:
        reason = rules.TooFewRanked(len(top), len(rest), TOP_LEAST)
        return Decision(name, now, now, Verdict.UNIDENTIFIED, reason, numbers)
    if isinstance(now, Choices):
        return _categories(name, now, top, rest)
    assert isinstance(asked, Range)  # a box has the kinds of its space
    return _range(name, asked, now, _places(name, now, top), _places(name, now, rest))


def _places(name: str, now: Range, trials: Sequence[Observation]) -> Values:
    return np.array([unit_of(now, o, name) for o in trials])


def _range(name: str, asked: Range, now: Range, top: Values, rest: Values) -> Decision:
    p, trials = float(stats.ks_2samp(top, rest).pvalue), len(top) + len(rest)
    low, high, median = float(top.min()), float(top.max()), float(np.median(top))
    gap = (high - low) / (len(top) - 1)
    numbers: Numbers = {
        "top": len(top), "rest": len(rest), "p": p, "median": median,
        "hull_low": low, "hull_high": high, "margin": gap,
    }  # fmt: skip
    if p > ALPHA:
        alike = rules.SpreadAlike(len(top), trials, p)
        return Decision(name, now, now, Verdict.UNIDENTIFIED, alike, numbers)
    if median > LEAN and high > 1 - EDGE:
        after = limit_step(asked, now, max(low - gap, 0.0), 1 + EXPANSION)
        return _open(name, Side.HIGH, now, after, len(top), median, numbers)
    if median < 1 - LEAN and low < EDGE:
        after = limit_step(asked, now, -EXPANSION, min(high + gap, 1.0))
        return _open(name, Side.LOW, now, after, len(top), median, numbers)
    after = limit_step(asked, now, max(low - gap, 0.0), min(high + gap, 1.0))
    share = after.width / now.width
    if after.width > 0.99 * now.width:
        numbers = {**numbers, "width_before": now.width, "width_after": now.width}
        filled = high - low + 2 * gap > 0.99
        fills = rules.TopFillsRange(Span.of(now), len(top), trials, filled, p)
        return Decision(name, now, now, Verdict.KEPT, fills, numbers)
    numbers = {**numbers, "width_before": now.width, "width_after": after.width}
    between = rules.TopBetween(share, Span.of(after), len(top), trials, p)
    return Decision(name, now, after, Verdict.NARROWED, between, numbers)


def _open(
    name: str, side: Side, now: Range, after: Range, top: int, median: float, numbers: Numbers
) -> Decision:
    """The range leans on an edge: that edge moves outward, the other one inward."""
    edge = side.edge(now)
    if edge == side.hard_limit(now):
        new = NewEdge(side, edge, EdgeState.LIMIT)
    else:
        new = NewEdge(side, side.edge(after))
    verdict = Verdict.OPEN_HIGH if side is Side.HIGH else Verdict.OPEN_LOW
    numbers = {**numbers, "width_before": now.width, "width_after": after.width}
    return Decision(name, now, after, verdict, rules.TopLeans(top, median, edge, new), numbers)


def _categories(
    name: str, now: Choices, top: Sequence[Observation], rest: Sequence[Observation]
) -> Decision:
    """Drop the categories that the top avoids beyond chance (Fisher's exact test, one-sided)."""
    dropped: dict[int, rules.AvoidedCategory] = {}
    numbers: dict[str, float | int | None] = {"top": len(top), "rest": len(rest)}
    for i, category in enumerate(now.choices):
        in_top = sum(same_level(o.params[name], category) for o in top)
        in_rest = sum(same_level(o.params[name], category) for o in rest)
        table = np.array([[in_top, len(top) - in_top], [in_rest, len(rest) - in_rest]])
        p = float(stats.fisher_exact(table, alternative="less").pvalue)
        numbers[f"level_{i}_top"], numbers[f"level_{i}_trials"] = in_top, in_top + in_rest
        numbers[f"level_{i}_p"] = p
        if in_top == 0 and in_rest >= CATEGORY_TRIALS and p < CATEGORY_ALPHA:
            dropped[i] = rules.AvoidedCategory(category, in_rest, len(top), p)
    if not dropped:
        return Decision(name, now, now, Verdict.UNIDENTIFIED, rules.TopHasAll(), numbers)
    after = Choices(choices=tuple(x for i, x in enumerate(now.choices) if i not in dropped))
    reason = rules.TopAvoids(tuple(dropped.values()))
    return Decision(name, now, after, Verdict.NARROWED, reason, numbers)
