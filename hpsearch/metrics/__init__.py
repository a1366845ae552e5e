"""Metrics that searches are ranked by: one entry each, read by spec, training, report and pages.

To add a metric, register it; `hpsearch.metrics.metric` says what an entry declares.
"""

from hpsearch.metrics import classification, regression
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
    "fitting",
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
        "macro_f1": classification.MACRO_F1,
        "f1": classification.F1,
        "f2": classification.F2,
        "f0_5": classification.F0_5,
        "roc_auc": classification.ROC_AUC,
        "average_precision": classification.AVERAGE_PRECISION,
        "brier": classification.BRIER,
        "rmse": regression.RMSE,
        "mse": regression.MSE,
        "mae": regression.MAE,
        "r2": regression.R2,
    },
)


def fitting(task: Task, classes: int) -> tuple[str, ...]:
    """Names of the metrics for targets of a kind; `classes` of them, 0 where they are numbers.

    The first one is the objective where none is asked for.
    """
    return tuple(
        name
        for name, metric in METRICS.items()
        if metric.task == task and (classes == 2 or not metric.binary)
    )


def sign(objective: str) -> int:
    """-1 where the objective is a metric to minimise; scores of a caller are the higher the better."""
    metric = METRICS.get(objective)
    return 1 if metric is None else metric.sign
