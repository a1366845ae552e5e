"""Experiments of Syne Tune: `metadata.json`, `results.csv.zip` and a folder for each trial."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hpsearch.directions import Direction
from hpsearch.errors import InvalidRequest, TooLarge
from hpsearch.exchange.stores.files import STORE_MOST, mapping, read_json, text_of
from hpsearch.exchange.stores.trials import End, Stored, StoredTrial, finite, flat
from hpsearch.space import Space

RESULTS = ("results.csv.zip", "results.csv")
MODES: Mapping[str, Direction] = {"min": "minimize", "max": "maximize"}
Row = Mapping[str, str]


def recognises(path: Path) -> bool:
    """Tell whether a path is an experiment."""
    return (path / "metadata.json").is_file() and any((path / name).is_file() for name in RESULTS)


def read(path: Path, space: Space, metric: str | None) -> Stored:
    """Read an experiment; no table of it says which trials failed, so the last row of each decides."""
    metadata = mapping(read_json(path / "metadata.json"), str(path / "metadata.json"))
    names = metadata.get("metric_names")
    metric = metric or _first(metadata.get("metric"), names)
    if metric is None:
        raise InvalidRequest(f"{path} does not say which metric counts; give --metric")
    scheduler = metadata.get("scheduler_kwargs")
    scheduler = scheduler if isinstance(scheduler, dict) else {}
    rows = _rows(path)
    if rows and metric not in rows[0]:
        columns = ", ".join(n for n in rows[0] if not n.startswith(("st_", "config_")))
        raise InvalidRequest(f"{path} has no metric {metric!r}; its columns are {columns}")
    resource = str(scheduler.get("time_attr") or scheduler.get("resource_attr") or "epoch")
    trials: dict[str, list[tuple[int, float | None, str]]] = defaultdict(list)
    for row in rows:
        trials[str(row.get("trial_id"))].append(_point(row, metric, resource))
    most = scheduler.get("max_t")
    longest = max((epoch for points in trials.values() for epoch, _, _ in points), default=1)
    longest = most if type(most) is int else longest
    made = [
        _trial(_params(path, key), sorted(points, key=lambda p: p[0]), longest)
        for key, points in trials.items()
    ]
    mode = metadata.get("metric_mode")
    return Stored(f"experiment {path.name}", tuple(made), MODES.get(str(_first(mode, None))))


def _first(value: Any, others: Any) -> str | None:
    """Return a text, or the first of a list of one."""
    for one in (value, others):
        if isinstance(one, str):
            return one
        if isinstance(one, list) and len(one) == 1 and isinstance(one[0], str):
            return one[0]
    return None


def _rows(path: Path) -> list[Row]:
    file = next(path / name for name in RESULTS if (path / name).is_file())
    text = _unzipped(file) if file.suffix == ".zip" else text_of(file)
    try:
        return [
            {k: v for k, v in row.items() if isinstance(k, str)}
            for row in csv.DictReader(io.StringIO(text))
        ]
    except csv.Error as error:
        raise InvalidRequest(f"{file} is no CSV: {error}") from error


def _unzipped(file: Path) -> str:
    """Return the one file of an archive, of bounded size whatever the archive says."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as inner:
            raw = inner.read(STORE_MOST + 1)
    except (zipfile.BadZipFile, IndexError, OSError, RuntimeError, NotImplementedError) as error:
        raise InvalidRequest(f"{file} is no archive with a CSV: {error}") from error
    if len(raw) > STORE_MOST:
        raise TooLarge(f"{file} has more than {STORE_MOST:,} bytes")
    return raw.decode(errors="replace")


def _point(row: Row, metric: str, resource: str) -> tuple[int, float | None, str]:
    """Return epoch, score and decision of a row; an empty cell is a NaN."""
    epoch = _number(row.get(resource))
    if epoch is None:
        counted = _number(row.get("st_worker_iter"))
        epoch = 1.0 if counted is None else counted + 1
    score = _number(row.get(metric)) if row.get(metric) else math.nan
    return max(1, int(epoch)), score, str(row.get("st_decision"))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _params(path: Path, trial: str) -> Mapping[str, Any]:
    """Return the configuration, with the types that the table has lost."""
    if not trial.isdigit():
        raise InvalidRequest(f"{path} has a trial that is no number: {trial[:40]!r}")
    file = path / trial / "config.json"
    return dict(flat(mapping(read_json(file), str(file)))) if file.exists() else {}


def _trial(
    params: Mapping[str, Any], points: Sequence[tuple[int, float | None, str]], longest: int
) -> StoredTrial:
    epochs, score, decision = points[-1]
    curve = finite((epoch, value) for epoch, value, _ in points)
    if score is None or not math.isfinite(score):
        return StoredTrial(params, "diverged", epochs, None, curve)
    if epochs < longest and decision == "CONTINUE":
        why = "failed: their last row says CONTINUE before the last epoch"
        return StoredTrial(params, "failed", left_out=why)
    end: End = "completed" if epochs >= longest else "stopped"
    return StoredTrial(params, end, epochs, score, curve)
