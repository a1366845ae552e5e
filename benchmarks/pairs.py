"""Speed of two builds, in pairs that take turns: new over old, with a 95 % interval.

    python benchmarks/pairs.py OLD NEW [--what engine service] [--pairs 9]

OLD and NEW are checkouts with a virtual environment each (`make .venv/.dev`), which run their own
copies of the benchmarks. Within a pair the build that begins changes from pair to
pair. A ratio above 1 says that NEW is faster; the interval is Student's, of the mean of the
logarithms of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from scipy import stats

Figures = Mapping[str, float]  # the higher, the faster


def engine(checkout: Path) -> Figures:
    """Training steps a second of each network, one core, native kernels."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--rounds", "3", "--seconds", "0.2", "--kernels", "native", "--json", folder)
        _run(checkout, ["benchmarks/engine.py", *options], cores={0})
        results = json.loads((Path(folder) / "engine-native.json").read_text())
    return {r["network"]: r["steps_per_second"]["engine"] for r in results}


def service(checkout: Path) -> Figures:
    """Every row of the service's tables of jobs and reading that has a rate or a time."""
    text = _run(checkout, ["-m", "benchmarks.service", "--only", "jobs,reading"], cores=None)
    return dict(_rows(text))


def _run(checkout: Path, words: list[str], *, cores: set[int] | None) -> str:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(checkout / ".venv" / "bin" / "python"), *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=None if cores is None else lambda: os.sched_setaffinity(0, cores),
    )
    if not done.stdout.strip():
        sys.exit(done.stderr[-2000:])
    return done.stdout


def _rows(text: str) -> list[tuple[str, float]]:
    """(row and column, figure) of the first figure with a unit in each row of a Markdown table."""
    figures = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        for cell in cells[1:]:
            if match := re.match(r"([\d,.]+) (ms|s|/s)\b", cell):
                value = float(match[1].replace(",", ""))
                if value:
                    figures.append((cells[0], value if match[2] == "/s" else 1 / value))
                break
    return figures


WHAT: Mapping[str, Callable[[Path], Figures]] = {"engine": engine, "service": service}


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Mean ratio and its 95 % interval."""
    logs = [math.log(ratio) for ratio in ratios]
    mean, error = statistics.mean(logs), statistics.stdev(logs) / math.sqrt(len(logs))
    half = float(stats.t.ppf(0.975, len(logs) - 1)) * error
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("old", type=Path)
    options.add_argument("new", type=Path)
    options.add_argument("--what", nargs="+", choices=list(WHAT), default=list(WHAT))
    options.add_argument("--pairs", type=int, default=9)
    asked = options.parse_args()
    for name in asked.what:
        pairs: list[dict[Path, Figures]] = []
        for number in range(asked.pairs):
            order = (asked.old, asked.new) if number % 2 == 0 else (asked.new, asked.old)
            pairs.append({build: WHAT[name](build.resolve()) for build in order})
        print(
            f"\n## {name}, {asked.pairs} pairs\n\n| figure | new / old | 95 % interval |\n|---|---|---|"
        )
        for row in pairs[0][asked.old]:
            both = [(p[asked.old][row], p[asked.new][row]) for p in pairs if row in p[asked.new]]
            mean, low, high = interval([new / old for old, new in both])
            print(f"| {row} | {mean:.3f} | {low:.3f} to {high:.3f} |", flush=True)


if __name__ == "__main__":
    main()
