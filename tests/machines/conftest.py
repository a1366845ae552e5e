"""Prepared databases, and how long the machines play.

MACHINES=20 plays twenty times as long as the default.
"""

from __future__ import annotations

import os

import pytest
from support.world import Worlds, exploring, finalizing, submitted

from hpsearch.settings import load

STATES = {"exploring": exploring, "finalizing": finalizing, "submitted": submitted}


@pytest.fixture(scope="session")
def _worlds(tmp_path_factory, data_folder, migrated_sqlite):
    yield from _made(tmp_path_factory, data_folder, migrated=migrated_sqlite)


@pytest.fixture(scope="session")
def postgres_worlds(tmp_path_factory, data_folder, postgres):
    """Prepared databases in PostgreSQL."""
    yield from _made(tmp_path_factory, data_folder, postgres=postgres)


def _made(tmp_path_factory, data_folder, **kind):
    folder = tmp_path_factory.mktemp("worlds")

    def make(**overrides):
        return load(home=folder, data_url=str(data_folder), **overrides)

    made = Worlds(make, folder, **kind)
    for name, do in STATES.items():
        made.prepare(name, do)
    yield made
    made.close()


@pytest.fixture
def worlds(_worlds):
    """Prepared databases in SQLite."""
    return _worlds


@pytest.fixture
def examples():
    """How many runs of a machine."""
    factor = float(os.environ.get("MACHINES", "1"))
    return lambda count: max(1, round(count * factor))
