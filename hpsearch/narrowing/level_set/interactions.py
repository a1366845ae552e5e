"""Ranges that must not be read apart: in the level set, the one moves with the other."""

from __future__ import annotations

import numpy as np

from hpsearch.narrowing.level_set.evaluation_grid import Axis
from hpsearch.narrowing.level_set.posterior_summary import PosteriorSummary
from hpsearch.reasons.rules import Correlation

CORRELATED = 0.6  # correlation within the level set that is worth a word
FLAT = 1e-9  # of a range's width: less is rounding, and no spread
MEMBERS_LEAST = 20  # places in the level set, below which nothing is said


def interactions(summary: PosteriorSummary, axis: Axis) -> tuple[Correlation, ...]:
    """Return the ranges that this one moves with; none where the level set is too small."""
    members = summary.places[summary.members]
    if len(members) < MEMBERS_LEAST:
        return ()
    correlations = []
    for other in summary.axes.values():
        both = members[other.present(members)]
        if other.name == axis.name or len(both) < MEMBERS_LEAST:
            continue
        pair = axis.units(both), other.units(both)
        if min(np.ptp(p) for p in pair) < FLAT:
            continue
        r = float(np.corrcoef(*pair)[0, 1])
        if abs(r) > CORRELATED:
            correlations.append(Correlation(other.name, r))
    return tuple(correlations)
