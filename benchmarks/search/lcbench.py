"""LCBench (Zimmer et al. 2021) through YAHPO Gym's surrogate: 16 tasks, 7 hyperparameters.

Accuracies are in percent. The surrogate is deterministic; noise is added by the trainer.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from benchmarks.search.axes import Axis, decode
from benchmarks.search.data import folder
from hpsearch.arrays import Floats

FULL = 52  # epochs of a full training
DRAWS = 20_000  # random configurations that the reference values are taken from
AXES = (
    Axis("batch_size", "batch_size", 16, 512, log=True, integer=True),
    Axis("learning_rate", "learning_rate", 1e-4, 1e-1, log=True),
    Axis("momentum", "momentum", 0.1, 0.99),
    Axis("weight_decay", "weight_decay", 1e-5, 1e-1, log=True),
    Axis("num_layers", "hidden_layers", 1, 4, integer=True),
    Axis("max_units", "hidden_units", 64, 1024, log=True, integer=True),
    Axis("max_dropout", "dropout", 0.0, 1.0),
)


@cache
def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lcbench", folder("lcbench") / "lcbench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tasks() -> Sequence[int]:
    """OpenML ids of the tasks, ascending."""
    weights = np.load(folder("lcbench") / "lcbench_weights.npz")
    return [int(task) for task in weights["task_ids"]]


@dataclass(frozen=True, slots=True)
class Reference:
    """The scale that regrets are measured on: best and median of `DRAWS` random draws."""

    best: float
    median: float

    def regret(self, value: Floats | float) -> Floats:
        """0 for the best draw, 1 for the median one; below 0 where `value` beats all draws."""
        return (self.best - np.asarray(value)) / (self.best - self.median)


class Task:
    """A task: values at places of the unit cube."""

    def __init__(self, task: int) -> None:
        self.id = task
        weights = folder("lcbench") / "lcbench_weights.npz"
        self._surrogate = _module().LCBench(str(weights), task)

    def truth(self, units: Floats, epochs: Floats) -> Floats:
        """Validation accuracy in percent (n,) at places (n, 7) after `epochs` (n,)."""
        return self.at_values(decode(AXES, units), epochs)

    def at_values(self, values: Floats, epochs: Floats | int) -> Floats:
        """The same for values (n, 7) in the units of the benchmark."""
        column = np.broadcast_to(np.asarray(epochs, dtype=float), (len(values),))
        rows = np.concatenate([column[:, None], values], axis=1)
        with np.errstate(over="ignore"):
            values = [self._surrogate(part)[:, 1] for part in np.array_split(rows, _parts(rows))]
        return np.concatenate(values).astype(np.float64)

    def reference(self) -> Reference:
        """Best and median of random full trainings; a second or so."""
        rng = np.random.default_rng([self.id, DRAWS])
        values = self.truth(rng.random((DRAWS, len(AXES))), np.full(DRAWS, float(FULL)))
        return Reference(float(values.max()), float(np.median(values)))


def _parts(rows: Floats) -> int:
    return max(1, len(rows) // 4096)
