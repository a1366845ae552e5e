"""Hyperparameters as people are shown them, and the note on a linear scale."""

from __future__ import annotations

import pytest
from support.builders import FACTS, asked, resolve
from support.records import make_search

from hpsearch.edges import crowded, linear_in_silence
from hpsearch.report import build, words
from hpsearch.report.health import CHECKS, SearchRecords
from hpsearch.spec import ResolvedSpec, SearchSpec
from hpsearch.workloads import External
from hpsearch.workloads.dense import without_effect

MOMENTUM = {"low": 0.1, "high": 0.9}


def stored(space):
    """A search of an earlier version, to which no condition was added."""
    return ResolvedSpec(SearchSpec.model_validate(asked(space=space)), FACTS)


def test_a_value_without_effect_is_left_out_of_tables_alone():
    space = {"optimizer": {"choices": ["sgd", "momentum", "adam"]}, "momentum": MOMENTUM,
             "initializer": {"choices": ["auto", "normal"]},
             "init_std": {"low": 0.01, "high": 0.1}}  # fmt: skip
    conditions = build.conditions_view(stored(space))
    assert conditions == {"momentum": {"optimizer": ["momentum", "nesterov"]},
                          "init_std": {"initializer": ["normal"]}}  # fmt: skip
    params = {"optimizer": "sgd", "momentum": 0.5, "initializer": "normal", "init_std": 0.05}
    assert words.params(params, conditions) == "optimizer=sgd  initializer=normal  init_std=0.05"
    assert words.params({**params, "optimizer": "momentum"}, conditions).count("=") == 4
    assert words.params(params).count("=") == 4  # where nothing is known of conditions


def test_a_condition_of_the_spec_is_added_to_that_of_the_model():
    space = {"optimizer": {"choices": ["sgd", "momentum", "nesterov"]},
             "schedule": {"choices": ["constant", "cosine"]},
             "momentum": {**MOMENTUM, "when": {"schedule": ["cosine"]}}}  # fmt: skip
    useful = {"optimizer": ["momentum", "nesterov"], "schedule": ["cosine"]}
    for resolved in (stored(space), resolve(space=space)):
        assert build.conditions_view(resolved) == {"momentum": useful}
    space["momentum"] = {**MOMENTUM, "when": {"optimizer": ["sgd", "nesterov"]}}
    assert build.conditions_view(stored(space)) == {"momentum": {"optimizer": ["nesterov"]}}


def test_layers_are_a_condition_too():
    space = {"hidden_sizes": {"choices": [[], [8], [8, 4]]}, "dropout": {"low": 0.0, "high": 0.5}}
    conditions = build.conditions_view(stored(space))
    assert conditions == {"dropout": {"hidden_sizes": [(8,), (8, 4)]}}
    assert words.params({"hidden_sizes": (), "dropout": 0.1}, conditions) == "hidden_sizes=[]"


@pytest.mark.parametrize("space", [{"momentum": MOMENTUM}, {"optimizer": {"choices": ["adam"]}}])
def test_beside_a_fixed_value_there_is_nothing_to_leave_out(space):
    model = {"optimizer": "momentum"} if "momentum" in space else {}
    assert build.conditions_view(resolve(space=space, model=model)) == {}


def test_an_outside_search_has_no_conditions():
    assert External.conditions({"optimizer": {"choices": ["sgd"]}, "momentum": MOMENTUM}) == {}


def test_what_a_model_does_not_use_is_named():
    model = {"optimizer": "sgd", "momentum": 0.9, "beta1": 0.9, "initializer": "auto",
             "init_std": 0.01, "dropout": 0.0}  # fmt: skip
    assert without_effect(model, {}) == ["beta1", "init_std", "momentum"]
    searched = {"optimizer": {"choices": ["sgd", "nesterov"]}}
    del model["optimizer"]
    assert without_effect(model, searched) == ["beta1", "init_std"]


@pytest.mark.parametrize(
    ("name", "low", "high", "said"),
    [
        ("learning_rate", 1e-4, 1.0, True), ("lr", 1e-3, 0.1, True), ("learning_rate", 0.1, 0.5, False),
        ("weight_decay", 0.0, 0.1, True), ("dropout", 0.0, 0.5, False), ("momentum", 0.1, 0.99, False),
        ("gamma", 1e-4, 1.0, True), ("trees", 10, 1000, False), ("offset", -1.0, 1.0, False),
    ],
)  # fmt: skip
def test_ranges_that_a_linear_scale_does_not_suit(name, low, high, said):
    assert crowded(name, low, high) == said
    spec = {"space": {name: {"low": low, "high": high}}}
    assert linear_in_silence(spec) == [name] * said
    assert linear_in_silence({"space": {name: {"low": low, "high": high, "scale": "linear"}}}) == []


@pytest.mark.parametrize("spec", [None, [], {"space": 3}, {"space": {"x": 5, "y": {"low": "a"}}}])
def test_a_malformed_spec_is_the_service_s_to_judge(spec):
    assert linear_in_silence(spec) == []


@pytest.mark.parametrize(
    ("rate", "said"),
    [({"low": 1e-4, "high": 1.0}, 1), ({"low": 1e-4, "high": 1.0, "scale": "log"}, 0)],
)
def test_health_names_a_linear_learning_rate(rate, said):
    resolved = resolve(space={"learning_rate": rate, "optimizer": {"choices": ["sgd"]}})
    search = make_search(spec=resolved.spec.to_json())
    notes = list(CHECKS["linear_scale"](SearchRecords(search, resolved, [], [])))
    assert [note.code for note in notes] == ["linear_scale"] * said
    if said:
        assert "nine tenths of all draws lie above 0.10009" in notes[0].message
        assert 'space.learning_rate "scale": "log"' in notes[0].advice
