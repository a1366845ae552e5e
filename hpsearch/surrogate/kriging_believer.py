"""The kriging believer, for proposals in batches (Ginsbourger, Le Riche and Carraro 2010).

A place that was chosen counts as observed, with its posterior mean for a score. Means stay as they
are, and the variance at the chosen place and its neighbours shrinks. K is left alone; the believed
places b have a small factor of their own,

    C(x) = k(x, b) - k(x, X) W,  W = K⁻¹ k(X, b)          their posterior covariance with x
    var(x) = k(x, x) - k(x, X) K⁻¹ k(X, x) - |T(x)|²,     T(x) = C(x) L⁻ᵀ,  L Lᵀ = C(b) + noise

Notation: n rows, q believed places, m places asked about, D columns.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dtrtrs

from hpsearch.arrays import Floats
from hpsearch.surrogate.acquisition import log_expected_improvement
from hpsearch.surrogate.posterior import Surrogate
from hpsearch.surrogate.process import matern, squared_distances

CERTAIN = 0.01  # share of the noise that a believed score keeps: a batch is to spread, not repeat
LEAST = 1e-6  # of s²: the least variance, since rounding may leave less


class KrigingBeliever:
    """The posterior of z, the warped score, by `model` and up to `most` believed places."""

    def __init__(self, model: Surrogate, most: int) -> None:
        n, c = len(model.alpha), model.constants
        self.model = model
        self.count = 0
        self.least = CERTAIN * (c.noise + c.seed) + LEAST * c.variance
        self._places = np.zeros((most, model.encoding.width))  # in length scales
        self._solved = np.zeros((n, most))  # W
        self._chol = np.zeros((most, most))  # L

    def believe(self, place: Floats) -> None:
        """Count place (D,) as observed."""
        q = self.count
        x = place[None]
        cross = self.model.cross(x)
        solved = self.model.solved(cross)
        shares = self.shares(x, cross)
        left = self.variance(_products(cross, solved), shares)
        self._chol[q, :q] = shares[0]
        self._chol[q, q] = np.sqrt(left[0] + self.least)
        self._solved[:, q] = solved[0]
        self._places[q] = self.model.scaled(x)[0]
        self.count += 1

    def latent_with_gradients(self, x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean (m,) and sd (m,) of z at x (m, D), and their gradients (m, D)."""
        model, q = self.model, self.count
        value, steep = model.covariance_terms(x)
        cross = value + model.anywhere
        solved = model.solved(cross)
        shares = self.shares(x, cross)
        sd = np.sqrt(self.variance(_products(cross, solved), shares))
        dmean = model.pulled(x, steep * model.alpha)
        if not q:
            return cross @ model.alpha, sd, dmean, model.pulled(x, steep * solved) / -sd[:, None]
        by_believed = dtrtrs(self._chol[:q, :q], shares.T, lower=1, trans=1)[0].T
        solved -= by_believed @ self._solved[:, :q].T
        dsd = model.pulled(x, steep * solved) + self._pulled(x, by_believed)
        return cross @ model.alpha, sd, dmean, dsd / -sd[:, None]

    def shares_of_latest(self, x: Floats, cross: Floats, earlier: Floats) -> Floats:
        """(m,) the last column of T at x (m, D), given k(x, X) (m, n) and the columns before it."""
        last = self.count - 1
        covariance = self._prior(x, slice(last, last + 1))[:, 0] - cross @ self._solved[:, last]
        covariance -= earlier @ self._chol[last, :last]
        shares: Floats = covariance / self._chol[last, last]
        return shares

    def shares(self, x: Floats, cross: Floats) -> Floats:
        """(m, q) T at x (m, D), given k(x, X) (m, n)."""
        q = self.count
        if not q:
            return np.zeros((len(x), 0))
        covariance = self._prior(x, slice(0, q)) - cross @ self._solved[:, :q]
        shares: Floats = dtrtrs(self._chol[:q, :q], covariance.T, lower=1)[0].T
        return shares

    def variance(self, known: Floats, shares: Floats) -> Floats:
        """(m,) the variance left, given k(x, X) K⁻¹ k(X, x) (m,) and T."""
        left = self.model.prior_variance - (known + _products(shares, shares))
        variance: Floats = np.maximum(left, self.least)
        return variance

    def _prior(self, x: Floats, which: slice) -> Floats:
        """(m, believed) covariance before any observation of x (m, D) with believed places."""
        c = self.model.constants
        value, _ = matern(squared_distances(self.model.scaled(x), self._places[which]))
        return c.variance * value + (c.offset + c.trend)

    def _pulled(self, x: Floats, weights: Floats) -> Floats:
        """(m, D) as `Surrogate.pulled`, towards the believed places."""
        places, scaled = self._places[: self.count], self.model.scaled(x)
        _, steep = matern(squared_distances(scaled, places))
        pulls = self.model.constants.variance * steep * weights
        moved = pulls @ places - pulls.sum(axis=1)[:, None] * scaled
        pulled: Floats = moved / self.model.column_lengths
        return pulled


class CandidatePool:
    """Places (p, D) to choose from, with mean and variance by `believer` as it learns."""

    def __init__(self, believer: KrigingBeliever, places: Floats) -> None:
        self.believer = believer
        self.places = np.empty((0, places.shape[1]))
        self._cross = np.empty((0, len(believer.model.alpha)))
        self.mean, self.variance = np.empty(0), np.empty(0)
        self._shares = np.empty((0, believer.count))
        self.add(places)

    def add(self, places: Floats) -> None:
        """Add places (m, D)."""
        believer, model = self.believer, self.believer.model
        cross = model.cross(places)
        shares = believer.shares(places, cross)
        variance = believer.variance(model.known(cross), shares)
        self.places = np.concatenate([self.places, places])
        self._cross = np.concatenate([self._cross, cross])
        self._shares = np.concatenate([self._shares, shares])
        self.mean = np.concatenate([self.mean, cross @ model.alpha])
        self.variance = np.concatenate([self.variance, variance])

    def log_ei(self, best: float) -> Floats:
        """(p,) log expected improvement of z over `best`."""
        value, _ = log_expected_improvement(self.mean, np.sqrt(self.variance), best=best)
        return value

    def believe(self, place: Floats) -> None:
        """Count place (D,) as observed, here and in the believer."""
        self.believer.believe(place)
        latest = self.believer.shares_of_latest(self.places, self._cross, self._shares)
        self._shares = np.column_stack([self._shares, latest])
        self.variance = np.maximum(self.variance - np.square(latest), self.believer.least)


def _products(one: Floats, other: Floats) -> Floats:
    """(m,) the scalar products of the rows of one and other (m, k)."""
    products: Floats = np.einsum("ij,ij->i", one, other)
    return products
