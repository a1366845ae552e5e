"""The trials of one more round: what is drawn, in which cohorts, in which jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from hpsearch.coordinator import chosen, finalists, required
from hpsearch.coordinator.configurations import leading
from hpsearch.coordinator.situation import Situation, draws_from_all, widened
from hpsearch.reasons import Reason
from hpsearch.samplers import SAMPLERS
from hpsearch.samplers.draws import draw_near_guesses
from hpsearch.space import Params
from hpsearch.spec import ResolvedSpec, given, guesses, needs, schedule
from hpsearch.spec.schedule import MODEL_BASED, PROBE_EVERY, REPEAT_EVERY
from hpsearch.trials import RoundKind, RoundPlan, Stream
from hpsearch.workloads import ShapeKey

MODEL_ATTEMPTS = (
    2  # of a sampler, before uniform draws take the place of those that break a requirement
)


def explore(situation: Situation, *, rungs: Sequence[int], trials: int, job_size: int) -> RoundPlan:
    """Plan a round that looks for better values, most of them inside the box.

    A sampler that weighs what it draws looks at all that was asked for, where the rule can use it. It is
    told of the trials that failed too, and of those that the round begins with: their levels have had
    their turn.
    """
    now, box, model = situation.now, situation.box, situation.model
    spec, number = now.resolved.spec, now.round + 1
    space, observations = now.resolved.space, now.observations
    bounds, wide = box, widened(now.resolved.box, box)
    first = [] if now.round else given.begins_with(now.resolved, trials)
    probes = again = 0
    if spec.narrowing == MODEL_BASED and model is not None:
        again = trials // REPEAT_EVERY
        if draws_from_all(spec):
            bounds = wide
        elif wide != box:
            probes = trials // PROBE_EVERY
    again = min(again, trials - len(first))
    probes = min(probes, trials - len(first) - again)
    repeated = leading(now.permitted, box, model, again) if model is not None else []
    repeated = [params for params in repeated if not needs.breaks(now.resolved, params)]
    inner = trials - len(first) - probes - len(repeated)
    near = _near_guesses(situation, first, inner)
    inner -= len(near)
    propose, sobol = SAMPLERS[spec.sampler].propose, SAMPLERS["sobol"].propose
    tried = [*observations, *now.failures, *chosen.as_tried([*first, *near], number)]

    def sampled(count: int, attempt: int, kept: Sequence[Params]) -> Sequence[Params]:
        rng = _stream(spec.seed, Stream.SAMPLE, number, attempt)
        known = [*tried, *chosen.as_tried(kept, number)]
        # A model proposes the same places again.
        draw = propose if attempt < MODEL_ATTEMPTS else sobol
        return draw(space, bounds, known, model, count, rng)

    def probed(count: int, attempt: int, kept: Sequence[Params]) -> Sequence[Params]:
        rng = _stream(spec.seed, Stream.PROBE, number, attempt)
        # Told of no trials: levels that were dropped would take every probe until they have caught up.
        return sobol(space, wide, (), model, count, rng)

    drawn = _meeting(situation, sampled, inner, Stream.SAMPLE)
    drawn += _meeting(situation, probed, probes, Stream.PROBE)
    return _plan(situation, RoundKind.EXPLORE, rungs, [*first, *near, *drawn, *repeated], job_size)


def _near_guesses(situation: Situation, first: Sequence[Params], inner: int) -> list[Params]:
    """The trials of the first round that are drawn about the guesses.

    Uniform draws take the place of those that are forbidden or break a requirement. A sampler that weighs
    places by a model has the guesses in that.
    """
    now, space = situation.now, situation.now.resolved.space
    weighs = situation.model is not None and SAMPLERS[now.resolved.spec.sampler].model_based
    count = 0 if now.round or weighs else guesses.drawn_near(now.resolved, inner)
    if not count:
        return []
    rng = _stream(now.resolved.spec.seed, Stream.GUESS, now.round + 1, 0)
    tried = [*now.observations, *chosen.as_tried(first, now.round + 1)]
    drawn = draw_near_guesses(space, now.resolved.box, tried, count, rng)
    return [one for one in drawn if not needs.breaks(now.resolved, one)]


def _meeting(
    situation: Situation,
    draw: Callable[[int, int, Sequence[Params]], Sequence[Params]],
    count: int,
    stream: Stream,
) -> list[Params]:
    """So many draws that break no requirement on a known quantity."""
    now = situation.now
    seed, number = now.resolved.spec.seed, now.round + 1
    last = partial(_stream, seed, stream, number, required.ROUNDS_MOST)
    return required.drawn(now.resolved, draw, count, last) if count else []


def _stream(seed: int, stream: Stream, number: int, attempt: int) -> np.random.Generator:
    """The generator of a round's draws; the first attempt has that of a search without requirements."""
    return np.random.default_rng([seed, stream, number, *([attempt] if attempt else [])])


def repeat(situation: Situation, *, trials: int, job_size: int, reason: Reason) -> RoundPlan:
    """Plan a repeat round: the finalists with new seeds, at full epochs."""
    now = situation.now
    most = max(2, trials // (finalists.REPEATS * 2**now.repeated))
    standing = required.standing_of(now.resolved)
    rivals = finalists.contenders(situation.box, now.permitted, situation.model, most, standing)
    rungs = (now.resolved.spec.epochs.last,)
    if now.baseline is None:
        drawn = finalists.repeats_of(rivals, trials)
    else:
        drawn = chosen.repeats(situation, [c.params for c in rivals], trials)
    return _plan(situation, RoundKind.REPEAT, rungs, drawn, job_size, reason)


def _plan(
    situation: Situation,
    kind: RoundKind,
    rungs: Sequence[int],
    trials: Sequence[Params],
    job_size: int,
    reason: Reason | None = None,
) -> RoundPlan:
    resolved = situation.now.resolved
    cohorts = cohorted(resolved, trials, halved=len(rungs) > 1)
    # Whoever trains elsewhere takes one trial at a time; what is halved together is not its matter.
    single = not resolved.workload.trained_here
    return RoundPlan(
        number=situation.now.round + 1,
        kind=kind,
        rungs=tuple(rungs),
        box=situation.box,
        decisions=situation.decisions,
        trials=trials,
        roles=[None] * len(trials),
        cohorts=cohorts,
        jobs=[[i] for i in range(len(trials))] if single else grouped(cohorts, job_size),
        evidence=situation.evidence,
        reason=reason,
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
