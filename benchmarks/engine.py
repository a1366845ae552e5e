"""Speed of the engine, against PyTorch, JAX and scikit-learn, in one run on one core.

    python benchmarks/engine.py [--rounds 7] [--seconds 0.3] [--only NAME ...] [--json FOLDER]
                                [--kernels native portable]

Every contender trains the same network on the same data with the same batch and optimizer, float32,
one thread, and sums up its losses, as any training loop does. They take turns within each round; a
figure is the median over the rounds of training steps of one trial per second, a ratio the median
of the rounds' ratios. The peak is the best float32 matrix product NumPy's BLAS does here, measured
in the same rounds.

It runs twice, in a process each: with the BLAS kernels of this processor ("native"), and with those
that give the same bits on every x86-64 machine with AVX2 ("portable", OPENBLAS_CORETYPE=Haswell).
PyTorch, JAX and their own BLAS are the same in both. JAX's programs are compiled before the clock runs.

The data are drawn, not read: the pixels of this benchmark have no influence on its arithmetic. The
engine gathers bytes and scales them in each step; its peers get scaled float32 to begin with.
Peers that are not installed are left out, with a notice.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from engine_contenders import CLASSES, CONTENDERS, EXAMPLES, Network, Step
from threadpoolctl import threadpool_info, threadpool_limits

from hpsearch import nn
from hpsearch.nn.numerics import engine_arithmetic


def _mnist(hidden: tuple[int, ...], optimizer: str) -> nn.Shape:
    return nn.Shape(784, hidden, CLASSES, "relu", optimizer, 100)


def _digits(hidden: tuple[int, ...], optimizer: str, *, batch_norm: bool = False) -> nn.Shape:
    return nn.Shape(64, hidden, CLASSES, "relu", optimizer, 32, batch_norm)


NETWORKS = (
    Network("784-100-10 SGD", _mnist((100,), "sgd"), 0.0, "1.9 / 1.35 / 78 %"),
    Network("784-100x5-10 SGD", _mnist((100,) * 5, "sgd"), 0.0, "1.9 / 1.4 / 78 %"),
    Network("784-100-10 Adam", _mnist((100,), "adam"), 0.0, "1.6 / 1.2"),
    Network("784-100x5-10 Adam", _mnist((100,) * 5, "adam"), 0.0, "1.5 / 1.3"),
    Network("64-50-10 SGD", _digits((50,), "sgd"), 0.0, "20 / 3.5, 14 x scikit-learn"),
    Network("64-50-10 Adam", _digits((50,), "adam"), 0.0, "14 / 2.5"),
    Network(
        "64-50x3-10 BN dropout Adam", _digits((50,) * 3, "adam", batch_norm=True), 0.2, "10 / 2"
    ),
)


def _rate(step: Step, trials: int, seconds: float) -> float:
    """Steps of one trial per second."""
    unit = getattr(step, "together", 1)
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or done == 0:
        for _ in range(unit):
            step()
        done += unit
    return done * trials / spent if spent else 0.0


def gemm_peak(seconds: float) -> float:
    """The best GFLOP/s of float32 matrix products of a few sizes."""
    best = 0.0
    for n in (256, 512, 1024):
        a = np.ones((n, n), np.float32)
        out = np.empty_like(a)
        rate = _rate(lambda a=a, out=out: np.matmul(a, a, out), 1, seconds)
        best = max(best, 2 * n**3 * rate / 1e9)
    return best


def step_gflop(shape: nn.Shape) -> float:
    """Multiplications and additions of the matrix products in one step, without biases."""
    weights = [a * b for a, b in itertools.pairwise(shape.sizes)]
    return 2 * shape.batch_size * (3 * sum(weights) - weights[0]) / 1e9


def measure(network: Network, rounds: int, seconds: float) -> dict[str, Any]:
    draws = np.random.default_rng(0)
    x = draws.integers(0, 256, (EXAMPLES, network.shape.inputs), dtype=np.uint8)
    y = draws.integers(0, CLASSES, EXAMPLES)
    running: dict[str, tuple[Step, int]] = {}
    for name, make in CONTENDERS.items():
        try:
            running[name] = make(network, x, y)
        except ImportError as reason:
            print(f"{network.name}: without {name}: {reason}", file=sys.stderr)
    for step, trials in running.values():
        _rate(step, trials, seconds / 3)
    rates: dict[str, list[float]] = {name: [] for name in running}
    shares: list[float] = []
    for _ in range(rounds):
        peak = gemm_peak(seconds / 6)
        for name, (step, trials) in running.items():
            rates[name].append(_rate(step, trials, seconds))
        shares.append(rates["engine"][-1] * step_gflop(network.shape) / peak)
    ours = rates["engine"]
    return {
        "network": network.name,
        "wanted": network.wanted,
        "stack": running["engine"][1],
        "steps_per_second": {name: statistics.median(values) for name, values in rates.items()},
        "ratio": {
            name: statistics.median(a / b for a, b in zip(ours, values, strict=True))
            for name, values in rates.items()
            if name != "engine"
        },
        "share_of_peak": statistics.median(shares),
    }


def row(result: dict[str, Any]) -> str:
    ratio = result["ratio"]
    cells = [f"{ratio[name]:.2f}" if name in ratio else "-" for name in list(CONTENDERS)[1:]]
    rate, share = result["steps_per_second"]["engine"], result["share_of_peak"]
    fields = [result["network"], str(result["stack"]), f"{rate:,.0f}", *cells, f"{share:.0%}"]
    return "| " + " | ".join([*fields, result["wanted"]]) + " |"


def on_one_core() -> None:
    """Stay on one processor where the system allows it: JAX's threads heed nothing else."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


