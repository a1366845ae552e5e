"""Elementwise passes, bound to their arrays: NumPy's, or one compiled loop where that is installed.

A layer or an optimizer writes its passes once, as a chain of NumPy calls (`chains`), and binds it
to buffers. What it gets is a call without arguments. With `hpsearch[fast]` the chain is compiled to one
loop over its arrays; the bits are those of the passes. HPSEARCH_ENGINE says which: auto (compiled
where it is installed), numpy, or compiled.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, TypeAlias

from numpy.typing import NDArray

from hpsearch.errors import Misconfigured
from hpsearch.nn.chains import Chain, NotAChain, record
from hpsearch.nn.walks import walk

Bound: TypeAlias = Callable[[], object]

VARIABLE = "HPSEARCH_ENGINE"
CHOICES = ("auto", "numpy", "compiled")


def bind(
    chain: Chain, arrays: Sequence[NDArray[Any]], scratch: Sequence[NDArray[Any]] = ()
) -> Bound:
    """Bind a chain to its arguments: `arrays`, and behind them `scratch`.

    Nobody may read what scratch holds after a call, nor expect it to be kept. A function that does
    something else than elementwise passes, or one of other types than float32, stays as it is.

    Raises
    ------
    Misconfigured
        HPSEARCH_ENGINE has no such value, or it is "compiled" and the extra is not installed.
    """
    arguments = (*arrays, *scratch)
    if compiled() and all(array.size for array in arguments):
        try:
            return _compile(chain, arrays, scratch)
        except NotAChain:
            pass  # NumPy computes it
    return partial(chain, *arguments)


def _compile(
    chain: Chain, arrays: Sequence[NDArray[Any]], scratch: Sequence[NDArray[Any]]
) -> Bound:
    from hpsearch.nn import compiled as backend  # an extra, which others have not

    here = walk((*arrays, *scratch))
    spare = frozenset(here.places[len(arrays) :])
    program = record(chain, here.operands, here.places, spare)
    here.check(program.written)
    return backend.bind(program, here)


def compiled() -> bool:
    """Tell if passes are compiled in this process. Raises: Misconfigured, as `bind`."""
    return _chosen(os.environ.get(VARIABLE) or "auto")


@cache
def _chosen(name: str) -> bool:
    if name not in CHOICES:
        raise Misconfigured(f"{VARIABLE} is {name}; it must be one of {', '.join(CHOICES)}")
    installed = importlib.util.find_spec("llvmlite") is not None
    if name == "compiled" and not installed:
        raise Misconfigured(f"{VARIABLE} is compiled; that needs: pip install 'hpsearch[fast]'")
    return installed and name != "numpy"
