"""Findings about the dataset, made when it was taken in."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.report.datasets import dataset_notes
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import HealthNote


def findings(records: SearchRecords) -> Iterator[HealthNote]:
    """The notes on the dataset, as it was when the search was submitted."""
    yield from dataset_notes(records.search.facts)
