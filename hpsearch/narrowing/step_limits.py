"""Limits that every rule obeys: the most that a range moves in one round, and where all diverged."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpsearch.reasons import Span, rules
from hpsearch.space import Box, Dimension, Range, Space, inside
from hpsearch.trials import Decision, Numbers, Observation, Verdict

EXPANSION = 0.5  # of the present width, on one side in one round
SHRINK_LEAST = 0.4  # of the present width, in one round
FLOOR = 0.02  # of the asked width, for ever
SETTLED = 0.01  # a change of less than this share of the width is none


def limit_step(
    asked: Range,
    now: Range,
    low: float,
    high: float,
    *,
    stable: tuple[float, float] = (-math.inf, math.inf),
) -> Range:
    """Return the range from unit `low` to unit `high` of `now`, within step limits and hard limits.

    It always holds [low, high] as far as the hard limits allow. Where it must be wider, it
    widens between the `stable` places (units too) if there is room.
    """
    lowest, highest = limits(now)
    low, high = max(low, lowest), min(high, highest)
    least = max(SHRINK_LEAST, FLOOR * asked.width / now.width)
    least = max(least, now.step(now.high) / (now.high - now.low))
    if high - low < least:
        start, end = min(low, 0.0), max(high, 1.0)
        if min(end, stable[1]) - max(start, stable[0]) >= least:
            start, end = max(start, stable[0]), min(end, stable[1])
        middle = (low + high) / 2
        low = min(max(middle - least / 2, start), end - least)
        high = low + least
    return now.part(low, high)


def limits(now: Range) -> tuple[float, float]:
    """The hard limits as places in `now`; infinite where there are none."""
    low = -math.inf if now.hard_low is None else now.to_unit(now.hard_low)
    high = math.inf if now.hard_high is None else now.to_unit(now.hard_high)
    return low, high


def last_round(observations: Sequence[Observation]) -> Sequence[Observation]:
    """The trials of the last round."""
    last = max((o.round for o in observations), default=0)
    return [o for o in observations if o.round == last]


def all_diverged(observations: Sequence[Observation]) -> bool:
    """Tell whether the last round has not one finite loss."""
    trials = last_round(observations)
    return bool(trials) and not any(o.finite for o in trials)


def retreat(space: Space, box: Box, observations: Sequence[Observation]) -> list[Decision]:
    """The decisions after a round that diverged as a whole: the learning rate goes down."""
    count = len(last_round(observations))
    sound = [o for o in observations if o.finite and inside(box, o.params)]
    return [
        _retreat(
            name,
            space.dimensions[name],
            box[name],
            count,
            min((o for o in sound if name in o.params), key=lambda o: o.rank_key, default=None),
        )
        for name in space.names
    ]


def _retreat(
    name: str, asked: Dimension, now: Dimension, count: int, best: Observation | None
) -> Decision:
    """A round without one finite loss: the learning rate was too high.

    The range moves down by half its width, short of losing the best trial of earlier rounds.
    """
    numbers: Numbers = {"diverged": count}
    if name != "learning_rate" or not isinstance(now, Range):
        reason = rules.AllDiverged(name, count)
        return Decision(name, now, now, Verdict.UNIDENTIFIED, reason, numbers)
    assert isinstance(asked, Range)  # a box has the kinds of its space
    hold = 0.0 if best is None else unit_of(now, best, name)
    after = limit_step(asked, now, -EXPANSION, max(1 - EXPANSION, hold))
    numbers = {**numbers, "width_before": now.width, "width_after": after.width}
    moved = None if after == now else Span.of(after)
    return Decision(
        name, now, after, Verdict.OPEN_LOW, rules.Retreat(count, now.low, moved), numbers
    )


def unit_of(now: Range, trial: Observation, name: str) -> float:
    """The place of a trial in the range: 0 at its low edge, 1 at its high edge."""
    return now.to_unit(float(trial.params[name]))  # type: ignore[arg-type]  # a range holds numbers
