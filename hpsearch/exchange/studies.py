"""Optuna studies: a search written as one. `observations` reads them for a search to begin with.

    completed -> COMPLETE    stopped -> PRUNED, its last score as value    diverged, failed -> FAIL

Intermediate values are the scores by epoch. A study minimises log loss and maximises accuracies; that of
an external search has its direction, and its scores as they were reported. Metrics and costs are user
attributes of its trials.
The models of the final test are not trials of the study: their scores are the sealed part's. Nor is a
baseline that is 0 where the search has a log range, in which a study has no place for it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hpsearch.errors import Conflict
from hpsearch.exchange import storages
from hpsearch.exchange.search import Search
from hpsearch.libraries import load_library
from hpsearch.logs import redact
from hpsearch.report.views import TrialView
from hpsearch.space import Level

PREFIX = "hpsearch:"  # of our attributes
METRIC = PREFIX + "metric."  # before the names of metrics
AS_JSON = PREFIX + "json"  # names of the hyperparameters whose levels a study has as JSON texts
STATES = {"completed": "COMPLETE", "stopped": "PRUNED", "diverged": "FAIL", "failed": "FAIL"}


def export(search: Search, *, address: str, name: str) -> int:
    """Write a search as a new study and count its trials. A failed export leaves nothing.

    Raises
    ------
    Misconfigured
        Optuna is not installed.
    Conflict
        There is a study of this name.
    Unavailable
        The storage cannot be used.
    """
    optuna, search = load_library("optuna"), _with_what_was_beaten(search)
    direction = "minimize" if search.minimises else "maximize"
    with storages.writing(optuna, address) as storage:
        try:
            study = optuna.create_study(storage=storage, study_name=name, direction=direction)
        except optuna.exceptions.DuplicatedStudyError as error:
            raise Conflict(
                f"{redact(address)} has a study {name!r}; give another --study"
            ) from error
        try:
            as_json = _as_json(search)
            for key, value in _attributes(search).items():
                study.set_user_attr(PREFIX + key, value)
            if as_json:
                study.set_user_attr(AS_JSON, sorted(as_json))
            trials = _trials(optuna, search, as_json)
            return storages.add_trials(optuna, storage, study, trials)
        except BaseException:
            if isinstance(storage, optuna.storages.JournalStorage):  # no transaction takes it back
                optuna.delete_study(study_name=name, storage=storage)
            raise


def _attributes(search: Search) -> dict[str, Any]:
    """Gather what a study has no place for: the spec, and the answer with its test score."""
    if search.status.tags or search.status.note:
        labels = {"tags": list(search.status.tags), "note": search.status.note}
    else:
        labels = {}
    attributes: dict[str, Any] = {**labels, "search": search.status.id, "spec": dict(search.spec),
                                  "rules": search.status.rules}  # fmt: skip
    if search.result is not None:
        answer = search.result.model_dump(mode="json", include={"ranges", "recommended", "test"})
        attributes |= {**answer, "digest": search.result.digest}
    return attributes


def _trials(optuna: Any, search: Search, as_json: frozenset[str]) -> Iterator[Any]:
    places = _distributions(optuna, search, as_json, _baselines(search))
    for trial in search.trials:
        state = STATES.get(trial.state)
        if state is None or trial.role is not None or _has_no_place(search, trial.params):
            continue
        value = None if trial.score is None or state == "FAIL" else search.sign * trial.score
        made = optuna.trial.create_trial(
            state=optuna.trial.TrialState[state],
            value=value,
            params={n: plain(level, as_json=n in as_json) for n, level in trial.params.items()},
            distributions={n: places[n] for n in trial.params},
            user_attrs=_about(trial),
            intermediate_values={
                epoch: search.sign * score
                for epoch, _, _, score in trial.curve or ()
                if score is not None
            },
        )
        if trial.started_at is not None and trial.finished_at is not None:
            made.datetime_start = _local(trial.started_at)
            made.datetime_complete = _local(trial.finished_at)
        yield made


def _local(moment: str) -> datetime:
    """A time as Optuna has it: of this machine's zone, and without saying so."""
    return datetime.fromisoformat(moment).astimezone().replace(tzinfo=None)


