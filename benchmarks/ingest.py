"""A table of 1,000,000 rows and 40 columns, ten of them words: ingest beside polars.

The peer reads the same file with `polars.read_csv` and writes Parquet, on as many threads as the
product's parser has: one. Both run in processes of their own, in turns; the medians are compared.
Memory is the largest resident size of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from hpsearch.data import UPLOAD, DatasetStore
from hpsearch.data.limits import GIB, MIB
from hpsearch.data.parse.parameters import reading_of

ROWS, NUMBERS, WORDS = 1_000_000, 29, 10
_BLOCK = 50_000


def generate(path: Path, rows: int) -> None:
    """Write a table with seeded columns: 29 of numbers, 10 of words, and a label of three classes."""
    rng = np.random.default_rng(0)
    names = [f"n{at}" for at in range(NUMBERS)] + [f"w{at}" for at in range(WORDS)] + ["label"]
    levels = [[f"level {at}-{n}" for n in range(3 + 4 * at)] for at in range(WORDS)]
    with path.open("w") as file:
        file.write(",".join(names) + "\n")
        for start in range(0, rows, _BLOCK):
            n = min(_BLOCK, rows - start)
            x = rng.normal(size=(n, NUMBERS))
            x[:, ::5] = np.rint(100 * x[:, ::5])
            label = (x[:, 1] > 0).astype(int) + (x[:, 2] > 0.5)
            codes = [rng.integers(0, len(level), n) for level in levels]
            for row in range(n):
                cells = [f"{value:.6g}" for value in x[row]]
                cells += [level[code[row]] for level, code in zip(levels, codes, strict=True)]
                file.write(",".join(cells) + f",class {label[row]}\n")


def ours(path: Path) -> None:
    """Take the file in through the store, as an upload whose limits were raised by settings."""
    limits = replace(UPLOAD, seconds=600, memory=4 * GIB)
    with tempfile.TemporaryDirectory(dir=path.parent) as home:
        store = DatasetStore(f"{home}/store", Path(home, "cache"), uploads=limits)
        store.ingest_upload(path, "text/csv", reading_of({"label": "label"}))


def theirs(path: Path) -> None:
    """Read with polars and write Parquet."""
    import polars as pl

    frame = pl.read_csv(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as home:
        frame.write_parquet(Path(home, "table.parquet"))


CONTENDERS: dict[str, Callable[[Path], None]] = {"ingest": ours, "polars": theirs}


def measured(name: str, path: Path) -> dict[str, float]:
    """Run a contender in a process of its own: seconds of wall and processor, MiB at most."""
    environment = os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--run", name, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def run(name: str, path: Path) -> None:
    """Run a contender here, and print what it took."""
    began = time.perf_counter()
    CONTENDERS[name](path)
    seconds = time.perf_counter() - began
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    answer = {
        "seconds": seconds,
        "processor": sum(one.ru_utime + one.ru_stime for one in usage),
        "MiB": max(one.ru_maxrss for one in usage) * 1024 / MIB,
    }
    print(json.dumps(answer))


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks/ingest.py", description=__doc__)
    options.add_argument("--run", nargs=2, metavar=("NAME", "FILE"), help="one contender, here")
    options.add_argument("--rows", type=int, default=ROWS)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--cache", type=Path, default=Path("var/ingest"))
    chosen = options.parse_args()
    if chosen.run:
        run(chosen.run[0], Path(chosen.run[1]))
        return
    chosen.cache.mkdir(parents=True, exist_ok=True)
    path = chosen.cache / f"{chosen.rows}.csv"
    if not path.exists():
        generate(path, chosen.rows)
    print(f"{chosen.rows:,} rows, {path.stat().st_size / MIB:,.0f} MiB, one thread")
    rounds = [{name: measured(name, path) for name in CONTENDERS} for _ in range(chosen.rounds)]
    for name in CONTENDERS:
        medians = {
            key: statistics.median(one[name][key] for one in rounds) for key in rounds[0][name]
        }
        print(name, ", ".join(f"{key} {value:,.1f}" for key, value in medians.items()))
    for key in ("seconds", "processor"):
        ratios = [one["ingest"][key] / one["polars"][key] for one in rounds]
        print(
            f"ingest over polars, {key}: {statistics.median(ratios):.2f}",
            [f"{r:.2f}" for r in ratios],
        )


if __name__ == "__main__":
    main()
