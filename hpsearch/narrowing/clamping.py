"""The decisions that a search answers with: no range grows to where no trial has been.

A range that opens sends the next round further out. Where no round follows, the part that it
would have grown by is a guess, and models drawn from it would be luck: the verdict stays, and
the range ends at its edge before, or at the outermost trial beyond that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hpsearch.reasons import Side
from hpsearch.space import Range
from hpsearch.trials import Decision, Observation


def clamp_to_evidence(
    decisions: Sequence[Decision], observations: Sequence[Observation]
) -> tuple[Decision, ...]:
    """Cut the range of every decision to the part that has been tried."""
    return tuple(_clamp(decision, observations) for decision in decisions)


def _clamp(decision: Decision, observations: Sequence[Observation]) -> Decision:
    before, after = decision.before, decision.after
    if not isinstance(before, Range) or not isinstance(after, Range):
        return decision
    having = (o for o in observations if o.finite and decision.name in o.params)
    tried = [float(o.params[decision.name]) for o in having]  # type: ignore[arg-type]  # a range holds numbers
    low, high = (
        side.innermost(side.edge(after), side.outermost(side.edge(before), *tried)) for side in Side
    )
    if (low, high) == (after.low, after.high):
        return decision
    cut = after.moved(low, high)
    edges = {side: side.edge(cut) for side in Side if side.edge(cut) != side.edge(after)}
    numbers = {**decision.numbers, "width_after": cut.width}
    return replace(decision, after=cut, reason=decision.reason.clamped(edges), numbers=numbers)
