"""Real tables as matrices of numbers, most of whose rows are held back.

The product reads the file, as an upload with the parameters of the list. Its columns then become
numbers here, fitted on the rows that train, so that the script decides which rows are held back: a
category has a column for each of its levels, and a gap is the median of its column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.files import listed as files_listed
from benchmarks.files.listed import File
from hpsearch.columns import Column
from hpsearch.data import DatasetInfo, DatasetStore, Reading
from hpsearch.data.arrays import open_part
from hpsearch.data.info import TEST_FILES, TRAIN_FILES
from hpsearch.data.parse import work
from hpsearch.data.parse.parameters import reading_of

TRAINED = 400  # rows at the most, and half of the table at the most
HELD_BACK = 3000  # rows at the most
LEVELS = 12  # of a category that have a column of their own

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Table:
    """A file as the product reads it: x (N, C) with NaN for gaps, y (N,)."""

    x: Matrix
    y: NDArray[Any]
    columns: Sequence[Column]
    classes: int


@dataclass(eq=False)
class Tables:
    """Tables in a folder that lives as long as a run; each file is read once."""

    home: Path
    cache: Path

    def __post_init__(self) -> None:
        self.files = DatasetStore(str(self.home / "store"), self.home / "cache", parse=work.ingest)
        self._read: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """A file of the list."""
        if name not in self._read:
            (file,) = files_listed.files([name])
            self._read[name] = self._ingested(file)
        return self._read[name]

    def _ingested(self, file: File) -> Table:
        path = files_listed.fetch([file], self.cache)[file.id]
        reading = reading_of(file.words(dependent=False))
        info = self.files.ingest_upload(path, "application/octet-stream", reading)
        parts = [
            open_part(self.files, info, names, count)
            for names, count in ((TRAIN_FILES, info.n_train), (TEST_FILES, info.n_test))
        ]
        x, y = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        return Table(x.astype(np.float64), y, info.columns, len(info.classes))

    def split(
        self, name: str, seed: int, *, trained: int = TRAINED, by_chance: bool = False
    ) -> DatasetInfo:
        """A table with rows drawn by `seed` to train on, as a dataset; the others are its sealed part.

        by_chance: its labels are drawn, each class as likely, so that nothing can be learned.
        """
        table = self.table(name)
        rng = np.random.default_rng([seed, 17])
        rows = rng.permutation(len(table.y))
        train = rows[: min(trained, len(rows) // 2)]
        test = rows[len(train) :][:HELD_BACK]
        y = table.y
        if by_chance:
            y = rng.integers(table.classes, size=len(y))
        x = inputs(table, train)
        path = self.home / "table.npz"
        np.savez(path, x=x[train], y=y[train], x_test=x[test], y_test=y[test])
        reading = Reading() if table.classes else Reading(task="regression")
        return self.files.ingest_folder(f"{name}-{seed}", path, reading)


def inputs(table: Table, train: NDArray[np.intp]) -> NDArray[np.float32]:
    """Numbers (N, F) of a table, fitted on its rows `train`."""
    columns = table.columns or [Column(str(i), "number") for i in range(table.x.shape[1])]
    made = [_of_column(table.x[:, i], column, train) for i, column in enumerate(columns)]
    return np.concatenate(made, axis=1).astype(np.float32)


def _of_column(values: Matrix, column: Column, train: NDArray[np.intp]) -> Matrix:
    known = values[train][~np.isnan(values[train])]
    if column.kind != "category":
        middle = float(np.median(known)) if len(known) else 0.0
        return np.where(np.isnan(values), middle, values)[:, None]
    counts = np.bincount(known.astype(np.intp), minlength=len(column.levels))
    often = np.argsort(-counts, kind="stable")[:LEVELS]
    return (values[:, None] == often[None]).astype(np.float64)
