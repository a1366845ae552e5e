"""The kernel by type-II maximum likelihood with weak priors (ML-II, MAP).

L(theta) = 1/2 yᵀ K⁻¹ y + 1/2 log |K| + n/2 log 2 pi - log p(theta)
dL/dtheta_j = -1/2 tr((alpha alphaᵀ - K⁻¹) dK/dtheta_j) - d log p / d theta_j
(Rasmussen and Williams 2006, eq. 5.8 and 5.9), minimised by L-BFGS-B from a few fixed starts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve
from scipy.optimize import minimize

from hpsearch.arrays import Floats
from hpsearch.errors import InvalidRequest
from lab.exact.kernel import Kernel, by_log_lengths, matern, squared_terms
from lab.exact.model import Model, condition, factor
from lab.exact.targets import standardised

# theta stays where doubles and the data can tell the values apart: logs of variance, noise, length
BOUNDS = ((-6.0, 6.0), (math.log(1e-6), 3.0), (math.log(0.02), math.log(50.0)))
# Where the search for theta starts, as factors on the prior's medians: (noise, lengths)
STARTS = ((1.0, 1.0), (0.1, 0.3), (10.0, 3.0))


@dataclass(frozen=True, slots=True)
class Prior:
    """Independent log-normal priors: (median, sd of the logarithm) each, for standardised scores.

    Weak: their 95 % intervals span a factor of 7 and more to either side. They keep a length scale
    from running off where the data say nothing, and the noise from vanishing with few points.
    """

    variance: tuple[float, float] = (1.0, 1.0)
    noise: tuple[float, float] = (0.02, 1.5)
    length: tuple[float, float] = (0.5, 1.0)

    def moments(self, dimensions: int) -> tuple[Floats, Floats]:
        """Means and sds of theta (2 + d,)."""
        rows = [self.variance, self.noise, *[self.length] * dimensions]
        median, sd = np.array(rows).T
        return np.log(median), sd


def fit(x: Floats, scores: Floats, *, prior: Prior | None = None) -> Model:
    """Fit a process to scores (n,) at x (n, d) in the unit cube; one observation is enough.

    Scores that are not finite are diverged trials: see `targets.standardised`.

    Raises: InvalidRequest if x and scores do not fit each other, or no score is finite.
    """
    if x.ndim != 2 or not len(x) or scores.shape != (len(x),) or not np.isfinite(x).all():
        raise InvalidRequest(f"x {x.shape} must be finite, (n, d), and scores {scores.shape} (n,)")
    targets = standardised(scores)
    prior = prior or Prior()
    bounds = [BOUNDS[0], BOUNDS[1], *[BOUNDS[2]] * x.shape[1]]
    results = [
        minimize(
            negative_log_posterior, start, (x, targets.values, prior),
            method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": 100},
        )
        for start in _starts(prior, x.shape[1])
    ]  # fmt: skip
    best = min(results, key=lambda one: float(one.fun))
    return condition(Kernel.from_theta(best.x), x, targets)


def negative_log_posterior(
    theta: Floats, x: Floats, y: Floats, prior: Prior
) -> tuple[float, Floats]:
    """L(theta) and its gradient (2 + d,), for standardised targets y (n,) at x (n, d)."""
    kernel = Kernel.from_theta(theta)
    terms = squared_terms(x, x, kernel.lengths)
    latent = matern(kernel.variance, terms.sum(axis=0))
    chol = factor(latent, kernel)
    alpha = cho_solve((chol, True), y, check_finite=False)
    inverse = cho_solve((chol, True), np.eye(len(y)), check_finite=False)
    outer = np.outer(alpha, alpha) - inverse
    slopes = by_log_lengths(kernel.variance, terms)
    traces = np.array(
        [
            # JITTER grows with s² too, but its share is below rounding
            np.sum(outer * latent),
            kernel.noise * np.trace(outer),
            *np.einsum("ij,kij->k", outer, slopes),
        ]
    )
    mean, sd = prior.moments(x.shape[1])
    away = (theta - mean) / sd
    value = 0.5 * float(y @ alpha) + float(np.log(np.diag(chol)).sum())
    value += 0.5 * len(y) * math.log(2.0 * math.pi)
    value += float(np.sum(0.5 * np.square(away) + np.log(sd) + 0.5 * math.log(2.0 * math.pi)))
    return value, -0.5 * traces + away / sd


def _starts(prior: Prior, dimensions: int) -> Iterator[Floats]:
    """The prior's medians, and two corners: rough with little noise, smooth with much."""
    mean, _ = prior.moments(dimensions)
    for noise, lengths in STARTS:
        yield mean + np.log([1.0, noise, *[lengths] * dimensions])
