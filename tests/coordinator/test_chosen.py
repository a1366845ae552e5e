"""Settings of the user's choice in the course of a search, without training."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from support.builders import observe, resolve, search

from hpsearch.narrowing import quantile
from hpsearch.space import Params
from hpsearch.trials import FinalPlan, Role, RoundKind, Verdict

SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-2, "scale": "log"},
}
OUTSIDE = {"learning_rate": 2.0, "weight_decay": 1e-6}
INSIDE = {"learning_rate": 0.01, "weight_decay": 1e-6}


def truth(params: Params, epochs: int) -> float | None:
    """Best at a rate of 0.1; the weight decay has no effect."""
    return 0.9 - 0.05 * abs(math.log10(float(params["learning_rate"])) + 1) - 0.1 / epochs  # type: ignore[arg-type]


def ran(seed: int = 0, **fields: Any) -> tuple[Any, FinalPlan]:
    rounds, _, final = search(resolve(space=SPACE, seed=seed, **fields), truth, noise=0.01)
    assert isinstance(final, FinalPlan)
    return rounds, final


@pytest.mark.parametrize("narrowing", ["level_set", "quantile", "domain_reduction"])
def test_a_baseline_outside_moves_no_range(narrowing: str) -> None:
    plain, _ = ran(narrowing=narrowing)
    beaten, final = ran(narrowing=narrowing, baseline=OUTSIDE)
    for one, other in zip(plain, beaten, strict=True):
        assert (one.kind, one.box) == (other.kind, other.box)
        if one.kind is RoundKind.EXPLORE:
            assert one.trials == other.trials
        else:
            count = other.trials.count(OUTSIDE)
            assert count == other.trials.count(other.trials[0]) >= 1
    assert final.recommended.best.params != OUTSIDE
    assert OUTSIDE in [f.params for f in final.evidence.finalists or ()]


def test_the_final_test_trains_both_settings_as_often() -> None:
    _, final = ran(baseline=OUTSIDE, final={"models": 3})
    roles = [Role.RECOMMENDED, Role.DRAWN, Role.DRAWN, Role.OPTIMISM, Role.REPEATED, Role.REPEATED]
    assert final.roles == [*roles, *[Role.BASELINE] * 3]
    best = final.recommended.best.params
    assert final.trials[-5:] == [best, best, *[OUTSIDE] * 3]
    _, plain = ran(final={"models": 3})
    assert plain.roles == roles[:4]


@pytest.mark.parametrize("seed", range(4))
def test_a_value_that_makes_no_difference_is_kept(seed: int) -> None:
    rounds, final = ran(seed, baseline=INSIDE, sampler="gp")
    verdicts = {d.name: d.verdict for d in final.decisions}
    assert verdicts["weight_decay"] is Verdict.UNIDENTIFIED
    assert final.recommended.kept == ("weight_decay",)
    assert final.recommended.best.params["weight_decay"] == 1e-6
    assert final.recommended.best.params["learning_rate"] > 0.03  # to that the data do object
    assert rounds[0].trials[0] == INSIDE


def test_what_is_tried_first_comes_first_and_is_no_more_than_that() -> None:
    grid = [{"learning_rate": 10.0**-k, "weight_decay": 1e-5} for k in range(4)]
    rounds, _ = ran(try_first=grid)
    assert rounds[0].trials[:4] == grid
    assert len(rounds[0].trials) == 32
    alone, _ = ran(try_first=grid, trials_per_round=4, rounds=1, baseline=INSIDE)
    assert list(alone[0].trials) == grid


def test_settings_of_one_s_choice_are_no_draws() -> None:
    """Eight good ones where the user looked do not tell that others are worse than chance."""
    resolved = resolve(space={"learning_rate": SPACE["learning_rate"]}, narrowing="quantile")
    drawn = [observe(i, {"learning_rate": 10.0 ** (-4 + i / 8)}, 0.5) for i in range(32)]
    mine = [observe(32 + i, {"learning_rate": 0.5 + i / 100}, 0.9) for i in range(8)]
    box = resolved.box

    def verdict(observations: Any) -> Verdict:
        return quantile.narrow(resolved.space, box, observations, None)[0].verdict

    assert verdict([*drawn, *mine]) is not Verdict.UNIDENTIFIED
    chosen = [replace(o, chosen=True) for o in mine]
    assert verdict([*drawn, *chosen]) is verdict(drawn)


def test_a_baseline_that_diverged_is_kept_in_nothing() -> None:
    def steep(params: Params, epochs: int) -> float | None:
        return None if params == INSIDE else truth(params, epochs)

    _, _, final = search(resolve(space=SPACE, baseline=INSIDE), steep, noise=0.01)
    assert isinstance(final, FinalPlan)
    assert final.recommended.kept == ()
    assert final.recommended.best.params != INSIDE


@pytest.mark.parametrize("seed", range(4))
def test_a_setting_that_the_finalists_are_not_told_from_is_kept_whole(seed: int) -> None:
    """It lies .01 behind the best, which is one standard deviation of a training."""
    mine = {"learning_rate": 0.06, "weight_decay": 1e-6}
    _, final = ran(seed, baseline=mine)
    assert final.recommended.best.params == mine
    assert final.recommended.kept == ("learning_rate", "weight_decay")
    assert Role.BASELINE not in final.roles
