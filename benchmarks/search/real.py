"""Real trainings at equal epochs: hpsearch against Optuna, all on hpsearch's own engine.

Same split, same ranges, same network, and for each seed as many epochs for the peers as
hpsearch trained. A recommendation is tested as mean accuracy of five models trained on training
and validation part. Peers train one trial at a time, which is how they propose; a stack of
trials is faster, and that is part of the wall time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search import markdown
from benchmarks.search.cache import Row
from benchmarks.search.data import folder
from benchmarks.search.engine import Engine
from benchmarks.search.options import OURS, Options
from hpsearch.arrays import Floats
from hpsearch.coordinator import Snapshot, decide
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.records import loss_drop, sparse_curve
from hpsearch.space import Params, Range
from hpsearch.trials import FinalPlan, JobOrder, Observation, RoundPlan

JOB_SIZE = 32
SPACE = {
    "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-1, "scale": "log"},
    "momentum": {"low": 0.0, "high": 0.99},
    "dropout": {"low": 0.0, "high": 0.5},
}
CASES: Mapping[str, tuple[int, Mapping[str, Any]]] = {  # dataset -> seeds, spec
    "digits": (5, {
        "model": {"hidden_sizes": [50], "batch_size": 32, "optimizer": "momentum"},
        "rounds": 4, "trials_per_round": 32, "epochs": {"first": 2, "last": 16},
        "sampler": "gp", "final": {"epochs": 20},
    }),
    "mnist": (3, {
        "model": {"hidden_sizes": [100], "batch_size": 100, "optimizer": "momentum"},
        "rounds": 4, "trials_per_round": 16, "epochs": {"first": 1, "last": 4},
        "sampler": "gp", "final": {"epochs": 8},
    }),
}  # fmt: skip
TPE, HYPERBAND = "Optuna TPE", "Optuna TPE + Hyperband"


class SpentError(Exception):
    """The epochs are spent."""


@dataclass(slots=True)
class Sequential:
    """A peer's trainings, one trial after the other, within `budget` epochs."""

    engine: Engine
    budget: int
    epochs: int = 0
    trials: int = 0
    best: tuple[float, Params] = field(default=(-1.0, {}))

    def scores(self, params: Params, rungs: Sequence[int]) -> Any:
        """Yields (epochs, validation accuracy) at every rung; 0 for a diverged trial, and ends."""
        training = self.engine.single(self.trials, params, rungs[-1])
        self.trials += 1
        for rung in rungs:
            if self.epochs + rung - training.epoch > self.budget:
                raise SpentError
            before = training.epoch
            scores = training.run_to(rung)
            self.epochs += training.epoch - before
            value = scores[0].accuracy if scores else 0.0
            if rung == rungs[-1] and value > self.best[0]:
                self.best = (value, params)
            yield rung, value
            if not scores:
                return


def run_optuna(engine: Engine, budget: int, seed: int, *, pruned: bool) -> Row:
    """Optuna's TPE with its defaults, full trainings or pruned by its HyperbandPruner."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    spec = engine.resolved.spec
    last = spec.epochs.last
    rungs = [3**k for k in range(10) if 3**k < last] if pruned else []
    pruner = optuna.pruners.HyperbandPruner(1, last, 3) if pruned else optuna.pruners.NopPruner()
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner
    )
    search = Sequential(engine, budget)
    started = _clocks()
    try:
        while True:
            _one_trial(study, search, spec.space, [*rungs, last])
    except SpentError:
        pass  # how it ends
    seconds = _clocks() - started
    return _scored(engine, search.best[1], search.best[0], search.epochs, search.trials, seconds)


def _one_trial(
    study: Any, search: Sequential, space: Mapping[str, Any], rungs: Sequence[int]
) -> None:
    import optuna

    trial = study.ask()
    params = {
        name: trial.suggest_float(name, r.low, r.high, log=r.scale == "log")
        for name, r in space.items()
        if isinstance(r, Range)
    }
    value = 0.0
    for epochs, value in search.scores(params, rungs):
        trial.report(value, epochs)
        if epochs < rungs[-1] and trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
    study.tell(trial, value)


def run_ours(engine: Engine) -> Row:
    """The product's own loop: decide, train the jobs, decide again."""
    resolved = engine.resolved
    seen: list[Observation] = []
    right: dict[tuple[int, int], bytes] = {}
    plans: list[RoundPlan] = []
    now = Snapshot(resolved, resolved.box, ())
    started = _clocks()
    while isinstance(plan := decide(now, job_size=JOB_SIZE), RoundPlan):
        plans.append(plan)
        for order in _orders(engine, plan):
            for report in engine.trainer.run(order).trials:
                seen.append(_observed(plan, report))
                if report.correct_mask is not None:
                    right[plan.number, report.index] = report.correct_mask
        seen.sort(key=lambda o: (o.round, o.index))
        now = Snapshot(
            resolved, plan.box, tuple(seen), kinds=tuple(p.kind for p in plans), correct_masks=right,
            ended=now.ended if plan.evidence is None else plan.evidence.explored or now.ended,
        )  # fmt: skip
    seconds = _clocks() - started
    assert isinstance(plan, FinalPlan)
    epochs = sum(o.epochs for o in seen)
    best = plan.recommended
    return {
        **_scored(engine, best.best.params, best.score, epochs, len(seen), seconds),
        "verdicts": {d.name: str(d.verdict) for d in plan.decisions},
        "ranges": {n: [r.low, r.high] for n, r in plan.box.items() if isinstance(r, Range)},
    }


