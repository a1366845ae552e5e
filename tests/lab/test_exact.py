"""The Gaussian process against closed forms, finite differences, scikit-learn and sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from hpsearch.errors import InvalidRequest
from lab import exact
from lab.exact import Kernel, Prior

KERNEL = Kernel(1.7, 0.05, (0.3, 1.1, 0.6))


def points(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, d))


def wave(x: np.ndarray, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0.0, 0.05, len(x))
    return np.sin(5.0 * x[:, 0]) + 0.3 * x[:, -1] + noise


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**16))
def test_the_gradient_is_that_of_finite_differences(n: int, d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.random((n, d)), rng.normal(size=n)
    theta = rng.normal(0.0, 0.7, 2 + d)
    value, gradient = exact.negative_log_posterior(theta, x, y, Prior())
    error = check_grad(
        lambda t: exact.negative_log_posterior(t, x, y, Prior())[0],
        lambda _: gradient,
        theta,
        epsilon=1e-6,
    )
    assert math.isfinite(value)
    assert error < 1e-4 * (1.0 + np.linalg.norm(gradient))


def test_the_gradient_holds_where_points_coincide() -> None:
    x = np.repeat(points(3, 2), 2, axis=0)
    y = wave(x)
    theta = KERNEL.to_theta()[:4]
    _, gradient = exact.negative_log_posterior(theta, x, y, Prior())
    for j, step in enumerate(np.eye(4) * 1e-6):
        up, _ = exact.negative_log_posterior(theta + step, x, y, Prior())
        down, _ = exact.negative_log_posterior(theta - step, x, y, Prior())
        assert gradient[j] == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-6)


def reference(kernel: Kernel) -> GaussianProcessRegressor:
    product = ConstantKernel(kernel.variance) * Matern(kernel.lengths, nu=2.5)
    return GaussianProcessRegressor(product + WhiteKernel(kernel.noise), optimizer=None, alpha=0)


def test_posterior_and_likelihood_are_scikit_learns() -> None:
    x, new = points(25, 3), points(40, 3, seed=1)
    targets = exact.standardised(wave(x))
    model = exact.condition(KERNEL, x, targets)
    mean, sd = model.predict(new)
    peer = reference(KERNEL).fit(x, targets.values)
    its_mean, its_sd = peer.predict(new, return_std=True)
    latent = np.sqrt(np.square(its_sd) - KERNEL.noise)  # scikit-learn's sd holds the noise
    np.testing.assert_allclose((mean - targets.shift) / targets.scale, its_mean, rtol=1e-7)
    np.testing.assert_allclose(sd / targets.scale, latent, rtol=1e-6)

    theta = KERNEL.to_theta()
    value, _ = exact.negative_log_posterior(theta, x, targets.values, Prior())
    centre, width = Prior().moments(3)
    logs = -0.5 * np.square((theta - centre) / width) - np.log(width * math.sqrt(2 * math.pi))
    assert value == pytest.approx(-peer.log_marginal_likelihood_value_ - logs.sum(), rel=1e-8)


def test_one_observation_has_the_closed_form() -> None:
    x = np.array([[0.25, 0.5, 0.75]])
    targets = exact.Targets(np.array([2.0]), 0.0, 1.0, -1.0)
    mean, sd = exact.condition(KERNEL, x, targets).predict(x)
    share = KERNEL.variance / (KERNEL.variance + KERNEL.noise)
    assert mean[0] == pytest.approx(2.0 * share)
    assert sd[0] == pytest.approx(math.sqrt(KERNEL.variance * (1.0 - share)))


def test_a_fit_recovers_the_function_the_noise_and_what_matters() -> None:
    x = points(80, 3, seed=3)
    model = exact.fit(x, wave(x))
    new = points(200, 3, seed=4)
    mean, sd = model.predict(new)
    truth = np.sin(5.0 * new[:, 0]) + 0.3 * new[:, 2]
    assert np.sqrt(np.mean(np.square(mean - truth))) < 0.06
    inside = np.abs(mean - truth) < 2.0 * sd
    assert 0.8 < inside.mean() <= 1.0
    assert 0.03 < model.noise_sd < 0.08
    active, idle, weak = model.kernel.lengths
    assert active < weak < idle


def test_a_fit_is_at_least_as_good_as_its_starts_and_the_same_every_time() -> None:
    x = points(30, 2)
    scores = wave(x)
    one, two = exact.fit(x, scores), exact.fit(x, scores)
    assert one.kernel == two.kernel
    y = one.targets.values
    fitted, gradient = exact.negative_log_posterior(one.kernel.to_theta(), x, y, Prior())
    start, _ = exact.negative_log_posterior(Prior().moments(2)[0], x, y, Prior())
    assert fitted < start
    assert np.abs(gradient).max() < 0.05


@pytest.mark.parametrize(
    ("x", "scores"),
    [
        (np.array([[0.5, 0.5]]), np.array([0.9])),
        (np.full((6, 2), 0.3), np.full(6, 0.7)),
        (np.full((6, 2), 0.3), np.linspace(0.1, 0.9, 6)),
        (np.repeat(points(4, 2), 3, axis=0), np.tile([0.2, 0.5, 0.9], 4)),
        (points(5, 2), np.array([0.9, np.nan, 0.8, -np.inf, 0.7])),
        (points(3, 2), np.array([np.nan, 0.5, np.nan])),
    ],
    ids=["one", "identical", "one place", "duplicates", "diverged", "one finite"],
)
def test_awkward_observations_give_a_finite_model(x: np.ndarray, scores: np.ndarray) -> None:
    model = exact.fit(x, scores)
    mean, sd = model.predict(points(20, 2, seed=9))
    assert np.isfinite(mean).all()
    assert np.isfinite(sd).all()
    assert (sd >= 0.0).all()
    finite = scores[np.isfinite(scores)]
    assert mean.min() > finite.min() - 1.0
    assert mean.max() < finite.max() + 1.0


@pytest.mark.parametrize(
    ("x", "scores"),
    [
        (np.empty((0, 2)), np.empty(0)),
        (np.zeros(3), np.zeros(3)),
        (np.zeros((3, 1)), np.zeros(2)),
        (np.full((1, 1), np.nan), np.zeros(1)),
        (np.zeros((2, 1)), np.array([np.nan, np.inf])),
    ],
)
def test_what_cannot_be_fitted_is_refused(x: np.ndarray, scores: np.ndarray) -> None:
    with pytest.raises(InvalidRequest, match="scores"):
        exact.fit(x, scores)


def test_a_kernel_is_positive() -> None:
    with pytest.raises(InvalidRequest, match="positive"):
        Kernel(1.0, 0.0, (1.0,))


def test_the_bad_tail_is_cut_where_the_good_half_says() -> None:
    good = np.array([0.90, 0.91, 0.92, 0.93, 0.94])
    scores = np.concatenate([good, [0.1, np.nan]])
    targets = exact.standardised(scores)
    back = targets.values * targets.scale + targets.shift
    median = 0.915  # of the six finite scores
    spread = math.sqrt(np.mean(np.square(np.array([0.92, 0.93, 0.94]) - median)))
    assert targets.cut == pytest.approx(median - 3.0 * spread)
    np.testing.assert_allclose(back, [*good, targets.cut, targets.cut])
    assert targets.values.mean() == pytest.approx(0.0, abs=1e-12)
    assert targets.values.std() == pytest.approx(1.0)


def test_a_tail_does_not_hide_the_best_from_the_model() -> None:
    """Without the cut, chance-level scores on one side would swamp the differences on the other."""
    x = np.linspace(0.0, 1.0, 21)[:, None]
    scores = np.where(x[:, 0] > 0.7, 0.1, 0.9 - 0.2 * np.square(x[:, 0] - 0.4))
    model = exact.fit(x, scores)
    index, _ = model.best()
    assert x[index, 0] == pytest.approx(0.4, abs=0.11)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30))
def test_standardising_keeps_the_order_and_never_raises_a_score_above_the_cut(
    values: list[float],
) -> None:
    scores = np.array(values)
    targets = exact.standardised(scores)
    back = targets.values * targets.scale + targets.shift
    np.testing.assert_allclose(back, np.maximum(scores, targets.cut), atol=1e-6)
    order = np.argsort(scores, kind="stable")
    assert (np.diff(targets.values[order]) >= 0.0).all()


@pytest.mark.parametrize("best", [-1.0, 0.2, 1.5])
def test_expected_improvement_is_that_of_samples(best: float) -> None:
    x = points(8, 1)
    model = exact.fit(x, wave(x))
    new = np.linspace(0.0, 1.0, 7)[:, None]
    mean, sd = model.predict(new)
    draws = mean + sd * np.random.default_rng(0).normal(size=(200_000, 1))
    sampled = np.maximum(draws - best, 0.0).mean(axis=0)
    value = exact.expected_improvement(model, new, best=best)
    np.testing.assert_allclose(value, sampled, atol=5.0 * sd.max() / math.sqrt(200_000))


def test_expected_improvement_without_doubt_is_the_improvement() -> None:
    x = np.array([[0.2], [0.8]])
    targets = exact.Targets(np.array([0.0, 1.0]), 0.0, 1.0, 0.0)
    known = exact.condition(Kernel(1.0, 1e-300, (0.5,)), x, targets)
    certain = exact.Model(x, targets, known.kernel, known.chol * 1e-8, known.alpha)
    mean, sd = certain.predict(x)
    assert (sd == 0.0).all()
    value = exact.expected_improvement(certain, x, best=0.5)
    np.testing.assert_allclose(value, np.maximum(mean - 0.5, 0.0))
