"""The contract of every sampler, and what each promises beyond it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc
from support.builders import ASKED, diverged, observe, resolve, spaces

from hpsearch.samplers import GROUP, SAMPLERS
from hpsearch.samplers.gp import FURTHER_EVERY
from hpsearch.space import Choices, Params, Range, Space, inside
from hpsearch.surrogate import Surrogate, fitted
from hpsearch.workloads.dense import hyperparameters

COUNTS = st.integers(1, 300)
every_sampler = pytest.mark.parametrize("name", sorted(SAMPLERS))


def active(space: Space, params: Params) -> list[str]:
    """The hyperparameters that a trial is to have: without layers nothing is dropped or normalised."""
    idle = {"dropout", "batch_norm"} if params.get("hidden_sizes") == () else set()
    return sorted(set(space.names) - idle)


def draw(name: str, asked: dict, n: int, seed: int = 0, **fields):
    resolved = resolve(space=asked, **fields)
    rng = np.random.default_rng(seed)
    return resolved, SAMPLERS[name].propose(resolved.space, resolved.box, (), None, n, rng)


@every_sampler
class TestContract:
    @given(asked=spaces, n=COUNTS, seed=st.integers(0, 2**32))
    def test_draws_n_trials_inside_the_box(self, name, asked, n, seed):
        resolved, trials = draw(name, asked, n, seed)
        assert len(trials) == n
        for params in trials:
            assert list(params) == active(resolved.space, params)
            assert inside(resolved.box, params)

    @given(asked=spaces, n=COUNTS)
    def test_values_have_the_kind_of_their_hyperparameter(self, name, asked, n):
        for params in draw(name, asked, n)[1]:
            for key, value in params.items():
                kind = hyperparameters()[key].kind
                assert hyperparameters()[key].accepts(value)
                if kind == "integer":
                    assert type(value) is int
                elif kind == "float":
                    assert type(value) is float
                elif kind == "sizes":
                    assert type(value) is tuple
                else:
                    assert type(value) in (str, bool)

    @given(asked=spaces, n=COUNTS, seed=st.integers(0, 2**32))
    def test_the_generator_alone_decides(self, name, asked, n, seed):
        assert draw(name, asked, n, seed)[1] == draw(name, asked, n, seed)[1]

    def test_another_generator_draws_other_trials(self, name):
        asked = {"learning_rate": ASKED["learning_rate"]}
        assert draw(name, asked, 8, 1)[1] != draw(name, asked, 8, 2)[1]

    @given(asked=spaces, n=COUNTS)
    def test_shape_dimensions_are_shared_by_groups(self, name, asked, n):
        resolved, trials = draw(name, asked, n)
        shaping = sorted(resolved.space.shaping)
        shapes = [tuple(params.get(key) for key in shaping) for params in trials]
        starts = [0, *(i for i, (a, b) in enumerate(pairwise(shapes), 1) if a != b), n]
        assert all(end - start >= min(GROUP, n) for start, end in pairwise(starts))

    @given(n=COUNTS)
    def test_every_level_of_a_shape_dimension_gets_its_share_of_groups(self, name, n):
        _, trials = draw(name, {"activation": ASKED["activation"]}, n)
        count = sum(params["activation"] == "relu" for params in trials)
        groups = max(1, n // GROUP)
        assert abs(count - n / 2) <= n / groups + 1

    def test_the_whole_range_is_used(self, name):
        _, trials = draw(name, {"learning_rate": ASKED["learning_rate"]}, 256)
        places = [(np.log10(params["learning_rate"]) + 5) / 5 for params in trials]
        counts, _ = np.histogram(places, bins=8, range=(0, 1))
        assert counts.min() >= 16

    def test_batch_sizes_come_from_the_grid(self, name):
        _, trials = draw(name, {"batch_size": ASKED["batch_size"]}, 200)
        assert {params["batch_size"] for params in trials} == {8, 16, 32, 64, 128, 256}

    def test_the_box_is_used_rather_than_the_space(self, name):
        resolved = resolve(space={"dropout": {"low": 0.0, "high": 0.5}})
        box = {"dropout": resolved.box["dropout"].moved(0.2, 0.3)}
        rng = np.random.default_rng(0)
        trials = SAMPLERS[name].propose(resolved.space, box, (), None, 50, rng)
        assert all(0.2 <= params["dropout"] <= 0.3 for params in trials)

    def test_observations_are_allowed(self, name):
        resolved = resolve()
        seen = [observe(i, {"learning_rate": 10.0**-i}, i / 5) for i in range(1, 5)]
        rng = np.random.default_rng(0)
        trials = SAMPLERS[name].propose(resolved.space, resolved.box, seen, None, 3, rng)
        assert len(trials) == 3

    def test_twenty_dimensions_at_once(self, name):
        asked = {k: v for k, v in ASKED.items() if k != "hidden_sizes"} | {
            "beta1": {"low": 0.5, "high": 0.99}, "beta2": {"low": 0.9, "high": 0.9999},
            "clip_norm": {"low": 0.1, "high": 10, "scale": "log"},
            "eps": {"low": 1e-10, "high": 1e-2, "scale": "log"},
            "init_std": {"low": 1e-3, "high": 1, "scale": "log"},
            "momentum": {"low": 0.0, "high": 0.99}, "rho": {"low": 0.5, "high": 0.999},
            "optimizer": {"choices": ["adam", "momentum", "rmsprop"]},
            "schedule": {"choices": ["constant", "cosine", "step"]},
            "hidden_units": {"low": 8, "high": 64, "scale": "log"},
            "hidden_layers": {"low": 1, "high": 3},
        }  # fmt: skip
        resolved, trials = draw(name, asked, 64)
        assert all(inside(resolved.box, params) for params in trials)


# --- gp: proposals of the surrogate ----------------------------------------------------------


def told(asked: dict, *, count: int = 40, noise: float = 0.0) -> tuple:
    """A resolved spec and a surrogate of `count` random trials: a high rate and no dropout win."""
    resolved = resolve(space=asked)
    rng = np.random.default_rng(3)
    trials = SAMPLERS["random"].propose(resolved.space, resolved.box, (), None, count, rng)
    seen = []
    for i, params in enumerate(trials):
        rate = np.log10(float(params.get("learning_rate", 1e-2)))
        score = 0.9 - 0.02 * (rate + 1.5) ** 2 - 0.2 * float(params.get("dropout", 0.0))
        score -= 0.05 * (params.get("initializer") == "he") + 0.05 * (params.get("batch_size") == 8)
        score += noise * rng.standard_normal()
        seen.append(observe(i, params, score) if rate < -0.2 else diverged(i, params))
    return resolved, seen, fitted(resolved.space, seen, epochs=2)


def proposals(asked: dict, n: int, seed: int = 0, **fields: float) -> tuple[list, Surrogate]:
    resolved, seen, model = told(asked, **fields)
    assert model is not None
    rng = np.random.default_rng(seed)
    return SAMPLERS["gp"].propose(resolved.space, resolved.box, seen, model, n, rng), model


def of(*names: str) -> dict:
    return {name: ASKED[name] for name in names}


class TestGp:
    @settings(max_examples=25)
    @given(asked=spaces, n=st.integers(1, 40), seed=st.integers(0, 2**32))
    def test_proposals_keep_the_contract_of_draws(self, asked, n, seed):
        trials, model = proposals(asked, n, seed)
        space = model.encoding.space
        assert len(trials) == n
        for params in trials:
            assert list(params) == active(space, params)
            assert inside(space.dimensions, params)
            assert all(hyperparameters()[key].accepts(value) for key, value in params.items())
        shaping = sorted(space.shaping)
        shapes = [tuple(params.get(key) for key in shaping) for params in trials]
        starts = [0, *(i for i, (a, b) in enumerate(pairwise(shapes), 1) if a != b), n]
        assert all(end - start >= min(GROUP, n) for start, end in pairwise(starts))

    def test_the_generator_alone_decides(self):
        asked = of("learning_rate", "dropout", "batch_size")
        assert proposals(asked, 16, 1)[0] == proposals(asked, 16, 1)[0]
        assert proposals(asked, 16, 1)[0] != proposals(asked, 16, 2)[0]

    def test_without_a_model_it_is_sobol(self):
        asked = of("learning_rate", "dropout", "batch_size")
        assert draw("gp", asked, 20, 5)[1] == draw("sobol", asked, 20, 5)[1]

    def test_proposals_are_better_than_chance(self):
        asked = of("learning_rate", "dropout", "initializer")
        trials, model = proposals(asked, 8)
        drawn = draw("random", asked, 200)[1]
        expected, _ = model.predict(model.encoding.encode(trials))
        anywhere, _ = model.predict(model.encoding.encode(drawn))
        assert np.median(expected) > np.quantile(anywhere, 0.8)
        assert sum(params["initializer"] == "he" for params in trials) <= 2

    def test_a_batch_spreads(self):
        trials, model = proposals(of("learning_rate", "dropout"), 16, noise=0.01)
        places = model.encoding.encode(trials)
        apart = np.abs(places[:, None] - places).max(axis=2)[np.triu_indices(16, 1)]
        assert apart.min() >= 0.01

    def test_every_fourth_trial_looks_further_from_the_best(self):
        resolved = resolve(space=of("learning_rate", "dropout", "weight_decay"))
        polished, further = [], []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            trials = SAMPLERS["random"].propose(resolved.space, resolved.box, (), None, 60, rng)
            seen = []
            for i, one in enumerate(trials):
                rate = 10.0 ** (-1.5 + 0.1 * rng.standard_normal())
                near = {"learning_rate": rate, "dropout": 0.01 * i / 60}
                params = {**one, **near} if i >= 30 else one  # half of them have been polish
                away = (np.log10(params["learning_rate"]) + 1.5) ** 2 / 9 + params["dropout"]
                seen.append(observe(i, params, 0.9 - 0.1 * away + 0.01 * rng.standard_normal()))
            model = fitted(resolved.space, seen, epochs=2)
            assert model is not None
            drawn = SAMPLERS["gp"].propose(resolved.space, resolved.box, seen, model, 16, rng)
            expected, _ = model.predict(model.encoding.encode(drawn))
            further.append(np.mean(expected[FURTHER_EVERY - 1 :: FURTHER_EVERY]))
            polished.append(np.mean(expected[::FURTHER_EVERY]))
        assert np.mean(further) < np.mean(polished)

    def test_no_trial_comes_twice_while_there_are_others(self):
        asked = {"initializer": ASKED["initializer"], "schedule": {"choices": ["constant", "step"]}}
        trials, _ = proposals(asked, 6)
        assert len({tuple(params.values()) for params in trials}) == 6
        assert len(proposals(asked, 9)[0]) == 9

    def test_the_box_is_used_rather_than_the_space(self):
        resolved, seen, model = told(of("learning_rate", "batch_size"))
        box = {
            "learning_rate": resolved.box["learning_rate"].moved(1e-5, 1e-4),
            "batch_size": resolved.box["batch_size"].moved(8.0, 32.0),
        }
        rng = np.random.default_rng(0)
        for params in SAMPLERS["gp"].propose(resolved.space, box, seen, model, 16, rng):
            assert inside(box, params)
            assert params["batch_size"] in (8, 16, 32)

    @pytest.mark.parametrize("names", [("learning_rate", "dropout"), tuple(ASKED)])
    def test_a_large_batch_is_made_in_good_time_and_looks_around(self, names):
        trials, model = proposals(of(*names), 600)
        places = model.encoding.encode(trials)
        assert len(np.unique(places, axis=0)) > 590
        low, high = model.encoding.bounds(model.encoding.space.dimensions)
        used = np.ptp(places, axis=0) / (high - low)
        assert used[model.encoding.columns["learning_rate"]].min() > 0.3

    def test_shapes_that_do_worse_are_chosen_less(self):
        asked = of("learning_rate", "batch_size")
        trials, _ = proposals(asked, 48, count=96)
        assert sum(params["batch_size"] == 8 for params in trials) <= GROUP


@pytest.mark.parametrize("n", [16, 32, 100, 256])
def test_sobol_spreads_better_than_chance(n):
    asked = {key: ASKED[key] for key in ("learning_rate", "weight_decay", "dropout")}
    resolved = resolve(space=asked)

    def discrepancy(name: str, seed: int) -> float:
        trials = draw(name, asked, n, seed)[1]
        units = [
            [min(max(resolved.box[k].to_unit(p[k]), 0), 1) for k in sorted(asked)] for p in trials
        ]
        return qmc.discrepancy(units)

    sobol = [discrepancy("sobol", seed) for seed in range(10)]
    random = [discrepancy("random", seed) for seed in range(10)]
    assert max(sobol) < min(random)


def test_levels_at_their_places():
    three = Choices(choices=("a", "b", "c"))
    assert [three.from_unit(u) for u in (0, 0.33, 0.34, 0.99, 1.0)] == ["a", "a", "b", "c", "c"]
    assert Range(low=0, high=2).from_unit(0.5) == 1
    assert three.grid() == ("a", "b", "c")
    assert Range(low=1, high=3, integer=True).grid() == (1, 2, 3)
