"""Whole searches with a baseline in this process: the product's own decisions and trainings, and Optuna's TPE.

A trial's bits are its own, so a service with any number of workers decides the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.answers.judge import order_of
from benchmarks.files.here import JOB_SIZE, Running
from hpsearch.coordinator import Snapshot, decide
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.evidence import Gain
from hpsearch.records.chosen import parted
from hpsearch.settings import load
from hpsearch.space import Params, Range
from hpsearch.spec import given, parse
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import (
    FinalPlan,
    RoundPlan,
)
from hpsearch.workloads import DatasetFacts


class Search(Running):
    """A search of ours on a dataset."""

    @classmethod
    def of(cls, files: DatasetStore, info: DatasetInfo, asked: Mapping[str, Any]) -> Search:
        """The search of a spec as a user sends it."""
        facts = DatasetFacts.from_json(info.to_json())
        return cls(files, info, parse({**asked, "dataset": "benchmark"}, facts, load()))

    @property
    def baseline(self) -> Params:
        """The setting to be beaten, in full."""
        setting = given.baseline_of(self.resolved)
        assert setting is not None
        return setting

    @property
    def epochs(self) -> int:
        """Epochs of all trials so far."""
        return sum(o.epochs for o in self.seen)

    def run(self) -> FinalPlan:
        """Decide and train until the final test is planned."""
        trainer, now = Trainer(self.files), self._snapshot(None)
        while isinstance(plan := decide(now, job_size=JOB_SIZE), RoundPlan):
            self.plans.append(plan)
            for job in plan.jobs:
                self.observe(plan, trainer.run(self.order(plan, job)))
            self.seen.sort(key=lambda o: (o.round, o.index))
            now = self._snapshot(now)
        assert isinstance(plan, FinalPlan), plan.reason
        return plan

    def _snapshot(self, before: Snapshot | None) -> Snapshot:
        baseline = given.baseline_of(self.resolved)
        inside, aside = parted(self.seen, self.resolved, [] if baseline is None else [baseline])
        ended = None
        if before is not None:
            evidence = self.plans[-1].evidence
            ended = before.ended if evidence is None else evidence.explored or before.ended
        return Snapshot(
            self.resolved, self.plans[-1].box if self.plans else self.resolved.box, tuple(inside),
            kinds=tuple(p.kind for p in self.plans), correct_masks=self.masks, ended=ended,
            baseline=baseline, aside=tuple(aside),
        )  # fmt: skip

    def gain(self, plan: FinalPlan) -> Gain | None:
        """The gain over the baseline by the objective, of the final test; None of the same setting."""
        order = self.order(plan, range(len(plan.trials)))
        report = run_final(Trainer(self.files), order, open_test=lambda: True)
        gains = None if report.test is None else report.test.gains
        if gains is None:
            return None
        return gains.metrics.get(self.resolved.spec.objective, Gain(None, note=gains.note))


def tpe(search: Search, *, epochs: int, seed: int) -> Params:
    """The best trial of Optuna's TPE with full trainings within `epochs`, a baseline tried first.

    The objective is the one of `search`: the same split, score and length of a training.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    if given.baseline_of(search.resolved) is not None:
        study.enqueue_trial(dict(search.baseline))
    trainer, last = Trainer(search.files), search.resolved.spec.epochs.last
    for number in range(epochs // last):
        trial = study.ask()
        params: Params = {
            name: trial.suggest_float(name, axis.low, axis.high, log=axis.scale == "log")
            for name, axis in search.resolved.box.items()
            if isinstance(axis, Range)
        }
        order = order_of(search.resolved, search.info, 1, [number], [params], last)
        score = trainer.run(order).trials[0].score
        study.tell(trial, math.nan if score is None else score)
    return dict(study.best_params)
