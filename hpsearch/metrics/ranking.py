"""Metrics of ranks: the area under the ROC curve, and average precision.

n examples   K classes   G distinct scores of a class, from low to high

Ranks come from the network's outputs in 64 bits, never from probabilities: those of 38 and 40 are
both 1 in floating point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics.metric import Counted, Floats

Rows = NDArray[np.intp]


def logits(outputs: NDArray[Any]) -> Floats:
    """(n, K) the logarithm of p / (1 - p) for the softmax p of the outputs (n, K).

    With m the largest output, log(1 - p_k) is taken from the other outputs where k has m, and from
    p_k, which is then at most 1/2, elsewhere: nothing is lost to rounding.
    """
    z = np.asarray(outputs, np.float64)
    if z.shape[1] == 2:
        difference = z[:, 1] - z[:, 0]
        return np.stack([-difference, difference], axis=1)
    rows, top = np.arange(len(z)), z.argmax(axis=1)
    shifted = z - z[rows, top][:, None]
    ordered = np.sort(shifted, axis=1)  # so that equal shares are equal in any order of classes
    log_p = shifted - np.log(np.exp(ordered).sum(axis=1))[:, None]
    second = ordered[:, -2:-1]
    beside = second[:, 0] + np.log(np.exp(ordered[:, :-1] - second).sum(axis=1))
    made: Floats = log_p - np.log1p(-np.exp(np.minimum(log_p, math.log(0.5))))
    made[rows, top] = -beside
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """Scores of a class in order: `order` (n,), `starts` (G,) of equal ones, `positive` (n,)."""

    order: Rows
    starts: Rows
    positive: Floats

    @classmethod
    def of(cls, scores: Floats, positive: NDArray[np.bool_]) -> Ranks:
        """Sort the scores (n,) of examples of which some are of the class."""
        order = np.argsort(scores, kind="stable")
        ranked = scores[order]
        starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
        return cls(order, starts, positive.astype(np.float64)[order])

    def counts(self, counts: Floats) -> tuple[Floats, Floats]:
        """(G,) examples in and out of the class at each score, counted so often (n,)."""
        ranked = counts[self.order]
        inside = ranked * self.positive
        add = np.add.reduceat
        return add(inside, self.starts), add(ranked - inside, self.starts)

    def area(self, counts: Floats) -> float:
        """The share of pairs in right order, ties by half; NaN where one side is empty."""
        inside, outside = self.counts(counts)
        pairs = float(inside.sum() * outside.sum())
        if not pairs:
            return math.nan
        return float(inside @ (np.cumsum(outside) - outside / 2)) / pairs

    def precision(self, counts: Floats) -> float:
        """The mean over the class's examples of the precision at their scores; NaN without any."""
        inside, outside = (side[::-1] for side in self.counts(counts))
        weight = float(inside.sum())
        if not weight:
            return math.nan
        hits, all_ = np.cumsum(inside), np.cumsum(inside + outside)
        return float(inside @ (hits / np.maximum(all_, 1e-300))) / weight  # 0 of none is 0

    def placements(self) -> Floats:
        """(n,) what each example adds to the area: DeLong's components, less their mean, over their number."""
        inside, outside = self.counts(np.ones(len(self.order)))
        m, n = inside.sum(), outside.sum()
        above = (np.cumsum(outside) - outside / 2) / n
        below = 1 - (np.cumsum(inside) - inside / 2) / m
        area = float(inside @ above) / m
        at = np.repeat(np.arange(len(self.starts)), np.diff([*self.starts, len(self.order)]))
        made = np.empty(len(self.order))
        made[self.order] = np.where(
            self.positive > 0, (above[at] - area) / m, (below[at] - area) / n
        )
        return made


def _by_class(outputs: NDArray[Any], classes: NDArray[Any]) -> Iterator[Ranks]:
    """Each class against all others; one of two classes says it all, and one without rows nothing."""
    scores = logits(outputs)
    counts = np.bincount(classes, minlength=scores.shape[1])
    there = [int(k) for k in np.flatnonzero((counts > 0) & (counts < len(classes)))]
    if scores.shape[1] == 2:
        there = there[-1:]
    for k in there:  # one by one: with many classes they would fill the memory together
        yield Ranks.of(scores[:, k], classes == k)


def auc(outputs: NDArray[Any], classes: NDArray[Any]) -> float:
    """The mean over the classes with examples inside and outside of the area of one against the rest.

    NaN where only one class has examples.
    """
    once = np.ones(len(classes))
    areas = [each.area(once) for each in _by_class(outputs, classes)]
    return math.fsum(areas) / len(areas) if areas else math.nan


def bind_auc(outputs: NDArray[Any], classes: NDArray[Any]) -> Counted:
    """The same for counted examples."""
    ranks = list(_by_class(outputs, classes))

    def value(counts: Floats) -> float:
        if not ranks:
            return math.nan
        return math.fsum(each.area(counts) for each in ranks) / len(ranks)

    return value


def bind_precision(outputs: NDArray[Any], classes: NDArray[Any]) -> Counted:
    """Average precision of class 1 of two: the sum over the scores of precision times gain in recall."""
    return Ranks.of(logits(outputs)[:, 1], classes == 1).precision


def delong(outputs: NDArray[Any], classes: NDArray[Any]) -> tuple[float, float] | None:
    """The 95 % interval of the area on the scale of its logit; None where all pairs are right or wrong.

    DeLong, DeLong and Clarke-Pearson 1988, equations 4 to 6, with the delta method for the logit.
    Of several classes an example's components are averaged over them, and each class's
    examples have the correction of their own number.
    """
    area, counts = auc(outputs, classes), np.bincount(classes)[classes]
    if counts.min() < 2 or not 0 < area < 1:
        return None
    added, number = np.zeros(len(classes)), 0
    for each in _by_class(outputs, classes):
        added, number = added + each.placements(), number + 1
    added /= number
    sd = math.sqrt(float(np.sum(added**2 * counts / (counts - 1))))
    half = NormalDist().inv_cdf(0.975) * sd / (area * (1 - area))
    middle = math.log(area / (1 - area))
    return _share(middle - half), _share(middle + half)


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
