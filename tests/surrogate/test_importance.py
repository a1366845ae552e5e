"""Importance against functions whose Sobol indices are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from surrogate.searches import FULL, MIXED, SQUARE, search, square, truth

from hpsearch.combinations import Combination, Interval
from hpsearch.space import Choices, Params, Range, Space
from hpsearch.surrogate import Importance, Surrogate, fitted, importance
from hpsearch.surrogate.importance import posterior_draws
from hpsearch.trials import Observation

CUBE = Space({n: Range(low=-math.pi, high=math.pi) for n in ("dropout", "momentum", "rho")})


def ishigami(params: Params, epochs: int) -> float:
    """With a = 7, b = 0.1 (Ishigami and Homma 1990)."""
    a, b, c = (float(params[n]) for n in CUBE.names)  # type: ignore[arg-type]
    return math.sin(a) + 7.0 * math.sin(b) ** 2 + 0.1 * c**4 * math.sin(a)


def cube(rng: np.random.Generator) -> Params:
    return dict(zip(CUBE.names, rng.uniform(-math.pi, math.pi, 3).tolist(), strict=True))


def fit(space: Space, seen: list[Observation]) -> Surrogate:
    found = fitted(space, seen, epochs=FULL)
    assert found is not None
    return found


def named(found: Surrogate, box) -> dict[str, Importance]:
    return {one.name: one for one in importance(found, box)}


def test_ishigami_s_indices_come_out() -> None:
    model = fit(CUBE, search(400, function=ishigami, place=cube, noise=0.02))
    first, total = (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437)
    for one, s, t in zip(importance(model, CUBE.dimensions), first, total, strict=True):
        assert one.first == pytest.approx(s, abs=0.04)
        assert one.total == pytest.approx(t, abs=0.05)
        assert one.low <= one.total <= one.high
        assert one.effect == pytest.approx(math.sqrt(s * 13.845), abs=0.25)


def additive(params: Params, epochs: int) -> float:
    return 0.9 + 0.03 * float(params["dropout"]) + 0.01 * float(params["momentum"])  # type: ignore[arg-type]  # fmt: skip


def test_an_additive_function_has_no_interactions_and_its_slopes_are_the_effects() -> None:
    model = fit(SQUARE, search(60, function=additive, place=square, noise=0.0005))
    found = named(model, SQUARE.dimensions)
    for name, share, slope in (("dropout", 0.9, 0.03), ("momentum", 0.1, 0.01)):
        assert found[name].first == pytest.approx(share, abs=0.03)
        assert found[name].total == pytest.approx(share, abs=0.03)
        assert found[name].effect == pytest.approx(slope / math.sqrt(12), rel=0.1)


def test_inside_a_smaller_box_another_hyperparameter_matters() -> None:
    """A slope is as steep everywhere, so a range a tenth as wide explains a hundredth."""
    model = fit(SQUARE, search(60, function=additive, place=square, noise=0.0005))
    narrow = {**SQUARE.dimensions, "dropout": Range(low=0.5, high=0.6)}
    found = named(model, narrow)
    assert found["momentum"].total > 0.8 > 0.2 > found["dropout"].total


def test_levels_count_and_what_has_no_effect_does_not() -> None:
    model = fit(MIXED, search(150, noise=0.002))
    found = named(model, {**MIXED.dimensions, "learning_rate": Range(low=5e-3, high=2e-2)})
    assert found["initializer"].first > 0.6
    assert found["initializer"].effect == pytest.approx(0.05 * math.sqrt(2) / 3, rel=0.15)
    assert found["batch_size"].total < 0.1
    one_level = {**MIXED.dimensions, "initializer": Choices(choices=("he",))}
    assert named(model, one_level)["initializer"].total == pytest.approx(0.0, abs=1e-6)


def test_few_observations_leave_wide_intervals() -> None:
    few, many = (
        named(fit(CUBE, search(n, function=ishigami, place=cube)), CUBE.dimensions)
        for n in (25, 400)
    )
    for name in CUBE.names:
        assert few[name].high - few[name].low > 2.0 * (many[name].high - many[name].low)


def test_the_same_numbers_every_time() -> None:
    model = fit(MIXED, search(40))
    assert list(importance(model, MIXED.dimensions)) == list(importance(model, MIXED.dimensions))


def test_draws_have_the_posterior_s_mean_and_spread() -> None:
    model = fit(MIXED, search(60, rungs=(2, 4, FULL)) + search(20, source=1))
    rng = np.random.default_rng(0)
    x = model.encoding.spread(rng.random((40, 4)), MIXED.dimensions)
    draws = np.concatenate([posterior_draws(model, x, 40, rng) for _ in range(50)])
    z, s = model.latent(x)
    np.testing.assert_allclose(draws.mean(axis=0), z, atol=0.15 * s.max())
    np.testing.assert_allclose(draws.std(axis=0), s, rtol=0.35, atol=0.02 * s.max())
    assert np.mean(draws.std(axis=0) / s) == pytest.approx(1.0, abs=0.1)


def test_a_flat_function_has_small_effects() -> None:
    model = fit(MIXED, search(40, function=lambda p, e: 0.5, noise=0.01))
    assert all(one.effect < 0.01 for one in importance(model, MIXED.dimensions))
    assert truth(search(1)[0].params, FULL) != 0.5


def test_nothing_is_important_in_a_box_that_is_forbidden_as_a_whole() -> None:
    """An edit may forbid what the ranges have been narrowed to."""
    space = Space(SQUARE.dimensions, forbidden=[Combination({"dropout": Interval(0.2, 0.6)})])
    box = {**SQUARE.dimensions, "dropout": Range(low=0.3, high=0.5)}
    model = fit(
        space, search(24, function=lambda params, _: float(params["momentum"]), place=square)
    )  # type: ignore[arg-type]
    assert all((one.first, one.total) == (0.0, 0.0) for one in importance(model, box))
