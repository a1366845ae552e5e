"""Requirements of a spec: what they may be, what they leave of the space, how they are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.builders import asked, mistakes, resolve

from hpsearch.spec import SearchSpec, needs
from hpsearch.workloads import NO_DATASET

UNITS = {"hidden_units": {"low": 4, "high": 512, "scale": "log"}}
DEEP = {**UNITS, "hidden_layers": {"low": 1, "high": 3}}


def need(metric: str, **bound: float) -> dict[str, Any]:
    return {"metric": metric, **bound}


def external(**fields: Any) -> dict[str, Any]:
    space = {"alpha": {"low": 0.1, "high": 1.0}}
    return {"objective": "external", "space": space, "rounds": 3, **fields}


@pytest.mark.parametrize(
    ("wrong", "path", "words"),
    [
        ({}, "require[0].metric", "Field required"),
        (need("parameters"), "require[0]", "one of at_most and at_least"),
        (need("parameters", at_most=9, at_least=1), "require[0]", "both make two"),
        (need("parameters", at_most=float("inf")), "require[0].at_most", "finite"),
        (need("parameters", at_most=float("nan")), "require[0].at_most", "finite"),
        (need("parameters", at_most="9"), "require[0].at_most", "number"),
        (need("parameters", at_moast=9), "require[0].at_moast", "unknown field"),
        (need("", at_most=9), "require[0].metric", "at least 1 character"),
        (need("macro_f2", at_least=0.5), "require[0].metric", "what is: parameters, estimated_"),
        (need("macrof1", at_least=0.5), "require[0].metric", "did you mean macro_f1?"),
        (need("rmse", at_most=1), "require[0].metric", "accuracy, balanced_accuracy"),
        (need("f1", at_least=0.5), "require[0].metric", "not measured here"),  # of two classes
        (need("cost", at_most=1), "require[0].metric", "not measured here"),
        (need("seconds", at_most=1), "require[0].metric", "name estimated_seconds"),
        (need("accuracy", at_least=1.2), "require[0].at_least", "1 at the most"),
        (need("log_loss", at_most=-1), "require[0].at_most", "0 at the least"),
        (need("parameters", at_most=-1), "require[0].at_most", "0 at the least"),
    ],
)
def test_a_mistake_has_its_path_and_the_way_out(wrong: Any, path: str, words: str) -> None:
    said = mistakes(asked(require=[wrong]))
    assert path in said
    assert words in said[path]


def test_one_quantity_is_bounded_once_on_a_side_and_without_contradiction() -> None:
    both = [need("accuracy", at_least=0.5), need("accuracy", at_most=0.9)]
    assert mistakes(asked(require=both)) == {}
    said = mistakes(asked(require=[both[0], need("accuracy", at_least=0.6)]))
    assert "the same side" in said["require[1]"]
    said = mistakes(asked(require=[both[0], need("accuracy", at_most=0.4)]))
    assert said["require[1]"] == (
        "accuracy at most 0.4 and require[0], accuracy at least 0.5, contradict each other: nothing "
        "meets both"
    )
    many = [need(f"m{i}", at_most=1) for i in range(11)]
    assert "at most 10" in mistakes(external(require=many), facts=NO_DATASET)["require"]


def test_an_external_search_requires_whatever_trainers_report() -> None:
    fine = [need("latency ms", at_most=9), need("cost", at_most=3), need("score", at_least=-1)]
    assert mistakes(external(require=fine, cheapest="cost"), facts=NO_DATASET) == {}
    said = mistakes(external(require=[need("1st", at_most=9)]), facts=NO_DATASET)
    assert "no name that a report can have" in said["require[0].metric"]
    said = mistakes(external(require=[need("seconds", at_most=9)]), facts=NO_DATASET)
    assert "as cost, or as a metric of another name" in said["require[0].metric"]
    said = mistakes(external(cheapest="parameters"), facts=NO_DATASET)
    assert "take cost" in said["cheapest"]


def test_nothing_is_the_cheapest_by_what_nobody_knows() -> None:
    assert mistakes(asked(cheapest="parameters")) == {}
    assert "take parameters or estimated_seconds" in mistakes(asked(cheapest="cost"))["cheapest"]
    assert "name estimated_seconds" in mistakes(asked(cheapest="seconds"))["cheapest"]


def test_without_them_nothing_is_stored_of_them() -> None:
    assert not {"require", "cheapest"} & resolve().spec.to_json().keys()
    bound = [need("parameters", at_most=9000.0)]
    spec = resolve(require=bound, cheapest="parameters").spec
    assert spec.to_json()["require"] == bound
    assert SearchSpec.model_validate(spec.to_json()) == spec


def test_a_range_ends_where_nothing_beyond_can_meet_a_requirement() -> None:
    """75 parameters for each of the units of one layer, and 10 more."""
    cut = resolve(space=UNITS, require=[need("parameters", at_most=5_000)])
    units = cut.box["hidden_units"]
    assert (units.low, units.high, units.hard_high) == (4, 66, 66)
    assert [needs.breaks(cut, {"hidden_units": n}) != [] for n in (66, 67)] == [False, True]
    assert cut.spec.space["hidden_units"].high == 512  # stored as it was asked
    least = resolve(space=UNITS, require=[need("parameters", at_least=5_000)])
    assert (least.box["hidden_units"].low, least.box["hidden_units"].high) == (67, 512)
    loose = resolve(space=UNITS, require=[need("parameters", at_most=10**9)])
    assert loose.box == resolve(space=UNITS).box


def test_levels_that_cannot_meet_a_requirement_are_dropped() -> None:
    space = {"hidden_sizes": {"choices": [[8], [64, 64], [16]]}}
    cut = resolve(space=space, require=[need("parameters", at_most=2_000)])
    assert cut.box["hidden_sizes"].choices == ((8,), (16,))


@pytest.mark.parametrize("bound", [{"at_most": 20_000.0}, {"at_least": 20_000.0}])
def test_no_setting_that_meets_a_requirement_is_cut_off(bound: dict[str, float]) -> None:
    whole = resolve(space=DEEP)
    cut = resolve(space=DEEP, require=[need("parameters", **bound)])
    assert cut.box != whole.box
    for units in range(4, 513, 4):
        for layers in (1, 2, 3):
            params = {"hidden_units": units, "hidden_layers": layers}
            if not needs.breaks(cut, params):
                assert all(cut.box[name].contains(value) for name, value in params.items()), params


def test_seconds_are_estimated_by_operations_and_minibatches() -> None:
    space = {**UNITS, "batch_size": {"low": 8, "high": 256, "scale": "log"}}
    resolved = resolve(space=space)
    seconds = [
        needs.known(resolved, {"hidden_units": 8, "batch_size": size})["estimated_seconds"]
        for size in (8, 64, 256)
    ]
    assert np.all(np.diff(seconds) < 0)
    cut = resolve(space=space, require=[need("estimated_seconds", at_most=seconds[1])])
    assert 8 < cut.box["batch_size"].low <= 64


def test_a_space_in_which_nearly_nothing_meets_it_is_refused() -> None:
    said = mistakes(asked(space=DEEP, require=[need("parameters", at_most=300)]))
    assert "settings drawn from the ranges meet it" in said["require[0]"]
    assert "parameters goes from" in said["require[0]"]
    assert mistakes(asked(space=DEEP, require=[need("parameters", at_most=2_000)])) == {}


def test_what_is_tried_first_keeps_what_is_required() -> None:
    bound = [need("parameters", at_most=20_000)]
    first = [{"hidden_units": 100, "hidden_layers": 3}]
    said = mistakes(asked(space=DEEP, require=bound, try_first=first))
    assert said == {
        "try_first[0]": "its parameters are 27,710, and parameters at most 20000 is required; give another "
        "setting, or require less"
    }


def test_what_is_tried_first_is_told_of_the_requirement_that_cuts_a_range() -> None:
    bound = [need("parameters", at_most=5_000)]
    said = mistakes(asked(space=UNITS, require=bound, try_first=[{"hidden_units": 100}]))
    assert "parameters at most 5000 is required" in said["try_first[0]"]
    said = mistakes(asked(space=UNITS, require=bound, try_first=[{"hidden_units": 600}]))
    assert "widen space.hidden_units" in said["try_first[0].hidden_units"]


def test_what_is_forbidden_is_not_what_meets_a_requirement() -> None:
    """Small networks are forbidden, and large ones have too many parameters."""
    space = {**DEEP, "learning_rate": {"low": 0.001, "high": 0.1, "scale": "log"}}
    bound = [need("parameters", at_most=20_000)]
    forbid = [
        {"hidden_units": {"low": 1, "high": 128}},
        {"hidden_units": {"low": 129, "high": 512}, "hidden_layers": 1},
    ]
    assert mistakes(asked(space=space, require=bound)) == {}
    assert mistakes(asked(space=space, forbid=forbid)) == {}
    said = mistakes(asked(space=space, require=bound, forbid=forbid))
    assert "meet it and are not forbidden" in said["require[0]"]
    assert "forbid less" in said["require[0]"]


def test_a_hyperparameter_that_is_not_active_cuts_nothing_off() -> None:
    """Without hidden_units three layers have the model's usual width, which is less than any searched."""
    space = {
        "optimizer": {"choices": ["sgd", "adam"]},
        "hidden_units": {"low": 100, "high": 512, "hard_low": 100, "when": {"optimizer": ["adam"]}},
        "hidden_layers": {"choices": [1, 3]},
    }
    cut = resolve(space=space, require=[need("parameters", at_most=9_000)])
    without = {"optimizer": "sgd", "hidden_layers": 3}
    assert needs.breaks(cut, without) == []
    assert cut.box["hidden_layers"].choices == (1, 3)
    assert needs.breaks(cut, {**without, "optimizer": "adam", "hidden_units": 100}) != []


def test_the_parameters_of_a_model_are_those_of_all_its_networks() -> None:
    bound = [need("parameters", at_most=5_000)]
    cut = resolve(space=UNITS, require=bound, final={"networks": 3})
    assert cut.box["hidden_units"].high == 22  # three networks of 75 for each unit, and 10 more
    one, three = (
        needs.known(resolve(space=UNITS, final={"networks": n}), {"hidden_units": 10})
        for n in (1, 3)
    )
    assert three["parameters"] == 3 * one["parameters"]
    assert three["estimated_seconds"] == one["estimated_seconds"]
