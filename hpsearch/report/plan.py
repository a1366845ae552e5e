"""The view of a plan, made of a resolved spec and the document that asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpsearch.plural import counted
from hpsearch.report.views import PlannedRoundView, PlanView
from hpsearch.samplers import GROUP
from hpsearch.space import Choices
from hpsearch.spec import ResolvedSpec, SearchSpec, given, implied, outlook, plan, schedule
from hpsearch.trials import RoundKind


def view_of(resolved: ResolvedSpec, data: Mapping[str, Any], spec: Mapping[str, Any]) -> PlanView:
    """A plan for people.

    data
        The document as it was sent.
    spec
        The spec in the form that can be submitted again.
    """
    rounds = outlook.rounds(resolved)
    asked = resolved.spec
    trials, epochs = sum(r.trials for r in rounds), sum(r.epochs for r in rounds)
    budget = _budget(resolved, data)
    return PlanView(
        summary=_summary(resolved, rounds, trials, epochs),
        budget=budget,
        planned=[] if budget is None else plan.chosen(data, asked),
        conditions={
            name: {parent: list(levels) for parent, levels in one.items()}
            for name, one in implied.added(data, asked).items()
        },
        rounds=[
            PlannedRoundView(
                number=r.number, kind=r.kind, trials=r.trials, rungs=list(r.rungs), epochs=r.epochs
            )
            for r in rounds
        ],
        trials=trials,
        epochs=epochs,
        final_models=asked.final_trials,
        final_epochs=asked.final.epochs,
        notes=[
            *_too_many_levels(resolved, rounds),
            *_unknown_costs(resolved, rounds),
            *implied.narrower(asked),
        ],
        spec=dict(spec),
    )


def _budget(resolved: ResolvedSpec, data: Mapping[str, Any]) -> dict[str, float] | None:
    """The budget that the plan follows from; None of one by hand."""
    if not plan.is_asked(data):
        return None
    named = data.get("budget")
    if named:
        return {unit: value for unit, value in named.items() if value is not None}
    usual = (
        resolved.spec.epochs.budget
    )  # none in a search of an earlier version, whose key comes again
    return None if usual is None else {"epochs": usual}


def _too_many_levels(
    resolved: ResolvedSpec, rounds: Sequence[outlook.PlannedRound]
) -> Iterator[str]:
    """Choices with more levels than the plan is sure to try: each takes a trial, or a group of one shape."""
    sizes = [r.trials for r in rounds if r.kind is RoundKind.EXPLORE]
    drawn = [_drawn(resolved.spec, size) for size in sizes]
    if sizes and not resolved.spec.warm_start:
        drawn[0] = sizes[0]  # nothing has been seen that could be trained again
    first = given.begins_with(resolved, sizes[0]) if sizes else []
    if first:
        drawn[0] -= len(first)
    space = resolved.space
    for name in space.names:
        dimension = space.dimensions[name]
        each = GROUP if name in space.shaping else 1
        most = sum(max(1, size // each) for size in drawn if size > 0)
        most += len({repr(one[name]) for one in first if name in one})
        if isinstance(dimension, Choices) and len(dimension.choices) > most:
            yield (
                f"{name} has {len(dimension.choices)} levels, and this plan can try {most} of them at "
                "the most: give it a larger budget, or fewer levels"
            )


def _drawn(spec: SearchSpec, trials: int) -> int:
    """Trials of a round that are drawn anew, at the least: neither repeats of a leader nor probes."""
    if spec.narrowing != schedule.MODEL_BASED:
        return trials
    probes = 0 if spec.sampler == plan.SAMPLER else trials // schedule.PROBE_EVERY
    return trials - trials // schedule.REPEAT_EVERY - probes


def _unknown_costs(resolved: ResolvedSpec, rounds: Sequence[outlook.PlannedRound]) -> Iterator[str]:
    """A note on what a limit of costs cannot bound: the first round, and trainers that report none."""
    if resolved.spec.max_cost is None or not rounds:
        return
    yield (
        f"nothing is known of costs before the first round: its {counted(rounds[0].trials, 'trial')} "
        "are trained whatever they cost, later rounds are cut to what is left, and the final test comes "
        "on top; trials_per_round makes the first round smaller. Where trainers report no cost, the "
        "search ends with the last of these rounds"
    )


def _summary(
    resolved: ResolvedSpec, rounds: Sequence[outlook.PlannedRound], trials: int, epochs: int
) -> str:
    spec = resolved.spec
    sizes = f"{rounds[0].trials} to {rounds[-1].trials} trials" if rounds else "no trials"
    if rounds and rounds[0].trials == rounds[-1].trials:
        sizes = f"{rounds[0].trials} trials each"
    text = (
        f"{counted(len(rounds), 'round')} of {sizes} by {spec.sampler}: {counted(trials, 'trial')} of up "
        f"to {spec.epochs.last} epochs, {epochs:,} epochs in all"
    )
    if spec.max_cost is not None:
        text += f", until {spec.max_cost:g} in reported costs are spent"
    if spec.max_seconds is not None:
        text += f", for as long as {spec.max_seconds:g} s last"
    models = counted(spec.final_trials, "model")
    return f"{text}; then a final test of {models} of {spec.final.epochs} epochs"
