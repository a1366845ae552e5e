"""Ranges that must not be read apart: in the level set, the one moves with the other."""

from __future__ import annotations

import numpy as np

from hpsearch.narrowing.brakes import Numbers
from hpsearch.narrowing.candidates import Axis
from hpsearch.narrowing.view import View

CORRELATED = 0.6  # correlation within the level set that is worth a word
MEMBERS_LEAST = 20  # places in the level set, below which nothing is said


def ridges(view: View, axis: Axis, numbers: Numbers) -> str:
    """What the range moves with, as the end of a sentence; empty where it moves with nothing.

    The correlations go into `numbers` as `corr_<other>`.
    """
    members = view.places[view.level]
    if len(members) < MEMBERS_LEAST:
        return ""
    words = []
    for other in view.axes.values():
        pair = axis.units(members), other.units(members)
        if other.name == axis.name or min(np.ptp(p) for p in pair) < 1e-9:
            continue
        r = float(np.corrcoef(*pair)[0, 1])
        if abs(r) > CORRELATED:
            numbers[f"corr_{other.name}"] = r
            words.append(f"{'rises' if r > 0 else 'falls'} with {other.name}, correlation {r:.1f}")
    return f"; its best value {', and '.join(words)}" if words else ""
