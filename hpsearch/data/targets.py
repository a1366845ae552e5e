"""The scale of a regression's target, fitted on training rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch import errors

IntArray = npt.NDArray[np.intp]


def fit_target(
    y: npt.NDArray[Any], rows: IntArray, weights: npt.NDArray[np.float64] | None = None
) -> tuple[float, float]:
    """Fit mean and standard deviation of the targets `y` (n,) on `rows` (m,) alone, in float64.

    The deviation is of the whole part (divided by its number of rows); of equal targets it is 1.
    With weights (m,) above 0 a row counts by its weight.

    Raises
    ------
    errors.InvalidDataset
        No rows to fit on.
    """
    if not len(rows):
        raise errors.InvalidDataset("the training part has no rows to fit the target's scale on")
    known = np.asarray(y[rows], np.float64)
    if weights is None:
        mean = float(known.mean())
        spread = float(np.sqrt(np.square(known - mean).mean()))
    else:
        mean = float(np.average(known, weights=weights))
        spread = float(np.sqrt(np.average(np.square(known - mean), weights=weights)))
    # Compared exactly: the mean of equal numbers can be off by one rounding.
    return mean, 1.0 if known.min() == known.max() or not spread > 0 else spread
