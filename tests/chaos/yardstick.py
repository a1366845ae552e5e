"""Slowness of the machine at a moment, so that a bound in seconds holds on a busy one too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY = 5  # of our own: four pool processes and the yardstick
# How often longer than alone 50 ms of computing take, twice a second, with the time of day.
MEASURE = """
import time
while True:
    began, used = time.monotonic(), time.process_time()
    while time.process_time() - used < 0.05:
        pass
    print(began, (time.monotonic() - began) / 0.05, flush=True)
    time.sleep(0.5)
"""


class Yardstick:
    """The measurements of one run."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def over(self, start: float, end: float) -> float:
        """By how much the load of others stretched the time between two moments; 1 at least."""
        lines = [line.split() for line in self._file.read_text().splitlines()]
        stretched = [
            float(line[1]) for line in lines
            if len(line) == 2 and start - 1.0 <= float(line[0]) <= end + 1.0
        ]  # fmt: skip
        if not stretched:
            return 1.0
        own = max(1.0, BUSY / (os.cpu_count() or 1))
        return max(1.0, sum(stretched) / len(stretched) / own)


@contextmanager
def yardstick(file: Path) -> Iterator[Yardstick]:
    """Measure for the length of the block."""
    with file.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", MEASURE], stdout=out)
    try:
        yield Yardstick(file)
    finally:
        process.kill()
        process.wait()
