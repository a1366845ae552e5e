"""The engine of an older build beside this one, with NumPy's passes and with compiled ones.

    git worktree add ../before COMMIT
    python benchmarks/engine_builds.py ../before [--rounds 15] [--only NAME ...]

Three processes with one BLAS thread on one core take turns, network by network; a turn is some hundred
steps of `best_stack_size` trials. What counts is their own CPU time, as others may use the machine.
A figure is microseconds per step and trial: the least turn; a ratio the median of the ratios of neighbouring turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
NAMES = (
    "64-50-10 SGD",
    "64-50-10 Adam",
    "64-50x3-10 BN dropout Adam",
    "784-100-10 SGD",
    "784-100-10 Adam",
)


def turns(names: list[str]) -> None:
    """Do a turn for each network that standard input names, and print its microseconds."""
    import engine_contenders
    import numpy as np
    from engine import NETWORKS

    from hpsearch.nn.numerics import engine_arithmetic

    steps = {}
    with engine_arithmetic():
        for network in NETWORKS:
            if network.name in names:
                draws = np.random.default_rng(0)
                x = draws.integers(
                    0, 256, (engine_contenders.EXAMPLES, network.shape.inputs), np.uint8
                )
                y = draws.integers(0, engine_contenders.CLASSES, len(x))
                steps[network.name] = engine_contenders.engine(network, x, y)
                for _ in range(30):
                    steps[network.name][0]()
        print("ready", flush=True)
        for line in sys.stdin:
            step, trials = steps[line.strip()]
            count = (300 if "784" in line else 6000) // trials
            start = time.process_time()
            for _ in range(count):
                step()
            print((time.process_time() - start) / count / trials * 1e6, flush=True)


def start(root: Path, engine: str, names: list[str]) -> subprocess.Popen[str]:
    """A process that imports the build in `root`."""
    path = os.pathsep.join([str(root), str(root / "benchmarks")])
    return subprocess.Popen(
        [sys.executable, __file__, "--turns", *names],
        env={
            **os.environ,
            "PYTHONPATH": path,
            "OPENBLAS_NUM_THREADS": "1",
            "HPSEARCH_ENGINE": engine,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ask(process: subprocess.Popen[str], name: str) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    print(name, file=process.stdin, flush=True)
    return float(process.stdout.readline())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("before", type=Path, help="a folder with the older build")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--only", nargs="*", default=list(NAMES))
    asked = options.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    builds = {
        "before": (asked.before.resolve(), "numpy"),
        "NumPy": (HERE, "numpy"),
        "compiled": (HERE, "compiled"),
    }
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(start(root, engine, asked.only))
            for name, (root, engine) in builds.items()
        }
        for process in running.values():
            assert process.stdout is not None
            process.stdout.readline()
        print("| network | before | NumPy | compiled | before / NumPy | before / compiled |")
        print("|---" * 6 + "|")
        for name in asked.only:
            rounds = [{k: ask(p, name) for k, p in running.items()} for _ in range(asked.rounds)]
            cells = [f"{min(r[k] for r in rounds):.1f}" for k in running]
            cells += [
                f"{statistics.median(r['before'] / r[k] for r in rounds):.2f}"
                for k in ("NumPy", "compiled")
            ]
            print("| " + " | ".join([name, *cells]) + " |", flush=True)
        for process in running.values():
            assert process.stdin is not None
            process.stdin.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--turns"]:
        turns(sys.argv[2:])
    else:
        main()
