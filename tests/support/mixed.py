"""A table with numbers, words, ranks, booleans and gaps, stored as a dataset without a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.columns import Column, LeftOut, stored
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.info import ROWS_FILE
from hpsearch.data.limits import Limits
from hpsearch.data.parse.request import Request
from hpsearch.data.parse.write import Writer

ROWS, TEST = 240, 60
CITIES = tuple(f"city {i:02}" for i in range(12))
SIZES = ("small", "medium", "large")
Table = dict[str, list[Any]]


def table(rows: int = ROWS + TEST, seed: int = 0) -> tuple[Table, np.ndarray]:
    """Raw columns by name, and a class of two that hangs on most of them."""
    rng = np.random.default_rng(seed)
    age = np.round(rng.gamma(4, 10, rows), 1)
    fare = np.round(np.exp(rng.normal(3, 1.5, rows)), 2)
    city = np.minimum(rng.geometric(0.3, rows) - 1, 10)  # nobody lives in the last one
    size, member = rng.integers(0, 3, rows), rng.integers(0, 2, rows)
    score = (age - 40) / 20 + (city % 3 - 1) + size - 1 + member - 0.5 + rng.normal(0, 0.7, rows)
    made: Table = {
        "age": age.tolist(),
        "fare": fare.tolist(),
        "city": [CITIES[i] for i in city],
        "size": [SIZES[i] for i in size],
        "member": [("no", "yes")[i] for i in member],
    }
    for name, share in (("age", 0.15), ("city", 0.1), ("member", 0.05)):
        for row in np.flatnonzero(rng.random(rows) < share):
            made[name][row] = None
    return made, (score > 0).astype(np.int64)


def columns(made: Table, train: Sequence[int]) -> tuple[Column, ...]:
    """The columns as an ingest would describe them."""
    kinds = {
        "age": Column("age", "number"),
        "fare": Column("fare", "number"),
        "city": Column("city", "category", CITIES),
        "size": Column("size", "ordered", SIZES),
        "member": Column("member", "boolean", ("no", "yes")),
    }
    gaps = {name: [cell is None for cell in cells] for name, cells in made.items()}
    return tuple(
        replace(
            column,
            missing=sum(gaps[name]),
            missing_train=sum(gaps[name][row] for row in train),
        )
        for name, column in kinds.items()
    )


def matrix(made: Table, columns: Sequence[Column]) -> np.ndarray:
    """The stored numbers (n, C)."""
    return np.column_stack([stored(c, made[c.name]) for c in columns]).astype(np.float32)


def parse(request: Request, limits: Limits) -> DatasetInfo:
    """Write the dataset in place of reading a file."""
    made, y = table()
    rows = np.arange(ROWS + TEST)
    known = columns(made, range(ROWS))
    return write(Path(request.out), matrix(made, known), y, rows, known)


def write(
    out: Path, x: np.ndarray, y: np.ndarray, rows: np.ndarray, known: tuple[Column, ...]
) -> DatasetInfo:
    """Write arrays whose last `TEST` rows are the sealed part."""
    writer = Writer(out, "mixed")
    for name, array in (("x", x), ("y", y)):
        writer.write(f"train_{name}.npy", array[:-TEST])
        writer.write(f"test_{name}.npy", array[-TEST:])
    writer.write_beside(ROWS_FILE, rows[-TEST:].astype(np.int64))
    return DatasetInfo(
        digest=writer.digest,
        kind="tabular",
        n_train=len(x) - TEST,
        n_test=TEST,
        features=x.shape[1],
        shape=x.shape[1:],
        classes=("no", "yes"),
        feature_names=tuple(column.name for column in known),
        licence="none",
        source="made",
        test_split="made",
        files=writer.files,
        label="bought",
        columns=known,
        left_out=(LeftOut("id", "id", "all different"),),
    )


def store(folder: Path, read: Any = parse) -> tuple[DatasetStore, DatasetInfo]:
    """A store with the table in it."""
    files = DatasetStore(str(folder), folder / "cache", parse=read)
    file = folder / "table.csv"
    file.write_text("made, not read")
    return files, files.ingest_upload(file, "text/csv")
