"""The numeric fingerprint: libraries and processor loops, which decide the last bits of a result.

Two workers with the same fingerprint give the same bits. Where a search ran under several,
its digest is withheld and the result says so.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache

import numpy as np
import scipy
from threadpoolctl import threadpool_info

from hpsearch.errors import Misconfigured


@cache
def fingerprint() -> Mapping[str, str]:
    """The numeric fingerprint of this process.

    Raises
    ------
    Misconfigured
        The linear algebra runs more than one thread, which changes the order of additions.
    """
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    threads = {pool["num_threads"] for pool in blas}
    if threads - {1}:
        raise Misconfigured(
            f"the linear algebra runs {max(threads)} threads in a worker; "
            "set OPENBLAS_NUM_THREADS=1, OMP_NUM_THREADS=1 and MKL_NUM_THREADS=1"
        )
    cores = sorted(
        f"{pool['internal_api']} {pool.get('version')} {pool.get('architecture')}" for pool in blas
    )
    return {
        "machine": platform.machine(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas": "; ".join(dict.fromkeys(cores)),
        "simd": simd(),
    }


def simd() -> str:
    """The instruction sets that NumPy's loops were built for and this process uses."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return " ".join([*extensions.get("baseline", ()), *extensions.get("found", ())])
