"""Preview of the next round, from a plan that nobody has written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpsearch.narrowing.basis import basis_of
from hpsearch.reasons import to_json, words
from hpsearch.report.build import box_view, decision_numbers, limits_view, range_view
from hpsearch.report.views import DecisionView, NextRoundView
from hpsearch.space import Box
from hpsearch.spec import ResolvedSpec, schedule
from hpsearch.trials import Decision, GiveUp, RoundKind, TrainingPlan


def view_of(
    plan: TrainingPlan | GiveUp, resolved: ResolvedSpec, *, begun: int, open_trials: int
) -> NextRoundView:
    """A plan for people.

    begun, open_trials
        Rounds that have begun, and the trials of the last of them that have not ended.
    """
    if isinstance(plan, GiveUp):
        return _view(
            resolved,
            begun=begun,
            open_trials=open_trials,
            box=resolved.box,
            reason=words(plan.reason),
        )
    return _view(
        resolved,
        begun=begun,
        open_trials=open_trials,
        box=plan.box,
        kind=plan.kind,
        rungs=plan.rungs,
        trials=len(plan.trials),
        epochs_planned=sum(schedule.cohort_epochs(len(c), plan.rungs) for c in plan.cohorts),
        decisions={
            d.name: _decision(d, len(plan.decisions), resolved.spec.score_sign)
            for d in plan.decisions
        },
        reason=None if plan.reason is None else words(plan.reason),
    )


def planned(resolved: ResolvedSpec, box: Box, *, begun: int, open_trials: int) -> NextRoundView:
    """The next round by the spec alone, as long as the first one has told nothing."""
    spec, number = resolved.spec, begun + 1
    rungs: Sequence[int] = [spec.final.epochs]
    kind, trials = RoundKind.FINAL, spec.final_trials
    epochs = trials * spec.final.epochs
    if number <= resolved.explore_rounds:
        kind, trials, rungs = RoundKind.EXPLORE, resolved.trials(number), resolved.rungs(number)
        epochs = resolved.round_epochs(trials, rungs)
    elif resolved.repeat_rounds:
        kind, trials, rungs = RoundKind.REPEAT, spec.trials.last, [spec.epochs.last]
        epochs = trials * spec.epochs.last
    return _view(
        resolved,
        begun=begun,
        open_trials=open_trials,
        box=box,
        kind=kind,
        rungs=rungs,
        trials=trials,
        epochs_planned=epochs,
    )


def _view(
    resolved: ResolvedSpec,
    *,
    begun: int,
    open_trials: int,
    box: Box,
    kind: RoundKind | None = None,
    rungs: Sequence[int] = (),
    trials: int = 0,
    epochs_planned: int = 0,
    decisions: Mapping[str, DecisionView] | None = None,
    reason: str | None = None,
) -> NextRoundView:
    return NextRoundView(
        round=begun + 1,
        kind=kind,
        ranges=box_view(box),
        trials=trials,
        rungs=list(rungs),
        epochs=rungs[-1] if rungs else 0,
        epochs_planned=epochs_planned,
        decisions=dict(decisions or {}),
        reason=reason,
        preliminary=open_trials > 0,
        open_trials=open_trials,
        limits=limits_view(resolved.box),
    )


def _decision(made: Decision, hyperparameters: int, sign: int) -> DecisionView:
    facts = to_json(made.reason)
    basis = basis_of(made.verdict, made.numbers, facts, made.after, hyperparameters=hyperparameters)
    return DecisionView(
        before=range_view(made.before),
        after=range_view(made.after),
        verdict=made.verdict,
        reason=words(made.reason),
        numbers=decision_numbers(made.numbers, sign=sign),
        basis=basis,
    )
