"""One service for all growth tests: they differ in what is registered, which is this process's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from growth.service import Service, service

collect_ignore = [] if find_spec("hpsearch.reasons") else ["test_narrowing_rule.py"]


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("growth")) as running:
        yield running
