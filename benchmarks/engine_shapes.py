"""A search over shapes of networks: the engine, and JAX, which compiles a program for each shape.

    python benchmarks/engine_shapes.py [--turns 5] [--epochs 8] [--trials 32]

Six shapes on data of the size of digits, so many trials of each, all with SGD or all with Adam, float32,
one thread. The clock of both covers everything from the shape to the end of its last epoch:
arrays, compiling, training. They take turns; a ratio is JAX's seconds over the engine's of one turn.
JAX keeps no compiled program on disk, and forgets those in memory between turns.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from functools import partial

import numpy as np
from engine_contenders import CLASSES, EXAMPLES, Contender, Network, engine, jax_scanned
from threadpoolctl import threadpool_limits

from hpsearch import nn
from hpsearch.nn.numerics import engine_arithmetic

HIDDEN = ((20,), (50,), (100,), (50, 50), (100, 50), (50, 50, 50))
INPUTS, BATCH = 64, 32


def seconds(contender: Contender, optimizer: str, epochs: int, trials: int) -> float:
    """Seconds of training `trials` networks of each shape."""
    draws = np.random.default_rng(0)
    x = draws.integers(0, 256, (EXAMPLES, INPUTS), dtype=np.uint8)
    y = draws.integers(0, CLASSES, EXAMPLES)
    began = time.perf_counter()
    for hidden in HIDDEN:
        shape = nn.Shape(INPUTS, hidden, CLASSES, "relu", optimizer, BATCH)
        step, together = contender(Network(str(hidden), shape), x, y)
        for _ in range(-(-trials // together) * epochs * (EXAMPLES // BATCH)):
            step()
    return time.perf_counter() - began


def main() -> None:
    """One line for each optimizer."""
    if hasattr(os, "sched_setaffinity"):  # JAX's threads heed nothing else
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import jax

    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--turns", type=int, default=5)
    options.add_argument("--epochs", type=int, default=8)
    options.add_argument("--trials", type=int, default=32)
    asked = options.parse_args()
    jax.numpy.zeros(1).block_until_ready()  # its backend is up before the first turn
    peer = partial(jax_scanned, trials=asked.trials)
    print(f"JAX {jax.__version__}, NumPy {np.__version__}, {platform.machine()}; {len(HIDDEN)} shapes, "
          f"{asked.trials} trials of each, {asked.epochs} epochs\n")  # fmt: skip
    print("| optimizer | engine, s | JAX, s | ratio | least and most |\n|---|---|---|---|---|")
    for optimizer in ("sgd", "adam"):
        ours, theirs = [], []
        for _ in range(asked.turns):
            jax.clear_caches()
            ours.append(seconds(engine, optimizer, asked.epochs, asked.trials))
            theirs.append(seconds(peer, optimizer, asked.epochs, asked.trials))
        ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
        print(
            f"| {optimizer} | {statistics.median(ours):.2f} | {statistics.median(theirs):.2f} | "
            f"{statistics.median(ratios):.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f} |", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    with threadpool_limits(1), engine_arithmetic():
        main()
