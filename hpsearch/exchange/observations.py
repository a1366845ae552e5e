"""Trials of an Optuna study, or of their form, for a search to begin with, and why the others are left out."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.combinations import holds
from hpsearch.digits import in_full
from hpsearch.errors import InvalidRequest, NotFound
from hpsearch.exchange import resolving, storages
from hpsearch.exchange.studies import AS_JSON, PREFIX
from hpsearch.libraries import load_library
from hpsearch.logs import redact
from hpsearch.metrics import sign as sign_of
from hpsearch.space import (
    Choices,
    Dimension,
    Level,
    Space,
    allowed,
    fitted,
    level_text,
    params_from_json,
    same_level,
    unfit,
)  # fmt: skip
from hpsearch.spec import ResolvedSpec
from hpsearch.spec.models import EPOCHS_MOST, OBSERVATIONS_MOST


class LeftOut(Exception):
    """The reason why a trial is left out: what is wrong, and an instance of it."""

    def __init__(self, kind: str, example: str = "") -> None:
        super().__init__(kind)
        self.kind, self.example = kind, example


@dataclass(frozen=True, slots=True)
class Imported:
    """The observations of a study.

    trials
        Of the study, whatever became of them.
    left_out
        Number of the others by the reason, the most frequent first.
    remarks
        What was understood by what the study has, where a spec has something else.
    """

    observations: Sequence[dict[str, Any]]
    trials: int
    left_out: Mapping[str, int]
    remarks: Sequence[str]


def read(
    spec: Mapping[str, Any], *, storage: str, name: str, steps_per_epoch: int | None = None
) -> Imported:
    """Read the trials of a study for the `warm_start` of `spec`.

    Those are taken that have just its hyperparameters, with values that its space can hold, and
    that ended well. `steps_per_epoch` intermediate steps are one epoch; None: each is one.

    Raises
    ------
    Misconfigured
        Optuna is not installed.
    InvalidSpec
        The spec has mistakes of its own.
    NotFound
        There is no such study.
    InvalidRequest
        It optimises something else, or has no trial for this space.
    Unavailable
        The storage cannot be used.
    """
    resolved = resolving.resolved(spec)
    optuna = load_library("optuna")
    try:
        with storages.reading(optuna, storage) as opened:
            study = _study(optuna, opened, name)
            directions = [direction.name.lower() for direction in study.directions]
            as_json = frozenset(study.user_attrs.get(AS_JSON, ()))
            trials = study.get_trials(deepcopy=False)
    except NotFound as error:
        raise NotFound(f"{redact(storage)} has no study {name!r}: {error}") from error
    return imported(
        f"study {name!r}", resolved, trials, directions, as_json=as_json, steps=steps_per_epoch
    )


def imported(
    what: str,
    resolved: ResolvedSpec,
    trials: Sequence[Any],
    directions: Sequence[str] | None,
    *,
    as_json: frozenset[str] = frozenset(),
    steps: int | None = None,
    remarks: Sequence[str] = (),
) -> Imported:
    """Read trials, of Optuna or of their form, for the space of a spec.

    Parameters
    ----------
    what
        Their store, for messages.
    directions
        Of their values; None: that of the spec, for their store does not say.
    as_json
        Hyperparameters whose values are JSON in texts.
    remarks
        What their reader took for what.

    Raises
    ------
    InvalidRequest
        They optimise something else, or none is for this space.
    """
    sign = sign_of(resolved.spec.objective)
    if directions is not None:
        sign = _sign(what, directions, resolved)
    constant = {} if resolved.workload.trained_here else _constant(trials)
    reader = _Reader(resolved, sign, as_json, steps or 1, constant)
    return _imported(what, trials, reader, steps, remarks)


def _study(optuna: Any, storage: Any, name: str) -> Any:
    names = optuna.get_all_study_names(storage)
    if name not in names:
        raise NotFound(f"its studies are: {', '.join(map(repr, names)) or 'none'}")
    return optuna.load_study(study_name=name, storage=storage)


def _sign(what: str, directions: Sequence[str], resolved: ResolvedSpec) -> int:
    """Return the factor from the study's values to scores."""
    objective = resolved.spec.objective
    sign = sign_of(objective)
    wanted = "maximize" if sign > 0 else "minimize"
    if not resolved.workload.trained_here:
        wanted = resolved.spec.direction
        if len(directions) == 1 and directions != [wanted]:
            raise InvalidRequest(
                f"{what} is to {directions[0]}, the search to {wanted}: give the spec "
                f'"direction": "{directions[0]}"'
            )
    if directions != [wanted]:
        raise InvalidRequest(
            f"{what} is to {' and '.join(directions)}; a search by {objective} takes a "
            f"study that is to {wanted}"
        )
    return sign


