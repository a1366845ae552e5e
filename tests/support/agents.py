"""Commands that an agent has trouble with."""

from __future__ import annotations

import sys
from pathlib import Path

from support.command_fixtures import alive
from support.waiting import until

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pids"), "a") as file:
    file.write(f"{os.getpid()}\\n")
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    time.sleep(0.05)
"""


class Stubborn:
    """A script that notes its process in a file beside it and ignores SIGTERM."""

    def __init__(self, file: Path) -> None:
        file.write_text(STUBBORN)
        self.file = file
        self.command = f"{sys.executable} {file}"

    @property
    def pids(self) -> list[int]:
        """All that have begun."""
        noted = self.file.parent / "pids"
        return [int(line) for line in noted.read_text().split()] if noted.exists() else []

    def begun(self, count: int = 1) -> list[int]:
        """Wait until so many have begun; their ids."""
        until(lambda: len(self.pids) >= count, seconds=30, what="the processes")
        return self.pids

    def gone(self) -> bool:
        """Whether none is left."""
        return not any(map(alive, self.pids))
