"""Rounds of observations on planted functions, for the tests of the rule `level_set`."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import qmc
from support.builders import diverged, observe, space_of

from hpsearch.narrowing import level_set
from hpsearch.space import Range
from hpsearch.surrogate import fitted

LR = Range(low=1e-5, high=1.0, scale="log").limited(0, 1e4)
WD = Range(low=1e-8, high=1e-1, scale="log").limited(0, 1e4)
BOTH = space_of(learning_rate=LR, weight_decay=WD)
NOISE = 0.01


def sampled(truth, *, space=BOTH, box=None, n=32, round=1, seed=0, noise=NOISE, **more):
    """Observations of a quasi-random round in a box; `truth(units)` None diverges.

    Units are places in the asked range, in the order of names.
    """
    box, rng = box or space.dimensions, np.random.default_rng([seed, round])
    units = qmc.Sobol(len(space.names), rng=rng).random_base2(math.ceil(math.log2(n)))[:n]
    seen = []
    for i, row in enumerate(units):
        params = {k: box[k].from_unit(float(u)) for k, u in zip(space.names, row, strict=True)}
        places = [
            a.to_unit(params[k]) if isinstance(a := space.dimensions[k], Range) else params[k]
            for k in space.names
        ]
        value = truth(places)
        if value is None:
            seen.append(diverged(i, params, round=round))
        else:
            value = float(np.clip(value + noise * rng.standard_normal(), 0, 1))
            fields = {"score": value, "loss": 1 - value, **more}
            seen.append(observe(i, params, value, round=round, **fields))
    return seen


def decided(seen, *, space=BOTH, box=None):
    """The decisions by name, and the model behind them."""
    model = fitted(space, seen, epochs=2)
    return {d.name: d for d in level_set.narrow(space, box or space.dimensions, seen, model)}, model


def bump(at, steep=1.0, k=0):
    return lambda u: 0.9 - steep * (u[k] - at) ** 2
