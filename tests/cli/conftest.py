"""Fixtures of the tests of cli."""

import pytest
from support.command_fixtures import (
    box,
    contract,
    descendants,
    interrupt,
    is_alive,
    new_box,
    run,
    status,
    surroundings,
    until,
)
from support.embedded import data_folder, opened

__all__ = [
    "box",
    "contract",
    "descendants",
    "interrupt",
    "is_alive",
    "new_box",
    "run",
    "status",
    "surroundings",
    "until",
]


@pytest.fixture
def home(tmp_path, migrated_sqlite, with_builtin, configured, monkeypatch):
    """A data folder with a key, and the environment that names it."""
    folder = data_folder(tmp_path / "kept", migrated_sqlite, with_builtin)
    monkeypatch.setenv("HPSEARCH_HOME", str(folder))
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def services(home):
    """The services of that folder."""
    with opened(home) as made:
        yield made
