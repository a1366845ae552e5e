"""Metrics of classification.

n   examples of one split's validation part
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics.intervals import wilson
from hpsearch.metrics.metric import Metric, SplitScore, mean_loss, mean_measured


def _share_correct(splits: Sequence[SplitScore]) -> float:
    return sum(s.correct for s in splits) / sum(s.examples for s in splits)


def mean_recall(predicted: NDArray[np.intp], classes: NDArray[np.intp]) -> float:
    """The mean over the classes of the share that is recognised.

    A class without examples in the part has no share in the mean.
    """
    counts = np.bincount(classes)
    present = np.flatnonzero(counts)
    hits = np.bincount(classes[predicted == classes], minlength=len(counts))
    return float(np.add.reduce(hits[present] / counts[present]) / len(present))


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
    compute=mean_recall,
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
