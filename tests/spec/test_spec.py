"""What a valid spec says: defaults, fields, and what follows from them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from spec.spec_tables import FIXED, LOG, SEARCHED
from support.builders import ASKED, FACTS, asked, mistakes, resolve

from hpsearch.columns import Column
from hpsearch.space import Choices, Range, typed
from hpsearch.spec import SearchSpec
from hpsearch.workloads import DatasetFacts
from hpsearch.workloads.dense import Hyperparameter, hyperparameters, network_parameters


def test_all_but_dataset_and_space_has_the_defaults_of_the_contract():
    spec = resolve().spec
    assert spec.to_json() == {
        "name": "", "dataset": "digits",
        "model": {
            "hidden_sizes": [50], "activation": "relu", "initializer": "auto", "init_std": 0.01,
            "optimizer": "sgd", "learning_rate": 0.01, "weight_decay": 0.0, "momentum": 0.9,
            "beta1": 0.9, "beta2": 0.999, "rho": 0.9, "eps": 1e-8, "schedule": "constant",
            "batch_size": 32, "batch_norm": False, "dropout": 0.0,
        },
        "space": {
            "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log", "integer": False}
        },
        "rounds": 4, "trials_per_round": 32,
        "epochs": {"first": 2, "last": 8, "halving": True},
        "sampler": "sobol", "narrowing": "level_set", "objective": "accuracy",
        "validation_fraction": 0.2, "validation": {"repeats": 1}, "finalists": {},
        "stop_early": True, "warm_start": [],
        "final": {"epochs": 20, "models": 5, "train_on": "train+validation"}, "seed": 0,
    }  # fmt: skip


def test_a_range_is_linear_and_of_fractions_by_default():
    dimension = resolve(space={"dropout": {"low": 0, "high": 0.5}}).spec.space["dropout"]
    assert (dimension.scale, dimension.integer) == ("linear", False)


def test_the_table_of_this_test_is_complete():
    assert set(SEARCHED) == set(hyperparameters())


@pytest.mark.parametrize("name", sorted(hyperparameters()))
def test_every_hyperparameter_can_be_searched(name):
    dimension, model = SEARCHED[name]
    city = Column("city", "category", ("Bonn", "Rome"))
    resolved = resolve(space={name: dimension}, model=model, facts=replace(FACTS, columns=(city,)))
    assert resolved.space.names == [name]
    assert (name in resolved.space.shaping) == hyperparameters()[name].shaping
    if "low" in dimension:
        limited = resolved.space.dimensions[name]
        assert limited.hard_low is not None
        assert limited.hard_high is not None
        assert limited.integer == (hyperparameters()[name].kind == "integer")


@pytest.mark.parametrize("name", sorted(FIXED))
def test_every_field_of_the_model_can_be_fixed(name):
    other = "weight_decay" if name == "learning_rate" else "learning_rate"
    resolved = resolve(model={name: FIXED[name]}, space={other: LOG})
    stored = SearchSpec.model_validate(json.loads(json.dumps(resolved.spec.to_json())))
    assert stored == resolved.spec
    assert resolved.spec.to_json()["model"][name] == FIXED[name]
    value = resolved.workload.hyperparameters({other: 0.5})[name]
    assert value == (tuple(FIXED[name]) if name == "hidden_sizes" else FIXED[name])


@pytest.mark.parametrize("name", sorted(set(FIXED) & set(SEARCHED)))
def test_both_fixed_and_searched_is_a_mistake(name):
    dimension, model = SEARCHED[name]
    found = mistakes(asked(space={name: dimension}, model={**model, name: FIXED[name]}))
    assert found[f"model.{name}"] == f"{name} is fixed here and searched in space; drop one"


def test_a_fixed_value_that_equals_the_default_is_still_fixed():
    assert "model.dropout" in mistakes(
        asked(space={"dropout": ASKED["dropout"]}, model={"dropout": 0.0})
    )


class TestResolved:
    def test_shape_keys_hold_what_a_stack_must_share(self):
        resolved = resolve(model={"hidden_sizes": [9, 8], "activation": "tanh"})
        assert resolved.workload.shape_key({"learning_rate": 0.1}) == (
            (9, 8),
            "tanh",
            "sgd",
            32,
            False,
            None,
            "auto",
            32,
            None,
        )
        params = {"batch_size": 8, "batch_norm": True, "optimizer": "adam", "hidden_sizes": (5,)}
        other = resolved.workload.shape_key(params)
        assert other == ((5,), "tanh", "adam", 8, True, None, "auto", 32, None)
        assert resolved.workload.shape_key({"dropout": 0.5}) == resolved.workload.shape_key(
            {"dropout": 0.1}
        )

    @pytest.mark.parametrize(
        ("params", "sizes"),
        [
            ({"hidden_units": 7}, (7, 7)),
            ({"hidden_layers": 3}, (9, 9, 9)),
            ({"hidden_units": 7, "hidden_layers": 1}, (7,)),
            ({}, (9, 8)),
        ],
    )
    def test_units_and_layers_make_an_architecture(self, params, sizes):
        values = resolve(model={"hidden_sizes": [9, 8]}).workload.hyperparameters(params)
        assert values["hidden_sizes"] == sizes
        assert "hidden_units" not in values
        assert "hidden_layers" not in values

    def test_a_default_batch_is_cut_to_the_data(self):
        resolved = resolve(facts=DatasetFacts("d", 20, 3, 2))
        assert resolved.workload.setup.n_training == 16
        assert resolved.workload.hyperparameters({})["batch_size"] == 16
        assert (
            resolve(
                facts=DatasetFacts("d", 1, 3, 2), validation_fraction=0.9
            ).workload.setup.n_training
            == 1
        )

    def test_batch_sizes_expand_no_further_than_the_data(self):
        batch = {"low": 8, "high": 64, "scale": "log", "hard_high": 1_000_000}
        for dimension in (batch, {**batch, "hard_high": 64}):
            limited = resolve(space={"batch_size": dimension}).box["batch_size"]
            assert limited.hard_high == min(dimension["hard_high"], 1150)

    def test_parameters_and_work(self):
        resolved = resolve(model={"hidden_sizes": [50]})
        assert resolved.workload.parameters({}) == 65 * 50 + 51 * 10
        assert resolved.workload.flops({}, 3) == 6 * 3760 * 1437 * 3
        assert network_parameters(4, (), 3) == 15
        assert resolved.workload.largest_parameters() == 3760

    def test_the_box_begins_with_what_was_asked(self):
        resolved = resolve(space=ASKED | {})
        assert resolved.box["learning_rate"].low == 1e-5
        assert resolved.space.shaping == {"activation", "batch_norm", "batch_size", "hidden_sizes"}
        assert resolved.box["dropout"].hard_high == 0.9
        assert resolved.box["batch_size"].integer

    def test_facts_come_from_a_stored_description(self):
        stored = {"digest": "d", "n_train": 5, "features": 2, "classes": ["a", "b"], "more": 1}
        assert DatasetFacts.from_json(stored) == DatasetFacts("d", 5, 2, 2)


def test_whole_numbers_of_a_range_are_int():
    whole, real = Range(low=8, high=64, integer=True), Range(low=0.1, high=1)
    assert type(typed(whole, 8.0)) is int
    assert type(typed(real, 1.0)) is float
    assert typed(Choices(choices=("sgd", "adam")), "adam") == "adam"


def test_domains_in_words():
    assert hyperparameters()["batch_size"].domain == "a whole number from 1 up to 1e+06"
    assert hyperparameters()["momentum"].domain == "from 0 up to 0.9999"
    assert hyperparameters()["batch_norm"].domain == "one of false, true"
    assert "up to 10 hidden layers" in hyperparameters()["hidden_sizes"].domain


@pytest.mark.parametrize("value", [True, "1", (1,), 0, -1.0, 10**400, float("nan")])
def test_a_learning_rate_is_a_positive_number(value):
    assert not hyperparameters()["learning_rate"].accepts(value)
    assert hyperparameters()["learning_rate"].accepts(1)


def test_bounds_of_a_hyperparameter_are_inclusive():
    whole = Hyperparameter("integer", 1, 5)
    assert [whole.accepts(x) for x in (0, 1, 2.0, 2.5, 5, 6)] == [False, True, True, False, True,
                                                                  False]  # fmt: skip
