"""The loss as a signpost where nothing has been learned yet and the score is the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hpsearch.narrowing.territory import units
from hpsearch.space import Box, Range, inside
from hpsearch.trials import Observation

OUTER = 0.25  # part of a range, at either end, that is compared with the rest of it
# p below which its loss counts as lower. Where no network learns, the learning rate is the first
# to suspect, and looking further costs little; other ranges have to make a case.
ALPHA_RATE, ALPHA = 0.05, 0.001
GROUP_LEAST = 5  # trials of one length, below which their ranks say nothing
UNLEARNED = 0.6  # probability of the right class that nobody reaches where nothing is learned

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trend:
    """The loss is lower in the outer quarter of a range: its mean rank there, 0 lowest, 1 highest.

    `p` is that of a one-sided Mann-Whitney test against the other trials.
    """

    name: str
    upward: bool
    rank: float
    p: float
    trials: int


def signpost(box: Box, observations: Sequence[Observation]) -> Trend | None:
    """The end of a range where the loss is lowest; None where no end stands out.

    Ranks are taken among trials of equal length, and tests are one-sided for each end.
    """
    known = _known(box, observations)
    ranges = [name for name in sorted(box) if isinstance(box[name], Range)]
    ranks, kept = _ranks(known)
    found = [
        trend
        for name in ranges
        for trend in _ends(name, box, [known[i] for i in kept], ranks)
        if trend.p < (ALPHA_RATE if name == "learning_rate" else ALPHA / len(ranges))
    ]
    return min(found, key=lambda t: t.p, default=None)


def unlearned(box: Box, observations: Sequence[Observation]) -> bool:
    """Whether no trial in the box gives the right class more than a modest probability.

    exp(-loss) is the geometric mean of the probabilities that a network gives to the right class.
    """
    losses = [o.loss for o in _known(box, observations) if o.loss is not None]
    return bool(losses) and math.exp(-min(losses)) <= UNLEARNED


def _known(box: Box, observations: Sequence[Observation]) -> Sequence[Observation]:
    return [
        o for o in observations
        if o.finite and o.loss is not None and not o.source and inside(box, o.params)
    ]  # fmt: skip


def _ends(name: str, box: Box, trials: Sequence[Observation], ranks: Floats) -> list[Trend]:
    """Both ends of a range, as far as there are trials to compare."""
    now = box[name]
    assert isinstance(now, Range)
    places = units(name, now, trials)
    found = []
    for upward, outer in ((False, places < OUTER), (True, places > 1 - OUTER)):
        if min(int(outer.sum()), int((~outer).sum())) < GROUP_LEAST:
            continue
        p = stats.mannwhitneyu(ranks[outer], ranks[~outer], alternative="less").pvalue
        found.append(Trend(name, upward, float(ranks[outer].mean()), float(p), len(ranks)))
    return found


def _ranks(trials: Sequence[Observation]) -> tuple[Floats, NDArray[np.intp]]:
    """Ranks of the loss, between 0 and 1 within each group of one length, and whose they are.

    Groups of too few are left out.
    """
    losses = np.array([o.loss for o in trials], dtype=np.float64)
    lengths = np.array([o.epochs for o in trials])
    ranks = np.full(len(trials), np.nan)
    for length in np.unique(lengths):
        group = lengths == length
        count = int(group.sum())
        if count >= GROUP_LEAST:
            ranks[group] = (stats.rankdata(losses[group]) - 0.5) / count
    kept = np.flatnonzero(np.isfinite(ranks))
    return ranks[kept], kept
