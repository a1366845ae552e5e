"""hpsearch on the peers' searches: the same tasks, seeds and luck.

Three ways of asking: with every default but the budget, as somebody who trains elsewhere would ask
for so many epochs of trainings of 52; with the settings that were best on these tasks; and with the
budget alone, without saying how long a full training is.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search import lcbench, product, repeats
from benchmarks.search.cache import Cache, Row
from benchmarks.search.peers.listed import (
    HPOBENCH,
    LCBENCH,
    OURS_BEST,
    OURS_DEFAULT,
    OURS_LITERAL,
    Job,
)
from benchmarks.search.peers.problems import HPOBench, LCBench, Objective, start_of
from benchmarks.search.peers.stored import ROWS, machine, rounded
from hpsearch.arrays import Floats, Ints

EXAMPLES = 1000  # of the validation part that hpsearch is told of, with its best settings
SPEC = {  # the best settings on LCBench
    "rounds": 24,
    "trials_per_round": {"first": 32, "last": 4},
    "cohort": 32,
    "epochs": {"first": 2, "last": lcbench.FULL, "budget": 4000},
    "sampler": "gp",
    "finalists": {"rounds": 0},
    "stop_early": False,
}
NAMES = {
    OURS_DEFAULT: "hpsearch, defaults",
    OURS_BEST: "hpsearch, best settings",
    OURS_LITERAL: "hpsearch, budget alone",
}


def objective_of(job: Job) -> Objective:
    """The objective of a search."""
    if job.problem == HPOBENCH:
        return HPOBench(str(job.task), job.seed)
    return LCBench(int(job.task), job.seed, job.noise)


def kept(folder: Path | None) -> Cache:
    """Our rows: those of the repository, or those of a folder."""
    return Cache(ROWS if folder is None else folder, "ours-peers")


def row(store: Cache, job: Job) -> Row:
    """The row of a search of ours, computed if it is not there yet."""
    return store.get(key_in_store(job), partial(_dated, job))


def _dated(job: Job) -> dict[str, Any]:
    found = searched(job)
    return {
        "values": rounded(found["values"]), "epochs": found["epochs"],
        "date": dt.datetime.now(dt.UTC).date().isoformat(), "machine": machine(),
    }  # fmt: skip


def key_in_store(job: Job) -> str:
    """The key of its row."""
    return f"{job.contender}/{job.problem}/{job.task}/{job.seed}/{job.noise}"


def job_of(key: str) -> Job:
    """The search that a row is of."""
    contender, problem, task, seed, noise = key.split("/")
    named = int(task) if problem == LCBENCH else task
    return Job(contender, problem, float(noise), named, int(seed))


def searched(job: Job) -> dict[str, Any]:
    """Run a search of ours: true values of its recommendation at every budget."""
    objective, seed = objective_of(job), start_of(job.task, job.seed)
    if job.contender == OURS_BEST:
        return _best(job, objective, seed)
    values, spent = [], []
    for budget in objective.budgets:
        most = objective.full if job.contender == OURS_LITERAL else None
        fields = _fields(job, objective, budget)
        search = _asked(objective, seed, fields, most)
        assert search.spent <= budget, "a plan stays within its budget"
        values.append(float(objective.truth(search.recommended[None])[0]))
        spent.append(search.spent)
    return {"values": values, "epochs": spent}


def _fields(job: Job, objective: Objective, budget: int) -> dict[str, Any]:
    if objective.full == 1:
        return {"budget": {"trials": budget}, "epochs": {"first": 1, "last": 1}}
    if job.contender == OURS_LITERAL:
        return {"budget": {"epochs": budget}}
    return {"budget": {"epochs": budget}, "epochs": {"last": objective.full}}


def _asked(
    objective: Objective, seed: int, fields: dict[str, Any], most: int | None = None
) -> product.Search:
    resolved = product.asked(objective.axes, most=most, seed=seed, **fields)
    return product.Search(resolved, objective.scores, 0).run()


def _best(job: Job, objective: Objective, seed: int) -> dict[str, Any]:
    """A search of the largest budget, which is asked for its recommendation on the way."""
    chosen, told = (repeats.SPEC, repeats.EXAMPLES) if job.problem == HPOBENCH else (SPEC, EXAMPLES)
    percent = job.problem != HPOBENCH

    def scores(values: Floats, epochs: int, trials: Ints) -> Floats:
        seen = objective.scores(values, epochs, trials)
        return seen / 100 if percent else seen

    resolved = product.spec(objective.axes, examples=told, seed=seed, **chosen)
    search = product.Search(resolved, scores, told).run(anytime=True)
    picks = []
    for budget in objective.budgets:
        within = [pick for spent, pick in search.picks if spent <= budget]
        picks.append((within or [search.picks[0][1]])[-1])
    if len(objective.budgets) == 1:
        picks = [search.recommended]
    return {"values": objective.truth(np.stack(picks)).tolist(), "epochs": [search.spent]}
