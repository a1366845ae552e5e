"""The health report: what a careful reader of a search should know, each with its number.

Everything comes from stored rows; nothing is fitted here. Every check is a function from what
is stored to the notes it has, and a search without findings has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpsearch.registry import Registry
from hpsearch.report.health import finals, ranges, scores
from hpsearch.report.health.stored import Stored
from hpsearch.report.views import HealthNote

__all__ = ["CHECKS", "Stored", "notes"]

Check = Callable[[Stored], Iterator[HealthNote]]

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
            finals.own_promise,
            scores.disagreement,
            ranges.unidentified,
            ranges.outside_asked,
        )
    },
)


def notes(stored: Stored) -> list[HealthNote]:
    """Every finding, warnings first."""
    found = [note for check in CHECKS.values() for note in check(stored)]
    return sorted(found, key=lambda note: note.severity != "warning")
