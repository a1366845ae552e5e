"""The health report: findings that a careful reader of a search should know, with their numbers.

Everything comes from records; nothing is fitted here. Every check is a function from the records
of a search to its notes, and a search without findings has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpsearch.registry import Registry
from hpsearch.report.health import finals, ranges, scores
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import HealthNote

__all__ = ["CHECKS", "Check", "SearchRecords", "notes"]

Check = Callable[[SearchRecords], Iterator[HealthNote]]

CHECKS = Registry[Check](
    "health check",
    {
        check.__name__: check
        for check in (
            finals.diverged_models,
            ranges.open_ranges,
            ranges.best_at_edge,
            ranges.recommended_outside,
            ranges.divergence,
            ranges.failures,
            scores.few_examples,
            scores.candidates_alike,
            scores.short_epoch_bias,
            finals.optimism,
            finals.unsealed_scores,
            scores.disagreement,
            ranges.unidentified,
            ranges.outside_asked,
        )
    },
)


def notes(records: SearchRecords) -> list[HealthNote]:
    """Every finding, warnings first."""
    findings = [note for check in CHECKS.values() for note in check(records)]
    return sorted(findings, key=lambda note: note.severity != "warning")
