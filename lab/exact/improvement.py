"""The acquisition function: the expected improvement over the best so far."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from hpsearch.arrays import Floats
from lab.exact.model import Model


def expected_improvement(model: Model, x: Floats, *, best: float) -> Floats:
    """(m,) E max(f(x) - best, 0) under the posterior at x (m, d), in units of the score.

    EI = (mean - best) Phi(z) + sd phi(z),  z = (mean - best) / sd
    (Jones, Schonlau and Welch 1998, eq. 15, for a maximum). With noisy scores `best` is the highest
    posterior mean (`Model.best`), not the luckiest score. Where sd is 0, EI is max(mean - best, 0).
    """
    mean, sd = model.predict(x)
    gain = mean - best
    certain = sd <= 0.0
    z = gain / np.where(certain, 1.0, sd)
    density = np.exp(-0.5 * np.square(z)) / np.sqrt(2.0 * np.pi)
    value = np.where(certain, gain, gain * ndtr(z) + sd * density)
    # Far below the best the two terms cancel to a rounding error of either sign.
    improvement: Floats = np.maximum(value, 0.0)
    return improvement
