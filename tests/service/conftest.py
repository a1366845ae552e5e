"""Fixtures of the tests of service."""

import pytest
from support.bench_fixtures import bench, formula
from support.outside import SMALL, Outside

__all__ = [
    "bench",
    "formula",
]


@pytest.fixture
def outside(services):
    """Trainers of a search of one's own."""
    return Outside(services)


@pytest.fixture
def begun(outside):
    """A search of four trials in one cohort, whose first round has begun."""
    search_id = outside.submit(**SMALL)
    outside.services.jobs.advance_due()
    return search_id
