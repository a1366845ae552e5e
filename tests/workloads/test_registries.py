"""Names and constants that are registered while the program runs: spec, stored spec, schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError
from support.builders import asked, mistakes, resolve

from hpsearch import nn
from hpsearch.errors import InvalidSpec
from hpsearch.metrics import METRICS, Metric
from hpsearch.one_of import one_of
from hpsearch.registry import Registry
from hpsearch.spec import SearchSpec
from hpsearch.workloads import DatasetFacts
from hpsearch.workloads.dense import ModelSpec, hyperparameters
from hpsearch.workloads.dense.model import Needs

COLOURS: Registry[int] = Registry("colour", {"red": 1, "blue": 2})


class Painted(BaseModel):
    colour: Annotated[str, one_of(COLOURS)] = "red"


@pytest.fixture
def slow() -> Iterator[None]:
    """An optimizer with a constant of its own and one that others have as well."""
    constants = (
        nn.Constant("drag", 0.5, 0.0, 2.0, above_zero=True),
        nn.Constant("rho", 0.9, 0, 0.999999),
    )
    optimizer = replace(nn.OPTIMIZERS["sgd"], constants=constants)
    with nn.OPTIMIZERS.registered("slow", optimizer):
        yield


def message(model: type[BaseModel], data: object) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return str(caught.value.errors()[0]["msg"])


class TestOneOf:
    @pytest.mark.parametrize("value", ["pink", 1, None, ["red"], "Red"])
    def test_another_value_is_refused_in_the_words_of_a_literal(self, value):
        assert message(Painted, {"colour": value}) == "Input should be 'blue' or 'red'"

    def test_a_name_counts_as_long_as_it_is_registered(self):
        with COLOURS.registered("pink", 3):
            assert Painted.model_validate({"colour": "pink"}).colour == "pink"
            assert message(Painted, {"colour": ""}) == "Input should be 'blue', 'pink' or 'red'"
            field = Painted.model_json_schema()["properties"]["colour"]
            assert field["enum"] == ["blue", "pink", "red"]
        assert message(Painted, {"colour": "pink"}) == "Input should be 'blue' or 'red'"

    def test_a_single_name(self):
        class Only(BaseModel):
            name: Annotated[str, one_of({"a": 1})]

        assert message(Only, {"name": "b"}) == "Input should be 'a'"


class TestConstants:
    def test_a_constant_can_be_fixed_and_searched(self, slow):
        model = {"optimizer": "slow", "drag": 0.25}
        resolved = resolve(model=model)
        assert resolved.workload.hyperparameters({"learning_rate": 0.1})["drag"] == 0.25
        space = {"drag": {"low": 0.1, "high": 1.0, "scale": "log"}}
        searched = resolve(model={"optimizer": "slow"}, space=space)
        assert searched.box["drag"].hard_high == 2.0
        assert "drag" not in searched.space.shaping
        assert searched.workload.hyperparameters({})["drag"] == 0.5

    def test_it_survives_the_stored_spec_and_is_left_out_while_it_has_its_default(self, slow):
        spec = resolve(model={"optimizer": "slow", "drag": 0.25}).spec
        stored = json.loads(json.dumps(spec.to_json()))
        assert stored["model"]["drag"] == 0.25
        assert SearchSpec.model_validate(stored) == spec
        for model in ({"optimizer": "slow"}, {"optimizer": "slow", "drag": 0.5}):
            assert "drag" not in resolve(model=model).spec.to_json()["model"]

    def test_mistakes_are_those_of_any_hyperparameter(self, slow):
        fixed = mistakes(asked(model={"drag": 0, "dreg": 1, "dropout": 2}))
        assert "greater than 0" in fixed["model.drag"]
        assert "did you mean drag?" in fixed["model.dreg"]
        assert "model.dropout" in fixed
        beyond = mistakes(asked(model={"optimizer": "slow"}, space={"drag": {"choices": [3]}}))
        assert beyond["space.drag.choices[0]"] == "3 is not above 0 up to 2"
        useless = mistakes(asked(space={"drag": {"low": 0.1, "high": 1.0}}))
        assert "set model.optimizer to slow, or drop it" in useless["space.drag"]

    def test_another_optimizer_may_use_what_is_there(self, slow):
        space = {"rho": {"low": 0.1, "high": 0.9}}
        assert resolve(model={"optimizer": "slow"}, space=space).space.names == ["rho"]
        assert hyperparameters()["rho"].needs == Needs("optimizer", ("rmsprop", "slow"))

    def test_the_schema_describes_it(self, slow):
        described = SearchSpec.model_json_schema()["$defs"]["ModelSpec"]["properties"]
        assert described["drag"] == {
            "default": 0.5, "description": "For slow.", "exclusiveMinimum": 0, "maximum": 2.0,
            "title": "Drag", "type": "number",
        }  # fmt: skip
        assert described["activation"]["enum"] == ["relu", "sigmoid", "tanh"]

    def test_afterwards_nobody_knows_it(self):
        assert "drag" not in hyperparameters()
        assert "drag" not in SearchSpec.model_json_schema()["$defs"]["ModelSpec"]["properties"]
        assert "model.drag" in mistakes(asked(model={"drag": 0.5}))
        assert set(ModelSpec().model_dump()) >= {"momentum", "beta1", "beta2", "rho", "eps"}


class TestMetrics:
    def test_a_registered_metric_is_an_objective(self):
        toy = replace(METRICS["accuracy"], title="toy", direction="minimise", low=-1.0, high=2.0)
        with METRICS.registered("toy", toy):
            resolved = resolve(objective="toy")
            assert resolved.spec.to_json()["objective"] == "toy"
            assert resolved.workload.score_bounds == (-2.0, 1.0)
            names = SearchSpec.model_json_schema()["properties"]["objective"]["enum"]
            assert names[:3] == ["accuracy", "balanced_accuracy", "log_loss"]
            assert names[-2:] == ["toy", "external"]
        assert "objective" in mistakes(asked(objective="toy"))

    def test_a_metric_of_another_task_does_not_fit_the_dataset(self):
        numbers = DatasetFacts("d", 1437, 64, 0, "regression")
        spec = asked(
            objective="accuracy", model={"class_weight": "balanced", "loss": "cross_entropy"}
        )
        found = mistakes(spec, facts=numbers)
        assert found == {
            "objective": "accuracy is a metric of classification; 'digits' is for regression: take "
            "rmse, mse, mae or r2",
            "model.loss": "cross_entropy is a loss of classification; 'digits' is for regression: "
            "take squared_error or huber",
            "model.class_weight": "'digits' has no classes; drop it",
        }
        choices = {"class_weight": {"choices": [None, "balanced"]}}
        found = mistakes(asked(space=choices), facts=numbers)
        assert found["space.class_weight"] == "'digits' has no classes; drop it"
        with METRICS.registered("error", distance()):
            resolved = resolve(objective="error", facts=numbers)
            assert resolved.workload.parameters({}) == 65 * 50 + 51
            assert set(mistakes(asked(objective="error"))) == {"objective"}

    def test_a_metric_of_regression_does_not_fit_classes(self):
        found = mistakes(asked(objective="r2", model={"loss": "huber"}))
        assert found == {
            "objective": "r2 is a metric of regression; 'digits' is for classification: take "
            "accuracy, balanced_accuracy, log_loss, macro_f1, roc_auc or brier",
            "model.loss": "huber is a loss of regression; 'digits' is for classification: take "
            "cross_entropy",
        }

    def test_a_metric_of_a_positive_class_takes_two_classes(self):
        found = mistakes(asked(objective="f1"))
        assert found == {
            "objective": "f1 speaks of the positive one of two classes; 'digits' has 10: take "
            "accuracy, balanced_accuracy, log_loss, macro_f1, roc_auc or brier"
        }
        two = DatasetFacts("d", 1437, 64, 2)
        for name in ("f1", "f2", "f0_5", "average_precision"):
            assert resolve(objective=name, facts=two).spec.objective == name

    def test_the_objective_of_numbers_is_the_root_of_the_squared_error(self):
        numbers = DatasetFacts("d", 1437, 64, 0, "regression")
        assert resolve(facts=numbers).spec.to_json()["objective"] == "rmse"
        assert resolve().spec.to_json()["objective"] == "accuracy"

    def test_a_loss_is_stored_where_it_is_named(self):
        numbers = DatasetFacts("d", 1437, 64, 0, "regression")
        assert "loss" not in resolve(facts=numbers).spec.to_json()["model"]
        asked_for = resolve(facts=numbers, model={"loss": "huber"}).spec.to_json()
        assert asked_for["model"]["loss"] == "huber"
        both = {"loss": {"choices": ["squared_error", "huber"]}}
        resolved = resolve(facts=numbers, space=both)
        assert {
            len({resolved.workload.shape_key({"loss": one}) for one in both["loss"]["choices"]})
        } == {2}
        wrong = {"loss": {"choices": ["huber", "cross_entropy"]}}
        assert set(mistakes(asked(space=wrong), facts=numbers)) == {"space.loss.choices[1]"}

    def test_the_positive_class_is_a_fact_of_the_dataset(self):
        stored = {"digest": "d", "n_train": 9, "features": 2, "classes": ["no", "yes"]}
        assert DatasetFacts.from_json(stored).positive == 1
        assert DatasetFacts.from_json({**stored, "positive": "no"}).positive == 0

    def test_what_is_registered_twice_is_refused(self):
        with pytest.raises(ValueError, match="the metric 'accuracy' is registered already"):
            METRICS.register("accuracy", distance())


def distance() -> Metric:
    return replace(METRICS["log_loss"], title="squared error", task="regression")


def test_a_name_that_is_gone_is_a_mistake_of_a_stored_spec():
    data = asked(model={"activation": "swish"}, space={"dropout": {"low": 0, "high": 0.5}})
    with nn.ACTIVATIONS.registered("swish", nn.ACTIVATIONS["tanh"]):
        assert resolve(**data).workload.shape_key({"dropout": 0.1})[1] == "swish"
        assert "swish" in hyperparameters()["activation"].domain
    with pytest.raises(InvalidSpec, match="'relu', 'sigmoid' or 'tanh'"):
        resolve(**data)
