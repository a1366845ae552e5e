"""Search spaces as other tools write them, said as specs: what is taken, what is not, and what is said."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpsearch.errors import HpsearchError, InvalidRequest, InvalidSpec, TooLarge
from hpsearch.exchange.documents import read_documents
from hpsearch.exchange.resolving import resolved
from hpsearch.exchange.spaces.formats import FORMATS, convert_documents
from hpsearch.exchange.spaces.specs import Converted
from hpsearch.spec.combinations import condition_mistakes
from hpsearch.workloads import ValidParts

FILES = Path(__file__).with_name("spaces")
EXPECTED: dict[str, dict[str, Any]] = json.loads((FILES / "expected.json").read_text())


def convert(document: Any, tool: str | None = None) -> Converted:
    return convert_documents([document], "it", tool)


def linear(low: float, high: float) -> dict[str, Any]:
    return {"low": low, "high": high, "scale": "linear"}


def log(low: float, high: float) -> dict[str, Any]:
    return {"low": low, "high": high, "scale": "log"}


def whole(low: int, high: int, scale: str = "linear") -> dict[str, Any]:
    return {"low": low, "high": high, "scale": scale, "integer": True}


def choices(*values: Any) -> dict[str, Any]:
    return {"choices": list(values)}


def katib(algorithm: str, **entry: Any) -> dict[str, Any]:
    kind = entry.pop("parameterType", "int")
    entry = {k: v if isinstance(v, list) else str(v) for k, v in entry.items()}
    one = {"name": "x", "parameterType": kind, "feasibleSpace": entry}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "spec": {"algorithm": {"algorithmName": algorithm}, "parameters": [one]},
    }


def keras(kind: str, **config: Any) -> dict[str, Any]:
    return {"space": [{"class_name": kind, "config": {"name": "x", "conditions": [], **config}}]}


def vizier(**entry: Any) -> dict[str, Any]:
    return {"parameters": [{"parameterId": "x", **entry}]}


def optuna(name: str, **attributes: Any) -> dict[str, Any]:
    return {"x": {"name": name, "attributes": attributes}}


def syne(kind: str, sampler: str = "Uniform", **kwargs: Any) -> dict[str, Any]:
    return {"x": {"domain_cls": kind, "domain_kwargs": kwargs, "sampler_cls": sampler}}


def ax(kind: str, type_: str = "FLOAT", **entry: Any) -> dict[str, Any]:
    one = {"__type": kind, "name": "x", "parameter_type": {"name": type_}, **entry}
    return {"__type": "SearchSpace", "parameters": [one]}


def config(kind: str, **entry: Any) -> dict[str, Any]:
    return {"hyperparameters": [{"type": kind, "name": "x", **entry}]}


def skopt(kind: str, **entry: Any) -> dict[str, Any]:
    return {"Space": [{kind: {"name": "x", **entry}}]}


WANDB: dict[str, tuple[dict[str, Any], Any]] = {
    "two ints": ({"min": 1, "max": 5}, whole(1, 5)),
    "one float": ({"min": 1, "max": 5.0}, linear(1, 5)),
    "text of YAML": ({"min": "1e-3", "max": "1e-1", "distribution": "log_uniform_values"}, log(1e-3, 0.1)),
    "texts that are numbers": ({"values": ["1e-3", "1.0e2", 5]}, choices(1e-3, 100.0, 5)),
    "texts that are not": ({"values": ["1e-3", "auto"]}, choices("1e-3", "auto")),
    "quoted numbers": ({"values": ["16", "32"]}, choices("16", "32")),
    "exponents": ({"min": -3, "max": 0, "distribution": "log_uniform"}, log(math.exp(-3), 1)),
    "inverse exponents": (
        {"min": 1, "max": 3, "distribution": "inv_log_uniform"}, log(math.exp(-3), math.exp(-1)),
    ),
    "inverse values": ({"min": 0.1, "max": 3, "distribution": "inv_log_uniform_values"}, log(0.1, 3)),
    "whole steps": ({"min": 0, "max": 9, "distribution": "q_uniform"}, whole(0, 9)),
    "steps below min": (
        {"min": 0.1, "max": 1, "q": 0.25, "distribution": "q_uniform"}, choices(0, 0.25, 0.5, 0.75, 1),
    ),
    "steps in binary": (
        {"min": 0.1, "max": 0.4, "q": 0.1, "distribution": "q_uniform"},
        choices(0.1, 0.2, 0.30000000000000004, 0.4),
    ),
    "log steps": (
        {"min": 8, "max": 32, "q": 8, "distribution": "q_log_uniform_values"}, choices(8, 16, 24, 32),
    ),
    "log steps of exponents": (
        {"min": 0, "max": math.log(30), "q": 10, "distribution": "q_log_uniform"}, choices(0, 10, 20, 30),
    ),
    "log whole steps": (
        {"min": 1, "max": 1000, "q": 1, "distribution": "q_log_uniform_values"}, whole(1, 1000, "log"),
    ),
    "beta": ({"a": 2, "b": 5, "distribution": "beta"}, linear(0, 1)),
    "beta in steps": ({"a": 2, "b": 5, "q": 0.5, "distribution": "q_beta"}, choices(0, 0.5, 1)),
    "weights": ({"values": ["a", "b"], "probabilities": [9, 1]}, choices("a", "b")),
    "a value twice": ({"values": [1, 1.0, True, 2]}, choices(1, True, 2)),
    "lists": ({"values": [[32], [64, 32]]}, choices([32], [64, 32])),
    "null": ({"values": ["relu", None]}, choices("relu", None)),
}  # fmt: skip


@pytest.mark.parametrize("case", WANDB)
def test_a_sweep(case: str) -> None:
    entry, dimension = WANDB[case]
    assert convert({"parameters": {"x": entry}}).spec["space"] == {"x": dimension}


def test_a_grid_of_a_sweep_counts_from_min_and_leaves_max_out() -> None:
    entry = {"min": 0.5, "max": 2.0, "q": 0.5, "distribution": "q_uniform"}
    made = convert({"method": "grid", "parameters": {"x": entry}})
    assert made.spec["space"] == {"x": choices(0.5, 1.0, 1.5)}


OTHERS: dict[str, tuple[dict[str, Any], Any]] = {
    "katib int": (katib("random", min=1, max=5), whole(1, 5)),
    "katib steps, rounded": (katib("tpe", min=1, max=10, step=2), choices(2, 4, 6, 8, 10)),
    "katib steps, from min": (katib("grid", min=1, max=10, step=2), choices(1, 3, 5, 7, 9)),
    "katib steps, ignored": (katib("bayesianoptimization", min=1, max=10, step=2), whole(1, 10)),
    "katib doubles, from min": (
        katib("multivariate-tpe", parameterType="double", min=0.1, max=1, step=0.25),
        choices(0.1, 0.35, 0.6, 0.85),
    ),
    "katib log steps, ignored": (
        katib("multivariate-tpe", parameterType="double", min=0.1, max=1, step=0.25, distribution="logUniform"),
        log(0.1, 1),
    ),
    "katib steps of 1": (katib("random", min=1, max=10, step=1), whole(1, 10)),
    "katib discrete": (katib("random", parameterType="discrete", list=["1e-3", "2"]), choices(1e-3, 2)),
    "katib list of the SDK": (
        katib("random", parameterType="categorical", distribution=["a", "b"]), choices("a", "b"),
    ),
    "nni randint": ({"x": {"_type": "randint", "_value": [1, 5]}}, whole(1, 4)),
    "nni quniform of 1": ({"x": {"_type": "quniform", "_value": [1, 5, 1]}}, whole(1, 5)),
    "nni quniform, clipped": (
        {"x": {"_type": "quniform", "_value": [0.1, 0.95, 0.25]}}, choices(0.1, 0.25, 0.5, 0.75, 0.95),
    ),
    "nni qloguniform": ({"x": {"_type": "qloguniform", "_value": [2, 8, 2]}}, choices(2, 4, 6, 8)),
    "nni texts of YAML": ({"x": {"_type": "loguniform", "_value": ["1e-5", "1e-1"]}}, log(1e-5, 0.1)),
    "optuna step": (optuna("FloatDistribution", low=0.0, high=1.05, step=0.5, log=False), choices(0.0, 0.5, 1.0)),
    "optuna binary step": (
        optuna("FloatDistribution", low=0.0, high=0.4, step=0.1), choices(0.0, 0.1, 0.2, 0.30000000000000004, 0.4),
    ),
    "optuna int step": (optuna("IntDistribution", low=1, high=10, step=3, log=False), choices(1, 4, 7, 10)),
    "optuna old q": (optuna("DiscreteUniformDistribution", low=0, high=1, q=0.5), choices(0.0, 0.5, 1.0)),
    "optuna old log": (optuna("LogUniformDistribution", low=0.1, high=1), log(0.1, 1)),
    "optuna old int": (optuna("IntLogUniformDistribution", low=1, high=9, step=1), whole(1, 9, "log")),
    "optuna short": ({"x": {"type": "int", "low": 1, "high": 9, "log": True}}, whole(1, 9, "log")),
    "optuna text": (
        {"x": json.dumps({"name": "CategoricalDistribution", "attributes": {"choices": [1, "1"]}})}, choices(1, "1"),
    ),
    "configspace log int": (config("uniform_int", lower=1, upper=9, log=True), whole(1, 9, "log")),
    "configspace normal": (config("normal_float", mu=0, sigma=1, lower=-1.0, upper=2.0, log=False), linear(-1, 2)),
    "configspace beta": (config("beta_int", alpha=2, beta=3, lower=1, upper=4), whole(1, 4)),
    "configspace old q": (config("uniform_float", lower=0.1, upper=1, q=0.25, log=False), choices(0.1, 0.35, 0.6, 0.85)),
    "keras default step": (keras("Int", min_value=1, max_value=5, step=None), whole(1, 5)),
    "keras log": (keras("Int", min_value=1, max_value=9, step=None, sampling="log"), whole(1, 9, "log")),
    "keras step in binary": (
        keras("Float", min_value=0.0, max_value=0.4, step=0.1), choices(0.0, 0.1, 0.2, 0.30000000000000004, 0.4),
    ),
    "keras mirrored steps": (
        keras("Int", min_value=1, max_value=8, step=2, sampling="reverse_log"), choices(8, 7, 5, 1),
    ),
    "synetune finite": (syne("FiniteRange", lower=0.1, upper=1.0, size=4), choices(0.1, 0.4, 0.7, 0.9999999999999999)),
    "synetune finite log": (
        syne("FiniteRange", lower=8, upper=64, size=4, log_scale=True, cast_int=True), choices(8, 16, 32, 64),
    ),
    "synetune ordinal": (syne("OrdinalNearestNeighbor", categories=[8, 16, 32]), choices(8, 16, 32)),
    "ax": (ax("RangeParameter", "INT", lower=1, upper=9, log_scale=True), whole(1, 9, "log")),
    "ax choice": (ax("ChoiceParameter", "STRING", values=["a", "b"]), choices("a", "b")),
    "vizier zero left out": (vizier(doubleValueSpec={"maxValue": 0.5}), linear(0, 0.5)),
    "vizier int texts": (vizier(integerValueSpec={"maxValue": "8"}), whole(0, 8)),
    "vizier snake": (
        {"parameters": [{"parameter_id": "x", "integer_value_spec": {"min_value": "1", "max_value": "9"},
                         "scale_type": "UNIT_LOG_SCALE"}]}, whole(1, 9, "log"),
    ),
    "vizier booleans": (
        vizier(categoricalValueSpec={"values": ["False", "True"]}, externalType="AS_BOOLEAN"), choices(False, True),
    ),
    "vizier discrete": (vizier(discreteValueSpec={"values": [0.5, 1]}), choices(0.5, 1)),
    "orion": ({"space": {"x": "uniform(0.5, 5.5, discrete=True)"}}, whole(0, 6)),
    "orion mark": ({"x": "orion~loguniform(1e-5, 1)"}, log(1e-5, 1)),
    "orion weights": ({"space": {"/x": "choices({'a': .1, 'b': .9})"}}, choices("a", "b")),
    "orion keywords": ({"space": {"x": "uniform(low=0, high=2, precision=3)"}}, linear(0, 2)),
    "skopt": (skopt("integer", low=1, high=9, prior="log-uniform"), whole(1, 9, "log")),
    "skopt texts of YAML": (skopt("Real", low="1e-5", high=1, prior="log-uniform"), log(1e-5, 1)),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_a_space(case: str) -> None:
    document, dimension = OTHERS[case]
    made = convert(document)
    assert made.spec["space"] == {"x": dimension}
    resolved(made.spec)


UNSAID: dict[str, tuple[dict[str, Any], str]] = {
    "wandb normal": (
        {"parameters": {"x": {"distribution": "normal", "mu": 1, "sigma": 0.5}}},
        'normal has no bounds; three deviations to both sides would be {"low": -0.5, "high": 2.5}',
    ),
    "wandb log_normal": ({"parameters": {"x": {"distribution": "q_log_normal"}}}, '"scale": "log"'),
    "wandb exponents that look like values": (
        {"parameters": {"x": {"distribution": "log_uniform", "min": 1e-6, "max": 0.1}}},
        'mean 1.000001 to 1.105171, and log_uniform_values is nearly always meant; write {"low": 1e-06',
    ),
    "wandb int_uniform": ({"parameters": {"x": {"distribution": "int_uniform", "min": 1.0, "max": 3}}}, "whole"),
    "wandb many steps": (
        {"parameters": {"x": {"distribution": "q_uniform", "min": 0, "max": 100, "q": 0.5}}}, "201 values in steps",
    ),
    "wandb q of no q": ({"parameters": {"x": {"min": 0, "max": 9, "q": 3}}}, "write distribution: q_uniform"),
    "wandb unknown key": ({"parameters": {"x": {"min": 0, "max": 1, "mim": 2}}}, "W&B knows no mim"),
    "wandb reversed": ({"parameters": {"x": {"min": 3, "max": 1}}}, "low must be below high"),
    "a mapping": ({"parameters": {"x": {"values": [{"a": 1}, 2]}}}, "a value is a dict"),
    "not finite": ({"parameters": {"x": {"values": [math.nan, 2]}}}, "no spec can have the value nan"),
    "65 values": ({"parameters": {"x": {"values": list(range(65))}}}, "65 values"),
    "log from 0": ({"parameters": {"x": {"distribution": "log_uniform_values", "min": 0, "max": 1}}}, "above zero"),
    "a long text": ({"parameters": {"x": {"values": ["a" * 101, "b"]}}}, "a text is printable"),
    "a huge exponent": ({"parameters": {"x": {"distribution": "log_uniform", "min": 1, "max": 1e4}}}, "no number"),
    "katib normal": (katib("random", min=1, max=10, distribution="normal"), '{"low": 1, "high": 10, "integer": true}'),
    "nni normal": ({"x": {"_type": "qnormal", "_value": [0, 1, 0.5]}}, "qnormal has no bounds"),
    "keras mirror": (keras("Float", min_value=0.1, max_value=1.0, sampling="reverse_log"), "in a mirror"),
    "vizier mirror": (
        vizier(doubleValueSpec={"minValue": 0.1, "maxValue": 1.0}, scaleType="UNIT_REVERSE_LOG_SCALE"), "in a mirror",
    ),
    "ax logit": (ax("RangeParameter", lower=0.1, upper=0.9, logit_scale=True), "logit"),
    "orion normal": ({"space": {"x": "normal(0, 1)"}}, "normal has no bounds"),
    "orion shape": ({"space": {"x": "uniform(0, 1, shape=3)"}}, "3 values"),
    "skopt without a name": ({"Space": [{"Real": {"low": 0, "high": 1}}]}, "has no name"),
    "a name": ({"parameters": {"a b": {"min": 0, "max": 1}}}, "a name has 1 to 40 letters"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSAID)
def test_what_cannot_be_said_is_named_and_left_out(case: str) -> None:
    document, sentence = UNSAID[case]
    with pytest.raises(InvalidSpec, match="can be searched") as caught:
        convert(document)
    assert sentence in ": ".join(caught.value.mistakes[0])


def test_a_prior_that_is_code_is_not_run() -> None:
    priors = {"x": "uniform(0, 1)", "y": "uniform(__import__('os').getpid(), 1)"}
    made = convert({"space": priors})
    assert made.spec["space"] == {"x": linear(0, 1)}
    assert any("y: left out: no prior as Oríon writes it" in one for one in made.said)


CONSTANTS: dict[str, dict[str, Any]] = {
    "value": {"parameters": {"c": {"value": 5}, "x": {"min": 0, "max": 1.0}}},
    "one category": {"parameters": {"c": {"values": [5]}, "x": {"min": 0, "max": 1.0}}},
    "low and high": {
        "c": {"_type": "uniform", "_value": [5, 5]}, "x": {"_type": "uniform", "_value": [0, 1]},
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CONSTANTS)
def test_a_constant_is_named_and_not_searched(case: str) -> None:
    made = convert(CONSTANTS[case])
    assert made.spec["space"] == {"x": linear(0, 1)}
    assert "c: not searched, it is always 5; leave it to your training" in made.said


def test_a_length_of_training_becomes_the_epochs() -> None:
    made = convert({"space": {"e": "fidelity(1, 81, base=3)", "x": "uniform(0, 1)"}})
    assert made.spec["epochs"] == {"first": 1, "last": 81}
    assert [*made.spec["space"]] == ["x"]
    resolved(made.spec)


def test_directions_are_taken_where_the_file_has_them() -> None:
    parameters = {"x": {"min": 0, "max": 1.0}}
    assert (
        convert({"parameters": parameters, "metric": {"name": "loss"}}).spec["direction"]
        == "minimize"
    )
    silent = convert({"parameters": parameters})
    assert "direction" not in silent.spec
    assert any(one.startswith("direction: ") for one in silent.said)
    space = {"x": {"_type": "uniform", "_value": [0, 1]}}
    assert convert({"searchSpace": space, "tuner": {"name": "TPE"}}).spec["direction"] == "maximize"
    objective = {"optimization_config": {"objective": {"expression": "-loss"}}}
    document = {**objective, "search_space": ax("RangeParameter", lower=0, upper=1)}
    assert convert(document).spec["direction"] == "minimize"
    trial = keras("Float", min_value=0, max_value=1) | {
        "metrics": {"metrics": {"loss": {"direction": "min"}}}
    }
    assert convert(trial).spec["direction"] == "minimize"
    two = vizier(doubleValueSpec={"maxValue": 1}) | {
        "metrics": [{"goal": "MAXIMIZE"}, {"goal": "MINIMIZE"}]
    }
    assert "direction" not in convert(two).spec


def test_nested_parameters_have_names_with_dots() -> None:
    inner = {"parameters": {"lr": {"min": 0, "max": 1.0}}}
    assert [*convert({"parameters": {"optimizer": inner}}).spec["space"]] == ["optimizer.lr"]


CONDITIONAL: dict[str, tuple[dict[str, Any], Mapping[str, Any]]] = {
    "nni": (
        {"m": {"_type": "choice", "_value": [{"_name": "a", "d": {"_type": "uniform", "_value": [0, 1]}},
                                             {"_name": "b"}]}},
        {"m": choices("a", "b"), "m.d": {**linear(0, 1), "when": {"m": ["a"]}}},
    ),
    "configspace": (
        {"hyperparameters": [{"type": "categorical", "name": "m", "choices": ["a", "b", "c"]},
                             {"type": "uniform_float", "name": "d", "lower": 0, "upper": 1}],
         "conditions": [{"type": "OR", "child": "d", "conditions": [
             {"type": "EQ", "child": "d", "parent": "m", "value": "a"},
             {"type": "IN", "child": "d", "parent": "m", "values": ["c"]}]}]},
        {"m": choices("a", "b", "c"), "d": {**linear(0, 1), "when": {"m": ["a", "c"]}}},
    ),
    "configspace, not": (
        {"hyperparameters": [{"type": "categorical", "name": "m", "choices": ["a", "b", "c"]},
                             {"type": "uniform_float", "name": "d", "lower": 0, "upper": 1}],
         "conditions": [{"type": "NEQ", "child": "d", "parent": "m", "value": "a"}]},
        {"m": choices("a", "b", "c"), "d": {**linear(0, 1), "when": {"m": ["b", "c"]}}},
    ),
    "configspace, chained": (
        {"hyperparameters": [{"type": "categorical", "name": "m", "choices": ["a", "b"]},
                             {"type": "categorical", "name": "n", "choices": [1, 2]},
                             {"type": "uniform_float", "name": "d", "lower": 0, "upper": 1}],
         "conditions": [{"type": "EQ", "child": "n", "parent": "m", "value": "a"},
                        {"type": "AND", "conditions": [
                            {"type": "EQ", "child": "d", "parent": "m", "value": "a"},
                            {"type": "EQ", "child": "d", "parent": "n", "value": 2}]}]},
        {"m": choices("a", "b"), "n": {**choices(1, 2), "when": {"m": ["a"]}},
         "d": {**linear(0, 1), "when": {"n": [2]}}},
    ),
    "vizier": (
        vizier(categoricalValueSpec={"values": ["a", "b"]}, conditionalParameterSpecs=[
            {"parentCategoricalValues": {"values": ["b"]},
             "parameterSpec": {"parameterId": "d", "doubleValueSpec": {"maxValue": 1}}}]),
        {"x": choices("a", "b"), "d": {**linear(0, 1), "when": {"x": ["b"]}}},
    ),
    "ax": (
        {"__type": "SearchSpace", "parameters": [
            {"__type": "ChoiceParameter", "name": "m", "values": [True, False], "dependents": {"true": ["d"]}},
            {"__type": "RangeParameter", "name": "d", "lower": 0, "upper": 1}]},
        {"m": choices(True, False), "d": {**linear(0, 1), "when": {"m": [True]}}},
    ),
    "a chain": (
        {"space": [
            {"class_name": "Choice", "config": {"name": "m", "values": ["a", "b"]}},
            {"class_name": "Choice", "config": {"name": "n", "values": [1, 2], "conditions": [
                {"class_name": "Parent", "config": {"name": "m", "values": ["a"]}}]}},
            {"class_name": "Float", "config": {"name": "d", "min_value": 0, "max_value": 1, "conditions": [
                {"class_name": "Parent", "config": {"name": "m", "values": ["a"]}},
                {"class_name": "Parent", "config": {"name": "n", "values": [2]}}]}}]},
        {"m": choices("a", "b"), "n": {**choices(1, 2), "when": {"m": ["a"]}},
         "d": {**linear(0, 1), "when": {"n": [2]}}},
    ),
    "all values": (
        {"space": [
            {"class_name": "Choice", "config": {"name": "m", "values": ["a", "b"]}},
            {"class_name": "Float", "config": {"name": "d", "min_value": 0, "max_value": 1, "conditions": [
                {"class_name": "Parent", "config": {"name": "m", "values": ["a", "b"]}}]}}]},
        {"m": choices("a", "b"), "d": linear(0, 1)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONDITIONAL)
def test_conditions_of_one_parent_are_said(case: str) -> None:
    document, space = CONDITIONAL[case]
    assert convert(document).spec["space"] == space


def test_other_conditions_are_named() -> None:
    parts = [{"type": "uniform_float", "name": name, "lower": 0, "upper": 1} for name in "md"]
    above = {"type": "GT", "child": "d", "parent": "m", "value": 0.5}
    made = convert({"hyperparameters": parts, "conditions": [above]})
    assert "when" not in made.spec["space"]["d"]
    assert any("d: not said: it counts only where m above 0.5" in one for one in made.said)


def test_a_condition_on_a_constant_is_always_or_never_true() -> None:
    def space(values: list[str]) -> dict[str, Any]:
        parent = {"class_name": "Parent", "config": {"name": "m", "values": values}}
        number = {"min_value": 0, "max_value": 1}
        return {
            "space": [
                {"class_name": "Fixed", "config": {"name": "m", "value": "a"}},
                {"class_name": "Float", "config": {"name": "d", **number, "conditions": [parent]}},
                {"class_name": "Float", "config": {"name": "x", **number}},
            ]
        }

    assert convert(space(["a"])).spec["space"] == {"d": linear(0, 1), "x": linear(0, 1)}
    never = convert(space(["b"]))
    assert never.spec["space"] == {"x": linear(0, 1)}
    assert any("d: left out: it has no effect" in one for one in never.said)


def keras_one(kind: str, name: str, when: Mapping[str, Any] | None = None, **config: Any) -> Any:
    parents = [
        {"class_name": "Parent", "config": {"name": parent, "values": values}}
        for parent, values in (when or {}).items()
    ]
    return {"class_name": kind, "config": {"name": name, "conditions": parents, **config}}


NUMBER = {"min_value": 0, "max_value": 1}
ONE = keras_one("Choice", "m", values=["a", "b"])
ODD: dict[str, tuple[list[Any], Mapping[str, Any], str]] = {
    "a boolean, which is 1 in a condition": (
        [keras_one("Boolean", "f"), keras_one("Float", "d", {"f": [1]}, **NUMBER)],
        {"f": choices(True, False), "d": {**linear(0, 1), "when": {"f": [True]}}}, "",
    ),
    "a child before its parent": (
        [keras_one("Float", "d", {"n": [1]}, **NUMBER), keras_one("Choice", "n", {"m": ["z"]}, values=[1, 2]), ONE],
        {"m": choices("a", "b")}, "d: left out: it has no effect, for n has none",
    ),
    "no such value": (
        [ONE, keras_one("Float", "d", {"m": ["z"]}, **NUMBER)],
        {"m": choices("a", "b")}, "d: left out: it has no effect, for m is never 'z'",
    ),
    "what contradicts itself": (
        [ONE, keras_one("Choice", "n", {"m": ["a"]}, values=[1, 2]),
         keras_one("Float", "d", {"n": [1], "m": ["b"]}, **NUMBER)],
        {"m": choices("a", "b"), "n": {**choices(1, 2), "when": {"m": ["a"]}}},
        "d: left out: it has no effect, for its conditions want different values of m",
    ),
    "a circle": (
        [keras_one("Choice", "m", {"n": [1]}, values=["a", "b"]), keras_one("Choice", "n", {"m": ["a"]}, values=[1, 2])],
        {"m": choices("a", "b"), "n": choices(1, 2)}, "m: its condition depends on itself",
    ),
    "a range": (
        [keras_one("Int", "n", min_value=1, max_value=3), keras_one("Float", "d", {"n": [2, 3]}, **NUMBER)],
        {"n": whole(1, 3), "d": linear(0, 1)},
        "d: it counts only with some values of n, which is no choice: as one it could have d under `when`; it is searched",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_conditions_that_no_spec_can_have_are_named(case: str) -> None:
    entries, space, said = ODD[case]
    made = convert({"space": entries})
    assert made.spec["space"] == space
    assert any(one.startswith(said) for one in made.said)
    assert_taken(made)


def assert_taken(made: Converted) -> None:
    """A service takes the spec, conditions included."""
    spec = resolved(made.spec).spec
    parts = ValidParts(dict(made.spec), None, frozenset(), [*spec.space], spec.space)
    assert condition_mistakes(parts) == []


def test_a_chain_of_conditions_has_an_end() -> None:
    inner: dict[str, Any] = {"x": {"_type": "uniform", "_value": [0, 1]}}
    for name in "gfedcba":
        inner = {name: {"_type": "choice", "_value": [{"_name": "y", **inner}, {"_name": "n"}]}}
    made = convert(inner)
    assert made.spec["space"]["a.b.c.d.e.f"]["when"] == {"a.b.c.d.e": ["y"]}
    assert "when" not in made.spec["space"]["a.b.c.d.e.f.g"]
    assert made.spec["space"]["a.b.c.d.e.f.g.x"]["when"] == {"a.b.c.d.e.f.g": ["y"]}
    assert any("below more than 5 others; it is searched always" in one for one in made.said)
    assert_taken(made)


def test_what_is_forbidden_comes_with_its_line_of_a_spec() -> None:
    """As its owner may paste it: a space without it holds the same values."""
    entries = [{"type": "categorical", "name": name, "choices": [1, 2, 3]} for name in "mn"]
    pair = {"type": "AND", "clauses": [{"name": "m", "type": "EQUALS", "value": 1},
                                       {"name": "n", "type": "IN", "values": [2, 3]}]}  # fmt: skip
    larger = {"type": "GREATER", "left": "m", "right": "n"}
    made = convert({"hyperparameters": entries, "forbiddens": [pair, larger]})
    said, other = (one for one in made.said if one.startswith("not taken over, forbidden"))
    line = said.partition("; ")[2].removesuffix(" says it")
    assert resolved({**made.spec, **json.loads(f"{{{line}}}")}).space.forbidden
    assert other == "not taken over, forbidden: m greater n"


def test_a_mode_may_be_a_list_of_one() -> None:
    space = syne("Float", lower=0, upper=1)
    assert convert({"config_space": space, "metric_mode": ["max"]}).spec["direction"] == "maximize"


def test_a_name_is_printable() -> None:
    sweep = {"name": "my\x00\n sweep\n", "parameters": {"x": {"min": 0, "max": 1.0}}}
    assert convert(sweep).spec["name"] == "my sweep"


@pytest.mark.parametrize("file", EXPECTED)
def test_files_that_the_tools_wrote(file: str) -> None:
    made = convert_documents(read_documents(FILES / file), file)
    said = {name: one for name, one in EXPECTED[file].items() if one is not None}
    assert made.spec["space"] == said
    for name in EXPECTED[file].keys() - said.keys():
        assert any(one.startswith(f"{name}: ") for one in made.said)


@pytest.mark.parametrize("file", EXPECTED)
def test_each_file_is_of_one_format_and_makes_a_spec(file: str) -> None:
    made = convert_documents(read_documents(FILES / file), file)
    resolved(made.spec)
    assert made.tool == file.partition("-")[0].replace("smac", "configspace")


WRONG: list[Any] = [
    None, True, -1, 0, 1e400, math.nan, "", "1e-3", "x" * 9999, [], {}, [[]], {"a": {}}, [1, "a", None], 10**400, "1" * 5000,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value if isinstance(value, list) else ())
    )
    return [path, *(p for key, one in inner for p in places(one, (*path, key)))]


@pytest.mark.parametrize("file", EXPECTED)
def test_files_of_wrong_types_are_answered(file: str) -> None:
    """Each value of each file is replaced by values of other types: a spec, or one clear error."""
    (document,) = read_documents(FILES / file)
    draw = random.Random(0)
    for path in places(document)[1:]:
        for wrong in draw.sample(WRONG, 2):
            changed = json.loads(json.dumps(document))
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = wrong
            for tool in (None, *draw.sample([*FORMATS], 1)):
                with suppress(HpsearchError):
                    resolved(convert(changed, tool).spec)


HOSTILE: dict[str, tuple[str, type[HpsearchError], str]] = {
    "deep.json": ("[" * 100_000, InvalidRequest, "in each other"),
    "deep.yaml": ("a: " + "[" * 5_000, InvalidRequest, "in each other"),
    "indented.yaml": ("".join("  " * i + "a:\n" for i in range(300)), InvalidRequest, "in each other"),
    "large.json": (" " * (8 * 2**20 + 1), TooLarge, "more than"),
    "laughs.yaml": (
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)),
        TooLarge,
        "values",
    ),
    "merges.yaml": (
        "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40)),
        HpsearchError,
        "",
    ),
    "itself.yaml": ("a: &a [*a]\n", InvalidRequest, "stands for itself"),
    "object.yaml": ("a: !!python/object/apply:os.getpid []\n", InvalidRequest, "neither JSON nor YAML"),
    "space.py": ("import os\n", InvalidRequest, "hpsearch.exchange.convert"),
    "digits.json": ('{"a": ' + "1" * 10_000 + "}", InvalidRequest, "not JSON"),
    "broken.json": ('{"a": 1', InvalidRequest, "line 1"),
    "broken.yaml": ("a: [1, 2\nb: 3", InvalidRequest, "neither JSON nor YAML"),
    "date.yaml": ("a: 2024-13-45\n", InvalidRequest, "cannot hold"),
    "other.json": ('{"a": 1}', InvalidRequest, "is no space of a tool that is known: wandb"),
    "empty.yaml": ("", InvalidRequest, "is no space"),
    "text.yaml": ("just a text", InvalidRequest, "is no space"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_get_one_clear_error(name: str, tmp_path: Path) -> None:
    text, kind, sentence = HOSTILE[name]
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(kind) as caught:
        convert_documents(read_documents(file), str(file))
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [(b"\x80\x04\x95", "pickle"), (b"SQLite format 3\0", "import"), (b"\xff\xfe\xfd", "text")],
)
def test_bytes_that_are_no_text(raw: bytes, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(raw)
    with pytest.raises(InvalidRequest, match=sentence):
        read_documents(file)


def test_aliases_and_several_documents_are_read(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "a: 1\n---\nx: &r {min: 0, max: 1.0}\nparameters: {lr: *r, wd: {<<: *r, max: 2.0}}\n"
    )
    made = convert_documents(read_documents(file), "it")
    assert made.spec["space"] == {"lr": linear(0, 1), "wd": linear(0, 2)}


def test_a_document_of_two_formats_asks_for_one() -> None:
    document = {"parameters": {"x": {"min": 0, "max": 1.0}}, "space": {"y": "uniform(0, 2)"}}
    with pytest.raises(InvalidRequest, match="could be wandb or orion; give --from"):
        convert(document)
    assert convert(document, "orion").spec["space"] == {"y": linear(0, 2)}
    with pytest.raises(InvalidRequest, match="is no Katib experiment"):
        convert(document, "katib")


def test_more_hyperparameters_than_a_search_has_are_said() -> None:
    made = convert({"parameters": {f"x{i}": {"min": 0, "max": 1.0} for i in range(21)}})
    assert len(made.spec["space"]) == 21
    assert any("21 hyperparameters; a search has 20" in one for one in made.said)


Sweep = Callable[[str], Path]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    def write(text: str) -> Path:
        file = tmp_path / "sweep.yaml"
        file.write_text(text)
        return file

    return write


def test_the_command_prints_a_spec_and_says_the_rest(
    sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    from hpsearch.cli import run

    file = sweep(
        "metric: {goal: minimize, name: loss}\nparameters: {lr: {min: 0.0, max: 1.0}, n: {value: 3}}\n"
    )
    assert run(["convert", str(file)]) == 0
    said = capsys.readouterr()
    spec = {"objective": "external", "direction": "minimize", "space": {"lr": linear(0, 1)}}
    assert json.loads(said.out) == spec
    assert "n: not searched, it is always 3" in said.err
    assert run(["convert", str(file), "--from", "wandb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["spec"] == spec
    assert run(["convert", str(file), "--from", "spearmint"]) == 2
    assert "'spearmint' is not one of 'wandb'" in capsys.readouterr().err
    assert run(["convert", str(file.with_name("none.yaml"))]) == 2
    assert yaml.safe_load(file.read_text())["metric"]["goal"] == "minimize"
