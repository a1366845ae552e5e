"""Trials from elsewhere that a spec provides: checked one by one, and frozen like those of searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpsearch.errors import Mistake
from hpsearch.records import observation_to_json
from hpsearch.space import Choices, Dimension, Level, Params, Space, params_from_json
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
    made = [_observation(trial, i) for i, trial in enumerate(provided.observations)]
    inside = [o for o in made if within(new.space, o.params)]
    return inside or [Mistake(at, "none of them lies within the limits of this space")]


def _wrong(trial: SeenTrial, new: ResolvedSpec) -> Iterator[tuple[str, str]]:
    dimensions = new.space.dimensions
    if set(trial.params) != set(dimensions):
        has, wanted = ", ".join(sorted(trial.params)) or "none", ", ".join(sorted(dimensions))
        yield "params", f"other hyperparameters: {has}, not {wanted}"
        return
    for name, value in params_from_json(trial.params).items():
        if (why := _unfit(dimensions[name], value)) is not None:
            yield f"params.{name}", why
    diverged = trial.state == "diverged"
    if diverged != (trial.score is None):
        yield "score", "a diverged trial has none" if diverged else "missing; null is for diverged"
    low, high = new.workload.score_bounds
    scores = [("score", trial.score), *((f"curve[{i}]", p[1]) for i, p in enumerate(trial.curve))]
    for path, score in scores:
        if score is not None and not low <= score <= high:
            yield path, f"{new.spec.objective} lies in [{low:g}, {high:g}], got {score:g}"
    epochs = [epoch for epoch, _ in trial.curve]
    if epochs != sorted(set(epochs)) or any(epoch > trial.epochs for epoch in epochs):
        yield "curve", f"its epochs must grow, to {trial.epochs} at the most, got {epochs[:10]}"


def _unfit(dimension: Dimension, value: Level) -> str | None:
    """The reason why no search of this dimension could hold such a value."""
    if isinstance(dimension, Choices):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"a number is wanted, got {value!r:.60}"
    if dimension.integer and value != int(value):
        return f"a whole number is wanted, got {value:g}"
    return None


def within(space: Space, params: Params) -> bool:
    """True of parameters that a search of this space may come to."""
    return all(_allowed(space.dimensions[name], params[name]) for name in space.names)


def _allowed(dimension: Dimension, value: Level) -> bool:
    if isinstance(dimension, Choices):
        return dimension.contains(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = dimension.hard_low, dimension.hard_high
    return (low is None or value >= low) and (high is None or value <= high)


def _observation(trial: SeenTrial, index: int) -> Observation:
    last = () if trial.score is None else ((trial.epochs, trial.score),)
    before = tuple(point for point in trial.curve if point[0] < trial.epochs)
    return Observation(
        round=0,
        index=index,
        params=params_from_json(trial.params),
        state=TrialState(trial.state),
        epochs=trial.epochs,
        correct=0,  # nobody counted: the surrogate learns the noise from the scores
        examples=0,
        loss=None,
        score=trial.score,
        curve=before + last,
    )


def emptied(spec: SearchSpec) -> SearchSpec:
    """The spec as it is stored: every status reads it, so the trials lie beside it."""
    without = [
        one if isinstance(one, str) else Observations(observations=[]) for one in spec.warm_start
    ]
    return spec.model_copy(update={"warm_start": tuple(without)})


def filled(spec: Mapping[str, Any], warm_start: Sequence[Observation]) -> dict[str, Any]:
    """The JSON of a stored spec with its trials in it again, so that it can be submitted.

    warm_start: all that the search began with, as `service.warm` froze it.
    """
    items = [
        one
        if isinstance(one, str)
        else {"observations": [_as_provided(o) for o in warm_start if o.source == source]}
        for source, one in enumerate(spec["warm_start"], 1)
    ]
    return {**spec, "warm_start": items}


def _as_provided(o: Observation) -> dict[str, Any]:
    """An observation in the form in which a spec has it."""
    line = observation_to_json(o)
    fields = {name: line[name] for name in ("params", "state", "epochs")}
    return fields if o.score is None else {**fields, "score": o.score, "curve": line["curve"][:-1]}
