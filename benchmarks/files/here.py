"""A whole search in this process: the product's own plan, decisions, trainings and final test, without a service.

A trial's bits are its own, so a service with any number of workers gives the same answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpsearch.coordinator import Snapshot, decide
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.evidence import FinalScores
from hpsearch.records import loss_drop, sparse_curve
from hpsearch.settings import load
from hpsearch.spec import ResolvedSpec, parse
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import (
    FinalPlan,
    GiveUp,
    JobOrder,
    JobReport,
    Observation,
    RoundPlan,
    TrainingPlan,
)
from hpsearch.workloads import DatasetFacts

JOB_SIZE = 32  # a matter of speed alone


@dataclass(frozen=True, slots=True)
class Searched:
    """A finished search: its sealed scores, and what the whole of it took."""

    resolved: ResolvedSpec
    plan: FinalPlan
    test: FinalScores
    report: JobReport
    trials: int
    epochs: int
    seconds: float

    def value(self, metric: str) -> float:
        """Return the recommended model's score on the sealed part; nan where it has none."""
        scored = (self.test.metrics or {}).get(metric)
        return float("nan") if scored is None or scored.value is None else scored.value


@dataclass
class Running:
    """A search that is under way: its plans, and what was observed."""

    files: DatasetStore
    info: DatasetInfo
    resolved: ResolvedSpec
    seen: list[Observation] = field(default_factory=list)
    masks: dict[tuple[int, int], bytes] = field(default_factory=dict)
    plans: list[RoundPlan] = field(default_factory=list)

    def order(self, plan: TrainingPlan, job: Sequence[int]) -> JobOrder:
        """A job of a plan, as a worker claims it."""
        cohort_of = {i: number for number, cohort in enumerate(plan.cohorts) for i in cohort}
        return JobOrder(
            search_id="here", kind=plan.kind, round=plan.number, epochs=plan.rungs[-1],
            spec=self.resolved.spec.to_json(), dataset=self.info.to_json(), indices=list(job),
            params=[plan.trials[i] for i in job], roles=[plan.roles[i] if plan.roles else None for i in job],
            rungs=plan.rungs, cohorts=[cohort_of[i] for i in job],
        )  # fmt: skip

    def observe(self, plan: RoundPlan, reports: JobReport) -> None:
        """Keep what a job reports."""
        for report in reports.trials:
            self.seen.append(
                Observation(
                    round=plan.number, index=report.index, params=plan.trials[report.index],
                    state=report.state, epochs=report.epochs, correct=report.correct,
                    examples=report.examples, loss=report.loss, score=report.score,
                    curve=sparse_curve(report.curve), loss_drop=loss_drop(report.curve),
                )
            )  # fmt: skip
            if report.correct_mask is not None:
                self.masks[plan.number, report.index] = report.correct_mask


def search(files: DatasetStore, info: DatasetInfo, spec: Mapping[str, Any]) -> Searched:
    """Run the search of a spec, as a user sends it, to its end."""
    facts = DatasetFacts.from_json(info.to_json())
    run = Running(files, info, parse(dict(spec), facts, load()))
    trainer, started = Trainer(files), time.process_time()
    now = Snapshot(run.resolved, run.resolved.box, ())
    while isinstance(plan := decide(now, job_size=JOB_SIZE), RoundPlan):
        run.plans.append(plan)
        for job in plan.jobs:
            run.observe(plan, trainer.run(run.order(plan, job)))
        run.seen.sort(key=lambda one: (one.round, one.index))
        now = Snapshot(
            run.resolved, plan.box, tuple(run.seen), kinds=tuple(p.kind for p in run.plans),
            correct_masks=run.masks,
            ended=now.ended if plan.evidence is None else plan.evidence.explored or now.ended,
        )  # fmt: skip
    assert not isinstance(plan, GiveUp), plan.reason
    report = run_final(trainer, run.order(plan, range(len(plan.trials))), open_test=lambda: True)
    assert report.test is not None
    return Searched(
        run.resolved, plan, report.test, report, len(run.seen), sum(o.epochs for o in run.seen),
        time.process_time() - started,
    )  # fmt: skip
