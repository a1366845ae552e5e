"""Cost of the service where networks are trained: the MNIST search of docs/benchmarks.md."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.service import ROOT
from benchmarks.service.fleet import Site
from benchmarks.service.tables import Section


def run(site: Site) -> Section:
    """The table."""
    section = Section(
        "Overhead of the service on the MNIST search, 2 workers, SQLite, embedded",
        ["training, s", "rounds' share not spent training", "longest gap, ms", "wall, s"],
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "mnist.py"), "--workers", "2"],
        stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    if done.returncode:
        section.broken.append(f"the MNIST search ended with exit code {done.returncode}")
        return section
    measured = json.loads(done.stdout.split("\n", 1)[1])
    section.add(
        measured["training_seconds"], 1 - measured["busy_share_of_workers"],
        max(measured["round_gaps_ms"]), measured["wall_seconds"],
    )  # fmt: skip
    section.notes.append(
        "The share is 1 - training / (workers x time from the first claim to the last finish): "
        "it holds the service, the gaps, and workers that wait for the slower one at a round's end."
    )
    if measured["state"] != "completed":
        section.broken.append(f"the MNIST search is {measured['state']}")
    return section
