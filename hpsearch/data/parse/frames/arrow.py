"""Loads pyarrow when a table is read, bound to the system's allocator and a thread of its own.

pyarrow takes about 0.3 s, 45 MB of memory and 190 MB of address space; nobody pays that who reads
no table. Its own allocators reserve address space by the gigabyte, and every thread does so by an
arena: neither fits under the parser's limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any


@cache
def arrow(module: str = "") -> Any:
    """Return pyarrow, or a module of it: "csv", "compute", "parquet"."""
    pyarrow = import_module("pyarrow")
    if module:
        arrow()
        return import_module(f"pyarrow.{module}")
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    return pyarrow


def strings(cells: Iterable[str | None]) -> Any:
    """Return cells as a pyarrow `string` array."""
    pyarrow = arrow()
    return pyarrow.array(cells, pyarrow.string())


def joined(blocks: list[Any]) -> Any:
    """Return the blocks of a column as one array, and empty the list: the memory is needed once."""
    whole = arrow().concat_arrays(blocks)
    blocks.clear()
    return whole
