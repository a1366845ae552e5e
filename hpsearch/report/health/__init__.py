"""The health report: findings that a careful reader of a search should know, with their numbers.

Everything comes from records; nothing is fitted here. Every check is a function from the records
of a search to its notes, and a search without findings has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpsearch.registry import Registry
from hpsearch.report.health import (
    baseline,
    data,
    effects,
    finals,
    lengths,
    needs,
    ranges,
    scales,
    scores,
    trainers,
)
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import HealthNote

__all__ = ["CHECKS", "Check", "SearchRecords", "notes"]

Check = Callable[[SearchRecords], Iterator[HealthNote]]

CHECKS = Registry[Check](
    "health check",
    {
        check.__name__: check
        for check in (
            trainers.waiting_for_trainers,
            trainers.unreported_costs,
            finals.no_better_than_constant,
            finals.below_validation,
            needs.requirements,
            baseline.not_beaten,
            finals.diverged_models,
            finals.failed_models,
            ranges.open_ranges,
            ranges.best_at_edge,
            ranges.recommended_outside,
            ranges.divergence,
            ranges.failures,
            trainers.failing_region,
            scores.few_examples,
            scores.candidates_alike,
            scores.short_epoch_bias,
            lengths.shorter_than_final,
            finals.optimism,
            finals.unsealed_scores,
            finals.no_test_interval,
            scores.disagreement,
            scores.too_sure,
            effects.no_effect,
            effects.not_known,
            ranges.outside_asked,
            data.findings,
            scales.linear_scale,
        )
    },
)


# Findings that compare scores: beside a result that is no better than chance they would be advice
# from noise.
FROM_SCORES = frozenset(
    {
        "open_range",
        "best_at_edge",
        "candidates_alike",
        "short_epoch_bias",
        "shorter_than_final",
        "surrogate_too_sure",
        "unidentified",
    }
)


def notes(records: SearchRecords) -> list[HealthNote]:
    """Every finding, warnings first."""
    findings = [note for check in CHECKS.values() for note in check(records)]
    if any(note.code == "no_better_than_constant" for note in findings):
        findings = [note for note in findings if note.code not in FROM_SCORES]
    return sorted(findings, key=lambda note: note.severity != "warning")
