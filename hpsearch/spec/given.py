"""Settings that a user gives: the baseline to be beaten, and those that are tried first.

A *setting* has a value for every hyperparameter that is searched. A baseline may lie outside the
searched ranges, as long as the hyperparameters may have such values at all; what is tried first lies
inside them, for the ranges are where the search looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hpsearch.errors import Mistake, suggestion
from hpsearch.settings import Settings
from hpsearch.space import (
    Box,
    Dimension,
    Level,
    Params,
    Range,
    level_text,
    params_from_json,
    same_level,
    typed,
)
from hpsearch.spec import combinations, needs
from hpsearch.spec.models import SearchSpec
from hpsearch.spec.resolved import ResolvedSpec

FIELDS = ("baseline", "try_first")


def given(spec: SearchSpec) -> bool:
    """Tell whether the spec has any such setting."""
    return spec.baseline is not None or bool(spec.try_first)


def baseline_of(resolved: ResolvedSpec) -> Params | None:
    """The baseline of a stored spec, as trials have their parameters."""
    setting = resolved.spec.baseline
    return None if setting is None else _complete(resolved, params_from_json(setting))


def first_of(resolved: ResolvedSpec) -> list[Params]:
    """The settings of a stored spec that are tried first, likewise."""
    return [_complete(resolved, params_from_json(one)) for one in resolved.spec.try_first]


def begins_with(resolved: ResolvedSpec, trials: int) -> list[Params]:
    """The settings that the first round of so many trials begins with.

    A baseline that is searched is one of them, where it leaves a trial to draw: what is known of it
    is then known from the start.
    """
    first, base = first_of(resolved)[:trials], baseline_of(resolved)
    if base is None or len(first) + 2 > trials or not is_searched(resolved, base):
        return first
    return first if any(_same(base, one) for one in first) else [*first, base]


def is_searched(resolved: ResolvedSpec, setting: Params) -> bool:
    """Tell whether a complete setting lies in the ranges that were asked for."""
    return not _outside(resolved.box, setting)


def completed(resolved: ResolvedSpec) -> SearchSpec:
    """The spec with its settings as they are stored: complete, and without what is not searched."""
    spec = resolved.spec
    if not given(spec):
        return spec
    base = baseline_of(resolved)
    changes = {
        "baseline": None if base is None else _written(base),
        "try_first": tuple(_written(one) for one in first_of(resolved)),
    }
    return spec.model_copy(update=changes)


def mistakes(resolved: ResolvedSpec) -> list[Mistake]:
    """The mistakes in single settings, and settings that are listed twice."""
    spec = resolved.spec
    wrong: list[Mistake] = []
    if spec.baseline is not None:
        setting = params_from_json(spec.baseline)
        wrong += _wrong(resolved, setting, "baseline", partial=True) or _forbidden(
            resolved, _complete(resolved, setting), "baseline"
        )
        if spec.final.networks > 1:
            message = (
                f"{spec.final.networks} networks answer together, and a baseline is compared by single "
                "ones; leave one of the two out"
            )
            wrong.append(Mistake("final.networks", message))
    for i, one in enumerate(spec.try_first):
        path, setting = f"try_first[{i}]", params_from_json(one)
        wrong += _wrong(resolved, setting, path, partial=False) or _unfit_first(
            resolved, path, _complete(resolved, setting)
        )
    return wrong or list(_twice(first_of(resolved)))


def oversized(resolved: ResolvedSpec, caps: Settings) -> list[Mistake]:
    """The mistake of a baseline beyond the caps; what is tried first lies in ranges that are capped."""
    base = baseline_of(resolved)
    why = None if base is None else resolved.workload.oversized(base, caps)
    return [] if why is None else [Mistake("baseline", why)]


def too_many(resolved: ResolvedSpec) -> list[Mistake]:
    """The mistake of trying more first than the first round has trials, once there is a plan."""
    spec, count = resolved.spec, len(resolved.spec.try_first)
    room = resolved.trials(1) if resolved.explore_rounds else 0
    if spec.epochs.budget is not None:
        rungs, left = resolved.rungs(1), spec.epochs.budget - resolved.reserve
        room = max(1, resolved.affordable(left, room, rungs))
    if count <= room:
        return []
    return [
        Mistake(
            "try_first",
            f"{count} settings are more than the first round's {room} trials; ask for more of them "
            "with trials_per_round, or drop some",
        )
    ]


def _unfit_first(resolved: ResolvedSpec, path: str, setting: Params) -> list[Mistake]:
    """The mistakes of a complete setting that the first round cannot train."""
    asked = resolved.workload.space.dimensions  # what a requirement cuts off breaks it
    outside = [Mistake(f"{path}.{name}", why) for name, why in _outside(asked, setting).items()]
    return (outside or _broken(resolved, path, setting)) + _forbidden(resolved, setting, path)


def _forbidden(resolved: ResolvedSpec, setting: Params, path: str) -> list[Mistake]:
    """The mistake of a complete setting that the same spec forbids."""
    i = combinations.forbidden_by(resolved.space, setting)
    if i is None:
        return []
    return [Mistake(path, f"forbid[{i}] forbids it; give another setting, or drop forbid[{i}]")]


def _wrong(resolved: ResolvedSpec, setting: Params, path: str, *, partial: bool) -> list[Mistake]:
    """The mistakes in one setting: names, values, what is not active, and what is missing."""
    values, refused = resolved.workload.translated(setting)
    wrong = [Mistake(f"{path}.{name}", why) for name, why in refused.items()]
    wrong += _wrong_values(resolved, values, path)
    known = {**(resolved.workload.defaults() if partial else {}), **values}
    space = resolved.space
    idle = space.conditions.keys() & values.keys() - space.active(known).keys()
    wrong += [
        Mistake(f"{path}.{name}", f"{combinations.inactive(space, name)}; drop it")
        for name in sorted(idle)
    ]
    if refused:
        return wrong  # what is missing may have been meant by what is mistaken
    more = "; it has no default, so name its value" if partial else ""
    return wrong + [
        Mistake(f"{path}.{name}", f"missing: a setting has a value for each range{more}")
        for name in space.lacking(known)
    ]


def _wrong_values(resolved: ResolvedSpec, values: Params, path: str) -> Iterator[Mistake]:
    """The mistakes in the names and values of one setting, by the names that are searched."""
    workload, searched = resolved.workload, resolved.spec.space
    for name, value in values.items():
        why = (
            workload.refusal(name, value)
            if name in searched
            else _unsearched(resolved, name, value)
        )
        if why is not None:
            yield Mistake(f"{path}.{name}", why)


def _unsearched(resolved: ResolvedSpec, name: str, value: Level) -> str | None:
    """The reason why a setting may not name a hyperparameter that is not searched."""
    fixed, searched = resolved.workload.fixed_values(), sorted(resolved.spec.space)
    if name not in fixed:
        question = suggestion(name, [*searched, *fixed])
        return f"unknown hyperparameter; {f'{question} ' if question else ''}searched are {', '.join(searched)}"
    if same_level(fixed[name], value):
        return None
    return (
        f"{name} is {_shown(fixed[name])} in every trial, and a setting differs in what is searched "
        f"alone; search it too, as space.{name} with that one choice, or drop it here"
    )


def _outside(box: Box, setting: Params) -> dict[str, str]:
    """The hyperparameters whose value lies outside a box, each with the reason."""
    outside = {}
    for name, asked in box.items():
        if name not in setting:
            continue  # it is not active
        value = setting[name]
        if asked.contains(value):  # type: ignore[arg-type]  # its kind was checked
            continue
        where = (
            f"from {asked.low:g} to {asked.high:g}"
            if isinstance(asked, Range)
            else f"one of {', '.join(map(level_text, asked.choices))}"
        )
        outside[name] = f"{_shown(value)} is not searched, {where} is: widen space.{name}"
    return outside


def _broken(resolved: ResolvedSpec, path: str, setting: Params) -> list[Mistake]:
    """The requirements on known quantities that a setting breaks: it could not be recommended."""
    values = needs.known(resolved, setting)
    return [
        Mistake(
            path,
            f"its {one.metric} are {values[one.metric]:,.6g}, and {one} is required; give another setting, or "
            "require less",
        )
        for one in needs.breaks(resolved, setting)
    ]


def _twice(settings: Sequence[Params]) -> Iterator[Mistake]:
    """Settings that stand in the list before: a round trains each once."""
    for i, one in enumerate(settings):
        for k, earlier in enumerate(settings[:i]):
            if _same(one, earlier):
                yield Mistake(
                    f"try_first[{i}]",
                    f"the same setting as try_first[{k}]; drop one: the finalists are trained again "
                    "anyway",
                )
                break


def _same(one: Params, other: Params) -> bool:
    return one.keys() == other.keys() and all(same_level(one[n], other[n]) for n in one)


def _complete(resolved: ResolvedSpec, setting: Params) -> Params:
    """A setting, known to be right, with a value for each range and nothing else."""
    values, _ = resolved.workload.translated(setting)
    whole = resolved.space.active({**resolved.workload.defaults(), **values})
    box = resolved.box
    return {n: _as_trials(box[n], whole[n]) for n in resolved.space.names if n in whole}


def _as_trials(dimension: Dimension, value: Level) -> Level:
    """A value as trials have it: numbers of a range that is not of whole ones as float."""
    if isinstance(dimension, Range) and not dimension.integer:
        return float(value)  # type: ignore[arg-type]  # a range holds numbers
    return typed(dimension, value)


def _written(setting: Params) -> dict[str, Any]:
    """A setting as a spec has it."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in setting.items()}


def _shown(value: Level) -> str:
    text = level_text(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 40 else f"{text[:37]}..."
