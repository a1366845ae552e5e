"""Searches that begin where no network learns, with real trainings on digits."""

from __future__ import annotations

import pytest

from hpsearch.coordinator import Snapshot, decide
from hpsearch.data import DatasetStore
from hpsearch.records import loss_drop, sparse_curve
from hpsearch.settings import load
from hpsearch.spec import parse
from hpsearch.training import Trainer
from hpsearch.trials import FinalPlan, JobOrder, Observation, RoundPlan
from hpsearch.workloads import DatasetFacts

pytestmark = pytest.mark.slow

SPEC = {
    "dataset": "digits",
    "space": {"learning_rate": {"low": 1e-6, "high": 1e-3, "scale": "log"}},
    "epochs": {"first": 2, "last": 2},
}


def trained(trainer: Trainer, resolved: object, info: object, plan: RoundPlan) -> list[Observation]:
    """The observations of one round, as the service would store and read them."""
    order = JobOrder(
        search_id="low", kind=plan.kind, round=plan.number, epochs=plan.epochs,
        spec=resolved.spec.to_json(), dataset=info.to_json(), indices=range(len(plan.trials)),
        params=plan.trials, roles=[None] * len(plan.trials), rungs=plan.rungs,
        cohorts=[k for i in range(len(plan.trials)) for k, c in enumerate(plan.cohorts) if i in c],
    )  # fmt: skip
    return [
        Observation(
            plan.number, r.index, plan.trials[r.index], r.state, r.epochs, r.correct, r.examples,
            r.loss, r.score, sparse_curve(r.curve), loss_drop=loss_drop(r.curve),
        )
        for r in trainer.run(order).trials
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 4, 6])
def test_the_range_moves_to_where_networks_learn(files: DatasetStore, seed: int) -> None:
    """Two epochs at these rates change no prediction: all scores are luck, and so is the loss."""
    info = files.ingest_builtin("digits")
    resolved = parse({**SPEC, "seed": seed}, DatasetFacts.from_json(info.to_json()), load())
    trainer, now = Trainer(files), Snapshot(resolved, resolved.box)
    while isinstance(plan := decide(now, job_size=32), RoundPlan):
        seen = [*now.observations, *trained(trainer, resolved, info, plan)]
        now = Snapshot(
            resolved, plan.box, seen, kinds=[*now.kinds, plan.kind],
            ended=now.ended if plan.evidence is None else plan.evidence.explored or now.ended,
        )  # fmt: skip
    assert isinstance(plan, FinalPlan)
    assert plan.recommended.score > 0.75  # chance is 0.1
    assert plan.box["learning_rate"].low > 1e-3