KERNELS = {"native": None, "portable": "Haswell"}  # OPENBLAS_CORETYPE


def in_a_process_each(asked: argparse.Namespace) -> None:
    """Run this script once per choice of BLAS kernels: they are chosen when NumPy loads."""
    for kernels in asked.kernels:
        print(f"\n## {kernels} BLAS kernels\n", flush=True)
        environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
        if (core := KERNELS[kernels]) is not None:
            environment["OPENBLAS_CORETYPE"] = core
        command = [sys.executable, __file__, "--as", kernels, *sys.argv[1:]]
        subprocess.run(command, env=environment, check=True)


def table(asked: argparse.Namespace) -> None:
    """Measure in this process and print the table."""
    chosen = [
        network
        for network in NETWORKS
        if asked.only is None or any(part in network.name for part in asked.only)
    ]
    try:
        import torch

        torch.set_num_threads(1)
        print(f"PyTorch {torch.__version__}")
    except ImportError:
        print("PyTorch is not installed: its columns stay empty")
    cores = [info.get("architecture") for info in threadpool_info() if info["user_api"] == "blas"]
    print(f"NumPy {np.__version__}, BLAS kernels {cores}, {platform.machine()}\n")
    ratios = " | ".join(f"x {name}" for name in list(CONTENDERS)[1:])
    print(f"| network | stack | steps/s | {ratios} | of GEMM peak | wanted |")
    print("|---" * (len(CONTENDERS) + 4) + "|")
    results = []
    for network in chosen:
        results.append(measure(network, asked.rounds, asked.seconds))
        print(row(results[-1]), flush=True)
    if asked.json is not None:
        asked.json.mkdir(parents=True, exist_ok=True)
        (asked.json / f"engine-{asked.kernel}.json").write_text(
            json.dumps(results, indent=2) + "\n"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--seconds", type=float, default=0.3)
    options.add_argument("--only", nargs="*", default=None, help="parts of network names")
    options.add_argument("--json", type=Path, default=None, help="a folder for the figures")
    options.add_argument("--kernels", nargs="*", choices=list(KERNELS), default=list(KERNELS))
    options.add_argument("--as", dest="kernel", default=None, help=argparse.SUPPRESS)
    asked = options.parse_args()
    on_one_core()
    if asked.kernel is None:
        in_a_process_each(asked)
        return
    with threadpool_limits(1), engine_arithmetic():
        table(asked)


if __name__ == "__main__":
    main()
