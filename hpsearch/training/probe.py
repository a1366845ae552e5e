"""A probe of this process's arithmetic: small results whose last bits kernels and libraries decide.

Names do not tell all: a BLAS behind libblas.so.3 may be any, Accelerate has no version that a
program can ask for, and one build picks its kernels by the processor.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.linalg import lapack

from hpsearch.errors import Misconfigured
from hpsearch.nn.arrays import Array

_LINE = 64  # bytes; kernels treat what begins elsewhere in a line apart
_PLACES = range(0, _LINE, 16)  # where memory allocators put arrays
# (m, n, k) of matrix products: beside and beyond the small kernels, and with odd rests.
_PRODUCTS = ((3, 5, 7), (33, 17, 50), (120, 110, 130))


def probe() -> str:
    """16 hexadecimal digits: equal where the same operations give the same bits.

    Raises
    ------
    Misconfigured
        The linear algebra adds in another order at another place in memory: no result could be had again.
    """
    digest = hashlib.sha256()
    with np.errstate(all="ignore"):
        for result in _results():
            digest.update(np.ascontiguousarray(result).tobytes())
    return digest.hexdigest()[:16]


def _results() -> Iterator[NDArray[np.generic]]:
    for dtype in (np.float32, np.float64):
        yield from _algebra(np.dtype(dtype))
        x = _numbers(257, np.dtype(dtype)) * np.array(3, dtype)
        positive = np.abs(x) + np.array(0.1, dtype)
        yield from (np.exp(x), np.tanh(x), np.log(positive), np.sqrt(positive))
        yield from (np.power(positive, 7), np.power(positive, x), np.add.reduce(x))
        yield (
            np.array(np.finfo(dtype).tiny, dtype) * positive
        )  # 0 where a library switched gradual underflow off
    y = _numbers(64, np.dtype(np.float64))
    yield from (special.log_ndtr(4 * y), special.erfcx(y), special.ndtri(0.5 + 0.4 * y))
    square = _matrix(40, 40, y.dtype)
    spd = square @ square.T + np.eye(40)
    yield from (lapack.dpotrf(spd)[0], np.linalg.eigh(spd)[0], np.linalg.solve(spd, y[:40]))
    yield np.array([f(abs(v)) for f in (math.exp, math.cos, math.log1p) for v in y.tolist()])
    yield np.array([(0.5 + abs(v)) ** 3.7 for v in y.tolist()])


def _algebra(dtype: np.dtype[np.floating[Any]]) -> Iterator[Array]:
    """Products of matrices in the engine's orders of memory, of matrix and vector, of vectors."""
    for m, n, k in _PRODUCTS:
        a, b = _matrix(m, k, dtype), _matrix(k, n, dtype)
        yield from (a @ b, a @ b.T.copy().T, a.T.copy().T @ b, a @ b[:, 0], b.T @ a[0])
    row, column = _matrix(2, 999, dtype)
    pairs = [*((place, 0) for place in _PLACES), *((0, place) for place in _PLACES)]
    results = [_at(left, row) @ _at(right, column) for left, right in pairs]
    if len({result.tobytes() for result in results}) > 1:
        raise Misconfigured(
            "the linear algebra gives other bits at other places in memory, so no result could be "
            "had again; where it is MKL, set MKL_CBWR=AUTO"
        )
    yield results[0]


def _at(place: int, values: Array) -> Array:
    """A copy that begins so many bytes behind the start of a cache line."""
    buffer = np.empty(values.nbytes + 2 * _LINE, np.uint8)
    start = -buffer.ctypes.data % _LINE + place
    copy = buffer[start : start + values.nbytes].view(values.dtype)
    copy[:] = values
    return copy


def _numbers(count: int, dtype: np.dtype[np.floating[Any]]) -> Array:
    """Numbers in (-1, 1) without a pattern; their bits are the same everywhere."""
    return ((np.arange(1, count + 1) * 7919 % 10007 - 5003) / 5009).astype(dtype)


def _matrix(rows: int, columns: int, dtype: np.dtype[np.floating[Any]]) -> Array:
    return _numbers(rows * columns, dtype).reshape(rows, columns)
