"""The coordinator: the next step of a search, by a pure, seeded function over frozen values.

Nothing here knows a database, a clock or a queue. The same snapshot gives the same plan on
any machine, which is what makes `replay --decisions` possible.

    Snapshot -> Situation (surrogate, narrowing rule, evidence) -> explore | repeat | final | give up
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from hpsearch.coordinator import chosen, finalists, required, rounds
from hpsearch.coordinator.configurations import configurations
from hpsearch.coordinator.finalists import recommend
from hpsearch.coordinator.rounds import grouped
from hpsearch.coordinator.situation import Situation
from hpsearch.coordinator.snapshot import Snapshot
from hpsearch.coordinator.stopping import affordable, end_of_exploring, too_late
from hpsearch.narrowing.clamping import clamp_to_evidence
from hpsearch.reasons import Reason, course
from hpsearch.records.chosen import same
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Params
from hpsearch.trials import (
    FinalPlan,
    GiveUp,
    Observation,
    Recommendation,
    Role,
    RoundKind,
    RoundPlan,
    Stream,
)

Plan = RoundPlan | FinalPlan | GiveUp

__all__ = ["Plan", "Situation", "Snapshot", "decide", "grouped", "recommend"]


def decide(now: Snapshot, *, job_size: int) -> Plan:
    """Return the next round, the final test, or the reason for which there is neither.

    `job_size` bounds the trials of a job; it never changes what is trained.
    """
    # One history has one plan, in whatever order it comes.
    now = replace(now, observations=_ordered(now, now.observations), aside=_ordered(now, now.aside))
    if now.round and not now.own:
        return GiveUp(course.NothingTrained(now.failed, now.round))
    situation = Situation.of(now)
    end = end_of_exploring(situation) if now.round else None
    if end is None:
        return _explore(situation, job_size)
    # No round follows that would look further out.
    situation = situation.decided(clamp_to_evidence(situation.decisions, now.observations))
    if _may_change(situation):
        last = now.resolved.spec.epochs.last
        trials = affordable(now, now.resolved.spec.trials.last, (last,), exploring=False)
        if trials >= 2 and too_late(now, trials * last) is None:
            return rounds.repeat(
                situation.explored(end), trials=trials, job_size=job_size, reason=_again(now, end)
            )
    return _final(situation, _ended(now, end))


def _ordered(now: Snapshot, observations: Sequence[Observation]) -> list[Observation]:
    """Observations in their order, with what decides something of them."""
    ordered = sorted(observations, key=lambda o: (o.source, o.round, o.index))
    if not now.resolved.workload.classifies:  # a loss of another meaning decides nothing
        return [replace(o, loss=None, loss_drop=None) for o in ordered]
    if not now.resolved.workload.independent:  # how many were right says nothing of the noise
        return [replace(o, correct=0, examples=0) for o in ordered]
    return ordered


def _again(now: Snapshot, end: Reason) -> Reason:
    """The reason shown while finalists are repeated; the usual end of exploring goes without saying."""
    usual = end == course.RoundsDone(now.resolved.spec.rounds)
    return course.FinalistsRepeated(None if usual else end)


def _ended(now: Snapshot, end: Reason) -> Reason:
    """The reason shown with the final test: rounds that had nothing to repeat are mentioned."""
    done, asked = now.round, now.resolved.spec.rounds
    if end != course.RoundsDone(asked) or done >= asked:
        return end
    return course.NothingToRepeat(done, asked)


def _may_change(situation: Situation) -> bool:
    """Tell whether another repeat round can change anything."""
    now, resolved = situation.now, situation.now.resolved
    if now.repeated >= resolved.repeat_rounds or now.round >= resolved.spec.rounds:
        return False
    standing = required.standing_of(resolved)
    rivals = finalists.contenders(situation.box, now.permitted, situation.model, 2, standing)
    return len(chosen.with_baseline(situation, [c.params for c in rivals])) > 1


def _explore(situation: Situation, job_size: int) -> RoundPlan:
    now, number = situation.now, situation.now.explored + 1
    rungs = now.resolved.rungs(number)
    trials = affordable(now, now.resolved.trials(number), rungs, exploring=True)
    return rounds.explore(situation, rungs=rungs, trials=max(1, trials), job_size=job_size)


def _final(situation: Situation, reason: Reason) -> FinalPlan | GiveUp:
    now, spec, model = situation.now, situation.now.resolved.spec, situation.model
    repeats, last = now.repeats, spec.epochs.last
    standing = required.standing_of(now.resolved)
    best = recommend(situation.box, now.permitted, model, last, repeats=repeats, standing=standing)
    if best is None and any(o.finite and not now.resolved.space.permits(o.params) for o in now.own):
        return GiveUp(course.EverythingForbidden(len(now.own)))
    if best is None:
        by_caller = not spec.workload.trained_here
        return GiveUp(course.EverythingDiverged(len(now.own), by_caller))
    compare = partial(
        finalists.compare,
        observations=now.permitted,
        model=model,
        epochs=last,
        correct_masks=now.correct_masks,
        repeats=repeats,
        aside=now.aside,
    )
    if spec.cheapest is not None:
        rivals = configurations(now.permitted, model)
        best = required.cheapest(now.resolved, best, compare(best), rivals)
    best = chosen.unless_equal(situation, chosen.kept(situation, best))
    compared = compare(best)
    trials, roles = _models(situation, best)
    everything = range(len(trials))
    assert situation.evidence is not None  # a round is over
    return FinalPlan(
        number=now.round + 1,
        kind=RoundKind.FINAL,
        rungs=(spec.final.epochs,),
        box=situation.box,
        decisions=situation.decisions,
        trials=trials,
        roles=roles,
        cohorts=[everything],
        # Whoever trains elsewhere takes one trial at a time.
        jobs=[everything] if spec.workload.trained_here else [[i] for i in everything],
        evidence=replace(situation.evidence, finalists=compared),
        reason=reason,
        recommended=best,
    )


def _models(situation: Situation, best: Recommendation) -> tuple[Sequence[Params], Sequence[Role]]:
    """The models of the final test and their roles."""
    now, spec = situation.now, situation.now.resolved.spec
    rng = np.random.default_rng([spec.seed, Stream.FINAL, now.round + 1])
    space, drawn = now.resolved.space, spec.final.models - 1
    sample = SAMPLERS["random"].propose

    def of_range(count: int, attempt: int, kept: Sequence[Params]) -> Sequence[Params]:
        return sample(space, situation.box, (), None, count, rng)

    others = required.drawn(now.resolved, of_range, drawn, lambda: rng) if drawn else []
    gauged, answer, baseline = spec.workload.measures_optimism, best.best.params, now.baseline
    trials = [answer, *others, *[answer] * gauged]
    roles = [Role.RECOMMENDED, *[Role.DRAWN] * drawn, *[Role.OPTIMISM] * gauged]
    if baseline is not None and not same(answer, baseline):
        again = spec.compared - 1
        trials += [*[answer] * again, *[baseline] * spec.compared]
        roles += [*[Role.REPEATED] * again, *[Role.BASELINE] * spec.compared]
    more = spec.final.networks - 1
    return [*trials, *[answer] * more], [*roles, *[Role.NETWORK] * more]
