"""Where a round is drawn: inside the box, or wherever the surrogate promises something."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.builders import caps, observe, resolve

from hpsearch.coordinator import Situation, Snapshot
from hpsearch.coordinator.rounds import PROBE_EVERY, explore
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Choices, Params, inside
from hpsearch.spec import parse
from hpsearch.surrogate import fitted
from hpsearch.trials import RoundPlan
from hpsearch.workloads import NO_DATASET

ASKED = {
    "dropout": {"low": 0.0, "high": 0.8},
    "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
}
TRIALS = 16
SEEDS = range(20)
BEST_RATE, NOISE = 0.1, 0.005


def score(params: Params) -> float:
    """Best at a rate of 0.1, whatever the dropout."""
    return 0.9 - 0.02 * math.log10(float(params["learning_rate"]) / BEST_RATE) ** 2  # type: ignore[arg-type]


def drawn(seed: int = 0, **fields: object) -> tuple[RoundPlan, int]:
    """A round planned inside a box that leaves the best place out, and how much lies outside it."""
    resolved = resolve(space=ASKED, seed=seed, **fields)
    rng = np.random.default_rng(seed)
    seen = [
        observe(i, params, score(params) + NOISE * rng.standard_normal())
        for i, params in enumerate(
            SAMPLERS["random"].propose(resolved.space, resolved.box, (), None, 40, rng)
        )
    ]
    box = {**resolved.box, "learning_rate": resolved.box["learning_rate"].moved(1e-5, 1e-3)}
    model = fitted(resolved.space, seen, epochs=resolved.spec.epochs.last)
    situation = Situation(Snapshot(resolved, box, tuple(seen)), box, model=model)
    plan = explore(situation, rungs=(8,), trials=TRIALS, job_size=8)
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
def test_other_samplers_draw_inside_but_for_probes(sampler):
    assert drawn(sampler=sampler)[1] <= TRIALS // PROBE_EVERY


@pytest.mark.slow
def test_a_wrong_box_hides_the_best_place_from_hardly_any_search():
    found = 0
    for seed in SEEDS:
        plan, _ = drawn(seed, sampler="gp")
        rates = [float(params["learning_rate"]) for params in plan.trials]
        found += any(BEST_RATE / 2 < rate < 2 * BEST_RATE for rate in rates)
    assert found >= 0.9 * len(SEEDS)


def test_of_a_conditional_space_the_gain_is_asked_of_all_that_is_drawn_from():
    kinds = {"kind": {"choices": ["near", "far"]}}
    rate = {"low": 0.0, "high": 1.0, "hard_low": 0.0, "hard_high": 1.0}
    given = {"when": {"kind": ["far"]}}
    narrow = {"kind": Choices(choices=("near",))}

    def searched(space, **fields):
        asked = {"objective": "external", "space": space, "rounds": 4, "sampler": "gp", **fields}
        resolved = parse(asked, NO_DATASET, caps())
        box = {**resolved.box, **narrow}
        return Situation(Snapshot(resolved, box, ()), box).searched["kind"].choices

    conditional = {**kinds, "rate": {**rate, **given}}
    assert searched(conditional) == ("near", "far")
    assert searched(conditional, sampler="sobol") == ("near",)
    assert searched(conditional, narrowing="quantile") == ("near",)
    assert searched({**kinds, "rate": rate}) == ("near",)
