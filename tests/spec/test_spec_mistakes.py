"""Reading a bad spec: every mistake at once, each with its path and the way out."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError
from spec.spec_tables import LOG
from support.builders import FACTS, asked, caps, mistakes

from hpsearch import nn, other_words
from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.samplers import SAMPLERS
from hpsearch.settings import Settings
from hpsearch.space import Choices, Range
from hpsearch.spec import (
    from_pydantic,
    parse,
)
from hpsearch.spec.models import EpochsSpec, SearchSpec
from hpsearch.workloads import objectives
from hpsearch.workloads.dense import current_model, hyperparameters

R = "space.learning_rate"
MISTAKES = [
    ({"colour": 1}, "colour", "unknown field; see"),
    ({"epoch": {"last": 4}}, "epoch", "unknown field; did you mean epochs? See"),
    ({"model": {"optimiser": "adam"}}, "model.optimiser", "did you mean optimizer?"),
    ({"webhook": {"ur": "x", "url": "https://a.example"}}, "webhook.ur", "did you mean url?"),
    ({"space": {"learning_rate": {**LOG, "scales": "log"}}}, f"{R}.scales", "did you mean scale?"),
    ({"space": {"learnin_rate": LOG}}, "space.learnin_rate",
     "unknown hyperparameter; did you mean learning_rate? Known are activation"),
    ({"model": {"layers": 3}}, "model.layers", "give a list, got 3"),
    ({"epochs": {"middle": 3}}, "epochs.middle", "unknown field"),
    ({"final": {"x": 3}}, "final.x", "unknown field"),
    ({"space": {"learning_rate": {**LOG, "steps": 3}}}, f"{R}.steps", "unknown field"),
    ({"space": {"lr": LOG}}, "space.lr",
     "unknown hyperparameter; did you mean learning_rate? Known are activation"),
    ({"space": {"zzz": LOG}}, "space.zzz", "unknown hyperparameter; known are activation"),
    ({"space": {"learning_rate": {"min": 1e-4, "high": 1.0}}}, f"{R}.min", "did you mean low?"),
    ({"space": {"learning_rate": {"low": 1e-4, "Upper": 1.0}}}, f"{R}.Upper", "did you mean high?"),
    ({"space": {"learning_rate": {**LOG, "log": True}}}, f"{R}.log", "did you mean scale?"),
    ({"space": {"learning_rate": {**LOG, "scale": "uniform"}}}, f"{R}.scale",
     "got 'uniform'; did you mean linear?"),
    ({"space": {"optimizer": {"choices": ["Adam"]}}}, "space.optimizer.choices[0]",
     "did you mean adam?"),
    ({"model": {"units": 5}}, "model.units", "unknown field"),
    ({"model": {"solver": "adam"}}, "model.solver", "did you mean optimizer?"),
    ({"model": {"optimizer": "ADAM"}}, "model.optimizer", "did you mean adam?"),
    ({"learning_rate": 0.1}, "learning_rate", "did you mean model.learning_rate?"),
    ({"weight_decay": LOG}, "weight_decay", "did you mean space.weight_decay?"),
    ({"n_trials": 5}, "n_trials", "did you mean trials_per_round?"),
    ({"random_state": 5}, "random_state", "did you mean seed?"),
    ({"objective": "cross_entropy"}, "objective", "did you mean log_loss?"),
    ({"space": {"lr": {"low": 1}}}, "space.lr", "unknown hyperparameter"),
    ({"space": {}}, "space", "give at least one"),
    ({"space": []}, "space", "dictionary"),
    ({"space": {"learning_rate": 5}}, R, 'give {"low": ..., "high": ...}'),
    ({"space": {"learning_rate": {"low": 1.0, "high": 0.1}}}, R, "low must be below high"),
    ({"space": {"learning_rate": {"low": 1.0, "high": 1.0}}}, R, "low must be below high"),
    ({"space": {"learning_rate": {"low": 1.0}}}, f"{R}.high", "required"),
    ({"space": {"learning_rate": {**LOG, "low": 0}}}, R, "a log range must stay above zero"),
    ({"space": {"learning_rate": {**LOG, "low": "tiny"}}}, f"{R}.low", "number, got 'tiny'"),
    ({"space": {"learning_rate": {**LOG, "low": float("nan")}}}, f"{R}.low", "finite number"),
    ({"space": {"learning_rate": {**LOG, "high": float("inf")}}}, f"{R}.high", "finite number"),
    ({"space": {"learning_rate": {**LOG, "high": 10**400}}}, f"{R}.high", "valid number"),
    ({"space": {"learning_rate": {**LOG, "high": 1e5}}}, f"{R}.high", "above 0 up to 10000"),
    ({"space": {"learning_rate": {"low": 0.0, "high": 1.0}}}, f"{R}.low", "0 is outside"),
    ({"space": {"learning_rate": {**LOG, "hard_low": 1e-3}}}, R, "hard_low=0.001 is above low"),
    ({"space": {"learning_rate": {**LOG, "hard_high": 1e9}}}, f"{R}.hard_high", "1000000000 is outside"),
    ({"space": {"learning_rate": {"choices": []}}}, f"{R}.choices", "give at least one"),
    ({"space": {"learning_rate": {"choices": [0.1, -1]}}}, f"{R}.choices[1]", "-1 is not above 0"),
    ({"space": {"learning_rate": {"choices": [None]}}}, f"{R}.choices[0]", "null is not above 0"),
    ({"space": {"learning_rate": {"choices": [{}]}}}, f"{R}.choices[0]", "false, null or a list"),
    ({"space": {"clip_norm": {"choices": [None, 1.0]}}}, None, ""),
    ({"space": {"clip_norm": {"choices": [None, -1.0]}}}, "space.clip_norm.choices[1]",
     "-1.0 is not above 0 up to 1e+06, or null"),
    ({"space": {"clip_norm": {"choices": [None, None]}}}, "space.clip_norm", "must differ"),
    ({"space": {"class_weight": {"choices": [None, "heavy"]}}}, "space.class_weight.choices[1]",
     "'heavy' is not one of null, balanced"),
    ({"space": {"class_weight": {"low": 0, "high": 1}}}, "space.class_weight",
     "class_weight takes one of null, balanced"),
    ({"space": {"optimizer": {"choices": [None, "sgd"]}}}, "space.optimizer.choices[0]", "null is not one of"),
    ({"space": {"learning_rate": {"choices": [0.1, 0.1]}}}, R, "must differ from each other"),
    ({"space": {"learning_rate": {"choices": [True]}}}, f"{R}.choices[0]", "True is not above"),
    ({"space": {"learning_rate": {"choices": [[1]]}}}, f"{R}.choices[0]", "[1] is not above"),
    ({"space": {"batch_size": {"choices": [10**400]}}}, "space.batch_size.choices[0]", "is not a"),
    ({"space": {"batch_size": {"choices": [1, True]}}}, "space.batch_size.choices[1]", "True is"),
    ({"space": {"hidden_units": {"choices": ["8"]}}}, "space.hidden_units.choices[0]", "'8' is"),
    ({"space": {"batch_size": {"choices": [1.5]}}}, "space.batch_size.choices[0]", "whole number"),
    ({"space": {"batch_size": {"low": 0, "high": 9}}}, "space.batch_size.low", "from 1 up to"),
    ({"space": {"batch_size": {"low": 1, "high": 9.5}}}, "space.batch_size.high", "whole number"),
    ({"space": {"hidden_layers": {"low": 1, "high": 11}}}, "space.hidden_layers.high", "up to 10"),
    ({"space": {"activation": {"choices": ["gelu"]}}}, "space.activation.choices[0]",
     "'gelu' is not one of relu, sigmoid, tanh"),
    ({"space": {"batch_norm": {"choices": [1]}}}, "space.batch_norm.choices[0]",
     "1 is not one of false, true"),
    ({"space": {"activation": {"low": 0, "high": 1}}}, "space.activation", '{"choices": [...]}'),
    ({"space": {"hidden_sizes": {"low": 0, "high": 1}}}, "space.hidden_sizes", "a list of units"),
    ({"space": {"hidden_sizes": {"choices": [[0]]}}}, "space.hidden_sizes.choices[0]", "[0] is"),
    ({"space": {"hidden_sizes": {"choices": [50]}}}, "space.hidden_sizes.choices[0]", "50 is not"),
    ({"space": {"hidden_sizes": {"choices": [[1] * 11]}}}, "space.hidden_sizes.choices[0]", "is"),
    ({"space": {"hidden_sizes": {"choices": [["5"]]}}}, "space.hidden_sizes.choices[0]",
     "a list of whole numbers"),
    ({"rounds": 0}, "rounds", "greater than or equal to 1, got 0"),
    ({"rounds": 51}, "rounds", "51 is beyond this service's cap of 50"),
    ({"rounds": 1.5}, "rounds", "valid integer"),
    ({"rounds": "4"}, "rounds", "valid integer"),
    ({"rounds": True}, "rounds", "valid integer"),
    ({"rounds": None}, "rounds", "valid integer"),
    ({"rounds": 10**3000}, "rounds", "a number of 3001 digits is beyond"),
    ({"trials_per_round": 0}, "trials_per_round", "greater than or equal to 1"),
    ({"trials_per_round": 10_001}, "trials_per_round", "10,001 is beyond"),
    ({"rounds": 11, "trials_per_round": 10_000}, "trials_per_round", "is 110,000, the cap is 100"),
    ({"epochs": {"first": 0}}, "epochs.first", "greater than or equal to 1"),
    ({"epochs": {"first": 9, "last": 8}}, "epochs", "first must not exceed last, got first=9"),
    ({"epochs": {"last": 1001}}, "epochs.last", "less than or equal to 1000"),
    ({"final": {"epochs": 0}}, "final.epochs", "greater than or equal to 1"),
    ({"final": {"models": 0}}, "final.models", "greater than or equal to 1"),
    ({"final": {"models": 65}}, "final.models", "less than or equal to 64"),
    ({"final": {"train_on": "test"}}, "final.train_on", "train+validation"),
    ({"sampler": "grid"}, "sampler", "'random' or 'sobol', got 'grid'"),
    ({"narrowing": "magic"}, "narrowing", "'quantile'"),
    ({"validation_fraction": 0}, "validation_fraction", "greater than 0"),
    ({"validation_fraction": 1.0}, "validation_fraction", "less than 1"),
    ({"seed": -1}, "seed", "greater than or equal to 0"),
    ({"seed": 2**53}, "seed", "less than 9007199254740992"),
    ({"name": "x" * 201}, "name", "at most 200 characters"),
    ({"name": "\ud800"}, "name", "unicode"),
    ({"name": 5}, "name", "valid string"),
    ({"dataset": ""}, "dataset", "at least 1 character"),
    ({"model": {"hidden_sizes": [0]}}, "model.hidden_sizes[0]", "greater than or equal to 1"),
    ({"model": {"hidden_sizes": [5000]}}, "model.hidden_sizes[0]", "less than or equal to 4096"),
    ({"model": {"hidden_sizes": [1] * 11}}, "model.hidden_sizes", "at most 10"),
    ({"model": {"hidden_sizes": 50}}, "model.hidden_sizes",
     "give a list of whole numbers such as [50], got 50"),
    ({"model": {"batch_size": 0}}, "model.batch_size", "greater than or equal to 1"),
    ({"model": {"dropout": 0.95}}, "model.dropout", "less than or equal to 0.9"),
    ({"model": {"activation": "gelu"}}, "model.activation", "'relu', 'sigmoid' or 'tanh'"),
    ({"model": {"eps": 1.0}}, "model.eps", "less than or equal to 0.999999"),
    ({"model": []}, "model", "valid dictionary"),
    ({"model": {"batch_size": 1151}}, "model.batch_size",
     "1151 exceeds the 1150 training examples of 'digits'"),
    ({"space": {"batch_size": {"low": 8, "high": 2000}}}, "space.batch_size.high",
     "2000 exceeds the 1150 training examples"),
    ({"space": {"batch_size": {"choices": [8, 2000]}}}, "space.batch_size.choices[1]", "2000 exc"),
    ({"model": {"hidden_sizes": [4096] * 4}}, "model.hidden_sizes",
     "the largest network would have 50,651,146 parameters, the cap is 20,000,000"),
    ({"space": {"hidden_sizes": {"choices": [[5], [4096] * 4]}}}, "space.hidden_sizes", "50,651,1"),
    ({"space": {"hidden_units": {"low": 8, "high": 4096}, "hidden_layers": {"choices": [1, 4]}}},
     "space.hidden_units", "50,651,146"),
    ({"space": {"hidden_layers": {"low": 1, "high": 2, "hard_high": 9}},
      "model": {"learning_rate": 0.1}, "name": "fits"}, None, None),
    ({"space": {"momentum": {"low": 0.1, "high": 0.9}}}, "space.momentum",
     "no effect with optimizer sgd; set model.optimizer to momentum or nesterov, or drop it"),
    ({"space": {"momentum": {"low": 0.1, "high": 0.9}, "optimizer": {"choices": ["adam"]}}},
     "space.momentum", "no effect with optimizer adam"),
    ({"space": {"init_std": {"low": 0.1, "high": 0.9}}}, "space.init_std",
     "no effect with initializer auto; set model.initializer to normal"),
    ({"space": {"hidden_units": {"low": 8, "high": 64}}, "model": {"hidden_sizes": [9]}},
     "space.hidden_units", "hidden_units replaces hidden_sizes; drop one of the two"),
    ({"space": {"hidden_layers": {"low": 1, "high": 3}, "hidden_sizes": {"choices": [[9]]}}},
     "space.hidden_layers", "hidden_layers replaces hidden_sizes"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "path", "says"), MISTAKES, ids=lambda x: str(x)[:40])
def test_every_mistake_has_its_path_and_its_message(fields, path, says):
    found = mistakes(asked(**fields))
    if path is None:
        assert not found
        return
    assert path in found, found
    assert says in found[path]
    # One mistake is reported once; two at the most, where a name is unknown and malformed.
    assert len(found) <= 1 + (path == "space.lr"), found


@pytest.mark.parametrize("data", [None, [], "spec", 5, True])
def test_a_spec_is_an_object(data):
    with pytest.raises(InvalidSpec, match="a search spec is a JSON object"):
        parse(data, FACTS, caps())


def test_all_mistakes_are_reported_at_once():
    data = {
        "dataset": "nowhere", "colour": 1, "rounds": 0, "model": {"dropout": 2.0, "momentum": 0.5},
        "space": {
            "learning_rate": {"low": "a", "high": 1}, "momentum": {"low": 0.9, "high": 0.1},
            "lr": LOG, "dropout": {"choices": [7]}, "optimizer": {"choices": []},
        },
        "final": {"models": 99},
    }  # fmt: skip
    facts = Mistake("dataset", "there is no dataset 'nowhere'")
    found = mistakes(data, facts=facts)
    assert set(found) == {
        "colour", "rounds", "dataset", "final.models", "model.dropout", "model.momentum",
        "space.learning_rate.low", "space.momentum", "space.lr", "space.dropout.choices[0]",
        "space.optimizer.choices",
    }  # fmt: skip
    with pytest.raises(InvalidSpec, match="the search spec has 12 mistakes"):
        parse(data, facts, caps())


def test_one_mistake_is_counted_as_one():
    with pytest.raises(InvalidSpec, match=r"the search spec has 1 mistake\n  rounds: "):
        parse(asked(rounds=0), FACTS, caps())


def test_names_of_other_tools_are_not_also_missing_fields():
    space = {"learning_rate": {"min": 1e-4, "max": 1.0}, "dropout": {"values": [0.1, 0.2]}}
    found = mistakes(asked(space=space))
    assert set(found) == {f"{R}.min", f"{R}.max", "space.dropout.values"}
    assert "did you mean choices?" in found["space.dropout.values"]


def test_every_word_of_another_tool_leads_to_a_name_that_exists():
    known = {*SearchSpec.model_fields, *Range.model_fields, *Choices.model_fields,
             *hyperparameters(), *current_model().model_fields, *Settings.model_fields,
             *EpochsSpec.model_fields, *objectives(), *SAMPLERS, *nn.ACTIVATIONS, *nn.LOSSES,
             "linear"}  # fmt: skip
    assert {name for _, name in other_words._PAIRS} <= known
    assert not {word for word, name in other_words._PAIRS if word == name}


def test_a_missing_dataset_is_one_mistake():
    found = mistakes({"space": {"learning_rate": LOG}}, facts=Mistake("dataset", "name one"))
    assert found == {"dataset": "name one"}
    with pytest.raises(InvalidSpec, match=r"has 1 mistake\n  dataset: name one$"):
        parse({"space": {"learning_rate": LOG}}, Mistake("dataset", "name one"), caps())


def test_a_flood_of_mistakes_is_cut():
    with pytest.raises(InvalidSpec, match="500 mistakes, the first 100 of which") as caught:
        parse(asked(model={f"x{i}": 1 for i in range(500)}), FACTS, caps())
    assert len(caught.value.mistakes) == 100


def test_a_mistaken_optimizer_does_not_make_its_dependants_mistakes():
    space = {"momentum": {"low": 0.1, "high": 0.9}, "optimizer": {"choices": []}}
    assert set(mistakes(asked(space=space))) == {"space.optimizer.choices"}
    space["optimizer"] = {"low": 0, "high": 1}
    assert set(mistakes(asked(space=space))) == {"space.optimizer"}
    del space["optimizer"]
    assert set(mistakes(asked(space=space, model={"optimizer": "x"}))) == {"model.optimizer"}


def test_a_hyperparameter_named_like_a_kind_of_range_keeps_its_path():
    found = mistakes(asked(space={"range": {"low": "x", "high": 1}, "choices": {"choices": [{}]}}))
    assert set(found) == {"space.range.low", "space.range", "space.choices",
                          "space.choices.choices[0]"}  # fmt: skip


def test_deeply_nested_input_is_shown_briefly():
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    for fields in ({"name": deep}, {"space": deep}, {"space": {"dropout": {"choices": deep}}}):
        assert all(len(m) < 200 for m in mistakes(asked(**fields)).values())
    assert all(len(m) < 200 for m in mistakes(asked(name={"x" * 9999: "y" * 9999})).values())


def test_paths_outside_a_spec():
    class Query(BaseModel):
        range: int
        items: list[int]

    with pytest.raises(ValidationError) as caught:
        Query.model_validate({"range": "x", "items": [1, "y"]})
    assert [m.path for m in from_pydantic(caught.value)] == ["range", "items[1]"]
