"""Metrics of classification.

n   examples of one split's validation part
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics.intervals import wilson
from hpsearch.metrics.metric import Metric, SplitScore, mean_loss, mean_measured


def _share_correct(splits: Sequence[SplitScore]) -> float:
    return sum(s.correct for s in splits) / sum(s.examples for s in splits)


def mean_recall(targets: NDArray[Any]) -> Callable[[NDArray[Any]], float]:
    """The mean over the classes of the share that is recognised, for classes (n,) as targets.

    A class without examples in the part has no share in the mean.
    """
    y = targets.astype(np.intp)
    counts = np.bincount(y)
    present = np.flatnonzero(counts)
    sizes = counts[present]

    def measure(predicted: NDArray[Any]) -> float:
        hits = np.bincount(y[predicted == y], minlength=present[-1] + 1)
        return float(np.add.reduce(hits[present] / sizes) / len(sizes))

    return measure


ACCURACY = Metric(
    title="accuracy",
    task="classification",
    direction="maximise",
    unit="share",
    low=0.0,
    high=1.0,
    pooled=_share_correct,
    interval=wilson,
)
BALANCED_ACCURACY = Metric(
    title="balanced accuracy",
    task="classification",
    direction="maximise",
    unit="share",
    low=0.0,
    high=1.0,
    pooled=mean_measured,
    measure=mean_recall,
)
LOG_LOSS = Metric(
    title="log loss",
    task="classification",
    direction="minimise",
    unit="number",
    low=0.0,
    high=math.inf,
    pooled=mean_loss,
)
