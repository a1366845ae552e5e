"""The numeric fingerprint: libraries and processor loops, which decide the last bits of a result.

Two workers with the same fingerprint give the same bits: names and versions say what differs, the
probe notices what has no name. Where a search ran under several, its digest is withheld and the
result says so.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import scipy
from threadpoolctl import threadpool_info

from hpsearch.environment import ONE_THREAD
from hpsearch.errors import Misconfigured
from hpsearch.nn.passes import uses_compiled
from hpsearch.training.probe import probe


@cache
def fingerprint() -> Mapping[str, str]:
    """The numeric fingerprint of this process.

    Raises
    ------
    Misconfigured
        The linear algebra runs more than one thread, which changes the order of additions, or its
        results depend on where data lie in memory; or HPSEARCH_ENGINE asks for what does not work here.
    """
    uses_compiled()  # it has no field: compiled passes have NumPy's bits
    return {
        "machine": platform.machine(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas": _blas(),
        "simd": simd(),
        "probe": probe(),
    }


def fitted_with(spec: Mapping[str, Any], dataset: Mapping[str, Any]) -> Mapping[str, str]:
    """Name the library that fits the inputs of a search, by its stored spec and dataset.

    Nothing where it fits none, as on images and plain tables: their fingerprint stays as it was.
    """
    if not dataset:
        return {}
    scaled = "scaling" in spec.get("space", {}) or "scaling" in spec.get("model", {})
    return {"scikit-learn": version("scikit-learn")} if dataset.get("columns") or scaled else {}


def _blas() -> str:
    """The linear algebra that is loaded, on one thread; as NumPy was built, where it has no name."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    if not pools:  # Accelerate, and most of what stands behind libblas.so.3, cannot be asked
        return _unseen()
    threads = {pool["num_threads"] for pool in pools}
    if threads - {1}:
        raise Misconfigured(
            f"the linear algebra runs {max(threads)} threads in a worker; "
            f"set {', '.join(ONE_THREAD)} to 1"
        )
    cores = sorted(
        f"{pool['internal_api']} {pool.get('version')} {pool.get('architecture')}" for pool in pools
    )
    return "; ".join(dict.fromkeys(cores))


def _unseen() -> str:
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    name = f"{built['name']} {built['version']}"
    unbounded = [variable for variable in ONE_THREAD if os.environ.get(variable) != "1"]
    if unbounded:
        raise Misconfigured(
            f"the linear algebra ({name}) does not tell how many threads it runs; "
            f"set {', '.join(unbounded)} to 1 before NumPy loads"
        )
    return name


def simd() -> str:
    """The instruction sets that NumPy's loops were built for and this process uses."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return " ".join([*extensions.get("baseline", ()), *extensions.get("found", ())])
