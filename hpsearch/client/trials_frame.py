"""Trials as a pandas frame, where pandas is installed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hpsearch.errors import Misconfigured
from hpsearch.report.columns import metric_column, param_columns
from hpsearch.report.views import TrialView

if TYPE_CHECKING:
    from pandas import DataFrame

_REPORTED = ("cost", "note", "link", "replicates")
_COLUMNS = [
    name
    for name in TrialView.model_fields
    if name not in ("params", "curve", "metrics", *_REPORTED)
]


def of_trials(trials: Iterable[TrialView]) -> DataFrame:
    """A row for each trial under its id, its hyperparameters in the last columns.

    Before them are `cost`, `note`, `link`, `replicates` and `metric.NAME`, where trainers reported some. A hyperparameter that is called like a fact of the trial has the column param.NAME.

    Raises
    ------
    Misconfigured
        pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise Misconfigured(
            "a frame needs pandas, which is not installed here: pip install pandas; "
            "Client.trials has the same rows"
        ) from error
    known = list(trials)
    reported = [name for name in _REPORTED if any(getattr(t, name) is not None for t in known)]
    metrics = sorted({name for trial in known for name in trial.metrics or {}})
    rows = [_row(trial, metrics, reported) for trial in known]
    # A trial lacks the hyperparameters that are not active in it: the first one may not have all.
    columns = list(dict.fromkeys(name for row in rows for name in row)) or _COLUMNS
    return pd.DataFrame(rows, columns=columns).set_index("id")


def _row(trial: TrialView, metrics: Sequence[str], reported: Sequence[str]) -> dict[str, Any]:
    own = {name: getattr(trial, name) for name in (*_COLUMNS, *reported)}
    own |= {metric_column(name): (trial.metrics or {}).get(name) for name in metrics}
    columns = param_columns(trial.params, own)
    return own | {columns[name]: level for name, level in trial.params.items()}
