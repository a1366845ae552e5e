"""Importance of each hyperparameter inside a box: Sobol indices of the posterior.

Of the variance of the score over a box, uniform in each dimension's own scale,

    S_i = Var E[f | x_i] / Var f        by itself                       (first order)
    T_i = E Var[f | x_~i] / Var f       interactions included           (total)

for each of many draws of the posterior, so that every index has an interval: few observations leave
it wide. T_i comes from a radial design (Saltelli et al. 2010; estimator of Jansen 1999), the main
effects behind S_i from an additive regression on Legendre polynomials (levels: one constant each),
which needs far fewer points than the pick-freeze estimators. The draws are functions, not points:
random Fourier features for the prior, then Matheron's rule (Wilson et al. 2020), which conditions a
prior draw on the observations exactly.

Of a hyperparameter that is not active everywhere all of this is among the places at which it is; forbidden
places count nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.polynomial.legendre import legvander
from scipy.linalg import cho_solve, cholesky
from scipy.special import chdtri, ndtri
from scipy.stats import qmc

from hpsearch.arrays import Bools, Floats
from hpsearch.evidence import Importance
from hpsearch.space import Box, Range
from hpsearch.surrogate.posterior import Surrogate
from hpsearch.surrogate.process import JITTER, matern, squared_distances

POINTS = 1024  # of a design, about: a power of two for each of (hyperparameters + 2) blocks
DRAWS = 32  # of the posterior
FREQUENCIES = 256  # of a prior draw that a trial is chosen by,
FEWER = 128  # and of one that is averaged with others
DEGREE = 7  # of a main effect
RIDGE = 1e-9  # keeps polynomials apart that a few whole numbers cannot tell
SEED = 4711
LEAST = 1e-12  # variance, in units of the noise's, below which a function is flat
LEVELS = (0.05, 0.95)


def importance(model: Surrogate, box: Box) -> Sequence[Importance]:
    """The importance of every hyperparameter inside `box`, in the order of `space.names`."""
    names = model.encoding.space.names
    d = len(names)
    rng = np.random.default_rng(SEED)
    base = qmc.Sobol(2 * d, scramble=True, rng=rng).random_base2(_log2_block(d))
    designs = [base[:, :d], base[:, d:]]
    for i in range(d):
        mixed = base[:, :d].copy()
        mixed[:, i] = base[:, d + i]
        designs.append(mixed)
    places = model.encoding.spread(np.concatenate(designs), box)
    # By a power of two, which changes no digit: squares of tiny scores are not zero then.
    power = -math.frexp(model.warp.scale.unit)[1]
    draws = posterior_draws(model, places, DRAWS, rng, frequencies=FEWER)
    scores = np.ldexp(model.warp.score(draws), power)
    blocks = scores.reshape(DRAWS, d + 2, -1)
    variance = np.var(blocks[:, :2].reshape(DRAWS, -1), axis=1)
    least = LEAST * math.ldexp(model.noise_sd, power) ** 2
    if model.encoding.space.restricted:
        first, total, main = _where_active(model, box, places, scores, least)
        return _views(names, first, total, np.ldexp(np.sqrt(main).mean(axis=0), -power))
    shared = np.maximum(variance, least)[:, None]
    main = _main_variances(model, box, places, scores)
    first = np.clip(main / shared, 0.0, 1.0)
    jansen = 0.5 * np.mean(np.square(blocks[:, :1] - blocks[:, 2:]), axis=2)
    total = np.maximum(np.clip(jansen / shared, 0.0, 1.0), first)
    return _views(names, first, total, np.ldexp(np.sqrt(main).mean(axis=0), -power))


def _views(
    names: Sequence[str], first: Floats, total: Floats, effects: Floats
) -> Sequence[Importance]:
    """The importance of each hyperparameter by first and total (draws, d), and effects (d,)."""
    low, high = np.quantile(total, LEVELS, axis=0)
    rows = [first.mean(axis=0), total.mean(axis=0), low, high, effects]
    return [
        Importance(name, *map(float, row))
        for name, row in zip(names, np.column_stack(rows), strict=True)
    ]


def _where_active(
    model: Surrogate, box: Box, places: Floats, scores: Floats, least: float
) -> tuple[Floats, Floats, Floats]:
    """First and total indices and main variances (draws, d), each among the places that it concerns.

    Those of a hyperparameter are over the permitted places at which it is active; it explains nothing of
    the others, nor do they of it. 0 where fewer than two are left.
    """
    encoding, draws = model.encoding, len(scores)
    names, blocks = encoding.space.names, scores.reshape(draws, len(encoding.columns) + 2, -1)
    size = blocks.shape[2]
    allowed = encoding.permitted(places)
    if np.count_nonzero(allowed) < 2:  # an edit can forbid the whole box
        none = np.zeros((draws, len(names)))
        return none, none, none
    main = _main_variances(model, box, places, scores, allowed)
    indices = np.zeros((2, draws, len(names)))
    for k, name in enumerate(names):
        on = allowed & encoding.present(places, name)
        base, other = on[:size], on[(k + 2) * size : (k + 3) * size]
        both, known = base & other, on[: 2 * size]
        if np.count_nonzero(known) < 2 or not both.any():
            continue
        variance = np.var(scores[:, : 2 * size][:, known], axis=1)
        shared = np.maximum(variance, least)
        gaps = np.square(blocks[:, 0, both] - blocks[:, k + 2, both])
        first = np.clip(main[:, k] / shared, 0.0, 1.0)
        total = np.clip(0.5 * np.mean(gaps, axis=1) / shared, 0.0, 1.0)
        indices[0, :, k], indices[1, :, k] = first, np.maximum(total, first)
    return indices[0], indices[1], main


def _log2_block(d: int) -> int:
    """Points of one block of the design, as a power of two."""
    return max(int(math.log2(POINTS / (d + 2))), 4)


def _main_variances(
    model: Surrogate, box: Box, places: Floats, scores: Floats, allowed: Bools | None = None
) -> Floats:
    """(draws, d) variances of the main effects of scores (draws, m) at places (m, D) in the box.

    `allowed` (m,) are the places that count; the effect of a hyperparameter is 0 where it is not active,
    and its variance is among the others.
    """
    low, high = model.encoding.bounds(box)
    if allowed is not None:
        places, scores = places[allowed], scores[:, allowed]
    parts, actives = [], []
    for name, part in model.encoding.columns.items():
        columns = places[:, part]
        if isinstance(box[name], Range):
            width = max(float(high[part.start] - low[part.start]), LEAST)
            inner = 2.0 * (columns[:, 0] - low[part.start]) / width - 1.0
            columns = legvander(np.clip(inner, -1.0, 1.0), DEGREE)[:, 1:]
        on = model.encoding.present(places, name)
        if not on.all():
            mean = columns[on].mean(axis=0) if on.any() else 0.0
            parts.append(np.where(on[:, None], columns - mean, 0.0))
        else:
            parts.append(columns - columns.mean(axis=0))
        actives.append(on)
    basis = np.concatenate(parts, axis=1)
    gram = basis.T @ basis
    gram.flat[:: len(gram) + 1] += RIDGE * len(basis)
    beta = np.linalg.solve(gram, basis.T @ (scores - scores.mean(axis=1, keepdims=True)).T)
    edges = np.cumsum([0, *(part.shape[1] for part in parts)])
    effects = [
        np.var((part if on.all() else part[on]) @ beta[a:b], axis=0)
        if on.any()
        else np.zeros(len(scores))
        for part, on, (a, b) in zip(parts, actives, pairwise(edges), strict=True)
    ]
    return np.column_stack(effects)


def posterior_draws(
    model: Surrogate, x: Floats, n: int, rng: np.random.Generator, *, frequencies: int = FREQUENCIES
) -> Floats:
    """(n, m) posterior draws of z, the warped score, at x (m, D), for m too many for `sample`.

    f = prior(x) + k(x, X) K⁻¹ (z - prior(X)): the prior draw by so many Fourier features, whose
    frequencies follow the spectrum of the Matérn 5/2, a t distribution with 5 degrees of freedom.
    """
    c, rows = model.constants, model.rows
    units = qmc.Sobol(model.encoding.width + 1, scramble=True, rng=rng).random(frequencies).T
    waves = ndtri(units[1:]) * np.sqrt(5.0 / chdtri(5.0, units[0]))
    weights = rng.standard_normal((2 * frequencies, n)) * math.sqrt(c.variance / frequencies)
    level = rng.standard_normal(n) * np.sqrt(c.offset + c.trend)

    def prior(places: Floats) -> Floats:
        """(k, n) prior draws at places (k, D), without the level."""
        angles = model.scaled(places) @ waves
        draws: Floats = np.cos(angles) @ weights[:frequencies]
        draws += np.sin(angles) @ weights[frequencies:]
        return draws

    # A row is the draw at its place, damped to its epochs, and a rest: other epochs, seed, noise.
    damped, shared = model.weights / c.variance, model.anywhere / (c.offset + c.trend)
    rest = _rest_root(model, damped, shared) @ rng.standard_normal((len(damped), n))
    at_rows = damped[:, None] * prior(rows.places) + shared[:, None] * level + rest
    gain = model.alpha[:, None] - cho_solve((model.chol, True), at_rows, check_finite=False)
    draws: Floats = (prior(x) + level + model.cross(x) @ gain).T
    return draws


def _rest_root(model: Surrogate, damped: Floats, shared: Floats) -> Floats:
    """(n, n) the lower Cholesky factor of the rows' covariance once the function is known."""
    c = model.constants
    scaled = model.scaled(model.rows.places)
    known = c.variance * matern(squared_distances(scaled, scaled))[0] * np.outer(damped, damped)
    known += (c.offset + c.trend) * np.outer(shared, shared)
    rest = model.chol @ model.chol.T - known
    rest.flat[:: len(rest) + 1] += JITTER * c.variance
    root: Floats = cholesky(rest, lower=True, check_finite=False)
    return root
