"""Conditions and forbidden combinations in a spec: their mistakes, and what is stored of them."""

from __future__ import annotations

from typing import Any

import pytest
from support.builders import asked, caps, mistakes, resolve

from hpsearch.spec import SearchSpec, given, parse
from hpsearch.workloads import NO_DATASET

SPACE: dict[str, Any] = {
    "optimizer": {"choices": ["sgd", "momentum", "adam"]},
    "rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "momentum": {"low": 0.1, "high": 0.9, "when": {"optimizer": ["momentum"]}},
    "nesterov": {"choices": [False, True], "when": {"optimizer": ["momentum"]}},
    "warmup": {"low": 1, "high": 9, "integer": True, "when": {"nesterov": [True]}},
    "layers": {"choices": [[50], [20, 20]]},
}
FORBID: list[dict[str, Any]] = [{"optimizer": "adam", "rate": {"low": 0.1, "high": 1}}]


def spec(space: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"objective": "external", "space": {**SPACE, **(space or {})}, "rounds": 4, **fields}


def wrong(space: dict[str, Any] | None = None, **fields: Any) -> dict[str, str]:
    return mistakes(spec(space, **fields), facts=NO_DATASET)


def resolved(**fields: Any):
    return parse(spec(**fields), NO_DATASET, caps())


def test_they_are_stored_as_they_were_asked() -> None:
    stored = resolved(forbid=FORBID).spec.to_json()
    assert stored["forbid"] == FORBID
    assert stored["space"]["warmup"]["when"] == {"nesterov": [True]}
    assert SearchSpec.model_validate(stored).to_json() == stored


def test_without_them_nothing_is_stored_of_them() -> None:
    stored = resolve().spec.to_json()
    assert "forbid" not in stored
    assert "when" not in stored["space"]["learning_rate"]


def test_boxes_have_no_condition_and_parents_come_first() -> None:
    space = resolved().space
    assert all(dimension.when is None for dimension in space.dimensions.values())
    order = list(space.order)
    assert order.index("optimizer") < order.index("nesterov") < order.index("warmup")


