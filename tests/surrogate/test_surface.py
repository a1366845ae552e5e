"""The surface is the posterior itself, over the two ranges that matter most."""

from __future__ import annotations

import numpy as np
import pytest
from support.builders import observe

from hpsearch.space import Choices, Range, Space
from hpsearch.surrogate import fitted, importance, surface

A = Range(low=1e-4, high=1.0, scale="log", hard_low=1e-4, hard_high=3.0)
B = Range(low=0.0, high=1.0)
C = Range(low=0.0, high=1.0)
KIND = Choices(choices=("relu", "tanh"))


def searched(space: Space, seed: int = 0) -> list:
    rng = np.random.default_rng(seed)
    found = []
    for i in range(40):
        a, b, c = rng.random(3)
        params = {
            "learning_rate": A.from_unit(a), "momentum": float(b), "dropout": float(c),
            "activation": KIND.choices[i % 2],
        }  # fmt: skip
        score = 0.9 - 0.4 * (a - 0.6) ** 2 - 0.2 * (b - 0.5) ** 2 + 0.001 * c
        found.append(observe(i, {n: params[n] for n in space.names}, score, epochs=8))
    return found


def test_it_is_what_the_surrogate_predicts_at_those_places() -> None:
    space = Space(
        {"learning_rate": A, "momentum": B, "dropout": C, "activation": KIND}, frozenset()
    )
    model = fitted(space, searched(space), epochs=8)
    assert model is not None
    found = surface(model, space.dimensions, importance(model, space.dimensions))
    assert found is not None
    assert {found.x, found.y} == {"learning_rate", "momentum"}  # the others hardly matter
    row, column = 4, 17
    params = {**found.at, found.x: found.xs[column], found.y: found.ys[row]}
    mean, sd = model.predict(model.encoding.encode([params]))
    assert found.mean[row][column] == pytest.approx(float(mean[0]), abs=2e-4)
    assert found.sd[row][column] == pytest.approx(float(sd[0]), abs=2e-4)


def test_it_reaches_beyond_the_box_but_not_beyond_hard_limits() -> None:
    space = Space({"learning_rate": A, "momentum": B}, frozenset())
    model = fitted(space, searched(space), epochs=8)
    assert model is not None
    found = surface(model, space.dimensions, importance(model, space.dimensions))
    assert found is not None
    across = dict(zip((found.x, found.y), (found.xs, found.ys), strict=True))
    assert across["learning_rate"][0] == pytest.approx(1e-4)
    assert across["learning_rate"][-1] == pytest.approx(3.0, rel=1e-3)
    assert across["momentum"][0] == pytest.approx(-0.15)
    assert across["momentum"][-1] == pytest.approx(1.15)


def test_there_is_none_over_less_than_two_ranges() -> None:
    space = Space({"learning_rate": A, "activation": KIND}, frozenset())
    model = fitted(space, searched(space), epochs=8)
    assert model is not None
    assert surface(model, space.dimensions, importance(model, space.dimensions)) is None
