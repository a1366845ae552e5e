"""The trend of the loss along a range, where nothing has been learned and scores are alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hpsearch.narrowing.level_set.explored import Floats, units
from hpsearch.reasons import Side
from hpsearch.space import Box, Range, inside
from hpsearch.trials import Observation

RATE = "learning_rate"
OUTER = 0.25  # part of a range, at either end, that is compared with the rest of it
# p below which its loss counts as lower. Where no network learns, the learning rate is the first
# to suspect, and looking further costs little; other ranges have to make a case.
ALPHA_RATE, ALPHA = 0.05, 0.001
GROUP_LEAST = 5  # trials of one length, below which their ranks say nothing
CONTRARY = 0.9  # p from which the loss is higher there, rather than lower
BEGUN = 0.25  # share of its first loss that some network loses where learning has begun
UNLEARNED = 0.6  # probability of the right class that nobody reaches where nothing is learned


@dataclass(frozen=True, slots=True)
class LossTrend:
    """The loss is lower in the outer quarter of a range: its mean rank there, 0 lowest, 1 highest.

    `fell`: the rank is that of how far the loss fell while training, 0 furthest. `p` is that of
    a one-sided Mann-Whitney test against the other trials.
    """

    name: str
    side: Side
    rank: float
    p: float
    trials: int
    fell: bool = False


def strongest_trend(box: Box, observations: Sequence[Observation]) -> LossTrend | None:
    """The end of a range where the loss is lowest; None where no end stands out.

    Ranks are taken among trials of equal length, and tests are one-sided for each end.
    """
    comparable = _comparable(box, observations)
    ranges = [name for name in sorted(box) if isinstance(box[name], Range)]
    losses = _losses(comparable)
    ends = [end for name in ranges for end in _ends(name, box, comparable, losses)]
    steeper = _steeper(box, comparable, ends)
    if steeper is not None:
        return steeper
    clear = [t for t in ends if t.p < (ALPHA_RATE if t.name == RATE else ALPHA / len(ranges))]
    return min(clear, key=lambda t: t.p, default=None)


def _steeper(
    box: Box, comparable: Sequence[Observation], ends: Sequence[LossTrend]
) -> LossTrend | None:
    """The top of the learning rate, where the loss fell furthest; None where it did not.

    A network that has hardly begun to learn owes its loss to its initial weights. How far the
    loss fell owes them nothing, and grows with the learning rate as long as that is too low. The
    loss itself must not speak against it: what learns slowly falls for longer, too.
    """
    if not any(t.name == RATE and t.side is Side.HIGH and t.p < CONTRARY for t in ends):
        return None
    if any(_begun(o) for o in comparable):
        return None
    falls = _ends(RATE, box, comparable, _falls(comparable))
    steeper = [t for t in falls if t.side is Side.HIGH and t.p < ALPHA]
    return replace(steeper[0], fell=True) if steeper else None


def _begun(trial: Observation) -> bool:
    if trial.loss_drop is None or trial.loss is None:
        return False
    return trial.loss_drop > BEGUN * (trial.loss + trial.loss_drop)


def nothing_learned(box: Box, observations: Sequence[Observation]) -> bool:
    """Tell whether no trial in the box gives the right class more than a modest probability.

    exp(-loss) is the geometric mean of the probabilities that a network gives to the right class.
    """
    losses = [o.loss for o in _comparable(box, observations) if o.loss is not None]
    return bool(losses) and math.exp(-min(losses)) <= UNLEARNED


def _comparable(box: Box, observations: Sequence[Observation]) -> Sequence[Observation]:
    return [
        o for o in observations
        if o.finite and o.loss is not None and not o.source and inside(box, o.params)
    ]  # fmt: skip


def _losses(trials: Sequence[Observation]) -> Floats:
    return np.array([o.loss for o in trials], dtype=np.float64)


def _falls(trials: Sequence[Observation]) -> Floats:
    """(n,) minus how far the loss fell; NaN where it is not known."""
    return -np.array([np.nan if o.loss_drop is None else o.loss_drop for o in trials])


def _ends(
    name: str, box: Box, trials: Sequence[Observation], values: Floats
) -> Sequence[LossTrend]:
    """Both ends of a range by `values` (n,) of the trials, as far as there are trials to compare."""
    now = box[name]
    assert isinstance(now, Range)
    having = [i for i, o in enumerate(trials) if name in o.params]
    if len(having) < len(trials):
        trials, values = [trials[i] for i in having], values[having]
    ranks = _ranks(trials, values)
    ranked = np.isfinite(ranks)
    ranks, places = ranks[ranked], units(name, now, trials)[ranked]
    ends = []
    for side, outer in ((Side.LOW, places < OUTER), (Side.HIGH, places > 1 - OUTER)):
        if min(int(outer.sum()), int((~outer).sum())) < GROUP_LEAST:
            continue
        p = stats.mannwhitneyu(ranks[outer], ranks[~outer], alternative="less").pvalue
        ends.append(LossTrend(name, side, float(ranks[outer].mean()), float(p), len(ranks)))
    return ends


def _ranks(trials: Sequence[Observation], values: Floats) -> Floats:
    """(n,) ranks of values (n,), between 0 and 1 within each group of one length.

    NaN where a value is, and in groups of too few.
    """
    lengths = np.array([o.epochs for o in trials])
    ranks = np.full(len(trials), np.nan)
    for length in np.unique(lengths):
        group = np.flatnonzero((lengths == length) & np.isfinite(values))
        if len(group) >= GROUP_LEAST:
            ranks[group] = (stats.rankdata(values[group]) - 0.5) / len(group)
    return ranks
