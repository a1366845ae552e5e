"""The end of exploring: by rounds, by the budget of epochs, by the clock, by the evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpsearch.coordinator.situation import Situation
from hpsearch.coordinator.snapshot import Snapshot
from hpsearch.reasons import Reason
from hpsearch.reasons.course import BudgetSpent, CostSpent, GainSpent, RoundsDone, TimeSpent
from hpsearch.samplers.levels import untried_levels
from hpsearch.spec.budget import COUNT_MOST
from hpsearch.spec.resolved import RESERVED

GAIN_LEAST = 0.1  # expected improvement, as a share of the noise, that is worth another round


def end_of_exploring(situation: Situation) -> Reason | None:
    """Return why exploring is over; None while it is not."""
    now, rounds = situation.now, situation.now.resolved.spec.rounds
    if now.ended is not None:
        return now.ended
    # Where everything has diverged, or is forbidden by now, there is nothing to repeat: those rounds look on.
    planned = now.resolved.explore_rounds
    if not any(o.finite and not o.source for o in now.permitted):
        planned = rounds
    # Ranges that were edited since the last look deserve one, as long as a round is left.
    if now.explored >= planned and not (now.moved and now.round < rounds):
        return RoundsDone(rounds)
    return _spent(now) or _settled(situation)


def _spent(now: Snapshot) -> Reason | None:
    """The reason for which another round cannot be paid for, in epochs, in costs or in seconds."""
    resolved, spec, following = now.resolved, now.resolved.spec, now.explored + 1
    trials, rungs = resolved.trials(following), resolved.rungs(following)
    budget = spec.epochs.budget
    if spec.max_cost is not None and not _paid(now, trials, rungs, exploring=True):
        return CostSpent(now.cost, spec.max_cost, cost_pace(now) * resolved.round_epochs(1, rungs))
    if budget is not None and not affordable(now, trials, rungs, exploring=True):
        return BudgetSpent(budget)
    epochs = resolved.round_epochs(trials, rungs)
    return too_late(now, epochs, reserve=resolved.repeat_epochs)


def too_late(now: Snapshot, epochs: int, *, reserve: int = 0) -> TimeSpent | None:
    """Return why a round of so many epochs would end too late; None where it would not.

    Time for `reserve` epochs is kept, a quarter of all time at most.
    """
    limit = now.resolved.spec.max_seconds
    if limit is None or now.seconds is None:
        return None
    pace = now.seconds / max(1, now.epochs_trained)
    if now.seconds + pace * epochs <= limit - min(pace * reserve, RESERVED * limit):
        return None
    return TimeSpent(now.seconds, limit, pace * epochs)


def _settled(situation: Situation) -> Reason | None:
    """The reason for which another round would teach nothing; None while it may, or all were asked for."""
    now, evidence = situation.now, situation.evidence
    resolved, spec = now.resolved, now.resolved.spec
    in_full = resolved.rungs(now.explored)[-1] == spec.epochs.last
    if not spec.stop_early or not in_full or any(d.verdict.open for d in situation.decisions):
        return None
    if untried_levels(resolved.space, situation.box, [*now.observations, *now.failures]):
        return None  # of these nobody knows what is to be gained
    if evidence is None or evidence.expected_gain is None or evidence.noise_sd is None:
        return None
    gain, noise = evidence.expected_gain, evidence.noise_sd
    if gain >= GAIN_LEAST * noise:
        return None
    return GainSpent(gain, GAIN_LEAST, noise, now.round, spec.rounds)


def affordable(now: Snapshot, trials: int, rungs: Sequence[int], *, exploring: bool) -> int:
    """Return how many of `trials` the budgets of epochs and of costs still pay for.

    While exploring, a part of either is kept for the repeats: a quarter at most.
    """
    budget = now.resolved.spec.epochs.budget
    trials = _paid(now, trials, rungs, exploring=exploring)
    if budget is None or not trials:
        return trials
    reserve = now.resolved.reserve if exploring else 0
    return now.resolved.affordable(budget - now.epochs_trained - reserve, trials, rungs)


def cost_pace(now: Snapshot) -> float:
    """The cost of an epoch so far: that of lost attempts and failed trials is part of it."""
    return now.cost / max(1, now.epochs_trained)


def _paid(now: Snapshot, trials: int, rungs: Sequence[int], *, exploring: bool) -> int:
    """Return how many of `trials` the budget of costs still pays for; all while none is known."""
    limit, pace = now.resolved.spec.max_cost, cost_pace(now)
    if limit is None or pace == 0:
        return trials
    reserve = min(pace * now.resolved.repeat_epochs, RESERVED * limit) if exploring else 0.0
    left = limit - now.cost - reserve
    epochs = min(left / pace, COUNT_MOST)  # a cost next to nothing pays for more than a float holds
    return now.resolved.affordable(math.floor(epochs), trials, rungs) if left > 0 else 0
