"""The surrogate judged by trials that it did not see, against surrogates that were built without them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from surrogate.searches import FULL, MIXED, SQUARE, constants, diverged, rows, search, square

from hpsearch.space import Params
from hpsearch.surrogate import Encoding, Surrogate, check, fitted
from hpsearch.surrogate.check import LEAST, REACH
from hpsearch.surrogate.posterior import conditioned
from hpsearch.surrogate.warp import Scale

SCALE = Scale(1.0, 0.1, -10.0)


@pytest.mark.parametrize("epochs", [False, True])
def test_it_agrees_with_surrogates_without_the_trial(epochs: bool) -> None:
    seen = rows(24, epochs=epochs, sources=0)
    whole = conditioned(Encoding.of(SQUARE), 8, constants(rho=np.ones(1)), SCALE, seen)
    inside = trials = 0
    for trial in np.unique(seen.trials):
        own = np.flatnonzero(seen.trials == trial)
        row = own[np.argmax(seen.log_epochs[own])]
        at = round(float(np.exp(seen.log_epochs[row])))
        rest = seen.take(np.flatnonzero(seen.trials != trial))
        without = conditioned(whole.encoding, at, whole.constants, SCALE, rest)
        mean, sd = without.latent(seen.places[[row]])
        c = whole.constants
        spread = np.hypot(sd[0], np.sqrt(c.noise + c.seed * epochs))
        z = (whole.chol @ (whole.chol.T @ whole.alpha))[row]
        inside += abs(z - mean[0]) <= REACH * spread
        trials += 1
    judged = check(whole)
    assert judged is not None
    assert (judged.trials, judged.inside) == (trials, inside)


def fit(n: int, seed: int, **changed: object) -> Surrogate:
    made = fitted(MIXED, search(n, seed, **changed), epochs=FULL)  # type: ignore[arg-type]
    assert made is not None
    return made


def test_a_surrogate_that_knows_the_scores_is_right_nine_times_in_ten() -> None:
    judged = [check(fit(40, seed)) for seed in range(8)]
    trials, inside = (sum(getattr(one, name) for one in judged) for name in ("trials", "inside"))
    assert trials > 300  # of 320, but for those that were cut
    assert 0.85 <= inside / trials <= 0.97
    assert all(one.rank_correlation > 0.6 for one in judged if one is not None)


def test_scores_that_have_nothing_to_do_with_the_place_are_not_ranked() -> None:
    def luck(params: Params, epochs: int) -> float:
        return 0.8

    judged = check(fit(60, 1, function=luck, noise=0.1))
    assert judged is not None
    assert judged.inside >= 0.8 * judged.trials
    assert judged.rank_correlation is None or abs(judged.rank_correlation) < 0.5


def test_a_noise_that_is_taken_for_too_small_is_seen() -> None:
    model = fit(60, 2, noise=0.02)
    sure = dataclasses.replace(model.constants, noise=1e-6 * model.constants.noise)
    wrong = conditioned(model.encoding, FULL, sure, model.warp.scale, model.rows)
    judged = check(wrong)
    assert judged is not None
    assert judged.inside < 0.7 * judged.trials


def test_few_trials_say_nothing() -> None:
    assert check(fit(LEAST - 1, 3)) is None
    judged = check(fit(LEAST, 3))
    assert judged is None or judged.trials <= LEAST


def test_diverged_trials_and_earlier_searches_are_not_compared() -> None:
    own = search(12, 4, place=square, function=lambda p, _: -((float(p["dropout"]) - 0.3) ** 2))  # type: ignore[arg-type]
    lost = [diverged({"dropout": 0.99, "momentum": 0.5}, 100 + i) for i in range(3)]
    before = search(12, 5, source=1, place=square, function=lambda p, _: float(p["momentum"]))  # type: ignore[arg-type]
    model = fitted(SQUARE, [*own, *lost, *before], epochs=FULL)
    assert model is not None
    judged = check(model)
    assert judged is not None
    assert LEAST <= judged.trials <= 12
