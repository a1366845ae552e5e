"""Clocks that jump, where the machine lets a test have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.absent import absent

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def faketime() -> Path:
    """The library that gives a process another clock."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        absent("libfaketime (apt-get install faketime)")
    return found[0]


@pytest.fixture
def troubled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let children find the modules of tests/support."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
