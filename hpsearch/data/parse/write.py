"""Writes the four arrays as `.npy` files, hashing on the way: every byte is touched once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.info import SEALED_FILES
from hpsearch.data.places import SEALED, relative

_BLOCK_BYTES = 1 << 20

Rows = npt.NDArray[np.intp]


class Writer:
    """Writes one dataset into a folder of its own.

    `digest` is SHA-256 over a first line that describes the dataset, then for each array its name,
    dtype and shape and its bytes in C order. It speaks of the content, not of the files: the
    header of a `.npy` file does not take part.
    """

    def __init__(self, out: Path, description: str) -> None:
        self._out = out
        self._content = hashlib.sha256(description.encode())
        self.files: dict[str, str] = {}
        (out / SEALED).mkdir(mode=0o700, parents=True)

    @property
    def digest(self) -> str:
        """Return the dataset's digest, once all arrays are written."""
        return self._content.hexdigest()

    def write(self, name: str, array: npt.NDArray[Any], rows: Rows | None = None) -> None:
        """Write an array, or those `rows` of it, in the order given; test files with mode 0600."""
        count = len(array) if rows is None else len(rows)
        shape = (count, *array.shape[1:])
        self._content.update(f"\n{name} {array.dtype.str} {shape}\n".encode())
        self._write(name, array, rows, shape, self._content.update)

    def write_beside(self, name: str, array: npt.NDArray[Any]) -> None:
        """Write an array that is no part of the content: the digest does not speak of it."""
        self._write(name, array, None, array.shape, lambda _: None)

    def _write(
        self, name: str, array: npt.NDArray[Any], rows: Rows | None, shape: tuple[int, ...],
        hash_content: Callable[[memoryview], None],
    ) -> None:  # fmt: skip
        mode = 0o600 if name in SEALED_FILES else 0o644
        handle = os.open(self._out / relative(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(handle, "wb") as file:
            header = _header(array.dtype, shape)
            file.write(header)
            hashed = hashlib.sha256(header)
            for block in _blocks(array, rows, shape[0]):
                file.write(block)
                hashed.update(block)
                hash_content(block)
            file.flush()
            os.fsync(file.fileno())
        self.files[name] = hashed.hexdigest()


def content_seed(x: npt.NDArray[Any], y: npt.NDArray[Any], description: str = "") -> int:
    """Return a seed that depends on the content alone: x counts as float32, or as its bytes.

    `description` says what the numbers of a table mean, where they are not all measured.
    """
    digest = hashlib.sha256(description.encode())
    for array, dtype in ((x, x.dtype if x.dtype == np.uint8 else np.dtype("<f4")), (y, y.dtype)):
        digest.update(f"{dtype.str} {array.shape}\n".encode())
        for block in _blocks(array, None, len(array), dtype):
            digest.update(block)
    return int(digest.hexdigest()[:16], 16)


def _blocks(
    array: npt.NDArray[Any], rows: Rows | None, count: int, dtype: np.dtype[Any] | None = None
) -> Iterator[memoryview]:
    row_bytes = max(1, array.nbytes // max(1, len(array)))
    step = max(1, _BLOCK_BYTES // row_bytes)
    for start in range(0, count, step):
        part = slice(start, start + step)
        block = array[part] if rows is None else array[rows[part]]
        yield np.ascontiguousarray(block, dtype).reshape(-1).view(np.uint8).data


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """A `.npy` header of version 1.0 (NumPy's format.py), padded to 128 bytes.

    Written here, so that a file's bytes, and so its SHA-256, do not change with NumPy's version.
    """
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + f"{text:<117}\n".encode()
