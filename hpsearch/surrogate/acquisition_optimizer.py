"""The acquisition optimizer: candidates in a box, and local maxima of log EI near the best ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, minimize
from scipy.stats import qmc

from hpsearch.arrays import Bools, Floats
from hpsearch.space import Box, Range
from hpsearch.surrogate.acquisition import log_expected_improvement
from hpsearch.surrogate.kriging_believer import CandidatePool, KrigingBeliever
from hpsearch.surrogate.posterior import Surrogate

WIDE = 512  # candidates over the whole box
NEAR = 256  # candidates about the best places known
INCUMBENTS = 8
STEPS = (0.02, 0.1, 0.3)  # sizes of moves: of a length scale or of the box, whichever is shorter
ITERATIONS = 12
EDGE = 1e-9  # rounding error of a place


@dataclass(frozen=True, slots=True, eq=False)
class SearchBounds:
    """Bounds of the optimizer in a box: edges (D,), and the mask of columns (D,) that it may move."""

    box: Box
    low: Floats
    high: Floats
    moving: Bools

    @classmethod
    def of(cls, model: Surrogate, box: Box) -> SearchBounds:
        """Move ranges that have a width; hold choices, and ranges that shape a network."""
        encoding = model.encoding
        low, high = encoding.bounds(box)
        moving = np.zeros(encoding.width, dtype=bool)
        for name, part in encoding.columns.items():
            moving[part] = isinstance(box[name], Range) and name not in encoding.space.shaping
        return cls(box, low, high, moving & (high > low))


def candidates(
    model: Surrogate, bounds: SearchBounds, rng: np.random.Generator, *, wide: int = WIDE
) -> Floats:
    """(m, D) places in the box: a Sobol sequence, and the best places known, moved a little.

    `wide` is the length of the sequence, a power of two.
    """
    engine = qmc.Sobol(len(model.encoding.columns), scramble=True, rng=rng)
    spread = model.encoding.spread(engine.random(wide), bounds.box)
    return np.concatenate([spread, _near(model, bounds, rng)])


def _near(model: Surrogate, bounds: SearchBounds, rng: np.random.Generator) -> Floats:
    rows = model.rows.places
    inside = ((rows >= bounds.low - EDGE) & (rows <= bounds.high + EDGE)).all(axis=1)
    if not inside.any():
        return np.empty((0, model.encoding.width))
    rows = np.unique(rows[inside], axis=0)
    means = model.cross(rows) @ model.alpha
    tops = rows[np.argsort(-means, kind="stable")[:INCUMBENTS]]
    each = np.arange(NEAR)
    places = tops[each % len(tops)]
    size = np.array(STEPS)[each // len(tops) % len(STEPS)][:, None]
    step = np.minimum(model.column_lengths, bounds.high - bounds.low)
    moves = rng.standard_normal(places.shape) * step * size
    moved: Floats = np.clip(places + np.where(bounds.moving, moves, 0.0), bounds.low, bounds.high)
    return moved


def log_ei(believer: KrigingBeliever, x: Floats, best: float) -> tuple[Floats, Floats]:
    """(m,) log expected improvement of z over `best` at x (m, D), and its gradient (m, D)."""
    mean, sd, dmean, dsd = believer.latent_with_gradients(x)
    value, slope = log_expected_improvement(mean, sd, best=best)
    u = ((mean - best) / sd)[:, None]
    gradient = (slope[:, None] * (dmean - u * dsd) + dsd) / sd[:, None]
    return value, gradient


def maximize_log_ei(
    believer: KrigingBeliever, bounds: SearchBounds, starts: Floats, best: float
) -> Floats:
    """Local maxima (m, D) of log EI from starts (m, D): L-BFGS-B on their sum, as one problem."""
    moving = bounds.moving
    if not moving.any():
        return starts
    places = starts.copy()
    low = np.tile(bounds.low[moving], len(starts))
    high = np.tile(bounds.high[moving], len(starts))

    def downhill(flat: Floats) -> tuple[float, Floats]:
        places[:, moving] = flat.reshape(len(starts), -1)
        value, gradient = log_ei(believer, places, best)
        return -float(value.sum()), -gradient[:, moving].ravel()

    start = np.clip(starts[:, moving].ravel(), low, high)
    result = minimize(
        downhill, start, method="L-BFGS-B", jac=True,
        bounds=Bounds(low, high), options={"maxiter": ITERATIONS},
    )  # fmt: skip
    ends = starts.copy()
    ends[:, moving] = result.x.reshape(len(starts), -1)
    return ends


STARTS = 4  # of the optimizer, behind `expected_gain`
GAIN_SEED = 977


def expected_gain(model: Surrogate, box: Box) -> float:
    """The largest expected improvement left in the box over the best posterior mean, score units.

    The improvement of z times the score's slope at the best: a bound from above, since the score
    flattens upward (`warp`).
    """
    best = model.best_latent()[1]
    bounds, believer = SearchBounds.of(model, box), KrigingBeliever(model, 0)
    pool = CandidatePool(believer, candidates(model, bounds, np.random.default_rng(GAIN_SEED)))
    value = pool.log_ei(best)
    tops = pool.places[np.argsort(-value, kind="stable")[:STARTS]]
    ends, _ = log_ei(believer, maximize_log_ei(believer, bounds, tops, best), best)
    slope = float(model.warp.slope(np.array(best)))
    return slope * float(np.exp(max(value.max(), ends.max())))
