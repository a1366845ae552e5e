"""Experiments of NNI: the SQLite file `nni.sqlite`, opened read-only."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hpsearch.directions import Direction
from hpsearch.errors import InvalidRequest, Unavailable
from hpsearch.exchange.documents import SQLITE, parse_json
from hpsearch.exchange.stores.trials import End, Stored, StoredTrial, a_number, finite
from hpsearch.space import Space

NAMES = ("nni.sqlite", "db/nni.sqlite")
ROWS_MOST = 2_000_000
FAILED = ("FAILED", "USER_CANCELED", "SYS_CANCELED")


def recognises(path: Path) -> bool:
    """Tell whether a path is an experiment's database, or a folder with one."""
    file = _file(path)
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(SQLITE)) == SQLITE


def _file(path: Path) -> Path:
    return next((path / name for name in NAMES if (path / name).is_file()), path)


def read(path: Path, space: Space, metric: str | None) -> Stored:
    """Read an experiment; a final metric that is a mapping counts by `metric`, else by its default."""
    file = _file(path)
    events, metrics, profiles = _rows(file)
    params = dict[str, Mapping[str, Any]]()
    last = dict[str, str]()
    for trial, event, data in events:
        last[trial] = event
        if data is not None:
            found = _parameters(data, file)
            params[trial] = found if found is not None else params.get(trial, {})
    scores: dict[str, list[tuple[str, int, float | None]]] = defaultdict(list)
    for trial, kind, sequence, data in metrics:
        if type(sequence) is int and sequence >= 0:
            scores[trial].append((kind, sequence, _metric(data, metric, file)))
    trials = [_trial(one, last[trial], scores[trial]) for trial, one in params.items()]
    return Stored(f"experiment {file}", tuple(trials), _direction(profiles, file))


def _rows(file: Path) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the rows of events in time, of metrics, and of the profile's newest revision."""
    uri = f"{file.resolve().as_uri()}?mode=ro"
    queries = (
        "SELECT trialJobId, event, data FROM TrialJobEvent ORDER BY timestamp, rowid LIMIT ?",
        "SELECT trialJobId, type, sequence, data FROM MetricData ORDER BY timestamp, rowid LIMIT ?",
        "SELECT params FROM ExperimentProfile ORDER BY revision DESC, ? LIMIT 1",
    )
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            events, metrics, profiles = (
                connection.execute(q, (ROWS_MOST,)).fetchall() for q in queries
            )
    except sqlite3.Error as error:
        raise Unavailable(f"{file} cannot be used as a database of NNI: {error}") from error
    return events, metrics, profiles


def _parameters(data: Any, file: Path) -> dict[str, Any] | None:
    document = parse_json(data, str(file)) if isinstance(data, str) else None
    given = document.get("parameters") if isinstance(document, dict) else None
    return dict(_flat(given, "")) if isinstance(given, dict) else None


def _flat(given: Mapping[str, Any], above: str) -> Sequence[tuple[str, Any]]:
    """Return parameters by name; a named branch counts by its name, what it holds by names with dots."""
    pairs = list[tuple[str, Any]]()
    for name, value in given.items():
        if isinstance(value, dict):
            if "_name" in value:
                pairs.append((f"{above}{name}", value["_name"]))
            pairs += _flat({k: v for k, v in value.items() if k != "_name"}, f"{above}{name}.")
        else:
            pairs.append((f"{above}{name}", value))
    return pairs


def _metric(data: Any, metric: str | None, file: Path) -> float | None:
    """Return a metric, which is JSON in a text of JSON."""
    value = data
    for _ in range(2):
        if isinstance(value, str) and value not in ("NaN", "Infinity", "-Infinity"):
            value = parse_json(value, str(file))
    if isinstance(value, dict):
        value = value.get(metric or "default")
    texts = {"Infinity": math.inf, "-Infinity": -math.inf}
    return a_number(texts.get(value, value) if isinstance(value, str) else value)


def _trial(
    params: Mapping[str, Any], event: str, scores: Sequence[tuple[str, int, float | None]]
) -> StoredTrial:
    if event in FAILED:
        return StoredTrial(params, "failed", left_out="failed, or were cancelled")
    if event not in ("SUCCEEDED", "EARLY_STOPPED"):
        return StoredTrial(params, "running")
    points = [(sequence + 1, score) for kind, sequence, score in scores if kind == "PERIODICAL"]
    final = [score for kind, _, score in scores if kind == "FINAL"]
    points.sort(key=lambda one: one[0])
    epochs = points[-1][0] if points else None
    end: End = "completed" if event == "SUCCEEDED" else "stopped"
    score = final[-1] if final else points[-1][1] if points and end == "stopped" else None
    if score is None:
        return StoredTrial(params, "failed", left_out="have no final metric")
    if not math.isfinite(score):
        end = "diverged"
    return StoredTrial(params, end, epochs, score, finite(points))


def _direction(profiles: Sequence[Any], file: Path) -> Direction:
    """Return the mode of the tuner, which maximises by default."""
    if not profiles or not isinstance(profiles[0][0], str):
        raise InvalidRequest(f"{file} has no profile of an experiment")
    document = parse_json(profiles[0][0], str(file))
    for key in ("tuner", "advisor"):
        one = document.get(key) if isinstance(document, dict) else None
        arguments = one.get("classArgs") if isinstance(one, dict) else None
        if isinstance(arguments, dict) and arguments.get("optimize_mode") == "minimize":
            return "minimize"
    return "maximize"
