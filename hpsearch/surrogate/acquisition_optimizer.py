"""The acquisition optimizer: candidates in a box, and local maxima of log EI near the best ones.

Ranges move along the gradient. Levels have none: half of the candidates about the best places known have
another level in one choice, and `best_levels` tries every level in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from scipy.optimize import Bounds, minimize
from scipy.stats import qmc

from hpsearch.arrays import Bools, Floats, Ints
from hpsearch.space import Box, Choices, Range
from hpsearch.surrogate.acquisition import log_expected_improvement
from hpsearch.surrogate.kriging_believer import CandidatePool, KrigingBeliever
from hpsearch.surrogate.posterior import Surrogate

WIDE = 512  # candidates over the whole box
NEAR = 256  # candidates about the best places known
INCUMBENTS = 8
STEPS = (0.02, 0.1, 0.3)  # sizes of moves: of a length scale or of the box, whichever is shorter
ITERATIONS = 12
EDGE = 1e-9  # of the asked width: rounding error of a place, where a float64 has digits to spare


@dataclass(frozen=True, slots=True, eq=False)
class SearchBounds:
    """Bounds of the optimizer in a box: edges (D,), and the mask of columns (D,) that it may move.

    levels
        The columns of the levels in the box, for each choice that has several.
    """

    box: Box
    low: Floats
    high: Floats
    moving: Bools
    levels: Mapping[str, Ints] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Surrogate, box: Box) -> SearchBounds:
        """Move ranges that have a width; hold choices, and ranges that shape a network."""
        encoding = model.encoding
        low, high = encoding.bounds(box)
        moving = np.zeros(encoding.width, dtype=bool)
        for name, part in encoding.columns.items():
            moving[part.start] = isinstance(box[name], Range) and name not in encoding.space.shaping
        levels = {
            name: part.start + np.flatnonzero(high[part])
            for name, part in encoding.columns.items()
            if isinstance(box[name], Choices) and np.count_nonzero(high[part]) > 1
        }
        return cls(box, low, high, moving & (high > low), levels)


def candidates(
    model: Surrogate, bounds: SearchBounds, rng: np.random.Generator, *, wide: int = WIDE
) -> Floats:
    """(m, D) places in the box: a Sobol sequence, and the best places known, moved a little.

    `wide` is the length of the sequence, a power of two. Nothing forbidden is among them: they may be
    fewer, or none.
    """
    engine = qmc.Sobol(len(model.encoding.columns), scramble=True, rng=rng)
    spread = model.encoding.spread(engine.random(wide), bounds.box)
    places = np.concatenate([spread, _near(model, bounds, rng)])
    return permitted(model, places)


def permitted(model: Surrogate, places: Floats) -> Floats:
    """(k, D) those of places (m, D) that are not forbidden."""
    encoding = model.encoding
    return places[encoding.permitted(places)] if encoding.space.forbidden else places


def completed(
    model: Surrogate, bounds: SearchBounds, places: Floats, rng: np.random.Generator
) -> Floats:
    """(m, D) places whose levels have changed: what they make active has a value by chance."""
    encoding = model.encoding
    if not encoding.space.conditions:
        return places
    fill = encoding.filling(rng.random((len(places), len(encoding.columns))), bounds.box)
    return encoding.settled(places, fill)


def _near(model: Surrogate, bounds: SearchBounds, rng: np.random.Generator) -> Floats:
    rows = model.rows.places
    error = np.maximum(EDGE, model.encoding.noise)
    within = (rows >= bounds.low - error) & (rows <= bounds.high + error)
    for name in model.encoding.space.conditions:  # what is not active lies nowhere
        within[:, model.encoding.columns[name]] |= ~model.encoding.present(rows, name)[:, None]
    inside = within.all(axis=1)
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
    _switch(moved[::2], bounds, rng)
    return completed(model, bounds, moved, rng)


def _switch(places: Floats, bounds: SearchBounds, rng: np.random.Generator) -> None:
    """Give each place (m, D) another level, by chance, in one choice; not where there are ranges alone."""
    names = sorted(bounds.levels)
    if not names:
        return
    which = rng.integers(len(names), size=len(places))
    units = rng.random(len(places))
    for k, name in enumerate(names):
        columns, mine = bounds.levels[name], np.flatnonzero(which == k)
        places[np.ix_(mine, columns)] = 0.0
        places[mine, columns[(units[mine] * len(columns)).astype(int)]] = 1.0


def best_levels(
    believer: KrigingBeliever,
    bounds: SearchBounds,
    places: Floats,
    best: float,
    *,
    held: Collection[str] = (),
) -> Floats:
    """The places (m, D), each with the levels of the highest log EI there: one choice after the other.

    Choices in `held` keep their levels. A level is not taken where that is forbidden; what becomes active
    by one is in the middle of the box.
    """
    encoding = believer.model.encoding
    if encoding.space.restricted:
        return _best_permitted(believer, bounds, places, best, held)
    places = places.copy()
    for name, columns in sorted(bounds.levels.items()):
        if name in held:
            continue
        switched = np.repeat(places, len(columns), axis=0)
        switched[:, columns] = np.tile(np.eye(len(columns)), (len(places), 1))
        value = CandidatePool(believer, switched).log_ei(best).reshape(len(places), -1)
        places[:, columns] = np.eye(len(columns))[value.argmax(axis=1)]
    return places


def _best_permitted(
    believer: KrigingBeliever,
    bounds: SearchBounds,
    places: Floats,
    best: float,
    held: Collection[str],
) -> Floats:
    """As `best_levels`, of a space in which not all places are."""
    encoding = believer.model.encoding
    middle = encoding.filling(np.full((1, len(encoding.columns)), 0.5), bounds.box)
    for name in encoding.space.order:
        columns = bounds.levels.get(name)
        if columns is None or name in held or not len(places):
            continue
        switched = np.repeat(places, len(columns), axis=0)
        on = encoding.present(switched, name)
        levels = np.tile(np.eye(len(columns)), (len(places), 1))
        switched[np.ix_(on, columns)] = levels[on]
        switched = encoding.settled(switched, np.repeat(middle, len(switched), axis=0))
        value = CandidatePool(believer, switched).log_ei(best)
        value = np.where(encoding.permitted(switched), value, -np.inf)
        value = value.reshape(len(places), -1)
        taken = np.arange(len(places)) * len(columns) + value.argmax(axis=1)
        places = np.where(np.isfinite(value.max(axis=1))[:, None], switched[taken], places)
    return places


def log_ei(believer: KrigingBeliever, x: Floats, best: float) -> tuple[Floats, Floats]:
    """(m,) log expected improvement of z over `best` at x (m, D), and its gradient (m, D)."""
    mean, sd, dmean, dsd = believer.latent_with_gradients(x)
    value, slope = log_expected_improvement(mean, sd, best=best)
    u = ((mean - best) / sd)[:, None]
    gradient = (slope[:, None] * (dmean - u * dsd) + dsd) / sd[:, None]
    return value, gradient


Weigh: TypeAlias = Callable[[Floats], tuple[Floats, Floats]]
"""Places (m, D) -> (m,) what is added to log EI there, and its gradient (m, D)."""


def maximize_log_ei(
    believer: KrigingBeliever,
    bounds: SearchBounds,
    starts: Floats,
    best: float,
    weigh: Weigh | None = None,
) -> Floats:
    """Local maxima (m, D) of log EI from starts (m, D): L-BFGS-B on their sum, as one problem."""
    moving = bounds.moving
    if not moving.any():
        return starts
    places = starts.copy()
    low = np.tile(bounds.low[moving], len(starts))
    high = np.tile(bounds.high[moving], len(starts))
    held = _held(believer.model, starts)[:, moving].ravel()
    low[held], high[held] = starts[:, moving].ravel()[held], starts[:, moving].ravel()[held]

    def downhill(flat: Floats) -> tuple[float, Floats]:
        places[:, moving] = flat.reshape(len(starts), -1)
        value, gradient = log_ei(believer, places, best)
        if weigh is not None:
            more, slope = weigh(places)
            value, gradient = value + more, gradient + slope
        return -float(value.sum()), -gradient[:, moving].ravel()

    start = np.clip(starts[:, moving].ravel(), low, high)
    result = minimize(
        downhill, start, method="L-BFGS-B", jac=True,
        bounds=Bounds(low, high), options={"maxiter": ITERATIONS},
    )  # fmt: skip
    ends = starts.copy()
    ends[:, moving] = result.x.reshape(len(starts), -1)
    return ends


def _held(model: Surrogate, places: Floats) -> Bools:
    """(m, D) mask of the columns of places (m, D) that are not active there: nothing moves them."""
    held = np.zeros(places.shape, dtype=np.bool_)
    for name in model.encoding.space.conditions:
        held[:, model.encoding.columns[name]] = ~model.encoding.present(places, name)[:, None]
    return held


STARTS = 4  # of the optimizer, behind `expected_gain`
GAIN_SEED = 977


def expected_gain(model: Surrogate, box: Box) -> float:
    """The largest expected improvement left in the box over the best posterior mean, score units.

    The improvement of z times the score's slope at the best: a bound from above, since the score
    flattens upward (`warp`). 0 where the whole box is forbidden, as far as the candidates can tell.
    """
    best = model.best_latent()[1]
    bounds, believer = SearchBounds.of(model, box), KrigingBeliever(model, 0)
    places = candidates(model, bounds, np.random.default_rng(GAIN_SEED))
    if not len(places):
        return 0.0
    pool = CandidatePool(believer, places)
    value = pool.log_ei(best)
    tops = pool.places[np.argsort(-value, kind="stable")[:STARTS]]
    tops = best_levels(believer, bounds, tops, best)
    places = permitted(model, maximize_log_ei(believer, bounds, tops, best))
    ends, _ = log_ei(believer, places, best) if len(places) else (value, None)
    slope = float(model.warp.slope(np.array(best)))
    return slope * float(np.exp(max(value.max(), ends.max())))
