"""The length for which an answer holds: a search trains short, and its answer is used long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpsearch.report.views import LengthView

if TYPE_CHECKING:
    from hpsearch.report.health.records import SearchRecords


def length_view(records: SearchRecords) -> LengthView | None:
    """The longest trainings of a search beside the final test; None where no trial was trained in full.

    Trials of a warm start do not count: they were trained on another split, or elsewhere.
    """
    full = [r for r in records.begun if r.completed]
    if not full:
        return None
    final = records.resolved.spec.final.epochs
    return LengthView(
        trained=max(r.ladder[-1] for r in full),
        final=final,
        as_long=sum(r.completed for r in full if r.ladder[-1] >= final),
    )