@pytest.mark.parametrize(
    ("name", "asked_for", "path", "words"),
    [
        ("x", {"low": 0, "high": 1, "when": {"optimiser": ["sgd"]}}, "when.optimiser", "did you mean optimizer"),
        ("x", {"low": 0, "high": 1, "when": {"rate": [0.1]}}, "when.rate", "is a range"),
        ("x", {"low": 0, "high": 1, "when": {"optimizer": ["sgd", "nadam"]}}, "when.optimizer[1]", "nadam cannot occur"),
        ("x", {"low": 0, "high": 1, "when": {"nesterov": [1]}}, "when.nesterov[0]", "1 cannot occur"),
        ("x", {"low": 0, "high": 1, "when": {"optimizer": "sgd"}}, "when.optimizer", "give a list"),
        ("x", {"low": 0, "high": 1, "when": {"optimizer": []}}, "when.optimizer", "give at least one"),
        ("x", {"low": 0, "high": 1, "when": {"optimizer": [{}]}}, "when.optimizer[0]", "a choice is a number"),
        ("x", {"low": 0, "high": 1, "when": {}}, "when", "give at least one"),
        ("x", {"choices": [1, 2], "when": {"x": [1]}}, "when", "x -> x"),
        ("optimizer", {"choices": ["sgd", "momentum", "adam"], "when": {"nesterov": [True]}}, "when", "optimizer -> nesterov -> optimizer"),
        ("x", {"low": 0, "high": 1, "when": {"optimizer": ["sgd"], "nesterov": [True]}}, "when", "never be active"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_condition_has_its_path(
    name: str, asked_for: dict[str, Any], path: str, words: str
) -> None:
    said = wrong({name: asked_for})
    assert words in said[f"space.{name}.{path}"]


def test_five_may_lie_one_above_the_other_and_no_more() -> None:
    chain: dict[str, Any] = {"a0": {"choices": [1, 2]}}
    for depth in range(1, 6):
        chain[f"a{depth}"] = {"choices": [1, 2], "when": {f"a{depth - 1}": [1]}}
    assert wrong(chain) == {}
    chain["a6"] = {"low": 0, "high": 1, "when": {"a5": [2]}}
    assert list(wrong(chain)) == ["space.a6.when"]
    assert "more than 5" in wrong(chain)["space.a6.when"]


@pytest.mark.parametrize(
    ("forbid", "path", "words"),
    [
        ([{"optimiser": "sgd"}], "forbid[0].optimiser", "did you mean optimizer"),
        ([{"optimizer": "nadam"}], "forbid[0].optimizer", "nadam cannot occur"),
        ([{"rate": "high"}], "forbid[0].rate", "a number is wanted"),
        ([{"rate": {"low": 1, "high": 0.1}}], "forbid[0].rate", "is above high"),
        ([{"rate": {"low": 0.1}}], "forbid[0].rate.high", "Field required"),
        ([{"rate": [{}]}], "forbid[0].rate", "give a value, a list"),
        ([{"optimizer": {"low": 0, "high": 1}}], "forbid[0].optimizer", "no choice lies between"),
        ([{}], "forbid[0]", "give at least one"),
        ({"rate": 1}, "forbid", "give a list"),
        (FORBID * 101, "forbid", "at most 100"),
        ([{"optimizer": ["sgd", "momentum", "adam"]}], "forbid", "leaves 0"),
        ([{"rate": {"low": 0, "high": 0.99}}], "forbid", "a search needs 1%"),
        ([{"optimizer": "adam"}], "forbid", "optimizer = adam it leaves none"),
        ([{"nesterov": True, "warmup": {"low": 1, "high": 9}}], "forbid", "nesterov = true it leaves none"),
    ],
)  # fmt: skip
def test_a_mistake_in_what_is_forbidden_has_its_path(forbid: Any, path: str, words: str) -> None:
    assert words in wrong(forbid=forbid)[path]


def test_a_list_of_whole_numbers_is_one_level_where_it_is_a_choice() -> None:
    space = resolved(forbid=[{"layers": [50], "optimizer": "sgd"}]).space
    assert not space.permits({"layers": (50,), "optimizer": "sgd"})
    assert space.permits({"layers": (20, 20), "optimizer": "sgd"})
    both = resolved(forbid=[{"layers": [[50], [20, 20]], "optimizer": "sgd", "rate": 0.1}]).space
    assert not both.permits({"layers": (20, 20), "optimizer": "sgd", "rate": 0.1})


def test_a_trial_without_a_forbidden_name_is_allowed() -> None:
    space = resolved(forbid=[{"momentum": {"low": 0.5, "high": 0.9}}]).space
    assert space.permits({"optimizer": "sgd", "rate": 0.1})
    assert not space.permits({"optimizer": "momentum", "momentum": 0.5})


SGD = {"optimizer": "sgd", "rate": 0.1, "layers": [50]}
ADAM = {**SGD, "optimizer": "adam"}
MOMENTUM = {**SGD, "optimizer": "momentum", "momentum": 0.5, "nesterov": False}


def test_a_setting_has_its_active_values_alone() -> None:
    made = resolved(baseline=MOMENTUM, try_first=[SGD])
    assert made.spec.to_json()["baseline"] == MOMENTUM
    assert given.first_of(made) == [{**SGD, "layers": (50,)}]


@pytest.mark.parametrize(
    ("setting", "path", "words"),
    [
        ({**SGD, "momentum": 0.5}, ".momentum", "momentum is active with optimizer = momentum alone"),
        ({**MOMENTUM, "nesterov": True}, ".warmup", "missing"),
        ({k: v for k, v in MOMENTUM.items() if k != "momentum"}, ".momentum", "missing"),
        (ADAM, "", "forbid[0] forbids it"),
    ],
)  # fmt: skip
def test_a_setting_that_the_space_does_not_have(
    setting: dict[str, Any], path: str, words: str
) -> None:
    assert words in wrong(forbid=FORBID, baseline=setting)[f"baseline{path}"]
    assert words in wrong(forbid=FORBID, try_first=[setting])[f"try_first[0]{path}"]


def test_a_network_takes_the_defaults_of_what_becomes_active() -> None:
    space = {
        "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
        "optimizer": {"choices": ["sgd", "momentum"]},
        "momentum": {"low": 0.1, "high": 0.99, "when": {"optimizer": ["momentum"]}},
    }
    made = resolve(**asked(space=space, baseline={"optimizer": "momentum"}))
    assert made.spec.baseline == {"learning_rate": 0.01, "momentum": 0.9, "optimizer": "momentum"}
    idle = mistakes(asked(space=space, baseline={"momentum": 0.5}))
    assert list(idle) == ["baseline.momentum"]
    assert (
        made.workload.hyperparameters({"learning_rate": 0.1, "optimizer": "sgd"})["momentum"] == 0.9
    )


def test_a_condition_under_which_a_network_s_constant_has_no_effect() -> None:
    space = {
        "optimizer": {"choices": ["sgd", "momentum"]},
        "momentum": {"low": 0.1, "high": 0.9, "when": {"optimizer": ["sgd"]}},
    }
    said = mistakes(asked(space=space))
    assert "momentum has no effect with optimizer sgd" in said["space.momentum.when.optimizer"]


def test_shapes_are_drawn_from_a_few_values_and_one_of_them_has_to_be_left() -> None:
    """Of 70 to 1,024 units samplers draw 128, 256, 512 and 1,024."""
    space = {"hidden_units": {"low": 70, "high": 1024, "scale": "log"}}
    forbid = [{"hidden_units": {"low": 100, "high": 1024}}]
    assert "it leaves 0" in mistakes(asked(space=space, forbid=forbid))["forbid"]
    assert mistakes(asked(space=space, forbid=[{"hidden_units": {"low": 200, "high": 1024}}])) == {}
