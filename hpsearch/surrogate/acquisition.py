"""The acquisition function: the logarithm of the expected improvement over the best so far."""

from __future__ import annotations

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from hpsearch.arrays import Floats

_HALF_LOG_2PI = 0.5 * np.log(2.0 * np.pi)
_FAR = -1e3  # below it 1 + u Phi(u) / phi(u) has lost its digits, and is 1 / u²


def log_expected_improvement(mean: Floats, sd: Floats, *, best: float) -> tuple[Floats, Floats]:
    """(m,) log E max(f - best, 0) for f ~ N(mean, sd²), sd > 0, and its slope by u (m,).

    log EI = log sd + log h(u),  h(u) = phi(u) + u Phi(u),  u = (mean - best) / sd, in a form that
    keeps its digits far below the best, where EI itself underflows (Ament et al. 2023, eq. 9). The
    slope is d log h / du = Phi(u) / h(u).
    """
    u = (mean - best) / sd
    above = np.maximum(u, -1.0)
    near = np.log(np.exp(-0.5 * np.square(above) - _HALF_LOG_2PI) + above * ndtr(above))
    below = np.clip(u, _FAR, -1.0)
    ratio = below * erfcx(-below / np.sqrt(2.0)) * np.sqrt(np.pi / 2.0)  # u Phi(u) / phi(u)
    rest = np.where(u > _FAR, np.log1p(ratio), -2.0 * np.log(np.maximum(-u, 1.0)))
    value = np.where(u > -1.0, near, -0.5 * np.square(u) - _HALF_LOG_2PI + rest)
    return np.log(sd) + value, np.exp(log_ndtr(u) - value)
