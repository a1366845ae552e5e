"""Time that a decision takes: the fit, the ranges and the next round's trials."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.search import lcbench, markdown, product
from benchmarks.search.lcbench import AXES, FULL
from benchmarks.search.options import Options
from hpsearch.arrays import Floats, Ints
from hpsearch.coordinator import Snapshot, decide
from hpsearch.samplers import SAMPLERS
from hpsearch.trials import RoundKind, RoundPlan

CALLS = 5
CASES = ((500, 32, 0.15), (10_000, 32, 1.0), (10_000, 256, 1.0))  # observations, a round, seconds
MODES = {"full trainings": (FULL, False), "halved from 2 epochs": (2, True)}


def observed(count: int, sampler: str, *, first: int, halving: bool, n: int) -> Snapshot:
    """A search that has seen `count` trials, and plans `n` more."""
    task = lcbench.Task(lcbench.tasks()[0])
    rng = np.random.default_rng(count)

    def scores(values: Floats, epochs: int, _: Ints) -> Floats:
        return (task.at_values(values, epochs) + 0.5 * rng.standard_normal(len(values))) / 100

    rounds = -(-count // n)
    resolved = product.spec(
        AXES, examples=1000, rounds=2 * rounds, trials_per_round=n, sampler=sampler,
        epochs={"first": first, "last": FULL, "halving": halving}, stop_early=False, cohort=32,
    )  # fmt: skip
    search = product.Search(resolved, scores, 1000)
    rungs = resolved.rungs(1)
    for number in range(1, rounds + 1):
        size = min(n, count - len(search.seen))
        trials = SAMPLERS["random"].propose(resolved.space, resolved.box, (), None, size, rng)
        cohorts = [list(part) for part in np.array_split(np.arange(size), -(-size // 32))]
        search.train(RoundPlan(
            number=number, kind=RoundKind.EXPLORE, rungs=rungs, box=resolved.box, decisions=(),
            trials=trials, roles=[None] * size, cohorts=cohorts, jobs=(),
        ))  # fmt: skip
    kinds = (RoundKind.EXPLORE,) * rounds
    return Snapshot(resolved, resolved.box, tuple(search.seen), kinds=kinds)


def section(options: Options) -> str:
    """The benchmark's part of the report."""
    if not options.ours:
        return ""
    rows = []
    for count, n, limit in CASES:
        for mode, (first, halving) in MODES.items():
            for sampler in SAMPLERS:
                now = observed(count, sampler, first=first, halving=halving, n=n)
                seconds = [_timed(now) for _ in range(CALLS)]
                rows.append([
                    f"{count:,} trials, {mode}", str(n), sampler,
                    f"{1000 * float(np.median(seconds)):,.0f}", f"{1000 * limit:,.0f}",
                ])  # fmt: skip
    return (
        f"## One decision: {len(AXES)} hyperparameters, CPU time on one thread, median of {CALLS} calls\n\n"
        + markdown.table(["observed", "trials a round", "sampler", "ms", "wanted"], rows)
    )


def _timed(now: Snapshot) -> float:
    started = time.process_time()
    decide(now, job_size=product.JOB_SIZE)
    return time.process_time() - started
