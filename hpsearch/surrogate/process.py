"""The process: covariance of rows, its marginal likelihood, and the gradient of that.

    cov(i, j) = s² M(x_i, x_j) (q + (1 - q) M(t_i, t_j)) R_ij       what a place is worth
              + (o² + g² M(t_i, t_j)) [source_i = source_j]         what epochs are worth anywhere
              + tau² [trial_i = trial_j] + sigma² [i = j]           the seed of a trial, and the rest

M is the Matérn 5/2, over places with one length scale per hyperparameter, and over log epochs with
one more. R_ij is 1 inside one source and rho_i rho_j across sources (rho_0 = 1), so a source that
disagrees fades out. Each source has a level and a trend over epochs of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from hpsearch.arrays import Bools, Floats, Ints
from hpsearch.surrogate.constants import Constants, Layout
from hpsearch.surrogate.rows import Rows

SQRT5 = 5.0**0.5
BLOCK = 16_384  # numbers that are worked on at a time: they stay in a core's cache
JITTER = 1e-8  # of s², beside the noise: what rounding takes from coinciding points


def matern(squared: Floats) -> tuple[Floats, Floats]:
    """The Matérn 5/2 correlation where r² is `squared`, and -2 times its derivative by r².

    value = (1 + a + a²/3) exp(-a),  slope = 5/3 (1 + a) exp(-a),  a = sqrt(5) r
    (Rasmussen and Williams 2006, eq. 4.17). No division by r: both hold where points coincide.
    """
    value, slope = np.empty(squared.shape), np.empty(squared.shape)
    flat = (squared.reshape(-1), value.reshape(-1), slope.reshape(-1))
    spare = np.empty(min(BLOCK, squared.size))
    for start in range(0, squared.size, BLOCK):
        r2, v, s = (part[start : start + BLOCK] for part in flat)
        decay = spare[: len(r2)]
        np.sqrt(r2, out=s)
        s *= SQRT5
        np.exp(np.negative(s, out=decay), out=decay)
        s += 1.0
        s *= decay
        np.multiply(r2, 5.0 / 3.0, out=v)
        v *= decay
        v += s
        s *= 5.0 / 3.0
    return value, slope


def squared_distances(one: Floats, other: Floats) -> Floats:
    """(n, m) squared Euclidean distances between one (n, D) and other (m, D)."""
    squared = one @ other.T
    squared *= -2.0
    squared += np.einsum("ij,ij->i", one, one)[:, None]
    squared += np.einsum("ij,ij->i", other, other)[None, :]
    distances: Floats = np.maximum(squared, 0.0, out=squared)
    return distances


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Relations of any two of n rows that do not depend on the constants.

    gaps (k, k) squared differences of the k distinct log epochs; epochs (n,) which of them a row
    has; same_source and same_trial (n, n), 0 or 1.
    """

    gaps: Floats
    epochs: Ints
    same_source: Floats
    same_trial: Floats

    @classmethod
    def of(cls, rows: Rows) -> Pairs:
        """Of all pairs of rows."""
        distinct, epochs = np.unique(rows.log_epochs, return_inverse=True)
        return cls(
            np.square(distinct[:, None] - distinct),
            epochs,
            (rows.sources[:, None] == rows.sources).astype(np.float64),
            (rows.trials[:, None] == rows.trials).astype(np.float64),
        )

    def spread(self, table: Floats) -> Floats:
        """(n, n) the entries of table (k, k) for all pairs of rows."""
        spread: Floats = table[self.epochs].take(self.epochs, axis=1)
        return spread


