"""The posterior of the score at every place, after the observations of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.linalg.blas import dsymv, dtrmm
from scipy.linalg.lapack import dlauum, dtrtri

from hpsearch.arrays import Floats
from hpsearch.space import Space
from hpsearch.surrogate.constants import Constants
from hpsearch.surrogate.encoding import Encoding
from hpsearch.surrogate.learning import learned
from hpsearch.surrogate.process import (
    CovarianceTerms,
    Evidence,
    Pairs,
    layout_of,
    matern,
    squared_distances,
)
from hpsearch.surrogate.rows import Rows, rows_of
from hpsearch.surrogate.selection import representative, spread_out
from hpsearch.surrogate.warp import Scale, Warp, warped
from hpsearch.trials import Observation

ENOUGH = 4  # finite observations below which there is nothing to model
LEARNING_ROWS = 128
POSTERIOR_ROWS = 256
LEAST = 1e-10  # of s²: the least variance, since rounding may leave less


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A Gaussian process over places, conditioned on the observations of a search.

    Predictions are of the latent score (seed noise left out) of a training of `epochs` epochs.
    `mean` is the posterior median of the score, `sd` the distance from there up to the 84 %
    quantile: scores are warped (`warp`), and it is the upside that decides what to try.

    rows n; z (n,) their warped scores; chol (n, n) the lower Cholesky factor of their covariance,
    alpha (n,) K⁻¹ z; weights (n,) what epochs and source leave of each row's covariance with a
    place at `epochs`; anywhere (n,) the covariance that does not depend on the place.
    """

    encoding: Encoding
    epochs: int
    constants: Constants
    warp: Warp
    rows: Rows
    chol: Floats
    alpha: Floats
    weights: Floats
    anywhere: Floats

    @property
    def agreement(self) -> Mapping[int, float]:
        """For each earlier search warm-started from, the correlation with this one, 0 to 1."""
        return {i: float(r) for i, r in enumerate(self.constants.rho) if i}

    @cached_property
    def noise_sd(self) -> float:
        """Seed noise of one training at `epochs`, in score units, at the best place known."""
        c = self.constants
        slope = float(self.warp.slope(np.array([self.best_latent()[1]]))[0])
        return slope * math.sqrt(c.noise + c.seed)

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Posterior mean (m,) and sd (m,) of the score at places x (m, D), in score units."""
        z, s = self.latent(x)
        mean = self.warp.score(z)
        return mean, self.warp.score(z + s) - mean

    def means(self, x: Floats) -> Floats:
        """Posterior mean (m,) of the score at places x (m, D), as `predict` has it."""
        return self.warp.score(self.cross(x) @ self.alpha)

    def sample(self, x: Floats, n: int, rng: np.random.Generator) -> Floats:
        """(n, m) joint posterior draws of the score at places x (m, D)."""
        z, cov = self.latent_joint(x)
        return self.warp.score(z + rng.standard_normal((n, len(x))) @ _root(cov).T)

    def latent(self, x: Floats) -> tuple[Floats, Floats]:
        """Posterior mean (m,) and sd (m,) of z at x (m, D): the warped score, a Gaussian."""
        cross = self.cross(x)
        variance = np.maximum(self.prior_variance - self.known(cross), self._least)
        return cross @ self.alpha, np.sqrt(variance)

    def latent_joint(self, x: Floats) -> tuple[Floats, Floats]:
        """Posterior mean (m,) and covariance (m, m) of z at x (m, D)."""
        c, cross, scaled = self.constants, self.cross(x), self.scaled(x)
        white = self._whitened(cross)
        cov = c.variance * matern(squared_distances(scaled, scaled))[0] + (c.offset + c.trend)
        cov -= white.T @ white
        return cross @ self.alpha, cov

    def cross(self, x: Floats) -> Floats:
        """(m, n) covariance of z at x (m, D) with the rows."""
        value, _ = self.covariance_terms(x)
        value += self.anywhere
        return value

    def best_latent(self) -> tuple[int, float]:
        """The row whose place has the highest posterior mean, and that mean, as z.

        Of those that are not forbidden, where there are some: an edit can forbid what was tried.
        """
        return self._best

    @cached_property
    def _best(self) -> tuple[int, float]:
        means = self.cross(self.rows.places) @ self.alpha
        permitted = self.encoding.permitted(self.rows.places)
        if not permitted.all() and permitted.any():
            means = np.where(permitted, means, -np.inf)
        index = int(np.argmax(means))
        return index, float(means[index])

    def known(self, cross: Floats) -> Floats:
        """(m,) the variance that the rows take away, k(x, X) K⁻¹ k(X, x), given k(x, X) (m, n)."""
        white = self._whitened(cross)
        known: Floats = np.einsum("ij,ij->j", white, white)
        return known

    def solved(self, cross: Floats) -> Floats:
        """(m, n) k(x, X) K⁻¹ of a few places, given k(x, X) (m, n)."""
        # Of so few rows a general product would mostly copy K⁻¹ about.
        return np.stack([dsymv(1.0, self._inverse, row, lower=1) for row in cross])

    def _whitened(self, cross: Floats) -> Floats:
        """(n, m) L⁻¹ k(X, x), given k(x, X) (m, n)."""
        white: Floats = dtrmm(1.0, self._whitening, cross.T, lower=1)
        return white

    @cached_property
    def _whitening(self) -> Floats:
        """(n, n) L⁻¹."""
        inverse: Floats = dtrtri(self.chol, lower=1)[0]
        return inverse

    @cached_property
    def _inverse(self) -> Floats:
        """(n, n) the lower half of K⁻¹ = L⁻ᵀ L⁻¹; what stands above it means nothing."""
        lower: Floats = dlauum(self._whitening, lower=1)[0]
        return lower

    @cached_property
    def prior_variance(self) -> float:
        """Of z at any place, before any observation."""
        c = self.constants
        return c.variance + c.offset + c.trend

    @property
    def _least(self) -> float:
        return LEAST * self.constants.variance

    @cached_property
    def column_lengths(self) -> Floats:
        """(D,) the length scale of each column."""
        return self.constants.lengths[self.encoding.groups]

    def scaled(self, x: Floats) -> Floats:
        """Places x (m, D) in length scales."""
        scaled: Floats = x / self.column_lengths
        return scaled

    @cached_property
    def _scaled_rows(self) -> Floats:
        return self.scaled(self.rows.places)

    def covariance_terms(self, x: Floats) -> tuple[Floats, Floats]:
        """The covariance with the rows that depends on x, and -2 times its slope by r²."""
        value, steep = matern(squared_distances(self.scaled(x), self._scaled_rows))
        value *= self.weights
        steep *= self.weights
        return value, steep

    def pulled(self, x: Floats, pulls: Floats) -> Floats:
        """(m, D) sum over rows of pulls (m, n) times (row - x), each column by its l²."""
        moved = pulls @ self._scaled_rows - pulls.sum(axis=1)[:, None] * self.scaled(x)
        pulled: Floats = moved / self.column_lengths
        return pulled


def fitted(space: Space, observations: Sequence[Observation], *, epochs: int) -> Surrogate | None:
    """The surrogate of a search for trainings of `epochs` epochs.

    None with fewer than `ENOUGH` observations that ended with a finite loss.
    """
    if sum(one.finite for one in observations) < ENOUGH:
        return None
    # The last bits of a sum depend on its order: one history, told in any order, is one surrogate.
    observations = sorted(observations, key=lambda one: (one.source, one.round, one.index))
    observations = [training for one in observations for training in one.trainings]
    encoding = Encoding.of(space)
    rows = rows_of(encoding, observations, epochs=epochs)
    scale = Scale.of(rows.scores[np.isfinite(rows.scores)])
    rows = rows.take(representative(rows, POSTERIOR_ROWS))
    few = rows.take(spread_out(rows, LEARNING_ROWS))
    chance = few.chance[np.isfinite(few.chance)]
    typical = float(np.median(chance)) / scale.unit if chance.size else math.nan
    y, cut = scale.units(few.scores)
    sources = int(rows.sources.max())
    evidence = Evidence.of(few, y, cut, encoding.groups, sources=sources)
    constants = learned(evidence, typical, encoding.active_number)
    return conditioned(encoding, epochs, constants, scale, rows)


def conditioned(
    encoding: Encoding, epochs: int, constants: Constants, scale: Scale, rows: Rows
) -> Surrogate:
    """The process with these constants, conditioned on the rows."""
    c = constants
    z = warped(scale.units(rows.scores)[0], c.delta)
    layout = layout_of(rows, encoding.groups, sources=len(c.rho) - 1)
    cov = CovarianceTerms.of(rows, Pairs.of(rows), layout, encoding.groups, c).covariance
    chol = cholesky(cov, lower=True, check_finite=False)
    to_end = matern(np.square(rows.log_epochs - math.log(epochs)) / c.span**2)[0]
    return Surrogate(
        encoding, epochs, c, Warp(scale, c.delta), rows, chol,
        alpha=cho_solve((chol, True), z, check_finite=False),
        weights=c.variance * (c.persistence + (1.0 - c.persistence) * to_end) * c.rho[rows.sources],
        anywhere=(c.offset + c.trend * to_end) * (rows.sources == 0),
    )  # fmt: skip


def _root(cov: Floats) -> Floats:
    """A matrix whose product with its transpose is cov, negative rounding taken out."""
    values, vectors = np.linalg.eigh(0.5 * (cov + cov.T))
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return root
