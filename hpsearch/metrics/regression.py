"""Metrics of regression, in the units of the target and in 64 bits.

n   examples of one split's validation part, or of the test part      e   errors, prediction minus target
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics.metric import Counted, Floats, Metric, mean_measured
from hpsearch.metrics.resampling import studentised


def errors(predicted: NDArray[Any], targets: NDArray[Any]) -> Floats:
    """(n, ...) predictions minus targets."""
    return np.asarray(predicted, np.float64) - np.asarray(targets, np.float64)


def squared_errors(predicted: NDArray[Any], targets: NDArray[Any]) -> Floats:
    """(n,) the squared errors, a mean over the targets of an example that has several."""
    squares: Floats = np.square(errors(predicted, targets)).reshape(len(targets), -1).mean(axis=1)
    return squares


def _mean(values: Floats, counts: Floats) -> float:
    return float(counts @ values) / float(counts.sum())


def _mean_error(values: Floats, counts: Floats) -> float:
    """The standard error of the mean of counted values."""
    mean = _mean(values, counts)
    return math.sqrt(_mean(np.square(values - mean), counts) / float(counts.sum()))


def bind_mse(predicted: NDArray[Any], targets: NDArray[Any]) -> Counted:
    """The mean of e²."""
    squares = squared_errors(predicted, targets)
    return lambda counts: _mean(squares, counts)


def bind_rmse(predicted: NDArray[Any], targets: NDArray[Any]) -> Counted:
    """The root of the mean of e²."""
    squares = squared_errors(predicted, targets)
    return lambda counts: math.sqrt(_mean(squares, counts))


def _distances(predicted: NDArray[Any], targets: NDArray[Any]) -> Floats:
    made: Floats = np.abs(errors(predicted, targets)).reshape(len(targets), -1).mean(axis=1)
    return made


def bind_mae(predicted: NDArray[Any], targets: NDArray[Any]) -> Counted:
    """The mean of |e|."""
    distances = _distances(predicted, targets)
    return lambda counts: _mean(distances, counts)


def bind_r2(predicted: NDArray[Any], targets: NDArray[Any]) -> Counted:
    """1 - sum of e² / sum of squared distances of the targets from their mean.

    NaN where the counted targets are all equal, one of them alone included.
    """
    squares = squared_errors(predicted, targets)
    y = np.asarray(targets, np.float64).reshape(len(targets), -1)
    y = y - y.mean(axis=0)  # so that large targets lose nothing

    def value(counts: Floats) -> float:
        there = y[counts > 0]
        if not len(there) or (there == there[0]).all():
            return math.nan
        from_mean = y - (counts @ y) / counts.sum()
        return 1 - float(counts @ squares) / float(counts @ np.square(from_mean).mean(axis=1))

    return value


def rmse_interval(predicted: NDArray[Any], targets: NDArray[Any]) -> tuple[float, float] | None:
    """The bootstrap-t interval; the standard error is that of the mean of e² over 2 RMSE."""
    squares = squared_errors(predicted, targets)

    def deviation(counts: Floats) -> float:
        root = math.sqrt(_mean(squares, counts))
        return _mean_error(squares, counts) / (2 * root) if root else 0.0

    ends = studentised(bind_rmse(predicted, targets), deviation, len(targets))
    return ends and (max(0.0, ends[0]), ends[1])


def mse_interval(predicted: NDArray[Any], targets: NDArray[Any]) -> tuple[float, float] | None:
    """The squares of the ends of RMSE's interval, which cover what those cover."""
    ends = rmse_interval(predicted, targets)
    return ends and (ends[0] ** 2, ends[1] ** 2)


def mae_interval(predicted: NDArray[Any], targets: NDArray[Any]) -> tuple[float, float] | None:
    """The bootstrap-t interval of a mean."""
    distances = _distances(predicted, targets)
    ends = studentised(
        bind_mae(predicted, targets), lambda counts: _mean_error(distances, counts), len(targets)
    )
    return ends and (max(0.0, ends[0]), ends[1])


RMSE = Metric(
    title="RMSE",
    task="regression",
    direction="minimise",
    unit="number",
    low=0.0,
    high=math.inf,
    pooled=mean_measured,
    bind=bind_rmse,
    interval_of=rmse_interval,
    squares=True,
)
MSE = Metric(
    title="mean squared error",
    task="regression",
    direction="minimise",
    unit="number",
    low=0.0,
    high=math.inf,
    pooled=mean_measured,
    bind=bind_mse,
    interval_of=mse_interval,
    squares=True,
)
MAE = Metric(
    title="mean absolute error",
    task="regression",
    direction="minimise",
    unit="number",
    low=0.0,
    high=math.inf,
    pooled=mean_measured,
    bind=bind_mae,
    interval_of=mae_interval,
)
R2 = Metric(
    title="R²",
    task="regression",
    direction="maximise",
    unit="share",
    low=-math.inf,
    high=1.0,
    pooled=mean_measured,
    bind=bind_r2,
    squares=True,
)
