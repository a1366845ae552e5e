"""Metrics that searches are ranked by: one entry each, read by spec, training, report and pages.

To add a metric, register it; `hpsearch.metrics.metric` says what an entry declares.
"""

from hpsearch.metrics import classification
from hpsearch.metrics.intervals import wilson
from hpsearch.metrics.metric import (
    Direction,
    Metric,
    Needs,
    SplitScore,
    Task,
    Unit,
    mean_loss,
    mean_measured,
)
from hpsearch.registry import Registry

__all__ = [
    "METRICS",
    "Direction",
    "Metric",
    "Needs",
    "SplitScore",
    "Task",
    "Unit",
    "mean_loss",
    "mean_measured",
    "sign",
    "wilson",
]

METRICS: Registry[Metric] = Registry(
    "metric",
    {
        "accuracy": classification.ACCURACY,
        "balanced_accuracy": classification.BALANCED_ACCURACY,
        "log_loss": classification.LOG_LOSS,
    },
)


def sign(objective: str) -> int:
    """-1 where the objective is a metric to minimise; scores of a caller are the higher the better."""
    metric = METRICS.get(objective)
    return 1 if metric is None else metric.sign
