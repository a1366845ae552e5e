"""Files to ingest, honest and hostile, made by hand where NumPy would refuse to write them."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.parsing import in_this_process

from hpsearch.data import DatasetStore

Maker = Callable[..., Path]

PROJECT = Path(__file__).resolve().parents[2]


def npy(descr: str, shape: object, data: bytes, *, header: str | None = None) -> bytes:
    """A .npy file that says whatever it is told to."""
    text = header or f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n"
    encoded = text.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + data


@pytest.fixture
def raw_npy() -> Callable[..., bytes]:
    return npy


@pytest.fixture
def store(tmp_path: Path) -> DatasetStore:
    return DatasetStore(str(tmp_path / "store"), tmp_path / "cache", parse=in_this_process)


@pytest.fixture
def by_child(tmp_path: Path) -> DatasetStore:
    """The store as the service has it, with a child for every file."""
    return DatasetStore(str(tmp_path / "store"), tmp_path / "cache")


@pytest.fixture
def npz(tmp_path: Path) -> Maker:
    """npz(x=..., y=...): a file as a user would write it."""

    def make(**arrays: Any) -> Path:
        path = tmp_path / "upload.npz"
        np.savez_compressed(path, **arrays)
        return path

    return make


@pytest.fixture
def archive(tmp_path: Path) -> Maker:
    """archive([(name, bytes), ...]): a zip file of any members."""

    def make(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "upload.npz"
        with zipfile.ZipFile(path, "w", compression) as file:
            for name, content in members:
                file.writestr(name, content)
        return path

    return make


@pytest.fixture
def table(tmp_path: Path) -> Maker:
    """table(text or bytes): a CSV file."""

    def make(content: str | bytes) -> Path:
        path = tmp_path / "upload.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """An array of bytes in the IDX format."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def idx_bytes() -> Callable[[np.ndarray[Any, Any]], bytes]:
    return idx


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """A small relative of MNIST: 40 + 20 images of 3 x 5 in ten classes, gzipped."""
    folder = tmp_path / "small"
    folder.mkdir()
    rng = np.random.default_rng(7)
    for part, count in (("train", 40), ("t10k", 20)):
        images = rng.integers(0, 256, (count, 3, 5))
        for stem, array in (("images-idx3", images), ("labels-idx1", np.arange(count) % 10)):
            buffer = io.BytesIO()
            with gzip.GzipFile(fileobj=buffer, mode="wb") as file:
                file.write(idx(array))
            (folder / f"{part}-{stem}-ubyte.gz").write_bytes(buffer.getvalue())
    return folder


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The folder of the real MNIST files; tests that need it are skipped without it."""
    root = Path(os.environ.get("HPSEARCH_BENCH_DATA", PROJECT.parent / "shared" / "data"))
    if not (root / "mnist").is_dir():
        pytest.skip("no MNIST files; set HPSEARCH_BENCH_DATA to the folder that holds mnist/")
    return root / "mnist"
