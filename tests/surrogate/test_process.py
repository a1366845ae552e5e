"""The covariance against its formula, the likelihood against SciPy's, gradients against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal
from surrogate.searches import constants, rows

from hpsearch.surrogate.constants import Layout
from hpsearch.surrogate.learning import learned, negative_log_posterior, prior
from hpsearch.surrogate.process import (
    JITTER,
    CovarianceTerms,
    Evidence,
    Pairs,
    layout_of,
    matern,
    negative_log_likelihood,
    squared_distances,
)
from hpsearch.surrogate.warp import warped

GROUPS = np.array([0, 1, 1])
N = 14
ALL = 2  # hyperparameters that a trial has: here all of them


def evidence(seed: int, *, epochs: bool = True, sources: int = 2) -> Evidence:
    rng = np.random.default_rng(seed)
    y = -np.abs(rng.normal(0.0, 1.0, N))
    y[0], y[1] = 0.0, -4.0
    found = rows(N, seed, width=3, epochs=epochs, sources=sources)
    return Evidence.of(found, y, y <= -4.0, GROUPS, sources=sources)


def correlation(r: float) -> float:
    a = math.sqrt(5.0) * r
    return (1.0 + a + a * a / 3.0) * math.exp(-a)


def test_the_covariance_is_the_formula_of_the_module() -> None:
    seen, c = rows(N, width=3), constants()
    layout = layout_of(seen, GROUPS, sources=2)
    found = CovarianceTerms.of(seen, Pairs.of(seen), layout, GROUPS, c).covariance
    for i in range(N):
        for j in range(N):
            away = (seen.places[i] - seen.places[j]) / c.lengths[GROUPS]
            place = correlation(float(np.linalg.norm(away)))
            time = correlation(abs(seen.log_epochs[i] - seen.log_epochs[j]) / c.span)
            a, b = seen.sources[i], seen.sources[j]
            related = 1.0 if a == b else c.rho[a] * c.rho[b]
            value = c.variance * place * (c.persistence + (1 - c.persistence) * time) * related
            value += (c.offset + c.trend * time) * (a == b)
            value += c.seed * (seen.trials[i] == seen.trials[j])
            value += (c.noise + JITTER * c.variance) * (i == j)
            assert found[i, j] == pytest.approx(value, rel=1e-6)
    assert np.linalg.eigvalsh(found).min() > 0.0


def test_the_likelihood_is_that_of_a_normal_distribution_of_warped_scores() -> None:
    seen = evidence(1)
    theta = prior(seen.layout, math.nan, ALL)[0]
    c = seen.layout.constants(theta)
    cov = CovarianceTerms.of(seen.rows, seen.pairs, seen.layout, GROUPS, c).covariance
    density = multivariate_normal(cov=cov).logpdf(warped(seen.y, c.delta))
    slopes = -np.log1p(-seen.y / c.delta)[~seen.cut].sum()
    value, _ = negative_log_likelihood(seen, theta)
    assert value == pytest.approx(-density - slopes - 0.5 * N * math.log(2 * math.pi), rel=1e-8)


@pytest.mark.parametrize(("epochs", "sources"), [(True, 2), (True, 0), (False, 1), (False, 0)])
@given(seed=st.integers(0, 2**16))
def test_the_gradient_is_that_of_finite_differences(epochs: bool, sources: int, seed: int) -> None:
    seen = evidence(seed, epochs=epochs, sources=sources)
    mean, sd = prior(seen.layout, 0.1, ALL)
    theta = mean + 0.5 * sd * np.random.default_rng(seed).normal(size=len(mean))
    value, gradient = negative_log_posterior(theta, seen, mean, sd)
    differences = approx_fprime(theta, lambda t: negative_log_posterior(t, seen, mean, sd)[0], 1e-6)
    assert math.isfinite(value)
    assert gradient.shape == (seen.layout.size,)
    np.testing.assert_allclose(gradient, differences, atol=1e-4 * (1.0 + np.abs(gradient).max()))


def test_theta_holds_what_the_rows_can_tell_and_nothing_else() -> None:
    full = layout_of(rows(N, width=3), GROUPS, sources=2)
    plain = layout_of(rows(N, width=3, epochs=False, sources=0), GROUPS, sources=0)
    assert (full.epochs, full.seeds, full.size) == (True, True, 4 + 2 + 3 + 1 + 2)
    assert (plain.epochs, plain.seeds, plain.size) == (False, False, 4 + 2)
    found = plain.constants(np.zeros(6))
    assert (found.trend, found.seed, found.rho.tolist()) == (0.0, 0.0, [1.0])


def test_a_covariance_that_cannot_be_factored_turns_the_line_search_back() -> None:
    seen = evidence(0)
    theta = prior(seen.layout, math.nan, ALL)[0]
    theta[[0, 1, 3]] = -60.0, -60.0, 60.0  # one level for all rows, and nothing beside it
    theta[-3] = -60.0
    value, gradient = negative_log_likelihood(seen, theta)
    assert value == math.inf
    assert not gradient.any()


def test_learning_goes_downhill_to_where_it_is_flat() -> None:
    seen = evidence(3)
    mean, sd = prior(seen.layout, math.nan, ALL)
    start, _ = negative_log_posterior(mean, seen, mean, sd)
    c = learned(seen, math.nan, ALL)
    theta = np.concatenate([
        np.log([c.variance, c.noise, c.delta, c.offset, *c.lengths]),
        [math.log(c.persistence / (1 - c.persistence))], np.log([c.span, c.trend, c.seed]),
        np.log(c.rho[1:] / (1 - c.rho[1:])),
    ])  # fmt: skip
    end, gradient = negative_log_posterior(theta, seen, mean, sd)
    assert end < start
    assert np.abs(gradient).max() < 0.05


def test_what_is_known_of_the_validation_set_moves_the_prior_of_the_noise() -> None:
    layout = Layout(hyperparameters=2, epochs=True, seeds=True, sources=0)
    few, _ = prior(layout, 0.4, ALL)
    many, _ = prior(layout, 0.04, ALL)
    assert few[1] - many[1] == pytest.approx(math.log(100.0))
    assert few[9] - many[9] == pytest.approx(math.log(100.0))
    assert (np.delete(few, [1, 9]) == np.delete(many, [1, 9])).all()


@given(st.floats(0.0, 50.0))
def test_the_matern_and_its_slope(squared: float) -> None:
    value, slope = matern(np.array([squared]))
    assert value[0] == pytest.approx(correlation(math.sqrt(squared)), rel=1e-12)
    if squared > 1e-3:
        up, down = matern(np.array([squared + 1e-6]))[0], matern(np.array([squared - 1e-6]))[0]
        assert slope[0] == pytest.approx(-2.0 * (up[0] - down[0]) / 2e-6, rel=1e-4, abs=1e-8)


def test_squared_distances_of_coinciding_points_are_not_negative() -> None:
    x = np.random.default_rng(0).random((40, 5)) * 1e3
    found = squared_distances(x, x)
    assert (found >= 0.0).all()
    np.testing.assert_allclose(np.diag(found), 0.0, atol=1e-6)
