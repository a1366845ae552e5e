"""Conditions that follow from what hyperparameters of networks have an effect with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builders import FACTS, asked, caps, mistakes, resolve

from hpsearch import nn
from hpsearch.report.plan import view_of
from hpsearch.samplers import SAMPLERS
from hpsearch.spec import ResolvedSpec, SearchSpec, implied, parse
from hpsearch.workloads import NO_DATASET

RATE = {"low": 1e-4, "high": 1.0, "scale": "log"}
CONSTANTS: dict[str, Any] = {
    "momentum": {"low": 0.1, "high": 0.9},
    "beta1": {"choices": [0.8, 0.9]},
    "beta2": {"low": 0.9, "high": 0.999},
    "rho": {"low": 0.5, "high": 0.9},
    "eps": {"low": 1e-9, "high": 1e-4, "scale": "log"},
}
OTHERS: dict[str, Any] = {
    "initializer": {"choices": ["he", "normal"]},
    "init_std": {"low": 0.001, "high": 0.1, "scale": "log"},
    "hidden_sizes": {"choices": [[], [8], [16, 8]]},
    "dropout": {"low": 0.0, "high": 0.5},
    "batch_norm": {"choices": [False, True]},
    "schedule": {"choices": ["constant", "cosine"]},
}
SPACE = {
    "learning_rate": RATE,
    "optimizer": {"choices": ["sgd", "nesterov", "momentum", "adam"]},
    "momentum": CONSTANTS["momentum"],
}


def users(constant: str) -> set[str]:
    """The optimizers that read a constant, from the engine itself."""
    return {n for n, one in nn.OPTIMIZERS.items() if constant in {c.name for c in one.constants}}


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """A spec of a network, and the conditions that its user wrote."""
    levels = draw(st.lists(st.sampled_from(sorted(nn.OPTIMIZERS)), min_size=2, unique=True))
    useful = [name for name in CONSTANTS if users(name) & {*levels}]
    names = draw(st.sets(st.sampled_from([*useful, *OTHERS])))
    if "init_std" in names:
        names.add("initializer")
    space = {name: {**CONSTANTS, **OTHERS}[name] for name in draw(st.permutations(sorted(names)))}
    space |= {"learning_rate": RATE, "optimizer": {"choices": levels}}
    named: dict[str, dict[str, Any]] = {}
    for name in sorted(names & CONSTANTS.keys()):
        kind = draw(st.sampled_from(["", "narrower", "schedule"]))
        if kind == "narrower":
            named[name] = {"optimizer": [draw(st.sampled_from(sorted(users(name) & {*levels})))]}
        elif kind == "schedule" and "schedule" in names:
            named[name] = {"schedule": ["cosine"]}
    space = {n: {**one, "when": named[n]} if n in named else one for n, one in space.items()}
    forbid = [{"optimizer": levels[0], "learning_rate": {"low": 0.1, "high": 1}}]
    return asked(space=space, forbid=forbid[: draw(st.integers(0, 1))]), named


@given(networks(), st.sampled_from(["random", "sobol"]), st.integers(0, 2**32))
@settings(max_examples=25)
def test_a_trial_has_what_its_network_reads_and_nothing_else(
    asked_for: tuple[dict[str, Any], dict[str, dict[str, Any]]], sampler: str, seed: int
) -> None:
    data, named = asked_for
    resolved = parse(data, FACTS, caps())
    space = resolved.space
    rng = np.random.default_rng(seed)
    drawn = SAMPLERS[sampler].propose(space, space.dimensions, (), None, 48, rng)
    for params in drawn:
        optimizer = str(params["optimizer"])
        whole = resolved.workload.hyperparameters(params)
        for name in data["space"]:
            useful = True
            if name in CONSTANTS:
                useful = optimizer in users(name)
            elif name in ("dropout", "batch_norm"):
                useful = bool(whole["hidden_sizes"])
            elif name == "init_std":
                useful = whole["initializer"] == "normal"
            own = all(whole[parent] in levels for parent, levels in named.get(name, {}).items())
            assert (name in params) == (useful and own), (name, params)
        assert resolved.workload.effective(params) == params


@given(networks())
@settings(max_examples=8)
def test_a_stored_spec_is_complete_and_comes_again_as_it_is(
    asked_for: tuple[dict[str, Any], dict[str, dict[str, Any]]],
) -> None:
    stored = parse(asked_for[0], FACTS, caps()).spec
    data = stored.to_json()
    data["model"] = {}  # what is searched may not be fixed as well
    assert implied.completed(data) is data
    again = parse(data, FACTS, caps())
    assert again.spec.space == stored.space
    shown = view_of(again, data, {})
    assert shown.conditions == {}


@pytest.mark.parametrize(
    "space",
    [
        {"learning_rate": RATE, "optimizer": {"choices": ["sgd", "adam"]}},
        {"learning_rate": RATE, "optimizer": {"choices": ["momentum", "nesterov"]},
         "momentum": CONSTANTS["momentum"]},
        {"hidden_sizes": {"choices": [[8], [4]]}, "dropout": OTHERS["dropout"]},
        {"hidden_units": {"low": 4, "high": 64}, "dropout": OTHERS["dropout"]},
    ],
)  # fmt: skip
def test_a_space_without_such_pairs_is_stored_as_before(space: dict[str, Any]) -> None:
    assert resolve(space=space).spec.to_json() == SearchSpec.model_validate(
        {**asked(space=space), "objective": "accuracy"}
    ).to_json()  # fmt: skip


def test_other_searches_follow_no_table() -> None:
    data = {"objective": "external", "space": SPACE, "rounds": 2}
    assert implied.completed(data) is data
    assert not parse(data, NO_DATASET, caps()).space.conditions
    for odd in (3, [], {"optimizer": 3, "momentum": None}):
        assert implied.completed({"space": odd}) == {"space": odd}


def test_the_plan_says_what_it_added() -> None:
    data = asked(space={**SPACE, "schedule": OTHERS["schedule"]})
    data["space"]["momentum"] = {**CONSTANTS["momentum"], "when": {"schedule": ["cosine"]}}
    made = parse(data, FACTS, caps())
    assert made.spec.to_json()["space"]["momentum"]["when"] == {
        "schedule": ["cosine"],
        "optimizer": ["nesterov", "momentum"],
    }
    shown = view_of(made, data, {})
    assert shown.conditions == {"momentum": {"optimizer": ["nesterov", "momentum"]}}
    assert shown.notes == []


def test_a_narrower_condition_is_its_user_s_and_is_told() -> None:
    data = asked(
        space={**SPACE, "momentum": {**SPACE["momentum"], "when": {"optimizer": ["momentum"]}}}
    )
    made = parse(data, FACTS, caps())
    assert made.spec.space["momentum"].when == {"optimizer": ("momentum",)}
    (note,) = view_of(made, data, {}).notes
    assert "momentum has an effect with optimizer nesterov too" in note


def test_fewer_choices_than_a_condition_names_say_the_same_of_those_that_are_left() -> None:
    """The spec of another search, with a level less; what no optimizer is called stays a mistake."""
    space: dict[str, Any] = {**SPACE, "optimizer": {"choices": ["sgd", "momentum"]}}
    for levels, left in ((["momentum", "nesterov"], ("momentum",)), (["nesterov"], None)):
        space["momentum"] = {**SPACE["momentum"], "when": {"optimizer": levels}}
        if left is not None:
            assert resolve(space=space).spec.space["momentum"].when == {"optimizer": left}
        else:
            assert (
                "cannot occur" in mistakes(asked(space=space))["space.momentum.when.optimizer[0]"]
            )
    space["momentum"] = {**SPACE["momentum"], "when": {"optimizer": ["momentum", "nestrov"]}}
    assert (
        "no effect with optimizer nestrov"
        in mistakes(asked(space=space))["space.momentum.when.optimizer[1]"]
    )


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"optimizer": {"choices": ["sgd", "adam"]}}, "space.momentum", "has no effect with optimizer sgd; set"),
        ({"momentum": {**SPACE["momentum"], "when": {"optimizer": ["sgd", "momentum"]}}},
         "space.momentum.when.optimizer[0]", "no effect with optimizer sgd; drop that level"),
        ({"hidden_sizes": {"choices": [[]]}, "dropout": OTHERS["dropout"]},
         "space.dropout", "has no effect with hidden_sizes []"),
        ({"batch_norm": OTHERS["batch_norm"],
          "hidden_sizes": {**OTHERS["hidden_sizes"], "when": {"batch_norm": [True]}}},
         "space.hidden_sizes.when", "for batch_norm has an effect with some hidden_sizes alone"),
    ],
)  # fmt: skip
def test_what_never_has_an_effect_is_a_mistake(
    changes: dict[str, Any], path: str, words: str
) -> None:
    assert words in mistakes(asked(space={**SPACE, **changes}))[path]


def test_layers_that_are_fixed_without_any_leave_nothing_to_drop() -> None:
    said = mistakes(asked(model={"hidden_sizes": []}, space={"dropout": OTHERS["dropout"]}))
    assert "set model.hidden_sizes to at least one layer" in said["space.dropout"]


def test_a_search_of_an_earlier_version_stays_as_it_was_stored() -> None:
    old = SearchSpec.model_validate(asked(space=SPACE))
    assert not ResolvedSpec(old, FACTS).space.conditions
    assert parse(asked(space=SPACE), FACTS, caps(), stored=True).spec.space == old.space