def _imported(
    what: str,
    trials: Sequence[Any],
    reader: _Reader,
    steps_per_epoch: int | None,
    said: Sequence[str],
) -> Imported:
    taken, reasons, examples = list[dict[str, Any]](), Counter[str](), dict[str, str]()
    for trial in trials:
        try:
            taken.append(reader.observation(trial))
        except LeftOut as why:
            reasons[why.kind] += 1
            examples.setdefault(why.kind, why.example)
    left_out = {kind + examples[kind]: count for kind, count in reasons.most_common()}
    if not taken:
        raise InvalidRequest(_nothing(what, trials, left_out, reader.space))
    few = _fewer(taken, reader.rank_sign)
    if len(few) < len(taken):
        left_out[f"neither among the best nor the newest {OBSERVATIONS_MOST:,}"] = len(taken) - len(few)  # fmt: skip
    branches = () if reader.space.conditions else _branches(trials)
    remarks = [*said, *branches, *reader.remarks(trials, steps_per_epoch)]
    return Imported(few, len(trials), left_out, remarks)


def _nothing(what: str, trials: Sequence[Any], left_out: Mapping[str, int], space: Space) -> str:
    tried = ", ".join(sorted({n for t in trials for n in t.params})) or "none"
    why = "; ".join(f"{count} {reason}" for reason, count in left_out.items())
    return (
        f"{what} has no ended trial of just {', '.join(space.names)}; its {len(trials)} "
        f"trials have {tried}" + (f". Left out: {why}" if why else "")
    )


def _branches(trials: Sequence[Any]) -> Iterator[str]:
    """Say which hyperparameters go together, where not all trials have the same ones."""
    ended = [t for t in trials if t.state.name in ("COMPLETE", "PRUNED")]
    branches = Counter(", ".join(sorted(t.params)) or "none" for t in ended)
    if len(branches) > 1:
        each = "; ".join(f"{count} with {names}" for names, count in branches.most_common())
        yield f"the study is conditional, its {len(ended)} ended trials have: {each}"


def _constant(trials: Sequence[Any]) -> dict[str, Any]:
    """Return the hyperparameters that have one value in all ended trials, which is no range."""
    ended = [t.params for t in trials if t.state.is_finished()]
    if len(ended) < 2:
        return {}
    return {n: v for n, v in ended[0].items() if all(n in p and p[n] == v for p in ended)}


