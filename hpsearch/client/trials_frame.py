"""Trials as a pandas frame, where pandas is installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hpsearch.errors import Misconfigured
from hpsearch.report.columns import param_columns
from hpsearch.report.views import TrialView

if TYPE_CHECKING:
    from pandas import DataFrame

_COLUMNS = [name for name in TrialView.model_fields if name not in ("params", "curve")]


def of_trials(trials: Iterable[TrialView]) -> DataFrame:
    """A row for each trial under its id, its hyperparameters in the last columns.

    A hyperparameter that is called like a fact of the trial has the column param.NAME.

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
    rows = [_row(trial) for trial in trials]
    columns = list(rows[0]) if rows else _COLUMNS
    return pd.DataFrame(rows, columns=columns).set_index("id")


def _row(trial: TrialView) -> dict[str, Any]:
    own = {name: getattr(trial, name) for name in _COLUMNS}
    columns = param_columns(trial.params, _COLUMNS)
    return own | {columns[name]: level for name, level in trial.params.items()}
