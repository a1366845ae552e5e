"""Types of the arrays that the engine computes with."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]  # float32 in training, float64 in gradient checks
Vector: TypeAlias = NDArray[np.float64]  # one number per trial
Rows: TypeAlias = NDArray[np.intp]
Targets: TypeAlias = NDArray[Any]  # what is to be predicted: classes (n,), numbers (n,) or (n, K)
