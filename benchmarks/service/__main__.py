"""Measures the service under load and prints tables.

    python -m benchmarks.service [--only NAME,...]

Exits with 1 where an invariant is broken, never because of a time. Needs the project's test
requirements (PostgreSQL and Valkey come as wheels); Optuna is compared with if it is there.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

SECTIONS = {
    "jobs": "throughput",
    "rounds": "rounds",
    "reading": "reading",
    "fairness": "fairness",
    "memory": "memory",
    "mnist": "training",
}


def main() -> int:
    """The tables, one section after the other; the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.service", description=__doc__)
    parser.add_argument("--only", default=",".join(SECTIONS), help="comma-separated: %(default)s")
    names = [name for name in parser.parse_args().only.split(",") if name]
    if unknown := set(names) - set(SECTIONS):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(SECTIONS)}")
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # before NumPy loads
    from benchmarks.service.fleet import Site

    broken = 0
    # Where disks are real: a file system in memory would make durability look free.
    with tempfile.TemporaryDirectory(prefix="hps-bench-", dir=os.environ.get("TMPDIR")) as folder:
        for name in names:
            began = time.perf_counter()
            run = import_module(f"benchmarks.service.{SECTIONS[name]}").run
            section = run(Site(Path(folder)))
            print(section.markdown(), f"({time.perf_counter() - began:.0f} s)", "", sep="\n")
            sys.stdout.flush()
            broken += len(section.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
