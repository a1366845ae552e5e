"""The bits of a trial do not depend on its stack: in processes with other BLAS and SIMD kernels.

docs/engine.md says which kernels and libraries 20,000 stacks of `random_stacks.py` were tried with.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy._core import _multiarray_umath as umath

from hpsearch import nn

from .random_stacks import bits, differing

HERE = Path(__file__).parent
SCRIPTS = {"independence.py": (), "random_stacks.py": ("--stacks", "60", "--first", "1000")}
NEEDS = {"Haswell": "AVX2", "SkylakeX": "AVX512_SKX", "Nehalem": "SSE42"}


def has(feature: str) -> bool:
    features = umath.__cpu_features__
    # Newer NumPy counts AVX-512 in levels of x86-64.
    names = {feature, {"AVX2": "X86_V3", "AVX512_SKX": "X86_V4", "SSE42": "X86_V2"}[feature]}
    return any(features.get(name, False) for name in names)


def check(**environment: str) -> str:
    root, said = Path(__file__).parents[2], ""
    for script, options in SCRIPTS.items():
        done = subprocess.run(
            [sys.executable, "-W", "error", str(HERE / script), *options],
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(root)} | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        said += done.stdout
    return said


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


@pytest.mark.parametrize("first", range(0, 100, 50))
def test_random_stacks_on_hostile_data(first: int) -> None:
    assert [n for n in range(first, first + 50) if differing(n)[0]] == []


def huge(stack: list[nn.Member], optimizer: str = "sgd") -> list[tuple[object, ...]]:
    """An example so large that the square of the gradient overflows."""
    x, y = np.array([[1e20]], np.float32), np.array([0])
    raw = np.zeros(1, np.float32), np.ones(1, np.float32)
    shape = nn.Shape(1, (), 2, optimizer=optimizer, batch_size=1)
    part = nn.Examples(x, y, np.zeros(1, np.intp), *raw)
    outcomes = nn.train(
        shape,
        stack,
        part,
        None,
        epochs=1,
        keep_weights="last",
        order=lambda _: np.zeros(1, np.intp),
    )
    return [bits(outcome) for outcome in outcomes]


FREE = nn.Member(0.1, initializer="zeros")
CLIPPED = nn.Member(0.1, initializer="zeros", clip_norm=1.0)


@pytest.mark.parametrize("optimizer", nn.OPTIMIZERS)
def test_a_gradient_beyond_its_square_beside_one_that_is_clipped(optimizer: str) -> None:
    (alone,), (beside, clipped) = huge([FREE], optimizer), huge([FREE, CLIPPED], optimizer)
    assert beside == alone
    assert clipped == huge([CLIPPED], optimizer)[0]


def test_sgd_survives_such_a_gradient() -> None:
    assert huge([FREE, CLIPPED])[0][0] == "completed"


def test_a_limit_beyond_float32_limits_nothing() -> None:
    assert huge([nn.Member(0.1, initializer="zeros", clip_norm=1e300)]) == huge([FREE])
