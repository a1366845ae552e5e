"""Trials from elsewhere that a spec provides: checked one by one, and frozen like those of searches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hpsearch.digits import in_full
from hpsearch.directions import turned
from hpsearch.errors import Mistake
from hpsearch.records import observation_to_json
from hpsearch.space import Space, allowed, fitted, params_from_json, unfit
from hpsearch.spec import Observations, ResolvedSpec, SearchSpec
from hpsearch.spec.models import SeenTrial
from hpsearch.trials import Observation, TrialState

MISTAKES_SHOWN = 20  # of one list: what is wrong once is often wrong everywhere


def accepted(
    provided: Observations, new: ResolvedSpec, place: str
) -> list[Observation] | list[Mistake]:
    """The trials within the limits of the new search's space, or what is wrong with some.

    Those beyond the limits are left out, as those of earlier searches are. `place` is the path
    of the list in the spec.
    """
    at = f"{place}.observations"
    if not provided.observations:
        return [Mistake(at, "give at least one")]
    mistakes = [
        Mistake(f"{at}[{i}].{path}", why)
        for i, trial in enumerate(provided.observations)
        for path, why in _wrong(trial, new)
    ]
    if mistakes:
        return mistakes[:MISTAKES_SHOWN]
    sign = new.spec.score_sign
    made = [_observation(trial, i, sign) for i, trial in enumerate(provided.observations)]
    return inside(made, new.space) or [
        Mistake(at, "none of them lies within the limits of this space")
    ]


def _wrong(trial: SeenTrial, new: ResolvedSpec) -> Iterator[tuple[str, str]]:
    dimensions = new.space.dimensions
    values = params_from_json(trial.params)
    whys = {n: unfit(dimensions[n], v) for n, v in values.items() if n in dimensions}
    unusable = {name: why for name, why in whys.items() if why is not None}
    yield from ((f"params.{name}", why) for name, why in unusable.items())
    space = new.space
    values = new.workload.effective(values)  # the others had no effect, and are left out
    idle = [
        name for name in space.conditions if name in values and name not in space.active(values)
    ]
    lacking = space.lacking(values)
    if lacking or idle or not values.keys() <= dimensions.keys():
        wanted = sorted({*space.active(values), *lacking})
        has = ", ".join(sorted(values)) or "none"
        if not unusable:
            yield "params", f"other hyperparameters: {has}, not {', '.join(wanted)}"
        return
    diverged = trial.state == "diverged"
    if diverged != (trial.score is None):
        yield "score", "a diverged trial has none" if diverged else "missing; null is for diverged"
    low, high = new.workload.score_bounds
    scores = [("score", trial.score), *((f"curve[{i}]", p[1]) for i, p in enumerate(trial.curve))]
    for path, score in scores:
        if score is not None and not low <= score <= high:
            yield path, f"{new.spec.objective} lies in [{low:g}, {high:g}], got {in_full(score)}"
    epochs = [epoch for epoch, _ in trial.curve]
    if epochs != sorted(set(epochs)) or any(epoch > trial.epochs for epoch in epochs):
        yield "curve", f"its epochs must grow, to {trial.epochs} at the most, got {epochs[:10]}"


def inside(observations: Iterable[Observation], space: Space) -> list[Observation]:
    """The observations that a search of this space may come to, their values as the space has them.

    Values that are not active here are left out: they had no effect.
    """
    dimensions = space.dimensions
    as_here = (
        replace(
            o,
            params=space.active(
                {name: fitted(dimensions[name], o.params[name]) for name in o.params}
            ),
        )
        for o in observations
    )
    return [
        o for o in as_here
        if space.fits(o.params) and all(allowed(dimensions[n], o.params[n]) for n in o.params)
    ]  # fmt: skip


def _observation(trial: SeenTrial, index: int, sign: int) -> Observation:
    score = turned(trial.score, sign)
    last = () if score is None else ((trial.epochs, score),)
    before = tuple((epoch, turned(s, sign)) for epoch, s in trial.curve if epoch < trial.epochs)
    return Observation(
        round=0,
        index=index,
        params=params_from_json(trial.params),
        state=TrialState(trial.state),
        epochs=trial.epochs,
        correct=0,  # nobody counted: the surrogate learns the noise from the scores
        examples=0,
        loss=None,
        score=score,
        curve=before + last,
    )


def emptied(spec: SearchSpec) -> SearchSpec:
    """The spec as it is stored: every status reads it, so the trials lie beside it."""
    without = [
        one if isinstance(one, str) else Observations(observations=[]) for one in spec.warm_start
    ]
    return spec.model_copy(update={"warm_start": tuple(without)})


def filled(
    spec: Mapping[str, Any], warm_start: Sequence[Observation], *, sign: int
) -> dict[str, Any]:
    """The JSON of a stored spec with its trials in it again, so that it can be submitted.

    warm_start: all that the search began with, as `service.warm` froze it. sign: the factor from rank
    values to scores as they are reported.
    """
    items = [
        one
        if isinstance(one, str)
        else {"observations": [_as_provided(o, sign) for o in warm_start if o.source == source]}
        for source, one in enumerate(spec["warm_start"], 1)
    ]
    return {**spec, "warm_start": items}


def _as_provided(o: Observation, sign: int) -> dict[str, Any]:
    """An observation in the form in which a spec has it."""
    line = observation_to_json(o)
    fields = {name: line[name] for name in ("params", "state", "epochs")}
    if o.score is None:
        return fields
    curve = [[epoch, turned(score, sign)] for epoch, score in line["curve"][:-1]]
    return {**fields, "score": turned(o.score, sign), "curve": curve}
