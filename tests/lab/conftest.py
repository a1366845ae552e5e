"""Digits as the lab sees them, ingested once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import data
from lab.data import LabData, Stored


@pytest.fixture(scope="session")
def stored(data_folder: Path) -> Stored:
    return data.store(data_folder, None)


@pytest.fixture(scope="session")
def digits(stored: Stored) -> LabData:
    return stored.open()
