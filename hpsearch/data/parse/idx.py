"""Reads the IDX files of MNIST and its relatives, plain or gzipped.

The format: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension
as a big-endian 32-bit integer, then the values (Y. LeCun, "The MNIST database", file formats).
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hpsearch.data.catalogue import BUILTIN, idx_files
from hpsearch.data.limits import Limits
from hpsearch.data.parse.raw import Features, Raw, refuse, require_size
from hpsearch.data.parse.request import Request

_UNSIGNED_BYTE = 8
_BLOCK = 1 << 20

Bytes = npt.NDArray[np.uint8]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read(request: Request, limits: Limits) -> Raw:
    """Read the four files of a folder; the dataset's name chooses the words for the classes.

    Raises
    ------
    errors.InvalidDataset
        A file is missing, damaged or does not fit the others.
    errors.TooLarge
        Beyond the limits.
    """
    paths = idx_files(Path(request.path))
    images, labels, test_images, test_labels = (_read_file(path, limits) for path in paths)
    x, x_test = _images(images, paths[0]), _images(test_images, paths[2])
    for path, numbers, part in ((paths[1], labels, x), (paths[3], test_labels, x_test)):
        if numbers.shape != (len(part.values),):
            refuse(path.name, f"has shape {numbers.shape} for {len(part.values)} images")
    if x.shape != x_test.shape:
        refuse(paths[2].name, f"has images of {x_test.shape}, the training part of {x.shape}")
    classes = BUILTIN[request.name].classes if request.name in BUILTIN else ()
    return Raw(x, labels, x_test, test_labels, classes=classes)


def _images(array: Bytes, path: Path) -> Features:
    if array.ndim < 2 or not array.size:
        refuse(path.name, f"has shape {array.shape}; images have two dimensions each")
    return Features(array.reshape(len(array), -1), array.shape[1:], "image")


def _read_file(path: Path, limits: Limits) -> Bytes:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return _read_array(file, path, limits)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        refuse(path.name, f"is damaged ({error}); fetch it again")


def _read_array(file: _Readable, path: Path, limits: Limits) -> Bytes:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] != _UNSIGNED_BYTE or not magic[3]:
        refuse(path.name, "is not an IDX file of unsigned bytes")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        refuse(path.name, "ends inside its header; fetch it again")
    shape = struct.unpack(f">{magic[3]}I", sizes)
    width = 1
    for size in shape[1:]:
        width *= size
    require_size(limits, shape[0], width, 1)
    return _fill(file, np.empty(shape[0] * width, np.uint8), path).reshape(shape)


def _fill(file: _Readable, values: Bytes, path: Path) -> Bytes:
    for start in range(0, values.size, _BLOCK):
        wanted = min(_BLOCK, values.size - start)
        content = file.read(wanted)
        if len(content) != wanted:
            refuse(path.name, f"ends before its {values.size:,} values; fetch it again")
        values[start : start + wanted] = np.frombuffer(content, np.uint8)
    # Reaching the end is what makes gzip compare the checksum.
    if file.read(1):
        refuse(path.name, f"goes on after its {values.size:,} values; fetch it again")
    return values
