"""Proposals in batches: believing against conditioning anew, log EI, its optimizer, expected gain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from surrogate.searches import FULL, MIXED, SQUARE, bowl, search, square

from hpsearch.space import Range
from hpsearch.surrogate import (
    CandidatePool,
    KrigingBeliever,
    SearchBounds,
    Surrogate,
    candidates,
    expected_gain,
    fitted,
    log_ei,
    log_expected_improvement,
    maximize_log_ei,
)
from hpsearch.surrogate.acquisition_optimizer import NEAR, WIDE


def model(n: int = 30, noise: float = 0.01, space=SQUARE) -> Surrogate:
    place = {"function": bowl, "place": square} if space is SQUARE else {}
    found = fitted(space, search(n, noise=noise, rungs=(4, FULL), **place), epochs=FULL)
    assert found is not None
    return found


MODEL = model(noise=0.05)


def points(m: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((m, 2))


def test_without_belief_it_is_the_model() -> None:
    found, x = model(), points(20, 0)
    believer = KrigingBeliever(found, 3)
    for one, other in zip(believer.latent_with_gradients(x)[:2], found.latent(x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)
    pool = CandidatePool(believer, x)
    np.testing.assert_allclose(np.sqrt(pool.variance), found.latent(x)[1], rtol=1e-6)
    np.testing.assert_allclose(pool.mean, found.latent(x)[0], rtol=1e-6, atol=1e-9)


def test_believing_is_conditioning_on_the_posterior_mean() -> None:
    """A Gaussian conditioned on more points: the mean stays, the covariance shrinks by formula."""
    found, chosen, x = model(), points(4, 1), points(10, 2)
    pool = CandidatePool(KrigingBeliever(found, 4), x[:7])
    for k, place in enumerate(chosen):
        pool.believe(place)
        if k == 1:
            pool.add(x[7:])
    z, cov = found.latent_joint(np.concatenate([x, chosen]))
    least = pool.believer.least
    held = cov[10:, 10:] + least * np.eye(4)
    left = cov[:10, :10] - cov[:10, 10:] @ np.linalg.solve(held, cov[10:, :10])
    mean, sd, *_ = pool.believer.latent_with_gradients(x)
    for means, variances in ((mean, np.square(sd)), (pool.mean, pool.variance)):
        np.testing.assert_allclose(means, z[:10], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(variances, np.diag(left), rtol=1e-3, atol=least)


@pytest.mark.parametrize("believed", [0, 3])
def test_the_gradients_are_those_of_finite_differences(believed: int) -> None:
    believer, x = KrigingBeliever(MODEL, 3), points(6, 5)
    for place in points(believed, 6):
        believer.believe(place)
    _, _, dmean, dsd = believer.latent_with_gradients(x)
    for j, step in enumerate(np.eye(2) * 1e-4):  # with less, rounding shows: noise is next to none
        up, down = (believer.latent_with_gradients(x + s)[:2] for s in (step, -step))
        for found, k in ((dmean, 0), (dsd, 1)):
            rise = (up[k] - down[k]) / 2e-4
            np.testing.assert_allclose(found[:, j], rise, rtol=1e-3, atol=1e-4)


def test_log_ei_of_a_believed_place_falls() -> None:
    found = model()
    believer, place = KrigingBeliever(found, 1), np.array([0.9, 0.9])
    best = found.best_latent()[1]
    before = log_ei(believer, place[None], best)[0]
    believer.believe(place)
    assert log_ei(believer, place[None], best)[0] < before - 1.0


@given(st.floats(-6.0, 6.0), st.floats(0.05, 3.0))
def test_log_improvement_is_the_logarithm_of_the_integral(mean: float, sd: float) -> None:
    value, _ = log_expected_improvement(np.array([mean]), np.array([sd]), best=0.0)
    if mean / sd > -5.0:
        exact, _ = quad(
            lambda t: (mean + sd * t) * norm.pdf(t), -mean / sd, max(-mean / sd, 0) + 10
        )
        assert value[0] == pytest.approx(math.log(exact), abs=1e-5)


@pytest.mark.parametrize("u", [-5.0, -20.0, -200.0, -2e3, -2e5, -1e7])
def test_far_below_the_best_it_follows_the_asymptotic_series(u: float) -> None:
    value, slope = log_expected_improvement(np.array([u]), np.array([1.0]), best=0.0)
    series = 1 - 3 / u**2 + 15 / u**4 - 105 / u**6 + 945 / u**8
    expected = -0.5 * u * u - 0.5 * math.log(2 * math.pi) - 2 * math.log(-u) + math.log(series)
    assert value[0] == pytest.approx(expected, rel=1e-6, abs=1e-2 if u > -6 else 1e-6)
    assert math.isfinite(slope[0])
    assert slope[0] == pytest.approx(-u, rel=0.1)


def test_log_improvement_has_no_seams() -> None:
    u = np.concatenate([np.linspace(-1.1, -0.9, 201), np.linspace(-1e4 - 10, -1e4 + 10, 201),
                        np.linspace(-1e3 - 1, -1e3 + 1, 201)])  # fmt: skip
    value, slope = log_expected_improvement(u, np.ones_like(u), best=0.0)
    for part in np.split(np.arange(len(u)), 3):
        steps = np.diff(value[part]) / np.diff(u[part])
        np.testing.assert_allclose(steps, 0.5 * (slope[part][1:] + slope[part][:-1]), rtol=1e-3)


@given(st.integers(0, 999))
def test_the_gradient_of_log_ei(seed: int) -> None:
    believer = KrigingBeliever(MODEL, 1)
    x, best = points(3, seed), MODEL.best_latent()[1]
    _, gradient = log_ei(believer, x, best)
    for j, step in enumerate(np.eye(2) * 1e-5):
        rise = (log_ei(believer, x + step, best)[0] - log_ei(believer, x - step, best)[0]) / 2e-5
        np.testing.assert_allclose(
            gradient[:, j], rise, rtol=1e-2, atol=1e-3 * (1.0 + np.abs(gradient).max())
        )


def test_candidates_lie_in_the_box_and_some_about_the_best() -> None:
    box = {"dropout": Range(low=0.1, high=0.5), "momentum": Range(low=0.4, high=0.9)}
    bounds = SearchBounds.of(MODEL, box)
    places = candidates(MODEL, bounds, np.random.default_rng(0))
    assert len(places) == WIDE + NEAR
    assert (places >= [0.1, 0.4]).all()
    assert (places <= [0.5, 0.9]).all()
    best = MODEL.rows.places[MODEL.best_latent()[0]]
    close = np.linalg.norm(places - best, axis=1) < 0.05
    assert close[WIDE:].mean() > 3.0 * close[:WIDE].mean()


def test_without_a_trial_in_the_box_the_candidates_are_spread_alone() -> None:
    box = {"dropout": Range(low=1.5, high=1.6), "momentum": Range(low=0.0, high=1.0)}
    places = candidates(MODEL, SearchBounds.of(MODEL, box), np.random.default_rng(0))
    assert len(places) == WIDE


def test_ascents_end_higher_inside_the_box_and_hold_the_columns_that_must_not_move() -> None:
    found = model(40, space=MIXED)
    bounds = SearchBounds.of(found, MIXED.dimensions)
    assert bounds.moving.tolist() == [False, True, False, False, False, True]
    believer, best = KrigingBeliever(found, 1), found.best_latent()[1]
    starts = candidates(found, bounds, np.random.default_rng(1))[:5]
    ends = maximize_log_ei(believer, bounds, starts, best)
    assert log_ei(believer, ends, best)[0].sum() > log_ei(believer, starts, best)[0].sum()
    assert (ends[:, ~bounds.moving] == starts[:, ~bounds.moving]).all()
    assert (ends >= bounds.low - 1e-12).all()
    assert (ends <= bounds.high + 1e-12).all()


def test_where_no_column_may_move_an_ascent_stays() -> None:
    found = model(40, space=MIXED)
    bounds = SearchBounds.of(found, MIXED.dimensions)
    still = SearchBounds(bounds.box, bounds.low, bounds.high, np.zeros_like(bounds.moving))
    starts = candidates(found, still, np.random.default_rng(1))[:3]
    assert maximize_log_ei(KrigingBeliever(found, 1), still, starts, 0.0) is starts


def test_what_is_left_to_gain_shrinks_with_the_box_and_with_the_trials() -> None:
    few, many = model(6, 0.002), model(150, 0.002)
    assert expected_gain(few, SQUARE.dimensions) > 5.0 * expected_gain(many, SQUARE.dimensions)
    far = {"dropout": Range(low=0.9, high=1.0), "momentum": Range(low=0.0, high=0.1)}
    assert expected_gain(many, far) < expected_gain(many, SQUARE.dimensions)
    assert expected_gain(many, SQUARE.dimensions) == expected_gain(many, SQUARE.dimensions)
    assert 0.0 < expected_gain(many, SQUARE.dimensions) < many.noise_sd + 0.002
