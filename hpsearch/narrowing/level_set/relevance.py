"""The support of a hyperparameter: whether it matters at all, as far as the scores can tell.

A process that was fitted to some thirty scores always finds a little slope along a range without
any effect: its length scale has a prior, and the prior expects effects. The likelihood has no
such wish. `support` compares it with and without the hyperparameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dtrtrs

from hpsearch.surrogate import Surrogate
from hpsearch.surrogate.process import CovarianceTerms, Pairs, layout_of
from hpsearch.surrogate.rows import Rows
from hpsearch.surrogate.selection import spread_out
from hpsearch.surrogate.warp import warped

Floats = NDArray[np.float64]

ROWS = 160  # as many rows as the constants are learned from
SHARES = (0.02, 0.1, 0.5)  # of the scores' variance, added to the noise
SUPPORT = 2.0  # log likelihood ratio below which the scores do not need a hyperparameter
WITHOUT = 1e4  # a length scale along which nothing changes


def supports(model: Surrogate) -> Mapping[str, float]:
    """Return for each hyperparameter log p(scores | with it) - log p(scores | without it).

    Both with the constants of the model, but for the length scale of the one that is left out,
    and with the noise that suits them best: what a needless hyperparameter explains is noise, and
    without it the noise must be allowed to be itself. Around 0 or below, the scores are explained
    as well without it. Diverged trials have no say: the cliff they fall from is steeper than any
    process expects, and it would take whichever range explains it.
    """
    finite = model.rows.take(np.flatnonzero(np.isfinite(model.rows.scores)))
    rows = finite.take(spread_out(finite, ROWS))
    pairs = Pairs.of(rows)
    full = _profile(model, rows, pairs, model.constants.lengths)
    ratios = {}
    for k, name in enumerate(model.encoding.columns):
        lengths = model.constants.lengths.copy()
        lengths[k] = WITHOUT
        ratios[name] = full - _profile(model, rows, pairs, lengths)
    return ratios


def _profile(model: Surrogate, rows: Rows, pairs: Pairs, lengths: Floats) -> float:
    """The highest log likelihood of the rows over `SHARES` of their variance added to the model's noise.

    Added to each score by itself, and to all scores of a trial alike: a trial's luck is its own
    from the first epoch to the last, and any range with a short length scale can stand for it.
    """
    constants, groups = replace(model.constants, lengths=lengths), model.encoding.groups
    layout = layout_of(rows, groups, sources=len(constants.rho) - 1)
    cov = CovarianceTerms.of(rows, pairs, layout, groups, constants).covariance
    z = warped(model.warp.scale.units(rows.scores)[0], constants.delta)
    single = np.eye(len(rows))
    lucks = [single] if len(np.unique(rows.trials)) == len(rows) else [single, pairs.same_trial]
    spread = float(np.var(z))
    likelihoods = [log_likelihood(cov, z)]
    likelihoods += [
        log_likelihood(cov + share * spread * luck, z) for share in SHARES for luck in lucks
    ]
    return max(likelihoods)


def log_likelihood(cov: Floats, z: Floats) -> float:
    """Return log N(z; 0, cov) but for a constant: -1/2 zᵀ K⁻¹ z - 1/2 log |K|; z (n,)."""
    chol, failed = dpotrf(cov, lower=1)
    if failed:
        raise np.linalg.LinAlgError(f"the covariance is not positive definite at row {failed}")
    white = dtrtrs(chol, z, lower=1)[0]
    return -0.5 * float(white @ white) - float(np.log(np.diagonal(chol)).sum())
