"""An external score may be in any unit: the search decides the same, and says the same of it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from support.builders import caps
from support.records import make_round, make_search, make_trial

from hpsearch import reasons
from hpsearch.coordinator import Snapshot, decide
from hpsearch.evidence import Evidence
from hpsearch.records import DecisionRecord, Recommended
from hpsearch.report import health
from hpsearch.space import Params, box_to_json
from hpsearch.spec import ResolvedSpec, parse, schedule
from hpsearch.trials import FinalPlan, Observation, RoundPlan, TrainingPlan, TrialState
from hpsearch.workloads import NO_DATASET

SPEC = {
    "objective": "external",
    "space": {
        "alpha": {"low": 1e-4, "high": 1.0, "scale": "log"},
        "depth": {"low": 1, "high": 12, "integer": True},
        "kernel": {"choices": ["flat", "round"]},
    },
    "rounds": 3, "trials_per_round": 16, "epochs": {"first": 2, "last": 4}, "seed": 3,
}  # fmt: skip


def truth(params: Params, epochs: int) -> float | None:
    alpha, depth = float(params["alpha"]), float(params["depth"])  # type: ignore[arg-type]
    if alpha > 0.8:
        return None
    away = (alpha - 0.02) / (alpha + 0.02)
    kernel = 0.3 if params["kernel"] == "flat" else 0.0
    return -(away * away) - ((depth - 6) / 10) ** 2 - kernel - 0.5 / epochs


@dataclass(frozen=True)
class Unit:
    factor: float
    shift: float

    def __call__(self, score: float) -> float:
        return self.factor * score + self.shift


PLAIN = Unit(1.0, 0.0)
UNITS = [Unit(1000.0, 0.0), Unit(1e-3, 0.0), Unit(1.0, 100.0), Unit(1e-12, 0.0), Unit(1e9, -3e9)]


def trained(plan: RoundPlan, unit: Unit) -> list[Observation]:
    """The observations of a round, in a unit."""
    rng = np.random.default_rng([9, plan.number])
    luck = 0.01 * rng.standard_normal(len(plan.trials))
    seen = []
    for cohort in plan.cohorts:
        curves: dict[int, list[tuple[int, float]]] = {i: [] for i in cohort}
        living, target = list(cohort), len(cohort)
        for epochs in plan.rungs:
            for i in list(living):
                value = truth(plan.trials[i], epochs)
                if value is None:
                    living.remove(i)
                else:
                    curves[i].append((epochs, unit(value + luck[i])))
            if epochs < plan.epochs:
                target = schedule.survivors(target)
                living = sorted(living, key=lambda i: (-curves[i][-1][1], i))[:target]
        seen += [_observation(plan, i, curves[i]) for i in cohort]
    return sorted(seen, key=lambda o: o.index)


def _observation(plan: RoundPlan, i: int, curve: Sequence[tuple[int, float]]) -> Observation:
    if not curve:
        return Observation(plan.number, i, plan.trials[i], TrialState.DIVERGED, 1, 0, 0, None)
    epochs, score = curve[-1]
    state = TrialState.COMPLETED if epochs == plan.epochs else TrialState.STOPPED
    return Observation(
        plan.number, i, plan.trials[i], state, epochs, 0, 0, None, score=score, curve=tuple(curve)
    )


@cache
def played(
    unit: Unit, **changes: str
) -> tuple[ResolvedSpec, list[TrainingPlan], list[Observation]]:
    """A whole search in a unit: its plans, the final one last, and what was seen."""
    resolved = parse({**SPEC, **changes}, NO_DATASET, caps())
    plans, seen, box = list[TrainingPlan](), list[Observation](), resolved.box
    while True:
        ends = [p.evidence.explored for p in plans if p.evidence is not None]
        ended = next((end for end in ends if end is not None), None)
        kinds = [p.kind for p in plans]
        now = Snapshot(resolved, box, tuple(seen), kinds=kinds, ended=ended)
        plan = decide(now, job_size=32)
        assert isinstance(plan, RoundPlan | FinalPlan)
        plans.append(plan)
        if isinstance(plan, FinalPlan):
            return resolved, plans, seen
        box = plan.box
        seen += trained(plan, unit)


def notes(unit: Unit, **changes: str) -> list[tuple[str, object]]:
    """The code of each note of health, and the hyperparameter that it is about."""
    resolved, plans, seen = played(unit, **changes)
    rounds, made = [], []
    for plan, after in pairwise(plans):
        evidence = after.evidence
        assert evidence is not None
        stored = Evidence.from_json(json.loads(json.dumps(evidence.to_json())))
        rounds.append(make_round(plan.number, box=box_to_json(plan.box), evidence=stored))
        for d in after.decisions:
            edges = box_to_json({"before": d.before, "after": d.after})
            facts = reasons.to_json(d.reason)
            made.append(
                DecisionRecord("s1", plan.number, d.name, **edges, verdict=d.verdict, reason="",
                               numbers=d.numbers, facts=facts)
            )  # fmt: skip
    final = plans[-1]
    rounds.append(make_round(final.number, kind="final", box=box_to_json(final.box)))
    assert final.recommended is not None
    search = make_search(recommended=Recommended.of(final.recommended), best_params=None)
    full = [
        make_trial(o.round, o.index, params=o.params, epochs=o.epochs, score=o.score, examples=0,
                   curve=[(epoch, None, None, score) for epoch, score in o.curve])
        for o in seen if o.epochs == 4 and o.finite
    ]  # fmt: skip
    models = [
        make_trial(final.number, i, role=role, params=params, score=unit(-0.9 if i else -0.13),
                   examples=0)
        for i, (role, params) in enumerate(zip(final.roles, final.trials, strict=True))
    ]  # fmt: skip
    tried = [o.params for o in seen]
    records = health.SearchRecords(search, resolved, rounds, made, full, models, tried)
    return [(n.code, n.numbers.get("hyperparameter")) for n in health.notes(records)]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("narrowing", ["level_set", "quantile"])
def test_decisions_draws_and_notes_are_those_of_any_other_unit(unit: Unit, narrowing: str) -> None:
    _, plain, _ = played(PLAIN, narrowing=narrowing)
    _, other, _ = played(unit, narrowing=narrowing)
    for one, two in zip(plain, other, strict=True):
        assert [d.verdict for d in one.decisions] == [d.verdict for d in two.decisions]
        assert list(one.trials) == list(two.trials)
    assert plain[-1].recommended.best.params == other[-1].recommended.best.params
    assert notes(PLAIN, narrowing=narrowing) == notes(unit, narrowing=narrowing)
    assert ("below_validation", None) in notes(unit, narrowing=narrowing)


def test_the_noise_is_in_the_unit_of_the_scores() -> None:
    def noise(unit: Unit) -> float:
        _, plans, _ = played(unit, narrowing="level_set")
        found = [p.evidence.noise_sd for p in plans if p.evidence and p.evidence.noise_sd]
        return found[-1]

    for unit in UNITS:
        assert math.isclose(noise(unit), unit.factor * noise(PLAIN), rel_tol=1e-3)
