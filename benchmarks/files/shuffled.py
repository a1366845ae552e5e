"""A listed file with its rows in another order: the product's sealed rows hang on the content."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.files.listed import File
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.parse.parameters import reading_of

MOST = 3000  # rows of a split


def shuffle(file: File, path: Path, out: Path, *, seed: int, most: int) -> Path:
    """Write the rows in an order drawn from `seed`, `most` of them at most, unpacked."""
    out.mkdir(parents=True, exist_ok=True)
    name = path.name.removesuffix(".gz").removesuffix(".zip")
    text = unpacked(path)
    rng = np.random.default_rng([seed, 15])
    written = out / name
    if name.endswith(".json"):
        rows = json.loads(text)
        written.write_text(json.dumps([rows[at] for at in rng.permutation(len(rows))[:most]]))
        return written
    lines = [line for line in text.splitlines() if line.strip()]
    head = head_lines(file, name, lines)
    order = rng.permutation(len(lines) - head)[:most] + head
    written.write_text("\n".join([*lines[:head], *(lines[at] for at in order)]) + "\n")
    return written


def stored_split(store: DatasetStore, file: File, path: Path, split: int) -> DatasetInfo:
    """Store a split of a file as an upload with the parameters of the list, groups and time aside."""
    with tempfile.TemporaryDirectory() as home:
        sent = shuffle(file, path, Path(home), seed=split, most=MOST)
        words = file.words(dependent=False) | {"filename": sent.name}
        return store.ingest_upload(sent, "application/octet-stream", reading_of(words))


def unpacked(path: Path) -> str:
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            raw = archive.read(archive.namelist()[0])
    return raw.decode("utf-8-sig")


def head_lines(file: File, name: str, lines: list[str]) -> int:
    """Return the number of lines that are no rows."""
    if name.endswith(".arff"):
        return 1 + next(n for n, line in enumerate(lines) if line.strip().lower() == "@data")
    if name.endswith(".tab"):
        return 3
    return 0 if file.parameters.get("header") == "none" else 1
