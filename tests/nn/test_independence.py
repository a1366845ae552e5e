"""The bits of a trial do not depend on its stack: in processes with other BLAS and SIMD kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core import _multiarray_umath as umath

SCRIPT = Path(__file__).with_name("independence.py")
NEEDS = {"Haswell": "AVX2", "SkylakeX": "AVX512_SKX", "Nehalem": "SSE42"}


def has(feature: str) -> bool:
    features = umath.__cpu_features__
    # Newer NumPy counts AVX-512 in levels of x86-64.
    names = {feature, {"AVX2": "X86_V3", "AVX512_SKX": "X86_V4", "SSE42": "X86_V2"}[feature]}
    return any(features.get(name, False) for name in names)


def check(**environment: str) -> str:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT)],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(root)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("core", NEEDS)
def test_every_blas_kernel(core: str) -> None:
    if not has(NEEDS[core]):
        pytest.skip(f"this processor cannot run the {core} kernels")
    said = check(OPENBLAS_CORETYPE=core)
    if "blas []" not in said and core in ("Haswell", "SkylakeX"):
        assert core in said


def test_without_wide_vectors() -> None:
    wide = [
        name
        for name in umath.__cpu_dispatch__
        if name.startswith(("X86_V4", "AVX512")) and umath.__cpu_features__.get(name, False)
    ]
    if not wide:
        pytest.skip("this processor has no wider vectors to switch off")
    check(NPY_DISABLE_CPU_FEATURES=" ".join(wide))
