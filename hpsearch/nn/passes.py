"""Elementwise passes, bound to their arrays: NumPy's, or one compiled loop where that is asked for.

A layer or an optimizer writes its passes once, as a chain of NumPy calls (`chains`), and binds it
to buffers. What it gets is a call without arguments. With HPSEARCH_ENGINE=compiled, which needs
`hpsearch[fast]`, the chain is compiled to one loop over its arrays; the bits are those of the passes.
Binding a compiled chain takes longer than its passes do: it is worth it for a long training.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import Misconfigured
from hpsearch.nn.chains import Chain, NotAChain, record
from hpsearch.nn.walks import walk

Bound: TypeAlias = Callable[[], object]

VARIABLE = "HPSEARCH_ENGINE"
CHOICES = ("numpy", "compiled")
OLDEST = (0, 45)  # llvmlite, as the extra in pyproject.toml has it

_once: ContextVar[bool] = ContextVar("_once", default=False)


@contextmanager
def bound_for_once() -> Iterator[None]:
    """Leave what is bound inside to NumPy: it runs once or twice, and binding would cost more."""
    token = _once.set(True)
    try:
        yield
    finally:
        _once.reset(token)


def bind(
    chain: Chain, arrays: Sequence[NDArray[Any]], scratch: Sequence[NDArray[Any]] = ()
) -> Bound:
    """Bind a chain to its arguments: `arrays`, and behind them `scratch`.

    Nobody may read what scratch holds after a call, nor expect it to be kept. A function that does
    something else than elementwise passes, or one of other types than float32, stays as it is.

    Raises
    ------
    Misconfigured
        HPSEARCH_ENGINE has no such value, or it is "compiled" and that does not work here.
    """
    arguments = (*arrays, *scratch)
    if not _once.get() and uses_compiled() and all(array.size for array in arguments):
        try:
            return _compile(chain, arrays, scratch)
        except NotAChain:
            pass  # NumPy computes it
    return partial(chain, *arguments)


def _compile(
    chain: Chain, arrays: Sequence[NDArray[Any]], scratch: Sequence[NDArray[Any]]
) -> Bound:
    from hpsearch.nn import compiled  # an extra, which others have not

    here = walk((*arrays, *scratch))
    spare = frozenset(here.places[len(arrays) :])
    program = record(chain, here.operands, here.places, spare)
    here.check(program.written)
    return compiled.bind(program, here)


def uses_compiled() -> bool:
    """Tell if passes are compiled in this process. Raises: Misconfigured, as `bind`."""
    return _chosen(os.environ.get(VARIABLE) or "numpy")


@cache
def _chosen(name: str) -> bool:
    if name not in CHOICES:
        raise Misconfigured(f"{VARIABLE} is {name}; it must be one of {', '.join(CHOICES)}")
    if name == "compiled":
        _try_out()
    return name == "compiled"


def _try_out() -> None:
    """Compile a small chain and run it, so that no training is the first. Raises: Misconfigured."""
    needs = f"{VARIABLE} is compiled; that needs: pip install 'hpsearch[fast]'"
    try:
        found = version("llvmlite")
    except PackageNotFoundError as error:
        raise Misconfigured(needs) from error
    if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise Misconfigured(f"{needs}. llvmlite is {found}, and {oldest} is the oldest that works")
    ones = np.ones((2, 3), np.float32)
    try:
        _compile(_double, (ones,), ())()
    except Misconfigured:
        raise
    except Exception as error:  # of a library that does not load, or of its compiler
        raise Misconfigured(
            f"{VARIABLE} is compiled, and llvmlite {found} does not work on this machine: {error}"
        ) from error


def _double(x: NDArray[np.float32]) -> None:
    np.add(x, x, x)
