"""Digits as the lab sees them, ingested once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import data
from lab.data import Dataset, LabData


@pytest.fixture(scope="session")
def dataset(data_folder: Path) -> Dataset:
    return data.store(data_folder, None)


@pytest.fixture(scope="session")
def digits(dataset: Dataset) -> LabData:
    return dataset.open()
