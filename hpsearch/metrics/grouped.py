"""Intervals of examples that belong to groups: whole groups are resampled.

n examples   G groups   R resamples

Examples of one group are alike, so that resampled ones hold .36 to .91 where .95 is said; groups
resampled whole hold .91 to .95. The percentiles are widened, for G groups tell their own spread only
roughly (Hesterberg 2015, section 5.3: expanded percentiles).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from hpsearch.metrics.metric import Counted, Floats
from hpsearch.metrics.resampling import LACKING_MOST, RESAMPLES, SEED, TAILS

FEWEST, FEW = 5, 10  # groups: below, no interval, and one that is too narrow


def levels(groups: int) -> Floats:
    """The two quantiles of resampled values that bound a 95 % interval, of two groups at least."""
    wide = math.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, TAILS)
    made: Floats = ndtr(wide)
    return made


def resampled(
    value: Counted, groups: NDArray[np.int64], classes: NDArray[np.intp] | None = None
) -> Floats | None:
    """Values of resampled groups; None where too many resamples have none.

    groups (n,) numbers of any kind. A resample that lacks one of the `classes` (n,), where they
    are given, does not count.
    """
    present = np.zeros(0, np.intp) if classes is None else np.unique(classes)
    values = []
    for counts in drawn_groups(groups):
        if classes is not None and not np.bincount(classes, counts)[present].all():
            continue
        values.append(value(counts))
    made = np.array([one for one in values if not math.isnan(one)])
    return made if len(made) >= (1 - LACKING_MOST) * RESAMPLES else None


def drawn_groups(groups: NDArray[np.int64]) -> Iterator[Floats]:
    """(n,) counts of the examples, R times: those of a group that is drawn twice count twice."""
    numbers, of = np.unique(groups, return_inverse=True)
    count, rng = len(numbers), np.random.default_rng(SEED)
    for _ in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, count, count), minlength=count)
        yield drawn[of].astype(np.float64)


def distinct(groups: NDArray[np.int64]) -> int:
    """The number of groups."""
    return len(np.unique(groups))
