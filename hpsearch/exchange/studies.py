"""Optuna studies: a search written as one, and the trials of one for a search to begin with.

    completed -> COMPLETE    stopped -> PRUNED, its last score as value    diverged, failed -> FAIL

Intermediate values are the scores by epoch. A study minimises log loss and maximises accuracies.
The models of the final test are not trials of the study: their scores are the sealed part's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from hpsearch.errors import Conflict, InvalidRequest, NotFound, Unavailable
from hpsearch.exchange.search import Search, load_library
from hpsearch.logs import redact
from hpsearch.metrics import sign as sign_of
from hpsearch.report.views import TrialView
from hpsearch.space import Level
from hpsearch.spec.models import OBSERVATIONS_MOST

PREFIX = "hpsearch:"  # of our attributes
STATES = {"completed": "COMPLETE", "stopped": "PRUNED", "diverged": "FAIL", "failed": "FAIL"}
LAST_EPOCH = 8  # of a full training, where the spec leaves it to the default


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
    optuna = load_library("optuna")
    direction = "maximize" if search.sign > 0 else "minimize"
    with _opened(optuna, address) as opened:
        try:
            study = optuna.create_study(storage=opened, study_name=name, direction=direction)
        except optuna.exceptions.DuplicatedStudyError as error:
            raise Conflict(
                f"{redact(address)} has a study {name!r}; give another --study"
            ) from error
        try:
            for key, value in _attributes(search).items():
                study.set_user_attr(PREFIX + key, value)
            return _trials(optuna, study, search)
        except BaseException:
            optuna.delete_study(study_name=name, storage=opened)
            raise


def _attributes(search: Search) -> dict[str, Any]:
    """Gather what a study has no place for: the spec, and the answer with its test score."""
    attributes: dict[str, Any] = {"search": search.status.id, "spec": dict(search.spec),
                                  "rules": search.status.rules}  # fmt: skip
    if search.result is not None:
        answer = search.result.model_dump(mode="json", include={"ranges", "recommended", "test"})
        attributes |= {**answer, "digest": search.result.digest}
    return attributes


def _trials(optuna: Any, study: Any, search: Search) -> int:
    places = _distributions(optuna, search)
    count = 0
    for trial in search.trials:
        state = STATES.get(trial.state)
        if state is None or trial.role is not None:
            continue
        value = None if trial.score is None or state == "FAIL" else search.sign * trial.score
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState[state],
                value=value,
                params={name: _level(level) for name, level in trial.params.items()},
                distributions=places,
                user_attrs=_about(trial),
                intermediate_values={
                    epoch: search.sign * score
                    for epoch, _, _, score in trial.curve or ()
                    if score is not None
                },
            )
        )
        count += 1
    return count


def _about(trial: TrialView) -> dict[str, Any]:
    names = ("id", "round", "state", "epochs", "validation_accuracy", "validation_loss", "error")
    fields = trial.model_dump(mode="json", include=set(names), exclude_none=True)
    return {PREFIX + name: fields[name] for name in names if name in fields}


def _distributions(optuna: Any, search: Search) -> dict[str, Any]:
    """Make one for each hyperparameter, wide enough for every round: a study has no moving ranges."""
    distributions = {}
    for name, asked in search.spec["space"].items():
        ranges = [r.ranges[name] for r in search.rounds if name in r.ranges]
        if "choices" in asked:
            levels = [_level(x) for x in asked["choices"]]
            levels += [_level(x) for r in ranges for x in r.choices or ()]
            distinct = {(type(x) is bool, x): x for x in levels}
            distributions[name] = optuna.distributions.CategoricalDistribution([*distinct.values()])
            continue
        low = min([asked["low"], *(r.low for r in ranges if r.low is not None)])
        high = max([asked["high"], *(r.high for r in ranges if r.high is not None)])
        log = asked.get("scale") == "log"
        if asked.get("integer"):
            distributions[name] = optuna.distributions.IntDistribution(
                math.floor(low), math.ceil(high), log=log
            )
        else:
            distributions[name] = optuna.distributions.FloatDistribution(low, high, log=log)
    return distributions


def _level(level: Level | list[int]) -> Any:
    """Return a level as Optuna may store it: it knows no lists."""
    return json.dumps(list(level)) if isinstance(level, tuple | list) else level


def observations(spec: Mapping[str, Any], *, storage: str, name: str) -> list[dict[str, Any]]:
    """Read the trials of a study for the `warm_start` of `spec`: those with just its hyperparameters.

    Raises
    ------
    Misconfigured
        Optuna is not installed.
    NotFound
        There is no such study.
    InvalidRequest
        It optimises something else, or has no trial of this space.
    Unavailable
        The storage cannot be used.
    """
    optuna = load_library("optuna")
    with _opened(optuna, storage) as opened:
        try:
            study = optuna.load_study(study_name=name, storage=opened)
        except KeyError as error:
            raise NotFound(f"{redact(storage)} has no study {name!r}") from error
        directions = [direction.name.lower() for direction in study.directions]
        trials = study.get_trials(deepcopy=False)
    sign = sign_of(str(spec.get("objective")))
    wanted = "maximize" if sign > 0 else "minimize"
    if directions != [wanted]:
        raise InvalidRequest(
            f"study {name!r} is to {' and '.join(directions)}; a search by "
            f"{spec.get('objective', 'accuracy')} takes a study that is to {wanted}"
        )
    observed = [one for t in trials if (one := _observation(t, spec, sign)) is not None]
    if not observed:
        tried = sorted({n for t in trials for n in t.params})
        raise InvalidRequest(
            f"study {name!r} has no ended trial of just {', '.join(sorted(spec['space']))}; its "
            f"{len(trials)} trials have {', '.join(tried) or 'none'}"
        )
    return _fewer(observed)


def _observation(trial: Any, spec: Mapping[str, Any], sign: int) -> dict[str, Any] | None:
    """Return an ended trial in our terms; None where it says nothing about the space."""
    space, state = spec["space"], trial.state.name
    if set(trial.params) != set(space):
        return None
    params = {name: _from_level(space[name], value) for name, value in trial.params.items()}
    first = min(trial.intermediate_values, default=1)
    shift = 1 if first == 0 else 0  # steps that count from 0
    curve = sorted((e + shift, sign * v) for e, v in trial.intermediate_values.items())
    curve = [(epoch, score) for epoch, score in curve if epoch > 0 and math.isfinite(score)]
    full = (spec.get("epochs") or {}).get("last", LAST_EPOCH)
    epochs = trial.user_attrs.get(PREFIX + "epochs") or (curve[-1][0] if curve else full)
    if state == "FAIL":
        diverged = trial.user_attrs.get(PREFIX + "state") == "diverged"
        return {"params": params, "state": "diverged", "epochs": epochs} if diverged else None
    value = trial.value if state in ("COMPLETE", "PRUNED") else None
    if value is None and state == "PRUNED" and curve:
        value = sign * curve[-1][1]
    if value is None or not math.isfinite(value):
        return None
    return {
        "params": params,
        "state": "completed" if state == "COMPLETE" else "stopped",
        "epochs": epochs,
        "score": sign * value,
        # What the surrogate looks at: ever longer trainings.
        "curve": [[e, s] for e, s in curve if e & (e - 1) == 0 and e < epochs],
    }


def _from_level(dimension: Mapping[str, Any], value: Any) -> Any:
    """Return a level as the space has it; any other value is the service's to judge."""
    return next((x for x in dimension.get("choices", ()) if _level(x) == value), value)


def _fewer(observed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return at most as many as a search takes, in their order."""
    if len(observed) <= OBSERVATIONS_MOST:
        return list(observed)
    half = OBSERVATIONS_MOST // 2
    ranked = sorted(range(len(observed)), key=lambda i: -observed[i].get("score", -math.inf))
    chosen = {*ranked[:half], *range(len(observed) - half, len(observed))}
    return [observed[i] for i in sorted(chosen)]


@contextmanager
def _opened(optuna: Any, storage: str) -> Iterator[Any]:
    """Open the storage behind an address for a `with` block."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        opened = optuna.storages.RDBStorage(storage)
    except Exception as error:  # whatever its database, or the lack of a driver for it, raises
        raise _unusable(storage, error) from error
    try:
        yield opened
    except optuna.exceptions.StorageInternalError as error:
        raise _unusable(storage, error) from error
    finally:
        opened.remove_session()
        opened.engine.dispose()


def _unusable(storage: str, error: Exception) -> Unavailable:
    first = (str(error) or type(error).__name__).splitlines()[0]
    return Unavailable(f"the Optuna storage {redact(storage)} cannot be used: {redact(first)}")
