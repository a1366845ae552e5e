"""Weights of examples: how many equal ones they come to.

n   examples
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def effective(weights: NDArray[np.float64]) -> float:
    """The number of equal weights that a mean is as certain with: (sum w)² / sum w² (Kish 1965).

    Of weights (n,), one at least above 0.
    """
    scaled = weights / weights.max()  # so that no square overflows
    return float(scaled.sum() ** 2 / np.square(scaled).sum())
