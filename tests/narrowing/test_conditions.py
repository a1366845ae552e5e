"""Narrowing rules where not every trial has a hyperparameter: it is judged by those that have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.builders import caps, diverged, observe

from hpsearch.narrowing import RULES
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Params, Range
from hpsearch.spec import parse
from hpsearch.surrogate import fitted
from hpsearch.trials import Decision, Observation, Verdict
from hpsearch.workloads import NO_DATASET

SPACE: dict[str, Any] = {
    "kind": {"choices": ["good", "poor"]},
    "rate": {"low": 0.0, "high": 1.0, "when": {"kind": ["poor"]}},
    "other": {"low": 0.0, "high": 1.0},
}
RESOLVED = parse({"objective": "external", "space": SPACE, "rounds": 4}, NO_DATASET, caps())


def score(params: Params) -> float:
    """The poor kind is never the best, and best in itself at a rate of 0.8."""
    if params["kind"] == "good":
        return 0.9 - 0.4 * float(params["other"])  # type: ignore[arg-type]  # a number
    return 0.6 - 0.5 * abs(float(params["rate"]) - 0.8)  # type: ignore[arg-type]  # a number


def trials(n: int = 64) -> list[Observation]:
    rng, space = np.random.default_rng(1), RESOLVED.space
    drawn = SAMPLERS["sobol"].propose(space, RESOLVED.box, (), None, n, rng)
    luck = 0.002 * rng.standard_normal(n)
    return [observe(i, p, score(p) + luck[i], epochs=8) for i, p in enumerate(drawn)]


def decided(rule: str, seen: list[Observation]) -> dict[str, Decision]:
    model = fitted(RESOLVED.space, seen, epochs=8)
    return {d.name: d for d in RULES[rule](RESOLVED.space, RESOLVED.box, seen, model)}


def test_a_level_set_holds_values_of_a_branch_that_is_behind() -> None:
    seen = trials()
    decision = decided("level_set", seen)["rate"]
    assert isinstance(decision.after, Range)
    assert decision.verdict is Verdict.NARROWED
    assert 0.5 < decision.after.low < 0.8 <= decision.after.high
    assert decision.numbers["trials"] == sum("rate" in o.params for o in seen) < len(seen)


def test_ranks_are_taken_among_the_trials_that_have_it() -> None:
    decision = decided("quantile", trials())["rate"]
    assert isinstance(decision.after, Range)
    assert 0.5 < decision.after.low < 0.8 < decision.after.high
    top, rest = decision.numbers["top"], decision.numbers["rest"]
    assert (top or 0) + (rest or 0) == 32


@pytest.mark.parametrize("rule", sorted(RULES))
def test_what_too_few_trials_have_is_left_alone(rule: str) -> None:
    seen = [o for o in trials() if "rate" not in o.params]
    decision = decided(rule, seen)["rate"]
    assert decision.verdict is Verdict.UNIDENTIFIED
    assert decision.after == decision.before


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_round_that_diverged_as_a_whole_says_nothing_of_it(rule: str) -> None:
    seen = [diverged(o.index, o.params) for o in trials(8)]
    assert decided(rule, seen)["rate"].verdict is Verdict.UNIDENTIFIED


def test_a_forbidden_part_is_in_no_range() -> None:
    forbid = [{"kind": "poor", "rate": {"low": 0.7, "high": 1.0}}]
    data = {"objective": "external", "space": SPACE, "rounds": 4, "forbid": forbid}
    space = parse(data, NO_DATASET, caps()).space
    rng = np.random.default_rng(1)
    drawn = SAMPLERS["sobol"].propose(space, space.dimensions, (), None, 96, rng)
    luck = 0.002 * rng.standard_normal(96)
    seen = [observe(i, p, score(p) + luck[i], epochs=8) for i, p in enumerate(drawn)]
    model = fitted(space, seen, epochs=8)
    made = {d.name: d for d in RULES["level_set"](space, space.dimensions, seen, model)}["rate"]
    assert isinstance(made.after, Range)
    low, high = made.numbers["hull_low"], made.numbers["hull_high"]
    assert 0.5 < (low or 0) < (high or 0) < 0.7
    assert made.after.contains(0.69)
