"""Reads .npz files without trusting them: zip directory, array headers and sizes are claims.

NumPy's own reader is not used: it believes the header, and takes the memory, before anything can
be checked. Here an array costs what its part of the file really holds, up to the limits.
"""

from __future__ import annotations

import ast
import errno
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data.info import Kind
from hpsearch.data.limits import MIB, Limits
from hpsearch.data.parse.raw import (
    LABEL_LENGTH,
    Features,
    Mistakes,
    Raw,
    refuse,
    require_size,
)
from hpsearch.data.parse.request import Request
from hpsearch.values import place, trainable, why_not

_MEMBERS: Final = ("x", "y", "x_test", "y_test")
_WAY_OUT = "write the file with numpy.savez_compressed(path, x=x, y=y)"

# Deflate packs zeros 1,030 to 1, and an honest stack of dark images comes close to that. So a
# ratio counts against a member only when it is large; below that the cap on its size will do.
_MAX_RATIO = 200
_RATIO_FREE = 64 * MIB

_DAMAGED: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, ValueError),
)
_MAX_HEADER = 4096
_MAX_DIMENSIONS = 8
_NUMBER = re.compile(r"[<>|=]?(f4|f8|i1|i2|i4|i8|u1|u2|u4|b1)")
_TEXT = re.compile(r"[<>=]?U([1-9]\d?)")
_LAST_POINT = 0x10FFFF
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool


def read(request: Request, limits: Limits) -> Raw:
    """Read members x, y and optionally x_test, y_test (in any case).

    Raises
    ------
    errors.InvalidDataset
        Not such a file, or data that cannot be trained on.
    errors.TooLarge
        It declares more than the limits allow.
    """
    try:
        with zipfile.ZipFile(request.path) as archive:
            return _read_members(archive, _checked(archive, limits), limits, request.kind)
    # A damaged directory sends zipfile to places before the start of the file (EINVAL).
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise errors.InvalidDataset(
            f"not a whole .npz file ({error}); {_WAY_OUT}, or send a CSV file as text/csv"
        ) from error


