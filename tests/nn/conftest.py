"""Small data sets for the engine's tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from hpsearch import nn

Parts = tuple[nn.Examples, nn.Examples]


def make_blobs(
    *, features: int = 6, classes: int = 3, train: int = 50, validation: int = 30, seed: int = 0
) -> Parts:
    """One cloud of points per class; the last feature is constant."""
    draws = np.random.default_rng(seed)
    count = train + validation
    y = np.arange(count) % classes
    centres = draws.normal(0, 2, (classes, features))
    x = (centres[y] + draws.normal(0, 1, (count, features))).astype(np.float32)
    x[:, -1] = 5
    deviation = x[:train].std(0)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    shift = x[:train].mean(0)
    rows = draws.permutation(count).astype(np.intp)
    return (
        nn.Examples(x, y, rows[:train], shift, scale),
        nn.Examples(x, y, rows[train:], shift, scale),
    )


@pytest.fixture
def blobs() -> Callable[..., Parts]:
    return make_blobs


@pytest.fixture
def order() -> Callable[[int], np.ndarray]:
    """The order of 50 training examples in each epoch."""
    return lambda epoch: np.random.default_rng([9, epoch]).permutation(50)


@pytest.fixture
def torch() -> ModuleType:
    """PyTorch on one thread: the independent reference. CI must have it, a laptop may not."""
    try:
        import torch as module
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail("torch is missing, and CI proves the engine against it: torch==2.13.0, CPU")
        pytest.skip(
            "torch is not installed: pip install torch==2.13.0 proves the engine against it"
        )
    module.set_num_threads(1)
    return module
