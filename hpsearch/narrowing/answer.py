"""The decisions that a search answers with: no range grows to where nobody has looked.

A range that opens sends the next round further out. Where no round follows, the part that it
would have grown by is a guess, and models drawn from it would be luck: the verdict stays, and
the range ends at its edge before, or at the outermost trial beyond that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hpsearch.narrowing.words import ends_at, untried
from hpsearch.space import Range
from hpsearch.trials import Decision, Observation


def answered(
    decisions: Sequence[Decision], observations: Sequence[Observation]
) -> tuple[Decision, ...]:
    """`decisions` with every range cut to what has been tried."""
    return tuple(_cut(decision, observations) for decision in decisions)


def _cut(decision: Decision, observations: Sequence[Observation]) -> Decision:
    before, after = decision.before, decision.after
    if not isinstance(before, Range) or not isinstance(after, Range):
        return decision
    tried = [float(o.params[decision.name]) for o in observations if o.finite]  # type: ignore[arg-type]  # a range holds numbers
    low = max(after.low, min([before.low, *tried]))
    high = min(after.high, max([before.high, *tried]))
    if (low, high) == (after.low, after.high):
        return decision
    kept, reason = after.moved(low, high), decision.reason
    for grown, edge in ((after.low, kept.low), (after.high, kept.high)):
        if grown != edge:
            reason = reason.replace(ends_at(grown), untried(edge))
    numbers = {**decision.numbers, "width_after": kept.width}
    return replace(decision, after=kept, reason=reason, numbers=numbers)
