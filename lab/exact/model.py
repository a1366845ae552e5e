"""The posterior of the latent function, given a kernel and the scores (exact inference).

mean(x) = k(x, X) alpha        var(x) = k(x, x) - k(x, X) K⁻¹ k(X, x)
(Rasmussen and Williams 2006, eq. 2.25 and 2.26, algorithm 2.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from hpsearch.arrays import Floats
from lab.exact.kernel import Kernel, covariance
from lab.exact.targets import Targets

JITTER = 1e-10  # of s², beside the noise: what rounding takes from coinciding points


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A Gaussian process conditioned on its observations; predictions are in units of the score.

    x (n, d), targets, kernel; chol (n, n) lower triangle of K, alpha (n,).
    """

    x: Floats
    targets: Targets
    kernel: Kernel
    chol: Floats
    alpha: Floats

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Posterior mean (m,) and sd (m,) of the latent function at x (m, d), noise left out."""
        cross = covariance(self.kernel, x, self.x)
        solved = solve_triangular(self.chol, cross.T, lower=True, check_finite=False)
        variance = self.kernel.variance - np.square(solved).sum(axis=0)
        # Rounding may leave a tiny negative number at an observation.
        sd = self.targets.scale * np.sqrt(np.maximum(variance, 0.0))
        return self.targets.shift + self.targets.scale * (cross @ self.alpha), sd

    @property
    def noise_sd(self) -> float:
        """The sd of one observation about the latent function, in units of the score."""
        return self.targets.scale * math.sqrt(self.kernel.noise)

    def best(self) -> tuple[int, float]:
        """The observation with the highest posterior mean, and that mean: no prize for luck."""
        mean, _ = self.predict(self.x)
        index = int(np.argmax(mean))
        return index, float(mean[index])


def condition(kernel: Kernel, x: Floats, targets: Targets) -> Model:
    """The process with this kernel, conditioned on targets at x (n, d)."""
    chol = factor(covariance(kernel, x, x), kernel)
    alpha = cho_solve((chol, True), targets.values, check_finite=False)
    return Model(x, targets, kernel, chol, alpha)


def factor(latent: Floats, kernel: Kernel) -> Floats:
    """The lower Cholesky factor of latent (n, n) + sigma² I."""
    diagonal = kernel.noise + JITTER * kernel.variance
    lower: Floats = cholesky(
        latent + diagonal * np.eye(len(latent)), lower=True, check_finite=False
    )
    return lower
