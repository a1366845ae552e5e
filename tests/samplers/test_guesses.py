"""A guess of the user's: where trials are drawn because of it, and how its weight fades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from support.builders import FACTS, asked, caps, mistakes, observe, resolve, search
from support.records import make_search

from hpsearch.errors import InvalidSpec
from hpsearch.samplers import SAMPLERS
from hpsearch.service.edits import checked
from hpsearch.space import inside, plain
from hpsearch.spec import ResolvedSpec, guesses, parse
from hpsearch.surrogate import Belief, Encoding, drawn_near, fitted
from hpsearch.surrogate.guesses import DOUBT, WEIGHT
from hpsearch.workloads import NO_DATASET

RATE = {"low": 1e-5, "high": 1.0, "scale": "log"}
GUESSED = {**RATE, "guess": 1e-3}
TREE = {
    "kind": {"choices": ["a", "b"]},
    "rate": {**GUESSED, "when": {"kind": ["b"]}},
    "size": {"low": 1, "high": 64, "integer": True, "guess": 8},
}


def outside(space: dict[str, Any], **fields: Any) -> ResolvedSpec:
    data = {"objective": "external", "space": space, "rounds": 3, "trials_per_round": 16, **fields}
    return parse(data, NO_DATASET, caps())


def first_round(resolved: ResolvedSpec) -> list[dict[str, Any]]:
    rounds, *_ = search(resolved, lambda params, epochs: 0.5)
    return [dict(one) for one in rounds[0].trials]


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("guess", "says"),
        [
            (2.0, "guess=2 lies outside the range, between 1e-05 and 1"),
            (0.0, "guess=0 lies outside the range"),
            (float("nan"), "finite"),
            ("0.1", "number"),
        ],
    )
    def test_a_guess_is_a_number_inside_the_range(self, guess, says):
        wrong = mistakes(asked(space={"learning_rate": {**RATE, "guess": guess}}))
        assert says in " ".join(wrong.values())
        assert all(path.startswith("space.learning_rate") for path in wrong)

    def test_a_whole_number_is_guessed_as_one(self):
        size = {"low": 1, "high": 9, "integer": True, "guess": 2.5}
        data = {"objective": "external", "space": {"size": size}}
        assert "no whole number" in mistakes(data, facts=NO_DATASET)["space.size"]

    @pytest.mark.parametrize("name", ["batch_size", "hidden_units"])
    def test_that_of_a_field_of_whole_numbers_is_one_too(self, name):
        wrong = mistakes(asked(space={name: {"low": 8, "high": 64, "guess": 10.5}}))
        assert list(wrong) == [f"space.{name}.guess"]
        assert "a whole number" in wrong[f"space.{name}.guess"]

    def test_a_choice_has_no_guess_and_is_told_what_does(self):
        kind = {"choices": ["adam", "sgd"], "guess": "adam"}
        wrong = mistakes(asked(space={"optimizer": kind, "learning_rate": RATE}))
        assert list(wrong) == ["space.optimizer.guess"]
        assert "try_first" in wrong["space.optimizer.guess"]


class TestFirstRound:
    @pytest.mark.parametrize("sampler", sorted(SAMPLERS))
    def test_a_quarter_lies_about_the_guess_and_comes_first(self, sampler):
        resolved = outside({"rate": GUESSED}, sampler=sampler, trials_per_round=64)
        away = np.abs(np.log10([one["rate"] for one in first_round(resolved)]) + 3) / 5
        assert guesses.drawn_near(resolved, 64) == 16
        assert np.mean(away[:16] < 0.1) > 0.5
        assert away[:16].max() < 0.4
        assert np.mean(away[16:] < 0.1) < 0.4

    @pytest.mark.parametrize("sampler", sorted(SAMPLERS))
    def test_the_rest_is_drawn_as_without_one(self, sampler):
        fields = {"sampler": sampler, "trials_per_round": {"first": 16, "last": 16}}
        with_guess = first_round(outside({"rate": GUESSED}, **fields))
        without = first_round(outside({"rate": RATE}, **fields))
        if sampler == "random":  # a sequence of another length is another sequence
            assert with_guess[4:] == without[:12]
        assert len(with_guess) == len(without)

    def test_what_is_forbidden_at_the_guess_gives_its_place_to_uniform_draws(self):
        forbid = [{"kind": "b", "rate": {"low": 1e-4, "high": 1e-2}}]
        trials = first_round(outside(TREE, forbid=forbid, trials_per_round=64))
        assert len(trials) == 64
        assert not [t for t in trials if 1e-4 <= t.get("rate", 1.0) <= 1e-2]

    def test_what_shapes_a_network_has_the_value_of_its_grid(self):
        units = {"low": 8, "high": 256, "scale": "log", "guess": 60}
        resolved = resolve(space={"hidden_units": units, "learning_rate": RATE})
        count = guesses.drawn_near(resolved, resolved.trials(1))
        trials = first_round(resolved)
        assert count >= 2
        assert {one["hidden_units"] for one in trials[:count]} == {64}
        assert len({one["hidden_units"] for one in trials[count:]}) > 1

    @given(seed=st.integers(0, 2**32))
    @settings(max_examples=10)
    def test_conditions_hold(self, seed):
        resolved = outside(TREE, seed=seed)
        trials = first_round(resolved)
        assert all(resolved.space.fits(one) and inside(resolved.box, one) for one in trials)


class TestBelief:
    def test_a_factor_is_a_density_over_the_asked_range(self):
        belief = Belief.of(Encoding.of(outside({"rate": {**RATE, "guess": 0.9}}).space))
        assert belief is not None

        def density(u: float) -> float:
            return float(np.exp(belief.log_density(np.array([[u]]), int(WEIGHT))[0][0]))

        assert quad(density, 0, 1, points=[0.9])[0] == pytest.approx(1.0, abs=1e-6)
        assert density(0.0) == pytest.approx(DOUBT)

    def test_its_weight_fades_with_the_trials(self):
        belief = Belief.of(Encoding.of(outside({"rate": GUESSED}).space))
        assert belief is not None
        near, far = np.array([[0.4]]), np.array([[1.0]])
        gaps = [
            float((belief.log_density(near, n)[0] - belief.log_density(far, n)[0])[0])
            for n in (10, 20, 1000)
        ]
        assert gaps[0] == pytest.approx(2 * gaps[1])
        assert gaps[0] > 1.5
        assert gaps[2] < 0.05

    def test_the_gradient_is_that_of_the_value(self):
        encoding = Encoding.of(outside(TREE).space)
        belief, rng, step = Belief.of(encoding), np.random.default_rng(0), 1e-6
        assert belief is not None
        x = encoding.spread(rng.random((20, 3)), encoding.space.dimensions)
        _, gradient = belief.log_density(x, 3)
        for name, part in encoding.columns.items():
            up, down = x.copy(), x.copy()
            up[:, part.start] += step
            down[:, part.start] -= step
            slope = (belief.log_density(up, 3)[0] - belief.log_density(down, 3)[0]) / (2 * step)
            on = encoding.present(x, name)
            assert gradient[on, part.start] == pytest.approx(slope[on], abs=1e-5)

    def test_what_is_not_active_counts_as_before(self):
        encoding = Encoding.of(outside({k: TREE[k] for k in ("kind", "rate")}).space)
        belief = Belief.of(encoding)
        assert belief is not None
        value, gradient = belief.log_density(encoding.encode([{"kind": "a"}]), 1)
        assert value[0] == 0
        assert not gradient.any()

    @given(place=st.floats(0, 1), seed=st.integers(0, 2**32))
    @settings(max_examples=20)
    def test_draws_about_a_guess_stay_in_the_range_in_their_order(self, place, seed):
        units = np.sort(np.random.default_rng(seed).random(50))
        near = drawn_near(units, place)
        assert near.min() >= 0
        assert near.max() <= 1
        assert (np.diff(near) >= 0).all()


def test_without_a_guess_nothing_is_stored_and_boxes_never_have_one():
    resolved, guessed = outside({"rate": RATE}), outside({"rate": GUESSED})
    assert "guess" not in resolved.spec.to_json()["space"]["rate"]
    assert guessed.spec.to_json()["space"]["rate"]["guess"] == 1e-3
    assert guessed.box == resolved.box
    assert plain(guessed.spec.space["rate"]) == resolved.spec.space["rate"]


def test_the_model_looks_near_the_guess_while_it_knows_little():
    flat = [observe(i, {"learning_rate": 10.0**-i}, 0.5, epochs=16) for i in (0, 1, 2, 4, 5)]
    share = []
    for rate in (RATE, GUESSED):
        resolved = parse(asked(space={"learning_rate": rate}), FACTS, caps())
        model = fitted(resolved.space, flat, epochs=16)
        rng = np.random.default_rng(0)
        trials = SAMPLERS["gp"].propose(resolved.space, resolved.box, flat, model, 8, rng)
        share.append(np.mean([abs(np.log10(one["learning_rate"]) + 3) < 1 for one in trials]))
    assert share[1] > share[0]


class TestEdits:
    @staticmethod
    def edited(change: dict[str, Any]) -> dict[str, Any]:
        spec = resolve(space={"learning_rate": GUESSED}).spec.to_json()
        made = checked(make_search(spec=spec), {"space": {"learning_rate": change}}, caps())
        return dict(made["space"]["learning_rate"])

    def test_a_guess_is_changed_taken_away_and_else_kept(self):
        assert self.edited({"guess": 0.01})["guess"] == 0.01
        assert "guess" not in self.edited({"guess": None})
        assert self.edited({"low": 1e-4})["guess"] == 1e-3

    def test_an_edit_that_leaves_it_outside_says_the_way_out(self):
        with pytest.raises(InvalidSpec) as refused:
            self.edited({"high": 1e-4})
        (mistake,) = refused.value.mistakes
        assert mistake.path == "space.learning_rate"
        assert "null in an edit" in mistake.message
