"""Progress of a search: counts of what is planned and done, and an estimate of the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpsearch.records import RoundRecord, SearchRecord
from hpsearch.report import words
from hpsearch.report.views import CostView, EpochCounts, RoundCounts, TrialCounts, WaitingView
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import OBSERVED, WORKING, RoundKind, SearchState, TrialState

WAITING_LEAST = 10.0  # seconds without a trainer that are worth a word


@dataclass(frozen=True, slots=True)
class Ahead:
    """Trials that the spec plans beyond the rounds that have begun, and epochs of them all."""

    trials: int
    epochs: int


def searching(rounds: Sequence[RoundRecord]) -> list[RoundRecord]:
    """The rounds that explore or repeat, which is all of them but the final test's."""
    return [r for r in rounds if r.kind is not RoundKind.FINAL]


def ahead(resolved: ResolvedSpec, rounds: Sequence[RoundRecord], state: str) -> Ahead:
    """The plan for the rest; nothing once the final test has been frozen."""
    if state in (SearchState.FINALIZING, SearchState.COMPLETED):
        return Ahead(0, 0)
    spec, begun = resolved.spec, searching(rounds)
    repeated = sum(r.kind is RoundKind.REPEAT for r in begun)
    following = range(len(begun) - repeated + 1, resolved.explore_rounds + 1)
    if repeated:  # exploring is over, however many rounds were asked for
        following = range(0)
    repeats = max(0, resolved.repeat_rounds - repeated) * spec.trials.last
    trials = sum(resolved.trials(r) for r in following) + repeats
    epochs = sum(resolved.round_epochs(resolved.trials(r), resolved.rungs(r)) for r in following)
    epochs += repeats * spec.epochs.last
    if spec.epochs.budget is not None:
        used = sum(r.epochs_in_full if r.open_jobs else r.epochs_trained for r in begun)
        epochs = min(epochs, max(0, spec.epochs.budget - used))
    return Ahead(trials, epochs)


def round_counts(resolved: ResolvedSpec, rounds: Sequence[RoundRecord]) -> RoundCounts:
    """Rounds asked for and done."""
    begun = searching(rounds)
    return RoundCounts(
        planned=max(resolved.spec.rounds, len(begun)),
        completed=sum(r.open_jobs == 0 and not r.cancelled for r in begun),
        kind=rounds[-1].kind if rounds else None,
    )


def trial_counts(
    rounds: Sequence[RoundRecord], running: Mapping[int, int], *, following: int = 0
) -> TrialCounts:
    """Trials of some rounds by state; `following` are planned beyond them."""
    sums = {
        state.value: sum(getattr(r, state.value) for r in rounds)
        for state in (*OBSERVED, TrialState.FAILED)
    }
    cancelled = sum(r.cancelled for r in rounds)
    active = sum(running.get(r.number, 0) for r in rounds)
    drawn = sum(r.planned for r in rounds)
    pending = drawn - sum(sums.values()) - cancelled - active
    return TrialCounts(planned=drawn + following, pending=pending, running=active, **sums)


def epoch_counts(rounds: Sequence[RoundRecord], *, following: int) -> EpochCounts:
    """Epochs of some rounds; `following` are planned beyond them."""
    return EpochCounts(
        planned=sum(r.epochs_in_full for r in rounds) + following,
        trained=sum(r.epochs_trained for r in rounds),
    )


def cost(resolved: ResolvedSpec, rounds: Sequence[RoundRecord]) -> CostView | None:
    """The costs that trainers have reported; None where none did, and nothing bounds them."""
    limit = resolved.spec.max_cost
    final = [r.cost for r in rounds if r.kind is RoundKind.FINAL and r.cost is not None]
    spent = [r.cost for r in searching(rounds) if r.cost is not None]
    if limit is None and not spent and not final:
        return None
    return CostView(
        spent=math.fsum(spent) if spent else None,
        final=math.fsum(final) if final else None,
        budget=limit,
    )


def waiting(
    search: SearchRecord,
    resolved: ResolvedSpec,
    rounds: Sequence[RoundRecord],
    running: Mapping[int, int],
    now: float,
) -> WaitingView | None:
    """Trials that wait for a trainer elsewhere; None while one is at work, or has just been."""
    last = rounds[-1] if rounds else None
    if last is None or resolved.workload.trained_here or search.state not in WORKING:
        return None
    seconds = now - max(last.created_at, search.served_at or 0.0)
    if not last.open_jobs or running.get(last.number) or seconds < WAITING_LEAST:
        return None
    return WaitingView(
        seconds=round(seconds, 1),
        trials=last.open_jobs,  # each is a job by itself
        message=f"waiting for trainers: none has claimed for {words.duration(seconds)}",
    )


def eta(
    search: SearchRecord, resolved: ResolvedSpec, rounds: Sequence[RoundRecord], now: float
) -> float | None:
    """Seconds to the end at the pace of the rounds so far; None while there is no pace.

    Only time inside rounds counts. A round that is over has nothing left, however many of its
    trials diverged early; the final test trains every model for its full length.
    """
    if search.state not in WORKING:
        return None
    begun = searching(rounds)
    trained = sum(r.epochs_trained for r in begun)
    if not trained:
        return None
    ends = [now if r.finished_at is None else r.finished_at for r in begun]
    spent = sum(max(0.0, e - r.created_at) for e, r in zip(ends, begun, strict=True))
    pace = spent / trained
    final = pace * resolved.spec.final.epochs * resolved.spec.final_trials
    last = rounds[-1]
    if last.kind is RoundKind.FINAL:
        return round(max(0.0, final - (now - last.created_at)), 1)
    left = pace * ahead(resolved, rounds, search.state).epochs
    if resolved.spec.max_seconds is not None:
        assert search.started_at is not None  # it has trained something
        left = min(left, max(0.0, resolved.spec.max_seconds - (now - search.started_at)))
    if last.open_jobs:
        left += pace * max(0, last.epochs_in_full - last.epochs_trained)
    return round(left + final, 1)
