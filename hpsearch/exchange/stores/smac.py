"""Runs of SMAC3: `runhistory.json`, or the folder with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from hpsearch.errors import InvalidRequest
from hpsearch.exchange.stores.files import entries, mapping, read_json
from hpsearch.exchange.stores.trials import End, Stored, StoredTrial, a_number, finite
from hpsearch.space import Space

FILE = "runhistory.json"
SUCCESS, CRASHED = 1, 2
RAISED = "crashed with a traceback"
NOT_FINITE = "crashed without a traceback: NaN, infinity or nothing was returned"


def recognises(path: Path) -> bool:
    """Tell whether a path is a run history, or a folder with one."""
    return (path / FILE).is_file() or path.name == FILE


def read(path: Path, space: Space, metric: str | None) -> Stored:
    """Read a run history: a configuration is a trial, its budgets are epochs, its seeds are averaged."""
    file = path / FILE if path.is_dir() else path
    document = mapping(read_json(file), str(file))
    configs = mapping(document.get("configs"), f"configs of {file}")
    runs: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for run in entries(document.get("data"), f"data of {file}"):
        if isinstance(run.get("cost"), list):
            raise InvalidRequest(f"{file} has several objectives; a search has one")
        runs[str(run.get("config_id"))].append(run)
    budgets = [run.get("budget") for own in runs.values() for run in own]
    longest = max(map(_epochs, budgets), default=1)
    trials = [
        _trial(mapping(configs.get(key), f"config {key} of {file}"), own, longest)
        for key, own in runs.items()
    ]
    uneven = sorted(b for b in budgets if isinstance(b, float) and not b.is_integer())
    remark = (
        f"budgets that are no whole numbers are rounded, such as {uneven[0]:g}" if uneven else ""
    )
    return Stored(f"run history {file}", tuple(trials), "minimize", (remark,) if remark else ())


def _trial(
    params: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], longest: int
) -> StoredTrial:
    costs: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        cost = a_number(run.get("cost"))
        if run.get("status") == SUCCESS and cost is not None:
            costs[_epochs(run.get("budget"))].append(cost)
    if not costs:
        return StoredTrial(params, "failed", left_out=_why(runs[-1]))
    curve = finite((epochs, fmean(some)) for epochs, some in costs.items())
    last = max(costs)
    end: End = "completed" if last >= longest else "stopped"
    return StoredTrial(params, end, last, fmean(costs[last]), curve)


def _epochs(budget: Any) -> int:
    """Return a budget as whole epochs: 1 where there is none."""
    given = a_number(budget)
    return 1 if given is None or not 1 <= given < 1e9 else round(given)


def _why(run: Mapping[str, Any]) -> str:
    if run.get("status") == CRASHED:
        return RAISED if run.get("additional_info") else NOT_FINITE
    return "have no run that succeeded: timed out, out of memory or still running"
