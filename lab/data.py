"""Data of the lab: MNIST where it lies on this machine, digits otherwise.

The sealed test part stays sealed: what the lab calls *held out* is a part of the training part
that no experiment trains on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.arrays import Ints
from hpsearch.data import DatasetInfo, DatasetStore, fit_scaling, split
from hpsearch.settings import Settings

HELD_OUT = {"mnist": 1 / 6, "digits": 1 / 4}  # 10,000 and 359 examples
SPLIT_SEED = 0  # the held-out part is the same for every experiment and seed
BESIDE = Path("shared") / "data"  # the benchmark data, beside the project's folder


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset in a folder, as one process hands it to another."""

    name: str
    folder: str
    digest: str

    def open(self) -> LabData:
        """Map the arrays and set the held-out part aside."""
        files = DatasetStore(self.folder, Path(self.folder))
        info = files.info(self.digest)
        part = files.open_train(info)
        parts = split(part.y, fraction=HELD_OUT[self.name], seed=SPLIT_SEED)
        return LabData(self.name, info, part.x, part.y, parts.train, parts.validation)


@dataclass(frozen=True, slots=True, eq=False)
class LabData:
    """x (N, F), y (N,), the rows to draw training examples from and those held out."""

    name: str
    info: DatasetInfo
    x: NDArray[Any]
    y: NDArray[np.int64]
    pool: Ints
    held_out: Ints

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.info.classes)

    def draw(self, count: int, seed: int) -> Ints:
        """`count` rows of the pool by chance, all of them where there are no more."""
        return np.random.default_rng([seed, 0]).permutation(self.pool)[:count]

    def examples(self, *parts: Ints) -> tuple[nn.Examples, ...]:
        """Each part in the engine's terms, scaled by what the first one shows."""
        scaling = fit_scaling(self.x, parts[0], kind=self.info.kind)
        return tuple(
            nn.Examples(self.x, self.y, rows, scaling.shift, scaling.scale) for rows in parts
        )

    def shape(
        self, *hidden: int, activation: str = "relu", optimizer: str = "sgd",
        batch_size: int = 100, batch_norm: bool = False,
    ) -> nn.Shape:  # fmt: skip
        """A network with these hidden layers for this data."""
        return nn.Shape(
            self.info.features, hidden, self.classes, activation, optimizer, batch_size, batch_norm
        )


def find_mnist(settings: Settings, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of MNIST's four files, if it is on this machine; nothing is downloaded.

    Looked for in the data folder, in HPSEARCH_BENCH_DATA, and beside the project.
    """
    named = environment.get("HPSEARCH_BENCH_DATA")
    project = Path(__file__).resolve().parents[1]
    places = [settings.home / "datasets" / "mnist"]
    places.append(Path(named) / "mnist" if named else project.parent / BESIDE / "mnist")
    return next((p for p in places if p.is_dir() and any(p.glob("train-images*"))), None)


def store(folder: Path, mnist: Path | None) -> Dataset:
    """Ingest MNIST from `mnist`, or digits where that is None, into `folder`.

    Raises: InvalidDataset if MNIST's files are damaged or incomplete.
    """
    name = "digits" if mnist is None else "mnist"
    files = DatasetStore(str(folder), folder)
    info = files.ingest_builtin(name, folder=mnist, offline=True)
    return Dataset(name, str(folder), info.digest)
