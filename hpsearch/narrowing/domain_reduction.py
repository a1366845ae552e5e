"""The rule `domain_reduction`: a window that follows the best trial and shrinks as it settles.

The successive response surface method of Stander and Craig (2002), Engineering Computations 19(4),
with the best trial for an optimum.

Notation, for one range in its own coordinates
    x_k      place of the best trial of rounds 1 to k; x_0 is the middle of the asked range
    r_k      width of the window after round k; r_0 is the asked width
    d_k      2 (x_k - x_(k-1)) / r_(k-1), kept between -1 and 1
    c        d_k d_(k-1)                  c^ = sign(c) sqrt |c|
    gamma    (PANNING (1 + c^) + OSCILLATING (1 - c^)) / 2
    r_k      (ETA + |d_k| (gamma - ETA)) r_(k-1), never below FLOOR of the asked width

The rule keeps no memory: it replays all rounds from the observations. The window may leave the
asked range, up to the hard limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from hpsearch.narrowing.step_limits import FLOOR, all_diverged, limit_step, retreat, unit_of
from hpsearch.reasons import Reason, Span, rules
from hpsearch.space import Box, Dimension, Range, Space
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Decision, Numbers, Observation, Verdict

OSCILLATING, PANNING, ETA = 0.7, 1.0, 0.9


def narrow(
    space: Space,
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
) -> list[Decision]:
    """Return a decision for each hyperparameter, in the order of `space.names`; `model` has no say."""
    own = [o for o in observations if not o.source]
    if all_diverged(own):
        return retreat(space, box, own)
    own = [o for o in own if space.permits(o.params)]
    return [
        _one(name, space.dimensions[name], box[name], _bests([o for o in own if name in o.params]))
        for name in space.names
    ]


def _bests(observations: Sequence[Observation]) -> list[Observation]:
    """After each round the best trial so far, of those trained longest so far."""
    bests: list[Observation] = []
    finite = sorted((o for o in observations if o.finite), key=lambda o: o.round)
    for _, trials in groupby(finite, key=lambda o: o.round):
        rivals = [*bests[-1:], *trials]
        longest = max(o.epochs for o in rivals)
        full = (o for o in rivals if o.epochs == longest)
        bests.append(min(full, key=lambda o: o.rank_key))
    return bests


def window(asked: Range, places: Sequence[float]) -> tuple[float, float, float]:
    """Return the window after the best trials' places, in units of the asked range.

    Returns
    -------
    centre, width, d
        With d that of the last round.
    """
    centre, width, before, d = 0.5, 1.0, 0.0, 0.0
    for x in places:
        d = min(max(2 * (x - centre) / width, -1.0), 1.0)
        c = d * before
        settled = math.copysign(math.sqrt(abs(c)), c)
        gamma = (PANNING * (1 + settled) + OSCILLATING * (1 - settled)) / 2
        width = max((ETA + abs(d) * (gamma - ETA)) * width, FLOOR)
        centre, before = x, d
    return centre, width, d


def _one(name: str, asked: Dimension, now: Dimension, bests: Sequence[Observation]) -> Decision:
    if not isinstance(asked, Range) or not isinstance(now, Range):
        return _unidentified(name, now, rules.RangesAlone())
    if not bests:
        return _unidentified(name, now, rules.NothingFinite())
    centre, width, d = window(asked, [unit_of(asked, o, name) for o in bests])
    origin = asked.coordinate(asked.low)
    start, end = (
        (origin + (centre + side * width / 2) * asked.width - now.coordinate(now.low)) / now.width
        for side in (-1, 1)
    )
    # The last move is all there is: a window wholly beyond a limit is drawn to that limit.
    after = limit_step(asked, now, start, end)
    numbers: Numbers = {
        "rounds": len(bests), "centre": centre, "width": width, "d": d,
        "width_before": now.width, "width_after": after.width,
    }  # fmt: skip
    verdict, move = _move(now, after)
    best = float(bests[-1].params[name])  # type: ignore[arg-type]  # a range holds numbers
    reason = rules.WindowMoved(move, Span.of(after), after.width / now.width, best)
    return Decision(name, now, after, verdict, reason, numbers)


def _unidentified(name: str, now: Dimension, reason: Reason) -> Decision:
    return Decision(name, now, now, Verdict.UNIDENTIFIED, reason)


def _move(now: Range, after: Range) -> tuple[Verdict, rules.Move]:
    down, up = after.low < now.low, after.high > now.high
    if after == now:
        return Verdict.KEPT, rules.Move.KEPT
    if down and up:
        return Verdict.OPEN_BOTH, rules.Move.SHIFTED
    if down or up:
        return Verdict.OPEN_LOW if down else Verdict.OPEN_HIGH, rules.Move.SHIFTED
    return Verdict.NARROWED, rules.Move.NARROWED
