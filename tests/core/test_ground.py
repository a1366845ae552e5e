"""Where a round is drawn: inside the box, or wherever the surrogate promises something."""

from __future__ import annotations

import math

import numpy as np
import pytest
from core.builders import observe, resolve, search

from hpsearch.coordinator import Snapshot, rounds
from hpsearch.coordinator.rounds import AUDIT_EVERY, explore
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Params, inside
from hpsearch.surrogate import fitted
from hpsearch.trials import FinalPlan, RoundPlan, Verdict

ASKED = {
    "dropout": {"low": 0.0, "high": 0.8},
    "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
}
TRIALS = 16


def drawn(**fields: object) -> tuple[RoundPlan, int]:
    """A round planned inside a box that leaves the best place out, and how much lies outside it."""
    resolved = resolve(space=ASKED, **fields)
    rng = np.random.default_rng(0)
    seen = [
        observe(i, params, 0.9 - 0.02 * (math.log10(float(params["learning_rate"])) + 1) ** 2)
        for i, params in enumerate(
            SAMPLERS["random"](resolved.space, resolved.box, (), None, 40, rng)
        )
    ]
    box = {**resolved.box, "learning_rate": resolved.box["learning_rate"].moved(1e-5, 1e-3)}
    model = fitted(resolved.space, seen, epochs=resolved.spec.epochs.last)
    now = Snapshot(resolved, box, tuple(seen))
    plan = explore(now, box, (), model, rungs=(8,), trials=TRIALS, job_size=8, evidence={})
    assert len(plan.trials) == TRIALS
    assert plan.box == box
    return plan, sum(not inside(box, params) for params in plan.trials)


def test_a_sampler_that_weighs_places_looks_beyond_a_box_that_is_wrong():
    plan, outside = drawn(sampler="gp")
    assert outside >= TRIALS // 2
    rates = [float(params["learning_rate"]) for params in plan.trials]
    assert any(0.03 < rate < 0.3 for rate in rates)


@pytest.mark.parametrize("narrowing", ["quantile", "domain_reduction"])
def test_a_rule_that_cannot_take_itself_back_keeps_it_inside(narrowing):
    assert drawn(sampler="gp", narrowing=narrowing)[1] == 0


@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_other_samplers_draw_inside_but_for_the_audit(sampler):
    assert drawn(sampler=sampler)[1] <= TRIALS // AUDIT_EVERY


# --- whole searches ---------------------------------------------------------------------------

SEEDS = range(8)
DEEP = {
    "dropout": {"low": 0.0, "high": 0.8},
    "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log", "hard_high": 1.0},
    "momentum": {"low": 0.0, "high": 0.9},
    "weight_decay": {"low": 1e-8, "high": 1e-1, "scale": "log"},
}
HILL, CORNER = 0.85, 0.93  # the tops of a broad hill, and of a narrower one in a corner
CORNER_AT = (0.0, 1.0, 1.0, 0.0)


def two_hills(params: Params, epochs: int) -> float:
    """A broad hill in the middle of the space and a better, narrower one in a corner of it."""
    names = sorted(DEEP)
    low = {"learning_rate": -5.0, "weight_decay": -8.0}
    span = {"dropout": 0.8, "learning_rate": 5.0, "momentum": 0.9, "weight_decay": 7.0}
    at = np.array([
        (math.log10(float(params[n])) - low[n] if n in low else float(params[n])) / span[n]  # type: ignore[arg-type]
        for n in names
    ])  # fmt: skip
    hill = HILL - 0.5 * float(np.sum(np.square(at - (0.7, 0.4, 0.3, 0.6))))
    corner = CORNER - 0.9 * float(np.sum(np.square(at - CORNER_AT)))
    return max(hill, corner, 0.1) - 0.05 / epochs


def lost(monkeypatch: pytest.MonkeyPatch, weighing: frozenset[str]) -> list[float]:
    """How far the recommendation of each seed's search lies below the best place there is."""
    monkeypatch.setattr(rounds, "WEIGHING", weighing)
    found = []
    for seed in SEEDS:
        resolved = resolve(space=DEEP, model={"optimizer": "momentum"}, seed=seed, sampler="gp",
                           rounds=8, stop_early=False,
                           trials_per_round={"first": 16, "last": 6}, finalists={"rounds": 0})  # fmt: skip
        plans, _, final = search(resolved, two_hills, noise=0.005)
        assert isinstance(final, FinalPlan)
        said = {d.verdict for plan in [*plans[1:], final] for d in plan.decisions}
        assert Verdict.NARROWED in said  # what the user sees is narrowed as ever
        found.append(CORNER - 0.05 / 8 - two_hills(final.recommended.best.params, 8))
    return found


@pytest.mark.slow
def test_the_better_hill_is_found_by_looking_beyond_the_box(monkeypatch):
    free = lost(monkeypatch, frozenset({"gp"}))
    walled = lost(monkeypatch, frozenset())
    assert np.mean(free) <= np.mean(walled)
