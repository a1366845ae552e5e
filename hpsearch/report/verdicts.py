"""Verdicts and reasons of the ranges that a search ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from hpsearch import reasons
from hpsearch.records import DecisionRecord
from hpsearch.space import Dimension, Range
from hpsearch.trials import Verdict


def histories(decisions: Sequence[DecisionRecord]) -> Mapping[str, list[DecisionRecord]]:
    """The decisions on each hyperparameter, oldest first."""
    by_name: dict[str, list[DecisionRecord]] = {}
    for decision in decisions:
        by_name.setdefault(decision.name, []).append(decision)
    return by_name


def conclusion(history: Sequence[DecisionRecord]) -> tuple[Verdict, str]:
    """Return verdict and reason of a range: those of the last decision, and of the last that moved it.

    A range that was narrowed early and could not be told from flat later is narrowed, not
    unidentified. One that was opened and then kept is kept, and the reason names both. What was
    decided before an edit of the range is about another range.
    """
    breaks = [i for i, (one, next_) in enumerate(pairwise(history), 1) if one.after != next_.before]
    history = history[max(breaks, default=0) :]
    last = history[-1]
    moved = next((d for d in reversed(history) if d.before != d.after), last)
    if moved is last:
        return last.verdict, last.sentence
    verdict = moved.verdict if moved.verdict is Verdict.NARROWED else last.verdict
    both = reasons.in_turn((moved.round, moved.sentence), (last.round, last.sentence))
    return verdict, both


def reaches_beyond(now: Dimension, asked: Dimension) -> bool:
    """Tell whether a range holds values that were not asked for."""
    if isinstance(now, Range) and isinstance(asked, Range):
        return now.low < asked.low or now.high > asked.high
    return False
