"""Metrics of classification.

n   examples of one split's validation part, or of the test part      K   classes
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics.intervals import wilson
from hpsearch.metrics.metric import (
    Bind,
    Counted,
    Floats,
    Metric,
    SplitScore,
    mean_loss,
    mean_measured,
)
from hpsearch.metrics.ranking import auc, bind_auc, bind_precision, delong


def _share_correct(splits: Sequence[SplitScore]) -> float:
    weights = [s.weight for s in splits if s.weight is not None]
    if weights:
        return math.fsum(s.right for s in splits) / math.fsum(weights)
    return sum(s.correct for s in splits) / sum(s.examples for s in splits)


def mean_recall(predicted: NDArray[np.intp], classes: NDArray[np.intp]) -> float:
    """The mean over the classes of the share that is recognised.

    A class without examples in the part has no share in the mean.
    """
    counts = np.bincount(classes)
    present = np.flatnonzero(counts)
    hits = np.bincount(classes[predicted == classes], minlength=len(counts))
    return float(np.add.reduce(hits[present] / counts[present]) / len(present))


def bind_mean_recall(predicted: NDArray[Any], classes: NDArray[Any]) -> Counted:
    """The same for counted examples."""

    def value(counts: Floats) -> float:
        hits, true, _ = _tallies(predicted, classes, counts)
        present = np.flatnonzero(true)
        return float(np.add.reduce(hits[present] / true[present]) / len(present))

    return value


def _tallies(predicted: NDArray[Any], classes: NDArray[Any], counts: Floats) -> list[Floats]:
    """(K,) each: examples that are found, that are of the class, that are said to be of it."""
    size = int(max(classes.max(), predicted.max())) + 1
    hits = np.where(predicted == classes, counts, 0.0)
    columns = ((classes, hits), (classes, counts), (predicted, counts))
    tallies: list[Floats] = [
        np.bincount(at, weights, minlength=size).astype(np.float64) for at, weights in columns
    ]
    return tallies


def bind_macro_f1(predicted: NDArray[Any], classes: NDArray[Any]) -> Counted:
    """The mean of the classes' F1; a class that is neither there nor predicted is left out.

    One that is predicted and not there counts as 0. The list of classes is that of all examples.
    """
    here = np.union1d(predicted, classes).astype(np.intp)

    def value(counts: Floats) -> float:
        hits, true, said = (tally[here] for tally in _tallies(predicted, classes, counts))
        return float(np.mean(2 * hits / np.maximum(true + said, 1e-300)))  # 0 of none is 0

    return value


def bind_f(beta: float) -> Bind:
    """F-beta of class 1 of two (van Rijsbergen 1979, chapter 7): recall counts beta times as much.

    (1 + b) TP / ((1 + b) TP + b FN + FP) with b = beta², NaN where class 1 is neither there nor
    predicted.
    """
    b = beta * beta

    def bind(predicted: NDArray[Any], classes: NDArray[Any]) -> Counted:
        said, true = predicted == 1, classes == 1
        top, bottom = (1 + b) * (said & true), b * true + said

        def value(counts: Floats) -> float:
            below = float(counts @ bottom)
            return float(counts @ top) / below if below else math.nan

        return value

    return bind


def bind_brier(outputs: NDArray[Any], classes: NDArray[Any]) -> Counted:
    """The mean squared distance of the probabilities from the truth (Brier 1950).

    Of two classes that of the second one's probability, from 0 to 1; of more the sum over the
    classes, from 0 to 2. The two are not to be compared.
    """
    z = np.asarray(outputs, np.float64)
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(classes)), classes] -= 1
    distances = np.square(shares).sum(axis=1) / (2 if z.shape[1] == 2 else 1)

    def value(counts: Floats) -> float:
        return float(counts @ distances) / float(counts.sum())

    return value


def _f(title: str, beta: float) -> Metric:
    return Metric(
        title=title,
        task="classification",
        direction="maximise",
        unit="share",
        low=0.0,
        high=1.0,
        pooled=mean_measured,
        bind=bind_f(beta),
        by_class=True,
        binary=True,
    )


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
    bind=bind_mean_recall,
    by_class=True,
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
MACRO_F1 = Metric(
    title="macro F1",
    task="classification",
    direction="maximise",
    unit="share",
    low=0.0,
    high=1.0,
    pooled=mean_measured,
    bind=bind_macro_f1,
    by_class=True,
)
F1, F2, F0_5 = _f("F1", 1.0), _f("F2", 2.0), _f("F0.5", 0.5)
ROC_AUC = Metric(
    title="ROC AUC",
    task="classification",
    direction="maximise",
    unit="share",
    low=0.0,
    high=1.0,
    pooled=mean_measured,
    compute=auc,
    needs="outputs",
    bind=bind_auc,
    by_class=True,
    interval_of=delong,
    without=0.5,
)
AVERAGE_PRECISION = Metric(
    title="average precision",
    task="classification",
    direction="maximise",
    unit="share",
    low=0.0,
    high=1.0,
    pooled=mean_measured,
    needs="outputs",
    bind=bind_precision,
    by_class=True,
    binary=True,
)
BRIER = Metric(
    title="Brier score",
    task="classification",
    direction="minimise",
    unit="share",
    low=0.0,
    high=2.0,
    pooled=mean_measured,
    needs="outputs",
    bind=bind_brier,
)
