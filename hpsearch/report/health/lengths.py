"""Findings about the length of trainings: short ones behind an answer that is used long."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.plural import counted
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.lengths import length_view
from hpsearch.report.views import HealthNote


def shorter_than_final(records: SearchRecords) -> Iterator[HealthNote]:
    """A final test whose trainings are longer than any that the search has seen."""
    length = length_view(records)
    if length is None or length.reaches:
        return
    yield HealthNote(
        code="shorter_than_final",
        severity="info",
        message=(
            f"trials were trained for up to {counted(length.trained, 'epoch')} and the final test trains "
            f"{length.final}: that these values are the best is known of the short trainings alone"
        ),
        numbers={"trained": length.trained, "final": length.final},
        advice=f"where {length.final} epochs are what counts, search with epochs.last nearer to them",
    )
