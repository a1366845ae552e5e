"""Resampled parts, and intervals from them.

n examples   R resamples

A resample is the count of each example in n draws with replacement. Resamples that have no
value, such as those without a class, do not count; of too many of them no interval comes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpsearch.metrics.metric import Counted, Floats

RESAMPLES = 999
LACKING_MOST = 0.05  # share of the resamples that may have no value
SEED = 4711
BLOCK = 16_384  # draws that are counted at a time: they stay in a core's cache
ROUNDING = 1e-12  # of a value, which is a mean of errors or a root of one: a smaller spread is none
TAILS = np.array([0.025, 0.975])


def resamples(n: int) -> Iterator[Floats]:
    """(n,) counts, R times; the same ones for every metric."""
    rng, at_once = np.random.default_rng(SEED), max(BLOCK // n, 1)
    for start in range(0, RESAMPLES, at_once):
        size = min(at_once, RESAMPLES - start)
        drawn = rng.integers(0, n, (size, n))  # the stream that one call for each would take
        drawn += n * np.arange(size)[:, None]
        counts = np.bincount(drawn.reshape(-1), minlength=size * n)
        yield from counts.reshape(size, n).astype(np.float64)


def studentised(value: Counted, deviation: Counted, n: int) -> tuple[float, float] | None:
    """The 95 % bootstrap-t interval (Efron and Tibshirani 1993, equation 12.22).

    Parameters
    ----------
    value, deviation
        The value of counted examples and its standard error.

    Returns
    -------
    tuple or None
        None where the error is 0, or that of too many resamples.
    """
    once = np.ones(n)
    here, error = value(once), deviation(once)
    if not error > ROUNDING * abs(here):
        return None
    distances = []
    for counts in resamples(n):
        spread = deviation(counts)
        if spread > 0:
            distances.append((value(counts) - here) / spread)
    if len(distances) < (1 - LACKING_MOST) * RESAMPLES:
        return None
    low, high = np.quantile(distances, TAILS)
    return here - float(high) * error, here - float(low) * error
