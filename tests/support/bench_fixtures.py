"""Fixtures of the queue's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hpsearch.service import Services
from hpsearch.trials import JobOrder, JobReport
from support import bench as benches


@pytest.fixture
def bench(services: Services) -> benches.Bench:
    """Steps on each kind of database."""
    return benches.Bench(services)


@pytest.fixture
def formula() -> Callable[[JobOrder], JobReport]:
    """Training by formula."""
    return benches.formula
