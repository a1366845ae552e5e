"""A search of a contender over a conditional space: regrets of what it recommends at each budget.

Ours is asked as an external search is: the space with its conditions, how many trials there are, and
scores. It knows its budget, so each budget is a search of its own; a peer is asked on the way of one.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.answers import listed, peers
from benchmarks.answers.problems import Problem, problem_of
from benchmarks.answers.tables import Tables
from benchmarks.search.peers.search import FailedError, python_of
from hpsearch.coordinator import Snapshot, decide
from hpsearch.records import sparse_curve
from hpsearch.settings import load
from hpsearch.space import Range
from hpsearch.spec import parse
from hpsearch.trials import FinalPlan, Observation, RoundPlan, TrialState
from hpsearch.workloads import NO_DATASET

JOB_SIZE = 64  # a matter of speed alone
DIGITS = 5


_problem = lru_cache(maxsize=1)(problem_of)  # contenders share its scale


def installed(venvs: Path, key: str) -> bool:
    """Tell whether a peer's virtual environment is there."""
    return python_of(venvs, listed.BY_KEY[key].venv).exists()


def searched(tables: Tables, venvs: Path, contender: str, name: str, seed: int) -> dict[str, Any]:
    """The row of a contender, a problem and a seed."""
    problem = _problem(tables, name, seed)
    row: dict[str, Any] = {"contender": contender, "problem": name, "seed": seed}
    if contender == listed.OURS:
        runs = [ours(problem, seed, budget) for budget in listed.BUDGETS]
        picks = [run.recommended.best.params for run, _ in runs]
        row["trials"] = [trials for _, trials in runs]
        if problem.best_values:
            row["ranges"] = [_ranges(problem, run) for run, _ in runs]
    else:
        try:
            picks, said = peers.searched(listed.BY_KEY[contender], problem, venvs, seed)
        except FailedError as error:
            return row | {"error": str(error)}
        row["peer_cpu"] = said["cpu"]
        row["version"] = said["versions"].get(listed.BY_KEY[contender].package)
    regrets = [problem.reference.regret(problem.truth(pick)) for pick in picks]
    return row | {"regrets": [round(value, DIGITS) for value in regrets]}


def ours(problem: Problem, seed: int, budget: int) -> tuple[FinalPlan, int]:
    """A search of ours with `budget` trials: its end, and the trials that it took."""
    resolved = parse(
        {
            "objective": "external", "space": _bounded(problem), "seed": seed,
            "budget": {"trials": budget}, "epochs": {"first": 1, "last": 1},
        },
        NO_DATASET, load(),
    )  # fmt: skip
    seen: list[Observation] = []
    plans: list[RoundPlan] = []
    now = Snapshot(resolved, resolved.box, ())
    while isinstance(plan := decide(now, job_size=JOB_SIZE), RoundPlan):
        for index, params in enumerate(plan.trials):
            score = problem.score(params, len(seen))
            seen.append(Observation(
                round=plan.number, index=index, params=params, state=TrialState.COMPLETED,
                epochs=1, correct=0, examples=0, loss=None, score=score,
                curve=sparse_curve([(1, None, None, score)]),
            ))  # fmt: skip
        plans.append(plan)
        now = Snapshot(
            resolved, plan.box, tuple(seen), kinds=tuple(p.kind for p in plans),
            ended=now.ended if plan.evidence is None else plan.evidence.explored or now.ended,
        )  # fmt: skip
    assert isinstance(plan, FinalPlan), plan.reason
    assert len(seen) <= budget, "a plan stays within its budget"
    return plan, len(seen)


def _bounded(problem: Problem) -> dict[str, dict[str, Any]]:
    """The space with limits at the edges: nobody searches beyond them."""
    return {
        name: dict(one)
        if "choices" in one
        else {**one, "hard_low": one["low"], "hard_high": one["high"]}
        for name, one in problem.space.items()
    }


def _ranges(problem: Problem, plan: FinalPlan) -> dict[str, list[bool]]:
    """Of each conditional range: holds its best value, was narrowed, is active in the recommendation."""
    said = {}
    for name, best in problem.best_values.items():
        final, asked = plan.box[name], problem.space[name]
        assert isinstance(final, Range)
        narrowed = (final.low, final.high) != (asked["low"], asked["high"])
        said[name] = [final.contains(best), narrowed, name in plan.recommended.best.params]
    return said
