"""A textbook's own example: 500 MNIST images, and a first range that misses the optimum.

Saito, Deep Learning from Scratch, chapter 6: learning rate 10^U(-6, -2), weight decay
10^U(-8, -4), six hidden layers of 100 ReLU units, SGD, 50 epochs, 100 of the 500 images for
validation. The best learning rate lies above the range, and weight decay hardly matters.
"""

from __future__ import annotations

import gzip
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.search import markdown
from benchmarks.search.cache import Row
from benchmarks.search.data import folder
from benchmarks.search.engine import Engine
from benchmarks.search.options import OURS, Options
from benchmarks.search.real import run_ours
from hpsearch.data import DatasetStore

SEEDS = 10
IMAGES = 500
SPEC = {
    "dataset": "chapter",
    "space": {
        "learning_rate": {"low": 1e-6, "high": 1e-2, "scale": "log"},
        "weight_decay": {"low": 1e-8, "high": 1e-4, "scale": "log"},
    },
    "model": {"hidden_sizes": [100] * 6, "batch_size": 100, "optimizer": "sgd"},
    "rounds": 4,
    "trials_per_round": 32,
    "epochs": {"first": 6, "last": 50},
    "final": {"epochs": 50},
}


def _read(name: str, offset: int) -> NDArray[np.uint8]:
    with gzip.open(folder("mnist") / name) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def images(path: Path) -> None:
    """The first 500 training images and the whole test part, as an .npz file."""
    np.savez(
        path,
        x=_read("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[:IMAGES],
        y=_read("train-labels-idx1-ubyte.gz", 8)[:IMAGES].astype(np.int64),
        x_test=_read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28),
        y_test=_read("t10k-labels-idx1-ubyte.gz", 8).astype(np.int64),
    )


def section(options: Options) -> str:
    """The benchmark's part of the report."""
    if not options.ours:
        return ""
    store = options.own("chapter")
    with tempfile.TemporaryDirectory(prefix="hpsearch-bench-") as place:
        images(Path(place) / "chapter.npz")
        files = DatasetStore(place, Path(place))
        info = files.ingest_folder("chapter", Path(place) / "chapter.npz")
        rows = [
            store.get(
                f"{OURS}/{seed}", partial(run_ours, Engine.of(files, info, {**SPEC, "seed": seed}))
            )
            for seed in range(options.seeds or SEEDS)
        ]
    return (
        f"## The chapter's example: {IMAGES} MNIST images, {len(rows)} seeds\n\n"
        "Asked: learning rate 1e-6 to 1e-2, weight decay 1e-8 to 1e-4. The book's random search "
        "stays in that range.\n\n" + markdown.table(["", ""], _figures(rows))
    )


def _figures(rows: list[Row]) -> list[list[str]]:
    test = [row["test"] for row in rows]
    rates = np.array([row["params"]["learning_rate"] for row in rows])
    lines = [
        ["test accuracy of the recommendation", markdown.mean(test, 4)],
        ["the worst seed's", f"{min(test):.4f}"],
        ["its validation accuracy", markdown.mean([row["validation"] for row in rows], 4)],
        ["its learning rate, median", f"{np.median(rates):.3g}"],
        ["epochs trained", f"{np.mean([row['epochs'] for row in rows]):.0f}"],
        ["seconds", f"{np.mean([row['seconds'] for row in rows]):.1f}"],
    ]
    for name in ("learning_rate", "weight_decay"):
        edges = np.median([row["ranges"][name] for row in rows], axis=0)
        said = Counter(row["verdicts"][name] for row in rows).most_common()
        words = ", ".join(f"{verdict} {count}" for verdict, count in said)
        lines.append([f"{name}: final range (median edges)", f"{edges[0]:.2g} to {edges[1]:.2g}"])
        lines.append([f"{name}: verdicts", words])
    return lines
