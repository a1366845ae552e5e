"""One service for all growth tests: they differ in what is registered, which is this process's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from growth.service import Service, service


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("growth")) as running:
        yield running
