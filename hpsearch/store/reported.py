"""Columns and sums of counters that a report on trials becomes in the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.store import statements
from hpsearch.trials import TrialReport


def rows(reports: Sequence[TrialReport]) -> list[dict[str, Any]]:
    """The columns of trials that have ended (`statements.REPORTED`)."""
    return [
        {
            "idx": r.index,
            "state": r.state.value,
            "epochs": r.epochs,
            "correct": r.correct,
            "examples": r.examples,
            "rank_value": r.rank_value,
            "loss": r.loss,
            "score": r.score,
            "right": r.correct_mask,
            "curve": [list(point) for point in r.curve],
            "error": r.error,
            "test_correct": r.test_correct,
            "test_examples": r.test_examples,
            "metrics": None if r.metrics is None else dict(r.metrics),
        }
        for r in reports
    ]


def sums(reports: Sequence[TrialReport], *, jobs: int = 1) -> Mapping[str, int]:
    """The growth of a round's counters by so many jobs."""
    states = Counter(r.state.value for r in reports)
    return {
        "some_jobs": jobs,
        "some_epochs": sum(r.epochs for r in reports),
        **{f"some_{state}": states[state] for state in statements.COUNTED},
    }


def counted(reports: Sequence[TrialReport]) -> Mapping[str, int]:
    """The sums that the history keeps of a report, to be held against the rows."""
    return {
        "trials": len(reports),
        "epochs": sum(r.epochs for r in reports),
        "correct": sum(r.correct for r in reports),
    }
