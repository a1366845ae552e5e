"""The probe of the numeric fingerprint: equal where bits are equal, and only there."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy._core import _multiarray_umath as umath

from hpsearch.errors import Misconfigured
from hpsearch.settings import load
from hpsearch.training import probe

SAID = "from hpsearch.training.probe import probe; print(probe())"


def elsewhere(**environment: str) -> str:
    """The probe of another process."""
    child = {**os.environ, **load().child_environment(), **environment}
    return subprocess.run(
        [sys.executable, "-c", SAID], env=child, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_it_is_the_same_at_every_time_and_in_every_process():
    here = probe.probe()
    assert probe.probe() == here
    assert len(here) == 16
    assert elsewhere() == here


@pytest.mark.skipif(not umath.__cpu_features__.get("AVX2", False), reason="needs an x86 with AVX2")
def test_kernels_of_other_processors_are_told_apart():
    cores = {core: elsewhere(OPENBLAS_CORETYPE=core) for core in ("Haswell", "Nehalem", "Prescott")}
    assert len(set(cores.values())) == 3


@pytest.mark.parametrize("name", ["exp", "tanh", "log", "power", "sqrt"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_last_bit_of_a_function_is_noticed(monkeypatch, name, dtype):
    before, real = probe.probe(), getattr(np, name)

    def off(*x):
        y = real(*x)
        if y.dtype == dtype and y.size > 1:
            y[y.size // 2] = np.nextafter(y[y.size // 2], dtype(9))
        return y

    monkeypatch.setattr(np, name, off)
    assert probe.probe() != before


def test_gradual_underflow_that_a_library_switched_off_is_noticed(monkeypatch):
    before, results = probe.probe(), probe._results

    def flushed():
        for result in results():
            tiny = np.abs(result) < np.finfo(result.dtype).tiny
            yield np.where(tiny, np.zeros_like(result), result)

    monkeypatch.setattr(probe, "_results", flushed)
    assert probe.probe() != before


def test_linear_algebra_whose_order_depends_on_the_place_is_refused(monkeypatch):
    class Placed(np.ndarray):
        """Adds what lies on a line of the cache from the other end."""

        def __matmul__(self, other):
            order = slice(None, None, -1) if self.ctypes.data % 64 else slice(None)
            return np.cumsum(np.asarray(self)[order] * np.asarray(other)[order])[-1]

    real = probe._at
    monkeypatch.setattr(probe, "_at", lambda place, values: real(place, values).view(Placed))
    with pytest.raises(Misconfigured, match=r"other places in memory.*MKL_CBWR=AUTO"):
        probe.probe()
