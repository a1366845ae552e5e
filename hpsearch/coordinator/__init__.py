"""What a search does next: a pure, seeded function over frozen values.

Nothing here knows a database, a clock or a queue. The same snapshot gives the same plan on
any machine, which is what makes `replay --decisions` possible.

    Snapshot -> the surrogate -> the narrowing rule -> explore | repeat | final | give up
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.coordinator import evidence, finalists, rounds
from hpsearch.coordinator.finalists import Finalist, recommend
from hpsearch.coordinator.rounds import grouped
from hpsearch.coordinator.snapshot import Snapshot
from hpsearch.narrowing import RULES, answered
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Box
from hpsearch.surrogate import Surrogate, fitted
from hpsearch.trials import (
    AGAIN,
    Decision,
    FinalPlan,
    GiveUp,
    Role,
    RoundPlan,
    Stream,
    Verdict,
)

RESERVED = 0.25  # of a budget is kept for the repeats, at the most
GAIN_LEAST = 0.1  # expected improvement, as a share of the noise, that is worth another round
OPEN = (Verdict.OPEN_LOW, Verdict.OPEN_HIGH, Verdict.OPEN_BOTH)

Plan = RoundPlan | FinalPlan | GiveUp

__all__ = ["Finalist", "Plan", "Snapshot", "decide", "grouped", "recommend"]


def decide(now: Snapshot, *, job_size: int) -> Plan:
    """The next round, the final test, or the reason why there is neither.

    `job_size` bounds the trials of a job; it never changes what is trained.
    """
    spec = now.resolved.spec
    # One history has one plan, in whatever order it is told.
    ordered = sorted(now.observations, key=lambda o: (o.source, o.round, o.index))
    if not now.resolved.workload.classifies:  # a loss of another meaning decides nothing
        ordered = [replace(o, loss=None, fall=None) for o in ordered]
    now = replace(now, observations=ordered)
    if now.round and not now.own:
        return GiveUp(
            f"none of the {now.failed} trials of round {now.round} could be trained; "
            "their errors are in the table of trials and in `hpsearch export ID --format csv`"
        )
    space, seen = now.resolved.space, now.observations
    model = fitted(space, seen, epochs=spec.epochs.last)
    decisions: tuple[Decision, ...] = ()
    box = now.box
    if seen:
        decisions = tuple(RULES[spec.narrowing](space, box, seen, model))
        box = {d.name: d.after for d in decisions}
    if not now.round:  # what earlier searches taught moves the first box, and is no decision
        return _explore(now, box, (), model, {}, job_size)
    known = evidence.gathered(box, seen, model)
    if now.seconds is not None:
        known["seconds"] = now.seconds
    why = _enough(now, decisions, model, known)
    if why is None:
        return _explore(now, box, decisions, model, known, job_size)
    decisions = answered(decisions, seen)  # no round follows that would look further out
    box = {d.name: d.after for d in decisions}
    if _race(now, box, model):
        trials = _affordable(now, spec.trials.last, (spec.epochs.last,), reserve=0)
        if trials >= 2 and _late(now, trials * spec.epochs.last) is None:
            return rounds.repeat(now, box, decisions, model, trials=trials, job_size=job_size,
                                 evidence={**known, "explored": why}, reason=_again(now, why))  # fmt: skip
    return _final(now, box, decisions, model, known, _ended(now, why))


def _again(now: Snapshot, why: str) -> str:
    """The reason shown while finalists are repeated; the usual end of exploring needs no word."""
    return AGAIN if why == _all_done(now) else f"{AGAIN}: {why}"


def _all_done(now: Snapshot) -> str:
    return f"all {now.resolved.spec.rounds} rounds are done"


def _ended(now: Snapshot, why: str) -> str:
    """The reason shown with the final test: rounds that found nothing to repeat are told."""
    done, rounds = now.round, now.resolved.spec.rounds
    if why != _all_done(now) or done >= rounds:
        return why
    return f"exploring is done after {done} of {rounds} rounds, and there is nothing to repeat"


def _enough(
    now: Snapshot,
    decisions: Sequence[Decision],
    model: Surrogate | None,
    known: Mapping[str, Any],
) -> str | None:
    """Why exploring is over; None while it is not."""
    if now.ended is not None:
        return now.ended
    # Where everything has diverged there is nobody to repeat: those rounds look on.
    planned = now.resolved.explore_rounds
    if not any(o.finite for o in now.own):
        planned = now.resolved.spec.rounds
    # Ranges that were edited since the last look deserve one, as long as a round is left.
    if now.explored >= planned and not (now.moved and now.round < now.resolved.spec.rounds):
        return _all_done(now)
    return _spent(now) or _settled_by_evidence(now, decisions, model, known)


def _spent(now: Snapshot) -> str | None:
    """Why another round cannot be paid for, in epochs or in seconds."""
    resolved, spec, following = now.resolved, now.resolved.spec, now.explored + 1
    trials, rungs = resolved.trials(following), resolved.rungs(following)
    if not _affordable(now, trials, rungs, reserve=_reserve(now)):
        return f"the budget of {spec.epochs.budget} epochs is spent"
    repeats = resolved.repeat_rounds * spec.trials.last * spec.epochs.last
    return _late(now, resolved.round_epochs(trials, rungs), reserve=repeats)


def _late(now: Snapshot, epochs: int, *, reserve: int = 0) -> str | None:
    """Why a round of so many epochs would end too late; None where it would not.

    Time for `reserve` epochs is kept, a quarter of all time at most.
    """
    limit = now.resolved.spec.max_seconds
    if limit is None or now.seconds is None:
        return None
    pace = now.seconds / max(1, now.epochs_trained)
    if now.seconds + pace * epochs <= limit - min(pace * reserve, RESERVED * limit):
        return None
    return (
        f"{now.seconds:.0f} s of {limit:g} s have passed, and another round would take "
        f"about {pace * epochs:.0f} s"
    )


def _settled_by_evidence(
    now: Snapshot,
    decisions: Sequence[Decision],
    model: Surrogate | None,
    known: Mapping[str, Any],
) -> str | None:
    """Why another round would teach nothing; None while it may, or where all were asked for."""
    resolved, spec = now.resolved, now.resolved.spec
    in_full = resolved.rungs(now.explored)[-1] == spec.epochs.last
    if not spec.stop_early or not in_full:
        return None
    if model is None or any(d.verdict in OPEN for d in decisions):
        return None
    left, noise = known["expected_gain"], model.noise_sd
    if left >= GAIN_LEAST * noise:
        return None
    return (
        f"the expected improvement left is {left:.2g}, below {GAIN_LEAST:g} of the noise of one "
        f"training ({noise:.2g}), after round {now.round} of {spec.rounds}"
    )


def _reserve(now: Snapshot) -> int:
    """Epochs that are kept for the repeats: a quarter of the budget at most."""
    spec, budget = now.resolved.spec, now.resolved.spec.epochs.budget
    repeats = now.resolved.repeat_rounds * spec.trials.last * spec.epochs.last
    return 0 if budget is None else min(repeats, int(RESERVED * budget))


def _affordable(now: Snapshot, trials: int, rungs: Sequence[int], *, reserve: int) -> int:
    """How many of `trials` the epoch budget still pays for."""
    budget = now.resolved.spec.epochs.budget
    if budget is None:
        return trials
    left = budget - now.epochs_trained - reserve
    # A cohort more or less makes small steps back: the bisection may end one such step too low.
    return bisect_right(
        range(1, trials + 1), left, key=lambda n: now.resolved.round_epochs(n, rungs)
    )


def _race(now: Snapshot, box: Box, model: Surrogate | None) -> bool:
    """Whether another repeat round can change anything."""
    if now.repeated >= now.resolved.repeat_rounds or now.round >= now.resolved.spec.rounds:
        return False
    return len(finalists.contenders(box, now.observations, model, 2)) > 1


def _explore(
    now: Snapshot,
    box: Box,
    decisions: Sequence[Decision],
    model: Surrogate | None,
    known: Mapping[str, Any],
    job_size: int,
) -> RoundPlan:
    number = now.explored + 1
    rungs = now.resolved.rungs(number)
    trials = _affordable(now, now.resolved.trials(number), rungs, reserve=_reserve(now))
    return rounds.explore(now, box, decisions, model, rungs=rungs, trials=max(1, trials),
                          job_size=job_size, evidence=known)  # fmt: skip


def _final(
    now: Snapshot,
    box: Box,
    decisions: Sequence[Decision],
    model: Surrogate | None,
    known: Mapping[str, Any],
    reason: str,
) -> FinalPlan | GiveUp:
    spec, number = now.resolved.spec, now.round + 1
    best = recommend(box, now.observations, model, spec.epochs.last, repeats=now.repeats)
    if best is None:
        way_out = now.resolved.workload.advice.all_diverged
        return GiveUp(f"all {len(now.own)} trials diverged; {way_out}")
    compared = finalists.compared(
        best, now.observations, model, spec.epochs.last, now.right, repeats=now.repeats
    )
    rng = np.random.default_rng([spec.seed, Stream.FINAL, number])
    space, drawn = now.resolved.space, spec.final.models - 1
    others = SAMPLERS["random"].propose(space, box, (), None, drawn, rng) if drawn else []
    gauged = spec.final_trials > spec.final.models
    return FinalPlan(
        number=number,
        box=box,
        decisions=decisions,
        recommended=best,
        trials=[best.best.params, *others, *[best.best.params] * gauged],
        roles=[Role.RECOMMENDED, *[Role.DRAWN] * drawn, *[Role.OPTIMISM] * gauged],
        reason=reason,
        evidence={**known, "finalists": [f.to_json() for f in compared]},
        apart=not spec.workload.trained_here,
    )
