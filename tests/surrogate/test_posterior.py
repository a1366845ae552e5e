"""The posterior against closed forms, scikit-learn, sampling and searches whose truth is known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from surrogate.searches import (
    FULL,
    MIXED,
    SQUARE,
    bowl,
    constants,
    diverged,
    draw,
    observed,
    rows,
    search,
    square,
    truth,
)

from hpsearch.space import Params
from hpsearch.surrogate import Encoding, Surrogate, fitted
from hpsearch.surrogate.posterior import ENOUGH, POSTERIOR_ROWS, conditioned
from hpsearch.surrogate.process import JITTER, CovarianceTerms, Pairs, layout_of
from hpsearch.surrogate.warp import Scale, warped
from hpsearch.trials import Observation

SCALE = Scale(1.0, 0.1, -10.0)


def model(n: int = 20, **changed: object) -> Surrogate:
    sources = int(changed.pop("sources", 2))  # type: ignore[call-overload]
    epochs = bool(changed.pop("epochs", True))
    seen = rows(n, epochs=epochs, sources=sources)
    c = constants(rho=np.array([1.0, 0.6, 0.3])[: sources + 1], **changed)
    return conditioned(Encoding.of(SQUARE), 8, c, SCALE, seen)


def fit(seen: list[Observation], space=MIXED) -> Surrogate:
    found = fitted(space, seen, epochs=FULL)
    assert found is not None
    return found


def trials(n: int, seed: int) -> list[Params]:
    rng = np.random.default_rng(seed)
    return [draw(rng) for _ in range(n)]


def points(m: int, seed: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).random((m, 2))


def test_the_posterior_is_that_of_a_joint_normal_distribution() -> None:
    """Rows and new trials at full epochs in one covariance; condition the second on the first."""
    found = model()
    new = points(6)
    seen = found.rows
    both = dataclasses.replace(
        seen,
        places=np.concatenate([seen.places, new]),
        log_epochs=np.concatenate([seen.log_epochs, np.full(6, math.log(8))]),
        scores=np.concatenate([seen.scores, np.zeros(6)]),
        trials=np.concatenate([seen.trials, 100 + np.arange(6)]),
        sources=np.concatenate([seen.sources, np.zeros(6, dtype=np.intp)]),
        chance=np.full(len(seen) + 6, math.nan),
    )
    c, groups = found.constants, found.encoding.groups
    layout = layout_of(both, groups, sources=2)
    joint = CovarianceTerms.of(both, Pairs.of(both), layout, groups, c).covariance
    n = len(seen)
    gain = np.linalg.solve(joint[:n, :n], joint[:n, n:]).T
    own = (c.seed + c.noise + JITTER * c.variance) * np.eye(6)
    mean = gain @ warped(SCALE.units(seen.scores)[0], c.delta)
    cov = joint[n:, n:] - own - gain @ joint[:n, n:]
    z, s = found.latent(new)
    np.testing.assert_allclose(z, mean, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(s, np.sqrt(np.diag(cov)), rtol=1e-6)
    z, together = found.latent_joint(new)
    np.testing.assert_allclose(z, mean, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(together, cov, rtol=1e-5, atol=1e-9)


def test_with_one_epoch_and_one_source_it_is_scikit_learns() -> None:
    found = model(sources=0, epochs=False, seed=0.0, trend=0.0)
    c, new = found.constants, points(30)
    z = warped(SCALE.units(found.rows.scores)[0], c.delta)
    kernel = ConstantKernel(c.variance) * Matern(c.lengths, nu=2.5) + ConstantKernel(c.offset)
    white = WhiteKernel(c.noise + JITTER * c.variance)
    peer = GaussianProcessRegressor(kernel + white, optimizer=None, alpha=0)
    its_mean, its_sd = peer.fit(found.rows.places, z).predict(new, return_std=True)
    mean, sd = found.latent(new)
    np.testing.assert_allclose(mean, its_mean, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        np.square(sd), np.square(its_sd) - c.noise - JITTER * c.variance, rtol=1e-6
    )


def test_samples_have_the_posterior_s_quantiles_and_correlations() -> None:
    found, x = model(), points(5)
    draws = found.sample(x, 20_000, np.random.default_rng(0))
    mean, sd = found.predict(x)
    np.testing.assert_allclose(np.median(draws, axis=0), mean, atol=0.05 * sd.max())
    np.testing.assert_allclose(np.quantile(draws, 0.8413, axis=0), mean + sd, atol=0.05 * sd.max())
    _, cov = found.latent_joint(x)
    flat = conditioned(found.encoding, 8, found.constants, found.warp.scale, found.rows)
    z = (flat.sample(x, 20_000, np.random.default_rng(1)) - 1.0) / 0.1
    inside = np.abs(z) < 1e9
    assert inside.all()
    expected = cov / np.sqrt(np.outer(np.diag(cov), np.diag(cov)))
    ranks = np.corrcoef(draws.argsort(axis=0).argsort(axis=0).T)
    np.testing.assert_allclose(ranks, expected, atol=0.06)


def test_a_search_is_learned_from_few_trials() -> None:
    found = fit(search(80, noise=0.005))
    new = trials(300, 5)
    mean, sd = found.predict(found.encoding.encode(new))
    exact = np.array([truth(p, FULL) for p in new])
    good = exact > np.median(exact)
    assert np.sqrt(np.mean(np.square(mean - exact)[good])) < 0.012
    assert 0.6 < np.mean(np.abs(mean - exact)[good] < sd[good]) < 0.99


def test_seed_noise_is_learned_from_repeats() -> None:
    places, rng = trials(12, 1), np.random.default_rng(0)
    seen = [
        observed(p, i, [(FULL, truth(p, FULL) + 0.01 * rng.standard_normal())], round=r)
        for r in range(4)
        for i, p in enumerate(places)
    ]
    assert 0.006 < fit(seen).noise_sd < 0.016
    calm = [observed(p, i, [(FULL, truth(p, FULL))]) for i, p in enumerate(trials(60, 2))]
    assert fit(calm).noise_sd < 0.004


def test_short_trainings_teach_about_full_ones() -> None:
    new = trials(200, 7)
    exact = np.array([truth(p, FULL) for p in new])

    def error(seen: list[Observation]) -> float:
        found = fit(seen)
        mean, _ = found.predict(found.encoding.encode(new))
        return float(np.sqrt(np.mean(np.square(mean - exact)[exact > np.median(exact)])))

    full = [o for o in search(60, 3, rungs=(2, 4, 8, FULL)) if o.epochs == FULL]
    assert len(full) < 25
    assert error(search(60, 3, rungs=(2, 4, 8, FULL))) < 0.8 * error(full)


def test_a_region_of_divergence_is_the_worst_there_is() -> None:
    seen = [
        diverged(p, i)
        if float(p["learning_rate"]) > 0.1
        else observed(p, i, [(FULL, truth(p, FULL))])
        for i, p in enumerate(trials(100, 4))
    ]
    found = fit(seen)
    base = trials(20, 8)
    at = [found.encoding.encode([{**p, "learning_rate": r} for p in base]) for r in (0.01, 0.5)]
    good, bad = (found.predict(x) for x in at)
    assert (good[0] > bad[0] + 0.05).all()
    assert (bad[0] + bad[1] < good[0].max()).all()


@pytest.mark.parametrize("same", [True, False])
def test_an_earlier_search_counts_as_far_as_it_agrees(same: bool) -> None:
    def other(params: Params, epochs: int) -> float:
        return truth(params, epochs) if same else 1.7 - truth(params, epochs)

    found = fit(search(40, 1) + search(60, 2, function=other, source=1))
    assert set(found.agreement) == {1}
    assert found.agreement[1] > 0.85 if same else found.agreement[1] < 0.4
    new = trials(200, 3)
    mean, _ = found.predict(found.encoding.encode(new))
    exact = np.array([truth(p, FULL) for p in new])
    assert np.corrcoef(mean, exact)[0, 1] > 0.9


def test_an_agreeing_search_helps_and_a_missing_one_stays_at_the_prior() -> None:
    few, rich = search(8, 1), search(60, 2, source=3)
    alone, both = fit(few), fit(few + rich)
    new = trials(200, 3)
    exact = np.array([truth(p, FULL) for p in new])
    errors = [np.mean(np.abs(m.predict(m.encoding.encode(new))[0] - exact)) for m in (alone, both)]
    assert errors[1] < errors[0]
    assert set(both.agreement) == {1, 2, 3}
    assert alone.agreement == {}


def test_too_few_finite_observations_give_no_model() -> None:
    places = trials(30, 0)
    finite = [observed(p, i, [(FULL, 0.5)]) for i, p in enumerate(places[: ENOUGH - 1])]
    gone = [diverged(p, i) for i, p in enumerate(places[ENOUGH:])]
    assert fitted(MIXED, [], epochs=FULL) is None
    assert fitted(MIXED, finite + gone, epochs=FULL) is None
    assert fitted(MIXED, [*finite, *search(1)], epochs=FULL) is not None


@pytest.mark.parametrize("kind", ["one score", "one place", "huge", "tiny", "zero"])
def test_awkward_observations_give_a_finite_model(kind: str) -> None:
    seen = search(25)
    if kind == "one place":
        seen = [dataclasses.replace(o, params=seen[0].params) for o in seen]
    change = {"one score": 0.0, "huge": 1e12, "tiny": 1e-12, "zero": 0.0}.get(kind)
    if change is not None:
        level = 0.5 if kind == "one score" else 0.0
        seen = [
            dataclasses.replace(o, score=level + change * (o.score or 0.0), curve=()) for o in seen
        ]
    found = fit(seen)
    mean, sd = found.predict(found.encoding.encode(trials(50, 6)))
    assert np.isfinite(mean).all()
    assert np.isfinite(sd).all()
    assert (sd > 0.0).all()
    assert found.noise_sd >= 0.0


def test_the_same_observations_give_the_same_bits() -> None:
    seen, x = search(60, rungs=(2, 4, 8, FULL)), None
    one, two = fit(seen), fit(list(seen))
    x = one.encoding.encode(trials(20, 2))
    for a, b in zip(one.predict(x), two.predict(x), strict=True):
        assert a.tobytes() == b.tobytes()
    draws = [m.sample(x, 3, np.random.default_rng(1)).tobytes() for m in (one, two)]
    assert draws[0] == draws[1]


def test_many_observations_are_condensed_and_still_teach() -> None:
    found = fit(search(3000, noise=0.01, rungs=(4, FULL)))
    assert len(found.rows) == POSTERIOR_ROWS
    new = trials(300, 5)
    exact = np.array([truth(p, FULL) for p in new])
    mean, _ = found.predict(found.encoding.encode(new))
    good = exact > np.median(exact)
    assert np.sqrt(np.mean(np.square(mean - exact)[good])) < 0.01


def test_the_best_place_is_where_the_mean_is_highest_not_where_the_luck_was() -> None:
    seen = search(60, function=bowl, place=square, noise=0.002)
    seen.append(observed({"dropout": 0.95, "momentum": 0.05}, 99, [(FULL, 1.02)]))
    found = fit(seen, SQUARE)
    index, _ = found.best_latent()
    assert np.linalg.norm(found.rows.places[index] - [0.3, 0.6]) < 0.2
