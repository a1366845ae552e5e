"""When a search stops: epochs saved and regret paid by `stop_early`, beside the same search without it.

    python -m benchmarks.search.stopping [--rows DIR] [--until HH:MM]

computes the searches that are missing in the stored rows, and goes on where it stopped. Both searches
of a pair are one until the first of them stops. So where none stops, only one is run.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))  # before NumPy loads

import numpy as np  # noqa: E402

from benchmarks.search import markdown, product  # noqa: E402
from benchmarks.search.cache import Cache, Row  # noqa: E402
from benchmarks.search.options import Options  # noqa: E402
from benchmarks.search.peers.listed import HPOBENCH, LCBENCH, NOISE, Job, tasks_of  # noqa: E402
from benchmarks.search.peers.ours import objective_of  # noqa: E402
from benchmarks.search.peers.problems import start_of  # noqa: E402
from benchmarks.search.peers.run import late  # noqa: E402
from hpsearch.reasons.course import GainSpent  # noqa: E402

ROWS = Path(__file__).with_name("rows")
FALSE = 0.1  # of regret: what a stop may leave
# 13,000 epochs are 250 full trainings: the budget of a plan that names none, with seven hyperparameters.
BUDGETS: Mapping[str, Sequence[int]] = {HPOBENCH: (128, 512), LCBENCH: (1000, 4000, 13_000)}
SEEDS = {HPOBENCH: 3, LCBENCH: 1}


@dataclass(frozen=True)
class Pair:
    """A search with `stop_early` and without it; the plan is that of its budget."""

    job: Job
    budget: int

    @property
    def key(self) -> str:
        """The key of its row."""
        job = self.job
        return f"{job.problem}/{job.task}/{job.seed}/{job.noise:g}/{self.budget}"


def pairs() -> Iterator[Pair]:
    """Every pair, seed by seed."""
    for seed in range(max(SEEDS.values())):
        for problem, seeds in SEEDS.items():
            if seed >= seeds:
                continue
            noises = (
                (NOISE, 0.0) if problem == LCBENCH else (NOISE,)
            )  # tables have noise of their own
            for budget in BUDGETS[problem]:
                for noise in noises:
                    for task in tasks_of(problem):
                        yield Pair(Job("ours", problem, noise, task, seed), budget)


def searched(pair: Pair) -> dict[str, Any]:
    """Run both: regret, epochs and rounds of each, and whether the first one stopped early."""
    stopping = _run(pair, stop_early=True)
    stopped = isinstance(stopping.pop("reason"), GainSpent)
    going_on = _run(pair, stop_early=False) if stopped else stopping
    going_on.pop("reason", None)
    return {"stopped": stopped, "early": stopping, "late": going_on}


def _run(pair: Pair, *, stop_early: bool) -> dict[str, Any]:
    objective, seed = objective_of(pair.job), start_of(pair.job.task, pair.job.seed)
    unit, first = ("trials", {"first": 1}) if objective.full == 1 else ("epochs", {})
    resolved = product.asked(
        objective.axes, seed=seed, stop_early=stop_early, budget={unit: pair.budget},
        epochs={"last": objective.full, **first},
    )  # fmt: skip
    search = product.Search(resolved, objective.scores, 0).run()
    assert search.final is not None
    value = float(objective.truth(search.recommended[None])[0])
    return {
        "regret": round(float(objective.reference().regret(value)), 6), "epochs": search.spent,
        "rounds": len(search.plans), "reason": search.final.reason,
    }  # fmt: skip


def section(options: Options) -> str:
    """The benchmark's part of the report, of the stored rows and those that are missing yet."""
    store = Cache(ROWS, "stopping")
    rows = {}
    for pair in pairs():
        if pair.key in store.rows or not options.stored_only:
            rows[pair] = store.get(pair.key, partial(searched, pair))
    body = []
    for problem, budgets in BUDGETS.items():
        for noise in (NOISE, 0.0):
            for budget in budgets:
                some = [
                    row for pair, row in rows.items()
                    if (pair.job.problem, pair.job.noise, pair.budget) == (problem, noise, budget)
                ]  # fmt: skip
                if some:
                    body.append([_title(problem, noise, budget), *_cells(some)])
    body.append(["all", *_cells(list(rows.values()))])
    header = [
        "", "searches", "stopped early", "epochs saved by those", "of all", "regret paid by those",
        "false stops", "the other way",
    ]  # fmt: skip
    return (
        f"{len(rows)} of {sum(1 for _ in pairs())} pairs of searches. Regret as above. *Paid* is that with `stop_early` minus that of the same search without it; a "
        f"stop is *false* where that is more than {FALSE}, and *the other way* where the search that "
        "goes on ends as much worse, which is luck.\n\n" + markdown.table(header, body)
    )


def _title(problem: str, noise: float, budget: int) -> str:
    if problem == HPOBENCH:
        return f"HPOBench, {budget:,} trials"
    return f"LCBench, noise {noise:g}, {budget:,} epochs"


def _cells(rows: Sequence[Row]) -> list[str]:
    stopped = [row for row in rows if row["stopped"]]
    paid = np.array([row["early"]["regret"] - row["late"]["regret"] for row in stopped])
    saved = np.array([1 - row["early"]["epochs"] / row["late"]["epochs"] for row in stopped])
    if not stopped:
        return [str(len(rows)), "0", "-", "0 %", "-", "0", "0"]
    return [
        str(len(rows)), str(len(stopped)), f"{100 * saved.mean():.0f} %",
        f"{100 * saved.sum() / len(rows):.0f} %", markdown.mean(paid.tolist()),
        str(int((paid > FALSE).sum())), str(int((paid < -FALSE).sum())),
    ]  # fmt: skip


def main() -> None:
    """Compute the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=Path, default=ROWS, help="folder of the rows")
    parser.add_argument("--until", metavar="HH:MM", help="UTC")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")  # of the tables' surrogate
    store = Cache(asked.rows, "stopping")
    for pair in pairs():
        if pair.key in store.rows:
            continue
        if late(asked.until):
            return
        row = store.get(pair.key, partial(searched, pair))
        print(f"{pair.key} {row['cpu']} s", flush=True)


if __name__ == "__main__":
    main()