@dataclass(frozen=True, slots=True, eq=False)
class CovarianceTerms:
    """The terms of the covariance of n rows and of its gradient; (n, n), or a number for all.

    scaled (n, D) places in length scales; place M(x, x') with its slope (`matern`); over_time
    M(t, t') and its derivative by_span by the log span; worth q + (1 - q) M(t, t'); related R;
    latent the first line of the covariance.
    """

    scaled: Floats
    place: Floats
    place_slope: Floats
    over_time: Floats | float
    by_span: Floats | float
    worth: Floats | float
    related: Floats | float
    latent: Floats
    covariance: Floats

    @classmethod
    def of(cls, rows: Rows, pairs: Pairs, layout: Layout, groups: Ints, c: Constants) -> Self:
        """With constants c; `groups` (D,) is the hyperparameter of each column."""
        scaled = rows.places / c.lengths[groups]
        place, slope = matern(squared_distances(scaled, scaled))
        over_time: Floats | float = 1.0
        by_span: Floats | float = 0.0
        if layout.epochs:
            squared = pairs.gaps / c.span**2
            value, steep = matern(squared)
            over_time, by_span = pairs.spread(value), pairs.spread(steep * squared)
        worth = c.persistence + (1.0 - c.persistence) * over_time
        related: Floats | float = 1.0
        if layout.sources:
            across = np.outer(c.rho[rows.sources], c.rho[rows.sources])
            related = np.where(pairs.same_source > 0.0, 1.0, across)
        latent = place * (c.variance * worth * related)
        covariance = latent + pairs.same_source * (c.offset + c.trend * over_time)
        if layout.seeds:
            covariance += c.seed * pairs.same_trial
        covariance.flat[:: len(rows) + 1] += c.noise + JITTER * c.variance
        return cls(scaled, place, slope, over_time, by_span, worth, related, latent, covariance)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The rows as the likelihood needs them, with all that does not depend on theta.

    y (n,) and `cut` (n,) as `warp.Scale.units` gives them; `groups` (D,) the hyperparameter of
    each column.
    """

    rows: Rows
    y: Floats
    cut: Bools
    groups: Ints
    layout: Layout
    pairs: Pairs

    @classmethod
    def of(cls, rows: Rows, y: Floats, cut: Bools, groups: Ints, *, sources: int = 0) -> Evidence:
        """Evidence of the rows; `sources` is the number of earlier searches."""
        pairs = Pairs.of(rows)
        return cls(rows, y, cut, groups, layout_of(rows, groups, sources=sources), pairs)


def layout_of(rows: Rows, groups: Ints, *, sources: int) -> Layout:
    """The constants that these rows can tell."""
    return Layout(
        hyperparameters=int(groups.max()) + 1,
        epochs=bool(np.ptp(rows.log_epochs) > 0.0),
        seeds=len(np.unique(rows.trials)) < len(rows),
        sources=sources,
    )


def negative_log_likelihood(evidence: Evidence, theta: Floats) -> tuple[float, Floats]:
    """-log p(scores | theta) up to a constant, and its gradient (theta.size,).

    1/2 zᵀ K⁻¹ z + 1/2 log |K| - sum log dz/dy, with dL/dtheta = 1/2 tr((K⁻¹ - alpha alphaᵀ) dK)
    (Rasmussen and Williams 2006, eq. 5.8 and 5.9; warped targets: Snelson, Rasmussen and
    Ghahramani 2004). Cut scores have no density of their own and count in the first term alone.
    """
    layout, rows = evidence.layout, evidence.rows
    c = layout.constants(theta)
    ratio = evidence.y / c.delta
    logs = np.log1p(-ratio)
    z = -c.delta * logs
    terms = CovarianceTerms.of(rows, evidence.pairs, layout, evidence.groups, c)
    chol, failed = dpotrf(terms.covariance, lower=1)
    if failed:  # far outside the priors: the line search turns back
        return np.inf, np.zeros(layout.size)
    half_logdet = float(np.log(np.diagonal(chol)).sum())
    lower = dpotri(chol, lower=1, overwrite_c=1)[0]  # nothing but zeros above the diagonal
    inverse = lower + lower.T
    inverse.flat[:: len(rows) + 1] *= 0.5
    alpha = inverse @ z
    value = 0.5 * float(z @ alpha) + half_logdet + float(logs[~evidence.cut].sum())

    pull = inverse - np.outer(alpha, alpha)
    share = ratio / (1.0 - ratio)
    by_delta = float(alpha @ (z - c.delta * share)) + float(share[~evidence.cut].sum())
    gradient = [
        0.5 * _dot(pull, terms.latent),
        0.5 * c.noise * float(np.trace(pull)),
        by_delta,
        0.5 * c.offset * _dot(pull, evidence.pairs.same_source),
        *_by_lengths(pull, terms, evidence.groups, c),
    ]
    if layout.epochs:
        gradient += _by_epochs(pull, terms, evidence.pairs, c)
    if layout.seeds:
        gradient.append(0.5 * c.seed * _dot(pull, evidence.pairs.same_trial))
    if layout.sources:
        gradient += _by_sources(pull, terms, evidence, c)
    return value, np.array(gradient)


def _by_lengths(pull: Floats, terms: CovarianceTerms, groups: Ints, c: Constants) -> list[float]:
    """By the log lengths: the sum over pairs of pull * slope * (u_i - u_j)² / 2, u in lengths."""
    weights = pull * terms.place_slope
    weights *= c.variance * terms.worth * terms.related
    moved = np.einsum("i,id,id->d", weights.sum(axis=1), terms.scaled, terms.scaled)
    moved -= np.einsum("id,id->d", terms.scaled, weights @ terms.scaled)
    gradient: list[float] = np.bincount(groups, moved).tolist()
    return gradient


def _by_epochs(pull: Floats, terms: CovarianceTerms, pairs: Pairs, c: Constants) -> list[float]:
    """By the logit of q, the log span and log g²."""
    inner = pull * terms.place
    inner *= c.variance * terms.related
    anywhere = pull * pairs.same_source
    return [
        0.5 * c.persistence * (1.0 - c.persistence) * _dot(inner, 1.0 - terms.over_time),
        0.5
        * (
            (1.0 - c.persistence) * _dot(inner, terms.by_span)
            + c.trend * _dot(anywhere, terms.by_span)
        ),
        0.5 * c.trend * _dot(anywhere, terms.over_time),
    ]


def _by_sources(
    pull: Floats, terms: CovarianceTerms, evidence: Evidence, c: Constants
) -> list[float]:
    """By the logits of rho_1, rho_2, ..."""
    across = pull * terms.latent * (1.0 - evidence.pairs.same_source)
    pulls = np.bincount(evidence.rows.sources, across.sum(axis=1), minlength=len(c.rho))
    gradient: list[float] = (pulls[1:] * (1.0 - c.rho[1:])).tolist()
    return gradient


def _dot(one: Floats, other: Floats | float) -> float:
    return float(np.vdot(one, other)) if isinstance(other, np.ndarray) else other * float(one.sum())
