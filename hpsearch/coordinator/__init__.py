"""What a search does next: a pure, seeded function over frozen values.

Nothing here knows a database, a clock or a queue. The same snapshot gives the same plan on
any machine, which is what makes `replay --decisions` possible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.narrowing import RULES
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Box, Params, Range, inside
from hpsearch.spec import ResolvedSpec, ShapeKey
from hpsearch.trials import (
    Decision,
    FinalPlan,
    GiveUp,
    Observation,
    Role,
    RoundKind,
    RoundPlan,
    Stream,
    Verdict,
)

LEAST_JOBS = 4  # jobs of a round, where it has the trials for it
SETTLED = 0.01  # a range that changes by less than this share of its width has settled


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known about a search whose last round is over.

    `round` is the number of rounds done, `box` the one they last drew from, `decided` the
    decisions that each later round began with.
    """

    resolved: ResolvedSpec
    round: int
    box: Box
    observations: Sequence[Observation]
    failed: int = 0


Plan = RoundPlan | FinalPlan | GiveUp


def decide(now: Snapshot, *, job_size: int) -> Plan:
    """The next round, the final test, or the reason why there is neither.

    `job_size` bounds the trials of a job; it never changes what is trained.
    """
    spec = now.resolved.spec
    if now.round == 0:
        return _round(now, now.box, (), job_size)
    if not now.observations:
        return GiveUp(
            f"none of the {now.failed} trials of round {now.round} could be trained; "
            "see their errors in /trials"
        )
    decisions = tuple(RULES[spec.narrowing](now.resolved.space, now.box, now.observations))
    box = {d.name: d.after for d in decisions}
    if now.round >= spec.rounds:
        return _final(now, box, decisions, f"all {spec.rounds} rounds are done")
    if settled(decisions) and now.resolved.epochs(now.round) == spec.epochs.last:
        reason = f"the ranges stopped changing after round {now.round} of {spec.rounds}"
        return _final(now, box, decisions, reason)
    return _round(now, box, decisions, job_size)


def settled(decisions: Sequence[Decision]) -> bool:
    """Whether another round would look where this one did: nothing moved, nothing undecided."""
    return all(d.verdict is Verdict.KEPT and not _changed(d) for d in decisions)


def _changed(decision: Decision) -> bool:
    before, after = decision.before, decision.after
    if not isinstance(before, Range) or not isinstance(after, Range):
        return before != after
    moves = (before.to_unit(after.low), before.to_unit(after.high) - 1)
    return max(abs(m) for m in moves) > SETTLED


def recommend(box: Box, observations: Sequence[Observation]) -> Observation | None:
    """The trial whose parameters are recommended: the best of those trained longest.

    Accuracies of short and of long trainings do not compare, so only the finite trials with
    the most epochs are looked at. Those inside the best range come first: the answer is one
    range, and a recommendation outside it would be another.
    """
    finite = [o for o in observations if o.finite]
    candidates = [o for o in finite if inside(box, o.params)] or finite
    if not candidates:
        return None
    longest = max(o.epochs for o in candidates)
    return min((o for o in candidates if o.epochs == longest), key=lambda o: o.rank_key)


def _round(now: Snapshot, box: Box, decisions: Sequence[Decision], job_size: int) -> RoundPlan:
    spec, number = now.resolved.spec, now.round + 1
    rng = np.random.default_rng([spec.seed, Stream.SAMPLE, number])
    propose = SAMPLERS[spec.sampler]
    trials = propose(now.resolved.space, box, now.observations, spec.trials_per_round, rng)
    return RoundPlan(
        number=number,
        kind=RoundKind.EXPLORE,
        epochs=now.resolved.epochs(number),
        box=box,
        decisions=decisions,
        trials=trials,
        jobs=grouped(now.resolved, trials, job_size),
    )


def grouped(resolved: ResolvedSpec, trials: Sequence[Params], job_size: int) -> list[list[int]]:
    """Trial indices of each job: one shape per job, `LEAST_JOBS` jobs where there are trials."""
    shapes: Mapping[ShapeKey, list[int]] = defaultdict(list)
    for i, params in enumerate(trials):
        shapes[resolved.shape_key(params)].append(i)
    counts = {key: -(-len(members) // job_size) for key, members in shapes.items()}
    while sum(counts.values()) < min(LEAST_JOBS, len(trials)):
        largest = max(counts, key=lambda key: len(shapes[key]) / counts[key])
        counts[largest] += 1
    return [
        part.tolist()
        for key, members in shapes.items()
        for part in np.array_split(np.array(members), counts[key])
    ]


def _final(
    now: Snapshot, box: Box, decisions: Sequence[Decision], reason: str
) -> FinalPlan | GiveUp:
    spec, number = now.resolved.spec, now.round + 1
    best = recommend(box, now.observations)
    if best is None:
        return GiveUp(
            f"all {len(now.observations)} trials diverged; lower the learning-rate range, "
            "or give it a lower hard_low"
        )
    rng = np.random.default_rng([spec.seed, Stream.FINAL, number])
    space, drawn = now.resolved.space, spec.final.models - 1
    others = SAMPLERS["random"](space, box, (), drawn, rng) if drawn else []
    return FinalPlan(
        number=number,
        box=box,
        decisions=decisions,
        recommended=best,
        trials=[best.params, *others, best.params],
        roles=[Role.RECOMMENDED, *[Role.DRAWN] * drawn, Role.OPTIMISM],
        reason=reason,
    )
