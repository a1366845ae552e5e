"""Disks that fill up and clocks that jump, where the machine lets a test have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.absent import absent
from support.disk import Disk, disk

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], Disk]]:
    """Make a disk of so many megabytes."""
    with ExitStack() as stack:

        def make(megabytes: int) -> Disk:
            try:
                return stack.enter_context(disk(megabytes))
            except OSError as error:
                absent(f"a file system of one's own (Linux, root; {error})")

        yield make


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
