"""Projects of KerasTuner: a folder with `trial_*/trial.json`.

Of each trial it keeps the best epoch alone. Hyperband trains a configuration further as a new trial, which
names the one before: such a chain is one trial here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from hpsearch.directions import Direction
from hpsearch.errors import InvalidRequest
from hpsearch.exchange.stores.files import TRIALS_MOST, mapping, read_json
from hpsearch.exchange.stores.trials import End, Stored, StoredTrial, a_number, finite
from hpsearch.space import Space

DIRECTIONS: Mapping[str, Direction] = {"min": "minimize", "max": "maximize"}
OWN = "tuner/"  # names of Hyperband's own values
Trial = Mapping[str, Any]


def recognises(path: Path) -> bool:
    """Tell whether a path is a project."""
    return path.is_dir() and any(path.glob("trial_*/trial.json"))


def read(path: Path, space: Space, metric: str | None) -> Stored:
    """Read a project; its objective is the metric that each score is taken of."""
    files = sorted(
        path.glob("trial_*/trial.json"), key=lambda f: (len(f.parent.name), f.parent.name)
    )
    trials = {}
    for file in files[:TRIALS_MOST]:
        document = mapping(read_json(file), str(file))
        trials[str(document.get("trial_id"))] = document
    continued = {
        str(_values(one).get("tuner/trial_id"))
        for one in trials.values()
        if one.get("status") == "COMPLETED" or a_number(one.get("score")) is not None
    }
    names = {name: kind for one in trials.values() for name, kind in _directions(one).items()}
    if metric is not None and metric not in names:
        raise InvalidRequest(f"{path} has no metric {metric!r}; its metrics are {', '.join(names)}")
    objective = metric or _objective(trials.values(), names, path)
    longest = max((_planned(one) or 0 for one in trials.values()), default=0)
    read_ones = [
        _trial(one, objective, longest, trials)
        for key, one in trials.items()
        if key not in continued
    ]
    return Stored(
        f"project {path.name}", tuple(read_ones), DIRECTIONS.get(names.get(objective, ""))
    )


def _values(trial: Trial) -> Mapping[str, Any]:
    given = trial.get("hyperparameters")
    values = given.get("values") if isinstance(given, dict) else None
    return values if isinstance(values, dict) else {}


def _metrics(trial: Trial) -> Mapping[str, Any]:
    outer = trial.get("metrics")
    inner = outer.get("metrics") if isinstance(outer, dict) else None
    return inner if isinstance(inner, dict) else {}


def _directions(trial: Trial) -> Mapping[str, str]:
    """Return the direction of each metric of a trial."""
    return {k: str(v.get("direction")) for k, v in _metrics(trial).items() if isinstance(v, dict)}


def _objective(trials: Any, names: Mapping[str, str], path: Path) -> str:
    """Return the metric whose best value is the score of each trial."""
    fitting = [name for name in names if all(_fits(one, name) for one in trials)]
    if len(fitting) != 1:
        raise InvalidRequest(
            f"{path} does not say which metric counts, of {', '.join(names) or 'none'}; give --metric"
        )
    return fitting[0]


def _fits(trial: Trial, name: str) -> bool:
    score = a_number(trial.get("score"))
    values = [value for _, value in _points(trial, name)]
    return (
        score is None
        or not values
        or any(v == score or (math.isnan(v) and math.isnan(score)) for v in values)
    )


def _points(trial: Trial, name: str) -> list[tuple[int, float]]:
    """Return the epochs that were kept, with their scores: means over executions."""
    given = _metrics(trial).get(name)
    observations = given.get("observations") if isinstance(given, dict) else None
    before = _whole(_values(trial).get("tuner/initial_epoch")) or 0
    points = []
    for one in observations if isinstance(observations, list) else ():
        step, values = (
            (one.get("step"), one.get("value")) if isinstance(one, dict) else (None, None)
        )
        numbers = [
            x for x in map(a_number, values if isinstance(values, list) else ()) if x is not None
        ]
        if type(step) is int and step >= 0 and numbers:
            points.append((before + step + 1, fmean(numbers)))
    return points


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _planned(trial: Trial) -> int | None:
    """Return the epochs that Hyperband trained for, those of earlier trials of the chain included."""
    return _whole(_values(trial).get("tuner/epochs")) or None


def _trial(one: Trial, metric: str, longest: int, trials: Mapping[str, Trial]) -> StoredTrial:
    values = {k: v for k, v in _values(one).items() if not k.startswith(OWN)}
    status, score = one.get("status"), a_number(one.get("score"))
    own = _points(one, metric)
    if own and not _fits(one, metric):  # another metric was asked for than the objective
        score = own[-1][1]
    if status not in ("COMPLETED", "FAILED", "INVALID"):
        return StoredTrial(values, "running")
    if score is None:
        return StoredTrial(values, "failed", left_out="failed with a message, without a score")
    points = [point for part in _chain(one, trials) for point in _points(part, metric)]
    epochs = _planned(one) or max((epoch for epoch, _ in points), default=1)
    end: End = "stopped" if longest and epochs < longest else "completed"
    if not math.isfinite(score):
        end = "diverged"
    return StoredTrial(values, end, epochs, score, finite(points))


def _chain(one: Trial, trials: Mapping[str, Trial]) -> Sequence[Trial]:
    """Return the trials of a configuration, the first one first."""
    chain, seen = [one], {str(one.get("trial_id"))}
    while (before := str(_values(chain[0]).get("tuner/trial_id"))) in trials and before not in seen:
        seen.add(before)
        chain.insert(0, trials[before])
    return chain