def _orders(engine: Engine, plan: RoundPlan) -> list[JobOrder]:
    cohort_of = {i: number for number, cohort in enumerate(plan.cohorts) for i in cohort}
    return [
        engine.order(
            plan.kind, plan.number, job, [plan.trials[i] for i in job], plan.rungs,
            [cohort_of[i] for i in job],
        )
        for job in plan.jobs
    ]  # fmt: skip


def _observed(plan: RoundPlan, report: Any) -> Observation:
    return Observation(
        round=plan.number, index=report.index, params=plan.trials[report.index],
        state=report.state, epochs=report.epochs, correct=report.correct,
        examples=report.examples, loss=report.loss, score=report.score,
        curve=sparse_curve(report.curve), loss_drop=loss_drop(report.curve),
    )  # fmt: skip


def _clocks() -> Floats:
    """Wall and CPU seconds; the second says more on a machine with other things to do."""
    return np.array([time.perf_counter(), time.process_time()])


def _scored(
    engine: Engine, params: Params, value: float, epochs: int, trials: int, seconds: Floats
) -> Row:
    return {
        "test": engine.tested(params), "validation": value, "epochs": epochs, "trials": trials,
        "seconds": float(seconds[0]), "cpu_seconds": float(seconds[1]), "params": dict(params),
    }  # fmt: skip


@cache
def stored(name: str) -> tuple[DatasetStore, DatasetInfo]:
    """A dataset, ingested into a folder that lives as long as this process."""
    _KEPT.append(tempfile.TemporaryDirectory(prefix="hpsearch-bench-"))
    place = Path(_KEPT[-1].name)
    files = DatasetStore(str(place), place)
    source = folder("mnist") if name == "mnist" else None
    return files, files.ingest_builtin(name, folder=source, offline=True)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def section(options: Options) -> str:
    """The benchmark's part of the report."""
    if not options.ours:
        return ""
    store = options.own("real")
    parts = ["## Real trainings at equal epochs\n"]
    for name, (seeds, asked) in CASES.items():
        rows: dict[str, list[Row]] = {OURS: [], TPE: [], HYPERBAND: []}
        for seed in range(min(seeds, options.seeds or seeds)):
            spec = {"dataset": name, "space": SPACE, "seed": seed, **asked}
            engine = Engine.of(*stored(name), spec)
            ours = store.get(f"{OURS}/{name}/{seed}", partial(run_ours, engine))
            rows[OURS].append(ours)
            for peer, pruned in ((TPE, False), (HYPERBAND, True)):
                compute = partial(run_optuna, engine, ours["epochs"], seed, pruned=pruned)
                rows[peer].append(store.get(f"{peer}/{name}/{seed}", compute))
        parts.append(f"### {name}, {len(SPACE)} hyperparameters, {len(rows[OURS])} seeds\n")
        parts.append(_table(rows))
    return "\n".join(parts)


def _table(rows: Mapping[str, Sequence[Row]]) -> str:
    columns: Mapping[str, Callable[[Row], float]] = {
        "validation of the pick": lambda r: r["validation"],
        "epochs": lambda r: r["epochs"],
        "trials": lambda r: r["trials"],
        "wall seconds": lambda r: r["seconds"],
        "CPU seconds": lambda r: r["cpu_seconds"],
    }
    body = [
        [
            name,
            markdown.mean([r["test"] for r in results], 4),
            *[f"{np.mean([column(r) for r in results]):.4g}" for column in columns.values()],
        ]
        for name, results in rows.items()
    ]
    return markdown.table(["", "test accuracy", *columns], body)