def _about(trial: TrialView) -> dict[str, Any]:
    names = ("id", "round", "state", "epochs", "validation_accuracy", "validation_loss", "error",
             "cost", "note", "link", "replicates")  # fmt: skip
    fields = trial.model_dump(mode="json", include=set(names), exclude_none=True)
    own = {PREFIX + name: fields[name] for name in names if name in fields}
    return own | {f"{METRIC}{name}": value for name, value in (trial.metrics or {}).items()}


def _has_no_place(search: Search, params: Mapping[str, Any]) -> bool:
    """Tell whether some value is 0 or less where its range is a log one."""
    return any(
        asked.get("scale") == "log" and params[name] <= 0
        for name, asked in search.spec["space"].items()
        if name in params
    )


def _with_what_was_beaten(search: Search) -> Search:
    """The search, all its trials at hand where its baseline was replaced: they alone know the first one."""
    return replace(search, trials=list(search.trials)) if _was_replaced(search) else search


def _was_replaced(search: Search) -> bool:
    return any("baseline" in edit.changes for edit in search.status.edits)


def _baselines(search: Search) -> list[Mapping[str, Any]]:
    """Gather the settings to be beaten, which may lie outside every range; others may be among them."""
    trained = (trial.params for trial in search.trials) if _was_replaced(search) else ()
    return [one for one in (search.spec.get("baseline"), *trained) if one]


def _distributions(
    optuna: Any, search: Search, as_json: frozenset[str], baselines: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Make one for each hyperparameter, wide enough for every round: a study has no moving ranges."""
    distributions = {}
    for name, asked in search.spec["space"].items():
        if "choices" in asked:
            levels = [plain(x, as_json=name in as_json) for x in _levels(search, name)]
            distributions[name] = optuna.distributions.CategoricalDistribution(
                [*{(isinstance(x, bool), x): x for x in levels}.values()]
            )
            continue
        ranges = [r.ranges[name] for r in search.rounds if name in r.ranges]
        log = asked.get("scale") == "log"
        beaten = [one[name] for one in baselines if name in one and not (log and one[name] <= 0)]
        low = min([asked["low"], *beaten, *(r.low for r in ranges if r.low is not None)])
        high = max([asked["high"], *beaten, *(r.high for r in ranges if r.high is not None)])
        if asked.get("integer"):
            distributions[name] = optuna.distributions.IntDistribution(
                math.floor(low), math.ceil(high), log=log
            )
        else:
            distributions[name] = optuna.distributions.FloatDistribution(low, high, log=log)
    return distributions


def _as_json(search: Search) -> frozenset[str]:
    """Names of the choices of which Optuna would take two for one, such as 1 and true."""
    choices = [name for name, asked in search.spec["space"].items() if "choices" in asked]
    return frozenset(name for name in choices if _merged(_levels(search, name)))


def _merged(levels: Sequence[Level | list[int]]) -> bool:
    distinct = {(isinstance(x, bool), tuple(x) if isinstance(x, list) else x) for x in levels}
    return len({plain(x, as_json=False) for x in levels}) < len(distinct)


def _levels(search: Search, name: str) -> list[Level | list[int]]:
    """The levels of some choices: those that were asked for, and those of every round."""
    rounds = (r.ranges[name].choices for r in search.rounds if name in r.ranges)
    asked: Mapping[str, Any] = search.spec["space"][name]
    beaten = [one[name] for one in _baselines(search) if name in one]
    return [*asked["choices"], *(x for choices in rounds for x in choices or ()), *beaten]


def plain(level: Level | list[int], *, as_json: bool) -> Any:
    """Return a level as Optuna may store it: it knows no lists."""
    if as_json or isinstance(level, tuple | list):
        return json.dumps(level)
    return level
