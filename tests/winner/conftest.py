"""Libraries that the winner leaves to."""

from __future__ import annotations

from types import ModuleType

import pytest
from support.absent import absent


@pytest.fixture
def torch() -> ModuleType:
    """PyTorch on one thread."""
    try:
        import torch as module
    except ImportError:
        absent("torch, which runs what is exported for it (make torch),")
    module.set_num_threads(1)
    return module
