"""Digits as the lab sees them, ingested once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch.lab import data
from hpsearch.lab.data import LabData, Stored


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    folder: Path = tmp_path_factory.mktemp("lab")
    return data.store(folder, None)


@pytest.fixture(scope="session")
def digits(stored: Stored) -> LabData:
    return stored.open()