class _Reader:
    """The reading of trials in terms of a spec."""

    def __init__(
        self,
        resolved: ResolvedSpec,
        sign: int,
        as_json: frozenset[str],
        steps: int,
        constant: Mapping[str, Any],
    ) -> None:
        self.space = resolved.space
        self._sign, self._as_json, self._steps = sign, as_json, steps
        self._constant = {n: v for n, v in constant.items() if n not in self.space.names}
        self._full = resolved.spec.epochs.last
        self.rank_sign = resolved.spec.score_sign  # from scores as a spec has them
        self._bounds = resolved.workload.score_bounds

    def observation(self, trial: Any) -> dict[str, Any]:
        """Return a trial in our terms.

        Raises
        ------
        LeftOut
            It says nothing about the space.
        """
        why = getattr(trial, "left_out", "")  # of a store whose tool says more than a study does
        if why:
            raise LeftOut(why)
        state = trial.state.name
        if state in ("RUNNING", "WAITING"):
            raise LeftOut("have not ended")
        ours = trial.user_attrs.get(PREFIX + "state")
        if state == "FAIL" and ours != "diverged":
            raise LeftOut("failed: the study does not say whether their values were at fault")
        params, curve = self._params(trial), self._curve(trial)
        own = trial.user_attrs.get(PREFIX + "epochs")
        epochs = own or (curve[-1][0] if curve else self._full)
        if epochs > EPOCHS_MOST:
            most = f"{EPOCHS_MOST:,}"
            raise LeftOut(f"reported beyond step {most}; give --steps-per-epoch", f": {epochs:,}")
        if state == "FAIL":
            return {"params": params, "state": "diverged", "epochs": epochs}
        if any(not value <= 0.0 for value in _constraints(trial)):
            raise LeftOut("infeasible: a constraint is above 0")
        score = self._score(trial, state, curve)
        return {
            "params": params,
            "state": "completed" if state == "COMPLETE" else "stopped",
            "epochs": epochs,
            "score": score,
            # What the surrogate looks at: ever longer trainings.
            "curve": [[e, s] for e, s in curve if e & (e - 1) == 0 and e < epochs],
        }

    def _score(self, trial: Any, state: str, curve: Sequence[tuple[int, float]]) -> float:
        if trial.value is not None:
            score = self._sign * float(trial.value)
        elif state == "PRUNED" and curve:
            score = curve[-1][1]
        else:
            raise LeftOut("pruned without a value")
        low, high = self._bounds
        if not math.isfinite(score):
            raise LeftOut("have no finite value")
        if not low <= score <= high:
            raise LeftOut(
                f"have a value outside [{low:g}, {high:g}]", f", such as {in_full(trial.value)}"
            )
        return score

    def _curve(self, trial: Any) -> list[tuple[int, float]]:
        """Return the scores by epoch; steps that count from 0 are counted from 1."""
        values, (low, high) = trial.intermediate_values, self._bounds
        shift = 1 if min(values, default=1) == 0 else 0
        scores = {
            -(-(step + shift) // self._steps): self._sign * value
            for step, value in sorted(values.items())
        }
        return [(e, s) for e, s in scores.items() if e > 0 and low <= s <= high]

    def _params(self, trial: Any) -> dict[str, Any]:
        names, tried = set(self.space.names), trial.params.keys() - self._constant.keys()
        more, less = sorted(tried - names), sorted(names - tried)
        active: dict[str, Any] = {}
        if not more and (self.space.conditions or not less):
            active = self._active(trial, names & tried)
            less = self.space.lacking(params_from_json(active))
        if more or less:
            each = (("with", more), ("without", less))
            which = ", ".join(f"{word} {', '.join(some)}" for word, some in each if some)
            raise LeftOut(f"of another space: {which}")
        return {name: active[name] for name in sorted(active)}

    def _active(self, trial: Any, tried: Collection[str]) -> dict[str, Any]:
        """Return the values that had an effect; whatever else a trial has is not looked at."""
        values: dict[str, Any] = {}
        for name in self.space.order:
            condition = self.space.conditions.get(name, {})
            if name in tried and holds(condition, params_from_json(values)):
                values[name] = self._value(name, trial)
        return values

    def _value(self, name: str, trial: Any) -> Any:
        dimension, value = self.space.dimensions[name], trial.params[name]
        if _merged(value, getattr(trial.distributions[name], "choices", ())):
            raise LeftOut(f"{name}: 1 and true, 0 and false are one choice in Optuna")
        level = self._level(name, dimension, value)
        level = fitted(dimension, level)
        if unfit(dimension, level) is not None or not allowed(dimension, level):
            raise _misfit(name, dimension, level)
        return list(level) if isinstance(level, tuple) else level

    def _level(self, name: str, dimension: Dimension, value: Any) -> Level:
        """Return a value as it was before a study knew no lists, nor 1 beside true."""
        if name in self._as_json and isinstance(value, str):
            value = json.loads(value)
        elif isinstance(dimension, Choices) and not dimension.contains(value):
            lists = (x for x in dimension.choices if isinstance(x, tuple))
            value = next((x for x in lists if json.dumps(x) == value), value)
        if isinstance(value, float) and not math.isfinite(value):
            raise LeftOut(f"{name}: no spec can have {value}")
        if type(value) is int and abs(value) > sys.float_info.max:
            raise LeftOut(f"{name}: no spec can have a number beyond {sys.float_info.max:.1g}")
        return tuple(value) if isinstance(value, list) else value

    def remarks(self, trials: Sequence[Any], steps_per_epoch: int | None) -> Iterator[str]:
        """Say what was taken for what."""
        for name, value in self._constant.items():
            yield f"{name} is {level_text(value)} in every trial, and no part of the space: left out"
        foreign = [t for t in trials if PREFIX + "epochs" not in t.user_attrs]
        last = [max(t.intermediate_values) for t in foreign if t.intermediate_values]
        if last and steps_per_epoch is None:
            yield (
                f"intermediate steps, up to {max(last):,}, are taken for epochs, of which the spec "
                f"has {self._full}; give --steps-per-epoch where they count something else"
            )
        if any(not t.intermediate_values and t.state.name == "COMPLETE" for t in foreign):
            yield (
                f"trials without intermediate values are taken for trainings of {self._full} epochs"
            )


def _constraints(trial: Any) -> Sequence[float]:
    """The constraints of a trial, which is feasible where none is above 0."""
    if hasattr(trial, "constraints"):
        return [*trial.constraints.values()]
    return [*(trial.system_attrs.get("constraints") or ())]


def _merged(value: Any, choices: Sequence[Any]) -> bool:
    """True of a value that Optuna may have stored in place of another one."""
    equal = [x for x in choices if x == value]
    return len({isinstance(x, bool) for x in equal}) > 1


def _misfit(name: str, dimension: Dimension, value: Level) -> LeftOut:
    if isinstance(dimension, Choices):
        meant = next((x for x in dimension.choices if _same_text(x, value)), value)
        if same_level(meant, value):
            return LeftOut(f"{name} is none of its choices", f", such as {level_text(value)}")
        return LeftOut(
            f"{name} is of another type than its choices",
            f": {_described(value)} is not {_described(meant)}",
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        return LeftOut(f"{name} is no number", f", such as {_described(value)}")
    if unfit(dimension, value) is not None:
        return LeftOut(f"{name} is no whole number", f", such as {in_full(value)}")
    return LeftOut(f"{name} lies beyond its limits", f", such as {in_full(value)}")


def _same_text(one: Level, other: Level) -> bool:
    """True of two levels that are one once they are read from text: 16 and "16.0"."""
    return same_level(_read(one), _read(other))


def _read(level: Level) -> Level:
    if not isinstance(level, str):
        return level
    try:
        value = json.loads(level)
    except ValueError:
        return level
    return (
        tuple(value) if isinstance(value, list) else value if not isinstance(value, dict) else level
    )


def _described(level: Level) -> str:
    if isinstance(level, str):
        return f'the text "{level}"'
    number = isinstance(level, int | float) and not isinstance(level, bool)
    return f"the number {level_text(level)}" if number else level_text(level)


def _score_of(observed: Mapping[str, Any], sign: int) -> float:
    """The score of an observation; the worst one where it diverged."""
    return float(observed.get("score", -sign * math.inf))


def _fewer(observed: Sequence[dict[str, Any]], sign: int) -> list[dict[str, Any]]:
    """Return at most as many as a search takes, in their order."""
    if len(observed) <= OBSERVATIONS_MOST:
        return list(observed)
    half = OBSERVATIONS_MOST // 2
    ranked = sorted(range(len(observed)), key=lambda i: -sign * _score_of(observed[i], sign))
    chosen = {*ranked[:half], *range(len(observed) - half, len(observed))}
    return [observed[i] for i in sorted(chosen)]
