"""Computes the rows that are missing, in the order of the list; goes on where it stopped.

    python -m benchmarks.search.peers.run --venvs DIR [--rows DIR] [--ours DIR] [--until HH:MM]
                                           [--only NAME,...] [--problem lcbench]

`--until` (UTC) begins no search after that time. A search that fails is written down with its error.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))  # before NumPy loads

from benchmarks.search.peers import ours  # noqa: E402
from benchmarks.search.peers.listed import BY_KEY, HPOBENCH, LCBENCH, OURS, Job, ordered  # noqa: E402
from benchmarks.search.peers.problems import start_of  # noqa: E402
from benchmarks.search.peers.search import FailedError, python_of, session  # noqa: E402
from benchmarks.search.peers.stored import ROWS, PeerRows, key_of  # noqa: E402


def groups(jobs: Iterator[Job]) -> Iterator[tuple[str, list[Job]]]:
    """Jobs of one contender after the other, so that its packages load once for many."""
    for contender, together in itertools.groupby(jobs, key=lambda job: job.contender):
        yield contender, list(together)


def peer_rows(key: str, jobs: list[Job], asked: argparse.Namespace) -> None:
    """Compute a peer's missing rows among `jobs`."""
    kept = PeerRows.of(key, asked.rows)
    missing = [j for j in jobs if key_of(j) not in kept.rows and key_of(j) not in kept.failed]
    if not missing or not python_of(asked.venvs, kept.peer.venv).exists():
        return
    with ExitStack() as stack:
        peer = stack.enter_context(session(kept.peer, asked.venvs))
        for job in missing:
            if late(asked.until):
                return
            started = time.monotonic()
            try:
                result = peer.searched(ours.objective_of(job), start_of(job.task, job.seed))
            except FailedError as error:
                kept.failed[key_of(job)] = str(error)
                print(f"{key} {key_of(job)}: {error}", flush=True)
                kept.write(asked.rows)
                return  # a later block starts a new process
            kept.add(job, result)
            kept.write(asked.rows)
            print(f"{key} {key_of(job)} {time.monotonic() - started:.1f} s", flush=True)


def our_rows(jobs: list[Job], asked: argparse.Namespace) -> None:
    """Compute our missing rows among `jobs`."""
    store = ours.kept(asked.ours)
    for job in jobs:
        if late(asked.until):
            return
        row = ours.row(store, job)
        print(f"{row['key']} {row['cpu']} s", flush=True)


def late(until: str | None) -> bool:
    """True after the time of day `until` (UTC)."""
    return until is not None and dt.datetime.now(dt.UTC).strftime("%H:%M") >= until


def main() -> None:
    """Everything that is missing, or what is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--venvs", type=Path, required=True, help="folder of `install`")
    parser.add_argument("--rows", type=Path, default=ROWS, help="folder of the peers' rows")
    parser.add_argument(
        "--ours", type=Path, help="folder of our own rows; that of the peers' if not given"
    )
    parser.add_argument("--only", default="", help="contenders, comma-separated; all if not given")
    parser.add_argument("--problem", choices=(LCBENCH, HPOBENCH), help="both if not given")
    parser.add_argument("--until", metavar="HH:MM", help="UTC")
    asked = parser.parse_args()
    only = {name for name in asked.only.split(",") if name}
    if unknown := only - {*BY_KEY, *OURS}:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join((*OURS, *BY_KEY))}")
    wanted = (job for job in ordered() if asked.problem in (None, job.problem))
    for contender, jobs in groups(wanted):
        if late(asked.until):
            return
        if only and contender not in only:
            continue
        if contender in OURS:
            our_rows(jobs, asked)
        else:
            peer_rows(contender, jobs, asked)


if __name__ == "__main__":
    main()