def _checked(archive: zipfile.ZipFile, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The members by lower-case name, after everything the zip directory tells is in order."""
    entries = archive.infolist()
    if len(entries) > len(_MEMBERS):
        named = ", ".join(repr(entry.filename[:40]) for entry in entries[:6])
        refuse("npz", f"{len(entries)} members ({named}); only x, y, x_test, y_test are taken")
    mistakes = Mistakes()
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.filename.lower().removesuffix(".npy")
        shown = repr(entry.filename[:80])
        if name not in _MEMBERS:
            mistakes.add(shown, "unknown member; only x, y, x_test, y_test are taken")
        elif name in members:
            mistakes.add(shown, "the member is there twice")
        elif entry.flag_bits & 0x1:
            mistakes.add(shown, f"the member is encrypted; {_WAY_OUT}")
        elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            mistakes.add(shown, f"compression {entry.compress_type} is not read; {_WAY_OUT}")
        members[name] = entry
    for name in ("x", "y"):
        if name not in members:
            mistakes.add(name, f"the file has no array {name}; {_WAY_OUT}")
    if ("x_test" in members) != ("y_test" in members):
        mistakes.add("x_test", "x_test and y_test come together; one of them is missing")
    mistakes.check()
    _require_declared(members, limits)
    return members


def _require_declared(members: dict[str, zipfile.ZipInfo], limits: Limits) -> None:
    total = sum(entry.file_size for entry in members.values())
    if total > limits.data:
        raise errors.TooLarge(f"the arrays are {total:,} bytes, at most {limits.data:,} are taken")
    for name, entry in members.items():
        if entry.file_size > max(_RATIO_FREE, _MAX_RATIO * entry.compress_size):
            raise errors.TooLarge(
                f"{name} unpacks to {entry.file_size:,} bytes from {entry.compress_size:,}, more "
                f"than {_MAX_RATIO} to 1; store it with numpy.savez, without compression"
            )


def _read_members(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    limits: Limits,
    kind: Kind | None,
) -> Raw:
    x = _features(archive, members["x"], "x", limits, kind)
    y = _labels(archive, members["y"], "y", x)
    if "x_test" not in members:
        return Raw(x, y)
    x_test = _features(archive, members["x_test"], "x_test", limits, kind)
    y_test = _labels(archive, members["y_test"], "y_test", x_test)
    if x_test.shape != x.shape or (x_test.values.dtype == np.uint8) != (x.values.dtype == np.uint8):
        refuse(
            "x_test",
            f"examples are {x_test.values.dtype} {x_test.shape}, those of x {x.values.dtype} "
            f"{x.shape}; both parts need the same",
        )
    return Raw(x, y, x_test, y_test)


def _features(
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    name: str,
    limits: Limits,
    kind: Kind | None,
) -> Features:
    """Read examples; two dimensions are a table and more an image, unless `kind` says otherwise."""
    with archive.open(entry) as file:
        header = _header(file, entry, name)
        shape = header.shape
        if header.dtype.kind == "U":
            refuse(name, f"holds text ({header.dtype}); features are numbers")
        if len(shape) < 2:
            refuse(name, f"has shape {shape}; it needs one row per example: (examples, features)")
        if 0 in shape:
            refuse(name, f"has shape {shape}; there is nothing in it")
        # Python's integers: a shape of (10**12, 10**12) must not wrap around.
        width = _product(shape[1:])
        stored = 1 if header.dtype == np.uint8 else 4
        require_size(limits, shape[0], width, stored)
        target = header.dtype.newbyteorder("=")
        if header.dtype.itemsize < 4 and header.dtype != np.uint8:
            target = np.dtype(np.float32)
        values = _numbers(file, header, name, target).reshape(shape[0], width)
        if values.dtype == np.uint64 and values.max() < 1 << 63:
            values = values.view(np.int64)  # differences have a sign
    return Features(values, shape[1:], kind or ("image" if len(shape) > 2 else "tabular"))


def _labels(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, x: Features
) -> npt.NDArray[Any]:
    rows = len(x.values)
    with archive.open(entry) as file:
        header = _header(file, entry, name)
        if header.shape not in ((rows,), (rows, 1)):
            refuse(
                name,
                f"has shape {header.shape}; it needs one label per example, ({rows},): for labels "
                "that are one-hot, y.argmax(axis=1)",
            )
        labels = np.empty(rows, dtype=header.dtype)
        for start, block in _stream(file, header.dtype, rows, name):
            if header.dtype.kind == "U" and (block.view(_points(header.dtype)) > _LAST_POINT).any():
                refuse(name, "holds text that is not Unicode")
            labels[start : start + len(block)] = block
    return labels


def _points(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of one character of a text array: its code point, in the array's byte order."""
    return np.dtype(np.uint32).newbyteorder(dtype.byteorder)


def _header(file: IO[bytes], entry: zipfile.ZipInfo, name: str) -> _Header:
    """Read the .npy header; refuse what it may not say before a byte of data is read."""
    start = file.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        refuse(name, f"is not a .npy array; {_WAY_OUT}")
    size_bytes = file.read(2 if start[6] == 1 else 4)
    size = int.from_bytes(size_bytes, "little")
    if size > _MAX_HEADER:
        refuse(name, f"has a header of {size:,} bytes, at most {_MAX_HEADER:,} are read")
    header = _parse_header(file.read(size), name)
    held = entry.file_size - 8 - len(size_bytes) - size
    declared = _product(header.shape) * header.dtype.itemsize
    if declared != held:
        refuse(name, f"says it has {declared:,} bytes of data and has {held:,}; {_WAY_OUT}")
    return header


def _parse_header(text: bytes, name: str) -> _Header:
    try:
        header = ast.literal_eval(text.decode("utf-8").strip())
        descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    # Deep nesting ends the compiler in one of the latter two.
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError):
        refuse(name, f"has a damaged header; {_WAY_OUT}")
    if not isinstance(descr, str):
        refuse(name, "holds records; give numbers in one array of two dimensions")
    if descr in ("|O", "O"):
        refuse(name, "holds pickled objects, which are never opened; convert it with .astype(…)")
    text_type = _TEXT.fullmatch(descr)
    if not (_NUMBER.fullmatch(descr) or (text_type and int(text_type[1]) <= LABEL_LENGTH)):
        refuse(
            name,
            f"has dtype {descr!r}; taken are f4 f8 i1 i2 i4 i8 u1 u2 u4 bool, and for labels text "
            f"of up to {LABEL_LENGTH} characters",
        )
    whole = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not whole or len(shape) > _MAX_DIMENSIONS or type(fortran) is not bool:
        refuse(name, f"has a shape that is not one: {str(shape)[:80]}")
    return _Header(np.dtype(descr), shape, fortran)


def _numbers(
    file: IO[bytes], header: _Header, name: str, target: np.dtype[Any]
) -> npt.NDArray[Any]:
    """The array as `target`, cast block by block."""
    count = _product(header.shape)
    order = "F" if header.fortran else "C"
    values = np.empty(count, dtype=target)
    mistakes = Mistakes()
    for start, block in _stream(file, header.dtype, count, name):
        for bad in np.flatnonzero(~trainable(block)) if block.dtype.kind == "f" else ():
            index = np.unravel_index(start + int(bad), header.shape, order=order)  # type: ignore[call-overload]
            mistakes.add(
                place(tuple(map(int, index)), (), name),
                f"column {', '.join(str(i) for i in index[1:])} {why_not(float(block[bad]))}",
            )
        values[start : start + len(block)] = block
    mistakes.check()
    return np.ascontiguousarray(values.reshape(header.shape, order=order))  # type: ignore[call-overload]


def _stream(
    file: IO[bytes], dtype: np.dtype[Any], count: int, name: str
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield (position, block) until `count` values are read."""
    step = max(1, _BLOCK // dtype.itemsize)
    for start in range(0, count, step):
        wanted = min(step, count - start) * dtype.itemsize
        content = file.read(wanted)
        if len(content) != wanted:
            refuse(name, f"ends after {start:,} of {count:,} values; {_WAY_OUT}")
        yield start, np.frombuffer(content, dtype=dtype)
    # Reaching the end is what makes zipfile compare the checksum.
    if file.read(1):
        refuse(name, f"goes on after its {count:,} values; {_WAY_OUT}")


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
