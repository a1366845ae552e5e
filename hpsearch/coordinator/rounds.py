"""The trials of one more round: what is drawn, in which cohorts, in which jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.coordinator import finalists
from hpsearch.coordinator.configurations import best_first, configurations
from hpsearch.coordinator.snapshot import Snapshot
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Box, Params, Range
from hpsearch.spec import ResolvedSpec, schedule
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Decision, RoundKind, RoundPlan, Stream
from hpsearch.workloads import ShapeKey

AUDIT_EVERY = 8  # one of so many trials is drawn outside the box, to prove it wrong
REPEAT_EVERY = 16  # one of so many trains a leading configuration again, to learn the noise
AUDITED = "level_set"  # the rule that can make use of both


def explore(
    now: Snapshot,
    box: Box,
    decisions: Sequence[Decision],
    model: Surrogate | None,
    *,
    rungs: Sequence[int],
    trials: int,
    job_size: int,
    evidence: Mapping[str, Any],
) -> RoundPlan:
    """A round that looks for better values, most of them inside the box.

    A sampler that weighs what it draws looks at all that was asked for, where the rule can use it.
    """
    spec, number = now.resolved.spec, now.round + 1
    space, seen = now.resolved.space, now.observations
    ground, wide = box, widened(now.resolved.box, box)
    audits = again = 0
    if spec.narrowing == AUDITED and model is not None:
        again = trials // REPEAT_EVERY
        if SAMPLERS[spec.sampler].model_based:
            ground = wide
        elif wide != box:
            audits = trials // AUDIT_EVERY
    repeated = [
        c.params for c in best_first(configurations(seen, model), box, model)[:again]
    ]  # fmt: skip
    inner = trials - audits - len(repeated)
    rng = np.random.default_rng([spec.seed, Stream.SAMPLE, number])
    drawn = list(SAMPLERS[spec.sampler].propose(space, ground, seen, model, inner, rng))
    if audits:
        rng = np.random.default_rng([spec.seed, Stream.AUDIT, number])
        drawn += SAMPLERS["sobol"].propose(space, wide, seen, model, audits, rng)
    return _plan(now, RoundKind.EXPLORE, rungs, box, decisions, [*drawn, *repeated], job_size,
                 evidence)  # fmt: skip


def repeat(
    now: Snapshot,
    box: Box,
    decisions: Sequence[Decision],
    model: Surrogate | None,
    *,
    trials: int,
    job_size: int,
    evidence: Mapping[str, Any],
    reason: str,
) -> RoundPlan:
    """A round of the race: the finalists with new seeds, at full epochs."""
    most = max(2, trials // (finalists.REPEATS * 2**now.repeated))
    found = finalists.contenders(box, now.observations, model, most)
    rungs = (now.resolved.spec.epochs.last,)
    drawn = finalists.lineup(found, trials)
    plan = _plan(now, RoundKind.REPEAT, rungs, box, decisions, drawn, job_size, evidence)
    return replace(plan, reason=reason)


def widened(asked: Box, box: Box) -> Box:
    """The box together with all that was asked for."""
    wide = dict(asked)
    for name, now in box.items():
        was = asked[name]
        if isinstance(now, Range) and isinstance(was, Range):
            wide[name] = was.moved(min(was.low, now.low), max(was.high, now.high))
    return wide


def _plan(
    now: Snapshot,
    kind: RoundKind,
    rungs: Sequence[int],
    box: Box,
    decisions: Sequence[Decision],
    trials: Sequence[Params],
    job_size: int,
    evidence: Mapping[str, Any],
) -> RoundPlan:
    cohorts = cohorted(now.resolved, trials, halved=len(rungs) > 1)
    # Whoever trains elsewhere takes one trial at a time; what is halved together is not its matter.
    single = not now.resolved.workload.trained_here
    return RoundPlan(
        number=now.round + 1,
        kind=kind,
        rungs=tuple(rungs),
        box=box,
        decisions=decisions,
        trials=trials,
        cohorts=cohorts,
        jobs=[[i] for i in range(len(trials))] if single else grouped(cohorts, job_size),
        evidence=evidence,
    )


def cohorted(resolved: ResolvedSpec, trials: Sequence[Params], *, halved: bool) -> list[list[int]]:
    """Trial indices of each cohort: neighbours in shape, so that they can be stacked.

    Where nothing is halved, every trial is a cohort of its own.
    """
    shapes: dict[ShapeKey, list[int]] = {}
    for i, params in enumerate(trials):
        shapes.setdefault(resolved.workload.shape_key(params), []).append(i)
    order = [i for members in shapes.values() for i in members]
    size = schedule.cohort_size(len(trials), resolved.spec.cohort) if halved else 1
    return [sorted(cohort) for cohort in schedule.split(order, size)]


def grouped(cohorts: Sequence[Sequence[int]], job_size: int) -> list[list[int]]:
    """Trial indices of each job: whole cohorts, `schedule.COHORTS` jobs where there are so many.

    A job has at most `job_size` trials, or is one larger cohort.
    """
    largest = max(len(c) for c in cohorts)
    count = max(
        min(schedule.COHORTS, len(cohorts)), -(-len(cohorts) // max(1, job_size // largest))
    )
    return [
        sorted(i for cohort in part for i in cohort) for part in schedule.parted(cohorts, count)
    ]
