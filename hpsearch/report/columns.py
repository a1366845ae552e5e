"""Names of columns in tables of trials, where hyperparameters stand beside a trial's own facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

PREFIX = "param."
METRIC = "metric."


def metric_column(name: str) -> str:
    """Name the column of a metric that a trainer reported."""
    return METRIC + name


def param_columns(names: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """Name the column of each hyperparameter: NAME, or param.NAME where NAME is taken.

    A name that another one would then have, such as param.epochs beside epochs, gets one prefix
    more: no two columns have the same name, whatever the hyperparameters are called.
    """
    return {name: PREFIX + name if _bare(name) in taken else name for name in names}


def _bare(name: str) -> str:
    while name.startswith(PREFIX):
        name = name.removeprefix(PREFIX)
    return name
