"""Spaces that are Python objects of other tools; those of a tool that is not installed here are skipped."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest

from hpsearch.errors import InvalidRequest
from hpsearch.exchange import convert


def linear(low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"low": low, "high": high, "scale": "linear", **more}


def log(low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"low": low, "high": high, "scale": "log", **more}


def tool(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed: its objects are not tried")


def test_bounds_of_bayesian_optimization() -> None:
    bounds = {
        "dropout": (0.0, 0.5),
        "layers": (1, 5, int),
        "width": (8, 16),
        "batch": (8, 16, 32),
        "optimizer": ("sgd", "adam"),
        "cut": (1.5, 4.5, int),
        "reversed": (3.0, 1.0),
        "flag": (True, False),
    }
    made = convert(bounds)
    assert made.spec["direction"] == "maximize"
    assert made.spec["space"] == {
        "dropout": linear(0, 0.5),
        "layers": linear(1, 5, integer=True),
        "width": linear(8, 16),
        "batch": {"choices": [8, 16, 32]},
        "optimizer": {"choices": ["sgd", "adam"]},
        "cut": linear(1, 4, integer=True),
        "reversed": linear(1, 3),
        "flag": linear(0, 1),
    }


def test_distributions_of_optuna() -> None:
    distributions = {
        "lr": optuna.distributions.FloatDistribution(1e-5, 0.1, log=True),
        "n": optuna.distributions.IntDistribution(1, 9, step=4),
        "c": optuna.distributions.CategoricalDistribution(["a", None]),
    }
    space = {"lr": log(1e-5, 0.1), "n": {"choices": [1, 5, 9]}, "c": {"choices": ["a", None]}}
    assert convert(distributions).spec["space"] == space


def test_a_parsed_document_is_read_as_well() -> None:
    made = convert({"x": {"_type": "uniform", "_value": [0, 1]}})
    assert (made.tool, made.spec["space"]) == ("nni", {"x": linear(0, 1)})


def test_a_space_of_ray() -> None:
    tune = tool("ray.tune")
    made = convert(
        {
            "lr": tune.loguniform(1e-5, 1e-1),
            "layers": tune.randint(1, 5),
            "width": tune.lograndint(1, 10),
            "units": tune.qrandint(1, 10, 2),
            "model": {"dropout": tune.quniform(0, 1, 0.5)},
            "batch": tune.grid_search([32, 64]),
            "folds": 5,
            "noise": tune.randn(),
        }
    )
    assert made.spec["space"] == {
        "lr": log(1e-5, 0.1),
        "layers": linear(1, 4, integer=True),
        "width": log(1, 9, integer=True),
        "units": {"choices": [2, 4, 6, 8, 10]},
        "model.dropout": {"choices": [0, 0.5, 1]},
        "batch": {"choices": [32, 64]},
    }
    said = "\n".join(made.said)
    assert "folds: not searched, it is always 5" in said
    assert "noise: left out: normal has no bounds" in said


def test_a_space_of_hyperopt() -> None:
    hp = tool("hyperopt").hp
    inner = {"name": "svm", "c": hp.uniform("c", 0, 1)}
    made = convert(
        {
            "lr": hp.loguniform("lr", math.log(1e-5), math.log(1e-1)),
            "layers": hp.uniformint("layers", 1, 5),
            "width": hp.randint("width", 1, 10),
            "units": hp.quniform("units", 0, 1, 0.5),
            "optimizer": hp.choice("optimizer", ["sgd", "adam"]),
            "model": hp.choice("model", [inner, {"name": "tree"}]),
        }
    )
    assert made.spec["direction"] == "minimize"
    assert made.spec["space"] == {
        "lr": log(1e-5, 0.1),
        "layers": linear(1, 5, integer=True),
        "width": linear(1, 9, integer=True),
        "units": {"choices": [0, 0.5, 1]},
        "optimizer": {"choices": ["sgd", "adam"]},
        "model": {"choices": [0, 1]},
        "c": made.spec["space"]["c"],
    }
    assert made.spec["space"]["c"].items() >= linear(0, 1).items()


def test_a_parametrization_of_nevergrad() -> None:
    ng = tool("nevergrad")
    made = convert(
        ng.p.Dict(
            lr=ng.p.Log(lower=1e-5, upper=1e-1),
            layers=ng.p.Scalar(lower=1, upper=5).set_integer_casting(),
            around=ng.p.Scalar(init=2.0, lower=0, upper=50),
            optimizer=ng.p.Choice(["sgd", "adam"]),
            open=ng.p.Scalar(),
        )
    )
    assert made.spec["space"] == {
        "lr": log(1e-5, 0.1),
        "layers": linear(1, 5, integer=True),
        "around": linear(0, 50),
        "optimizer": {"choices": ["sgd", "adam"]},
    }
    assert any("around: Nevergrad draws it normally" in one for one in made.said)
    assert any("open: left out: it has no bounds" in one for one in made.said)


@pytest.mark.parametrize("space", [None, 3, "uniform(0, 1)", [], {}, {"x": object()}, object()])
def test_other_objects_are_refused(space: Any) -> None:
    with pytest.raises(InvalidRequest):
        convert(space)
