"""Samplers in spaces that not all trials fill: active values alone, and nothing that is forbidden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builders import caps, observe, resolve

from hpsearch.errors import InvalidSpec
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Params, Space, inside
from hpsearch.spec import parse
from hpsearch.surrogate import Encoding, fitted, importance
from hpsearch.surrogate.process import matern, squared_distances
from hpsearch.trials import Observation
from hpsearch.workloads import NO_DATASET

NAMES = ("a", "b", "c", "d", "e")
LEVELS = ("x", "y", "z")


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """A tree of choices, ranges below them, and combinations that leave enough of it."""
    space: dict[str, Any] = {}
    for i, name in enumerate(NAMES):
        choice = draw(st.booleans()) or i == 0
        space[name] = {"choices": list(LEVELS)} if choice else {"low": 0.0, "high": 1.0}
        if not choice and draw(st.booleans()):
            space[name] = {"low": 1, "high": 7, "integer": True}
        parents = [n for n in NAMES[:i] if "choices" in space[n]]
        if i and draw(st.booleans()):
            parent, level = draw(st.sampled_from(parents)), draw(st.sampled_from(LEVELS))
            space[name]["when"] = {parent: [level, *draw(st.sampled_from([[], ["y"]]))]}
            space[name]["when"][parent] = sorted(set(space[name]["when"][parent]))
    forbid = [
        {
            name: draw(st.sampled_from(LEVELS))
            if "choices" in space[name]
            else {"low": 0.3, "high": draw(st.sampled_from([0.6, 4.0]))}
            for name in draw(st.sets(st.sampled_from(NAMES), min_size=2, max_size=3))
        }
        for _ in range(draw(st.integers(0, 3)))
    ]
    data = {"objective": "external", "space": space, "forbid": forbid, "rounds": 2}
    try:
        return parse(data, NO_DATASET, caps()).space
    except InvalidSpec:  # too little is left
        return parse({**data, "forbid": []}, NO_DATASET, caps()).space


def proposed(name: str, space: Space, n: int, seed: int, seen: list[Observation]) -> list[Params]:
    model = fitted(space, seen, epochs=2)
    rng = np.random.default_rng(seed)
    return SAMPLERS[name].propose(space, space.dimensions, seen, model, n, rng)


def history(space: Space, seed: int, n: int = 12) -> list[Observation]:
    """Trials with scores that hang on what is active."""
    drawn = proposed("random", space, n, seed, [])
    return [observe(i, p, 0.1 + 0.1 * len(p) + 0.01 * (i % 3)) for i, p in enumerate(drawn)]


@pytest.mark.parametrize("name", sorted(SAMPLERS))
@given(space=spaces(), n=st.integers(1, 24), seed=st.integers(0, 2**32))
@settings(max_examples=12)
def test_a_proposal_has_its_active_values_and_nothing_forbidden(
    name: str, space: Space, n: int, seed: int
) -> None:
    for seen in ([], history(space, seed)):
        trials = proposed(name, space, n, seed, seen)
        assert len(trials) == n
        for params in trials:
            assert space.fits(params)
            assert space.permits(params)
            assert inside(space.dimensions, params)
        assert trials == proposed(name, space, n, seed, seen)


@given(space=spaces(), seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_places_are_those_of_trials_and_the_covariance_is_positive(space: Space, seed: int) -> None:
    encoding, trials = Encoding.of(space), proposed("random", space, 40, seed, [])
    places = encoding.encode(trials)
    assert encoding.permitted(places).all()
    np.testing.assert_array_equal(encoding.settled(places), places)
    np.testing.assert_array_equal(encoding.snapped(places, space.dimensions), places)
    for on, params in zip(zip(*encoding.active(places).values(), strict=True), trials, strict=True):
        assert {n for n, is_on in zip(space.order, on, strict=True) if is_on} == params.keys()
    assert [p.keys() for p in encoding.decode(places, space.dimensions)] == [
        p.keys() for p in trials
    ]
    lengths = np.random.default_rng(seed).uniform(0.1, 3.0, len(space.names))[encoding.groups]
    scaled = places / lengths
    covariance = matern(squared_distances(scaled, scaled))[0]
    assert np.linalg.eigvalsh(covariance).min() > -1e-9


def test_trials_without_a_hyperparameter_do_not_differ_by_it() -> None:
    space = {
        "kind": {"choices": ["x", "y"]},
        "depth": {"low": 0.0, "high": 1.0, "when": {"kind": ["x"]}},
        "mode": {"choices": ["p", "q"], "when": {"kind": ["x"]}},
    }
    made = parse({"objective": "external", "space": space, "rounds": 2}, NO_DATASET, caps()).space
    encoding = Encoding.of(made)
    without, low, high, other = encoding.encode(
        [
            {"kind": "y"},
            {"kind": "x", "depth": 0.0, "mode": "p"},
            {"kind": "x", "depth": 1.0, "mode": "p"},
            {"kind": "x", "depth": 1.0, "mode": "q"},
        ]
    )
    part, mode = encoding.columns["depth"], encoding.columns["mode"]
    assert np.linalg.norm((without - low)[part]) == np.linalg.norm((without - high)[part]) > 0
    assert np.linalg.norm((without - low)[mode]) == np.linalg.norm((without - other)[mode]) > 0


def test_levels_are_dealt_among_the_trials_that_have_them() -> None:
    space = {
        "kind": {"choices": ["x", "y"]},
        "mode": {"choices": ["p", "q", "r"], "when": {"kind": ["x"]}},
    }
    made = parse({"objective": "external", "space": space, "rounds": 2}, NO_DATASET, caps()).space
    for name in ("random", "sobol"):
        drawn = [p["mode"] for p in proposed(name, made, 24, 3, []) if "mode" in p]
        assert sorted(drawn) == sorted(["p", "q", "r"] * 4)


def test_importance_is_among_the_trials_that_have_a_hyperparameter() -> None:
    space = {
        "kind": {"choices": ["x", "y"]},
        "depth": {"low": 0.0, "high": 1.0, "when": {"kind": ["x"]}},
        "idle": {"low": 0.0, "high": 1.0, "when": {"kind": ["y"]}},
    }
    made = parse({"objective": "external", "space": space, "rounds": 2}, NO_DATASET, caps()).space
    drawn = proposed("sobol", made, 64, 0, [])
    scored = [
        observe(i, p, 0.5 + 0.3 * float(p.get("depth", 0.5)), epochs=2)  # type: ignore[arg-type]  # a number
        for i, p in enumerate(drawn)
    ]
    model = fitted(made, scored, epochs=2)
    assert model is not None
    shares = {i.name: i for i in importance(model, made.dimensions)}
    assert shares["depth"].total > 0.9
    assert shares["depth"].effect > 3 * shares["idle"].effect


WIDE_UNITS = {"low": 8, "high": 128}
FORBIDDEN_UNITS: list[list[dict[str, Any]]] = [
    [{"hidden_units": WIDE_UNITS}],
    [{"hidden_units": WIDE_UNITS, "optimizer": level} for level in ("sgd", "adam")],
]


@pytest.mark.parametrize("forbid", FORBIDDEN_UNITS)
@pytest.mark.parametrize("sampler", ["sobol", "random", "gp"])
def test_a_shape_that_is_forbidden_gets_no_turn_for_ever(
    sampler: str, forbid: list[dict[str, Any]]
) -> None:
    """Only 4 and 256 units are left, and were tried often; the others never."""
    space = {
        "hidden_units": {"low": 4, "high": 256, "scale": "log"},
        "optimizer": {"choices": ["sgd", "adam"]},
        "learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"},
    }
    resolved = resolve(space=space, forbid=forbid)
    seen = [
        observe(i, {"hidden_units": (4, 256)[i % 2], "optimizer": ("sgd", "adam")[i // 2 % 2],
                    "learning_rate": 0.01 * (i + 1)}, 0.5 + 0.01 * (i % 5))
        for i in range(40)
    ]  # fmt: skip
    trials = proposed(sampler, resolved.space, 6, 0, seen)
    assert len(trials) == 6
    assert {params["hidden_units"] for params in trials} <= {4, 256}
