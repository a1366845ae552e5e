"""The constants of the process by type-II maximum likelihood with weak priors (ML-II, MAP).

Every prior is a normal one on the logarithm (the logit for shares). Lengths grow with the square
root of the number of hyperparameters, so that a process over many of them does not start out
believing every place to be unlike every other (Hvarfner, Hellsten and Nardi 2024). It is the number that a
trial has: those that are not active are no distance apart, however many a conditional space holds.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import Bounds, minimize

from hpsearch.arrays import Floats
from hpsearch.surrogate.constants import Constants, Layout
from hpsearch.surrogate.process import Evidence, negative_log_likelihood

# (median, sd of the logarithm); scores are in units of the spread of the better half
VARIANCE = (1.5, 0.8)
NOISE = (0.01, 1.5)
DELTA = (3.0, 0.5)
OFFSET = (0.5, 1.0)
LENGTH = (0.45, 0.6)  # the median times sqrt(hyperparameters)
SPAN = (1.5, 0.7)
TREND = (0.3, 1.0)
SEED = (0.005, 1.5)
PERSISTENCE_LOGIT = (-2.0, 1.0)
RHO_LOGIT = (1.0, 1.5)

CHANCE_SHARE = 0.5  # of the binomial sd is what a ranking feels of it, about
NOISE_LEAST = (
    1e-5  # variance in units of the better half's spread, however many examples were counted
)
CHANGE = 1e-6  # of -log p, which has no unit, relative: a step that gains less ends the search
REACH = 5.0  # sds of its prior that a constant may move away
STEPS = 60


def prior(layout: Layout, chance: float, active: float) -> tuple[Floats, Floats]:
    """Means and sds of theta (layout.size,).

    `chance` is a binomial sd in units, or nan; `active` how many hyperparameters a trial has, on
    average.
    """
    noise, seed = NOISE, SEED
    if math.isfinite(chance):
        known = max((CHANCE_SHARE * chance) ** 2, NOISE_LEAST)
        noise, seed = (known, 1.0), (0.5 * known, 1.0)
    length = (LENGTH[0] * math.sqrt(active), LENGTH[1])
    logs = [VARIANCE, noise, DELTA, OFFSET, *[length] * layout.hyperparameters]
    means = [math.log(median) for median, _ in logs]
    sds = [sd for _, sd in logs]
    if layout.epochs:
        means += [PERSISTENCE_LOGIT[0], math.log(SPAN[0]), math.log(TREND[0])]
        sds += [PERSISTENCE_LOGIT[1], SPAN[1], TREND[1]]
    if layout.seeds:
        means.append(math.log(seed[0]))
        sds.append(seed[1])
    means += [RHO_LOGIT[0]] * layout.sources
    sds += [RHO_LOGIT[1]] * layout.sources
    return np.array(means), np.array(sds)


def negative_log_posterior(
    theta: Floats, evidence: Evidence, mean: Floats, sd: Floats
) -> tuple[float, Floats]:
    """-log p(theta | scores) up to a constant, and its gradient (theta.size,)."""
    value, gradient = negative_log_likelihood(evidence, theta)
    away = (theta - mean) / sd
    return value + 0.5 * float(away @ away), gradient + away / sd


def learned(evidence: Evidence, chance: float, active: float) -> Constants:
    """The constants at the posterior's mode, from a start at the medians of the `prior`."""
    mean, sd = prior(evidence.layout, chance, active)
    edges = Bounds(mean - REACH * sd, mean + REACH * sd)
    result = minimize(
        negative_log_posterior, mean, (evidence, mean, sd), method="L-BFGS-B", jac=True,
        bounds=edges, options={"maxiter": STEPS, "ftol": CHANGE},
    )  # fmt: skip
    return evidence.layout.constants(result.x)
