"""The surrogate judged by trials that it did not see: each one predicted from all others.

The prediction of rows B from all other rows has a closed form (Rasmussen and Williams 2006, eq. 5.12,
of one row; of several it is the same with blocks):

    z_B - mean_B = (K⁻¹_BB)⁻¹ alpha_B,        cov_B = (K⁻¹_BB)⁻¹

All rows of a trial are left out together, for what it scored after a few epochs would give away
the rest. The constants of the process are those learned from all trials: they are few.
"""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.linalg import cho_solve

from hpsearch.arrays import Bools, Floats, Ints
from hpsearch.evidence import INTERVAL_SHARE, SurrogateCheck
from hpsearch.surrogate.posterior import Surrogate

LEAST = 8  # trials below which a share says nothing
REACH = float(stats.norm.ppf(0.5 + INTERVAL_SHARE / 2))  # sds to either end of an interval


def check(model: Surrogate) -> SurrogateCheck | None:
    """Count the trials of this search whose last score lies in its 90 % interval.

    The interval is of a training, seed and noise included, after as many epochs as the trial had.
    Scores that the warp has cut, and diverged trials, have no number to compare.

    Returns
    -------
        None with fewer than `LEAST` trials to compare.
    """
    z, cut = _observed(model)
    last = _last_rows(model, cut)
    if len(last) < LEAST:
        return None
    errors, sds = _leave_out(model, last)
    inside = int((np.abs(errors) <= REACH * sds).sum())
    return SurrogateCheck(
        len(last), inside, _rank_correlation(model.rows.log_epochs[last], z[last], z[last] - errors)
    )


def _observed(model: Surrogate) -> tuple[Floats, Bools]:
    """The warped scores (n,) of the rows, and whether they were cut."""
    z = model.chol @ (model.chol.T @ model.alpha)
    return z, model.warp.scale.units(model.rows.scores)[1]


def _last_rows(model: Surrogate, cut: Bools) -> Ints:
    """The row of most epochs of each trial of this search, those that were cut left out."""
    rows = model.rows
    order = np.lexsort((-rows.log_epochs, rows.trials))
    _, first = np.unique(rows.trials[order], return_index=True)
    last = order[first]
    kept: Ints = last[(rows.sources[last] == 0) & ~cut[last]]
    return kept


def _leave_out(model: Surrogate, last: Ints) -> tuple[Floats, Floats]:
    """Errors and standard deviations (m,) of the rows `last` (m,)."""
    inverse = cho_solve((model.chol, True), np.eye(len(model.rows)), check_finite=False)
    errors, sds = np.empty(len(last)), np.empty(len(last))
    for i, row in enumerate(last):
        block = np.flatnonzero(model.rows.trials == model.rows.trials[row])
        at = int(np.searchsorted(block, row))
        covariance = np.linalg.inv(inverse[np.ix_(block, block)])
        errors[i] = covariance[at] @ model.alpha[block]
        sds[i] = np.sqrt(max(float(covariance[at, at]), 0.0))
    return errors, sds


def _rank_correlation(log_epochs: Floats, observed: Floats, predicted: Floats) -> float | None:
    """Spearman's, over the trials of most epochs: of all it would tell few epochs from many."""
    longest = log_epochs == log_epochs.max()
    pair = observed[longest], predicted[longest]
    if longest.sum() < LEAST or min(map(np.ptp, pair)) == 0.0:
        return None
    return float(stats.spearmanr(*pair).statistic)
