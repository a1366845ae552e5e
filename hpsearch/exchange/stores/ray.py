"""Experiments of Ray Tune: a folder with `experiment_state-*.json` and a folder for each trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hpsearch.errors import InvalidRequest
from hpsearch.exchange.documents import parse_json
from hpsearch.exchange.stores.files import TRIALS_MOST, json_lines, mapping, read_json
from hpsearch.exchange.stores.trials import End, Stored, StoredTrial, a_number, finite, flat
from hpsearch.space import Space

STATE = "experiment_state-*.json"


def recognises(path: Path) -> bool:
    """Tell whether a path is an experiment."""
    return path.is_dir() and (any(path.glob(STATE)) or any(path.glob("*/result.json")))


def read(path: Path, space: Space, metric: str | None) -> Stored:
    """Read an experiment; the mode, min or max, no plain file of Ray has."""
    statuses, named = _statuses(path)
    metric = metric or named
    if metric is None:
        raise InvalidRequest(f"{path} does not say which metric counts; give --metric")
    files = sorted(path.glob("*/result.json"))[:TRIALS_MOST]
    histories = {file.parent: [*json_lines(file)] for file in files}
    longest = max((_epoch(line) for lines in histories.values() for line in lines), default=1)
    order = {trial: place for place, trial in enumerate(statuses)}
    trials = [
        (order.get(_id(lines), len(order)), _trial(folder, lines, metric, longest, statuses))
        for folder, lines in histories.items()
    ]
    trials.sort(key=lambda one: one[0])
    remark = "the mode is not in Ray's files: scores are taken as the spec's direction says"
    return Stored(f"experiment {path.name}", tuple(one for _, one in trials), None, (remark,))


def _statuses(path: Path) -> tuple[Mapping[str, str], str | None]:
    """Return the status of each trial by its id, and the metric, from the newest state file."""
    files = sorted(path.glob(STATE))
    if not files:
        return {}, None
    state = mapping(read_json(files[-1]), str(files[-1]))
    statuses = {}
    data = state.get("trial_data")
    for entry in data if isinstance(data, list) else ():
        text = entry[0] if isinstance(entry, list) and entry else entry
        trial = parse_json(text, files[-1].name) if isinstance(text, str) else None
        if isinstance(trial, dict):
            statuses[str(trial.get("trial_id"))] = str(trial.get("status"))
    runner = state.get("runner_data")
    metric = runner.get("_metric") if isinstance(runner, dict) else None
    return statuses, metric if isinstance(metric, str) else None


def _id(lines: Sequence[Mapping[str, Any]]) -> str:
    return str(lines[-1].get("trial_id")) if lines else ""


def _epoch(line: Mapping[str, Any]) -> int:
    epoch = line.get("training_iteration")
    return epoch if type(epoch) is int and epoch > 0 else 1


def _score(line: Mapping[str, Any], metric: str) -> float | None:
    """Return the metric of a line; a nested one is named by its path."""
    if metric in line:
        return a_number(line[metric])
    return a_number(dict(flat(line)).get(metric.replace("/", ".")))


def _trial(
    folder: Path,
    lines: Sequence[Mapping[str, Any]],
    metric: str,
    longest: int,
    statuses: Mapping[str, str],
) -> StoredTrial:
    config = lines[-1].get("config") if lines else None
    if not isinstance(config, dict):
        file = folder / "params.json"
        config = mapping(read_json(file), str(file)) if file.exists() else {}
    params = dict(flat(config))
    ended = "ERROR" if (folder / "error.txt").exists() else "TERMINATED"
    status = statuses.get(_id(lines), ended)
    if status == "ERROR":
        return StoredTrial(params, "failed", left_out="failed: the trainable raised")
    if status != "TERMINATED" or not lines:
        return StoredTrial(params, "running")
    last, score = lines[-1], _score(lines[-1], metric)
    if score is None:
        return StoredTrial(params, "failed", left_out=f"have no {metric}")
    curve = finite((_epoch(line), _score(line, metric)) for line in lines)
    epochs = _epoch(last)
    return StoredTrial(params, _end(last, score, epochs, longest), epochs, score, curve)


def _end(last: Mapping[str, Any], score: float, epochs: int, longest: int) -> End:
    """Tell how a trial ended: by itself where its last line is not "done", else by a scheduler or stopper."""
    if not math.isfinite(score):
        return "diverged"
    return "stopped" if last.get("done") is True and epochs < longest else "completed"
