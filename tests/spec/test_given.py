"""Settings that a spec gives: what they may be, and how they are stored."""

from __future__ import annotations

from typing import Any

import pytest
from support.builders import asked, mistakes, resolve

from hpsearch.spec import SearchSpec, given

SPACE = {
    "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
    "clip_norm": {"choices": [None, 1.0]},
    "hidden_units": {"low": 8, "high": 64, "scale": "log"},
}
WHOLE = {"learning_rate": 0.1, "clip_norm": None, "hidden_units": 16}


def test_what_is_unsaid_has_the_model_s_default_and_is_stored() -> None:
    spec = resolve(space=SPACE, baseline={"learning_rate": 2}).spec
    stored = spec.to_json()["baseline"]
    assert stored == {"learning_rate": 2.0, "clip_norm": None, "hidden_units": 50}
    again = resolve(**{**asked(space=SPACE), "baseline": stored})
    assert again.spec.baseline == spec.baseline
    assert given.baseline_of(again) == stored
    assert not given.is_searched(again, stored)
    assert SearchSpec.model_validate(spec.to_json()) == spec


def test_layers_go_by_the_names_that_are_searched() -> None:
    spec = resolve(space=SPACE, baseline={"hidden_sizes": [20], "optimizer": "sgd"}).spec
    assert spec.baseline == {"learning_rate": 0.01, "clip_norm": None, "hidden_units": 20}


def test_without_them_nothing_is_stored_of_them() -> None:
    stored = resolve(space=SPACE).spec.to_json()
    assert not {"baseline", "try_first"} & stored.keys()


@pytest.mark.parametrize(
    ("setting", "path", "words"),
    [
        ({"learnin_rate": 0.1}, "learnin_rate", "did you mean learning_rate"),
        ({"learning_rate": 1e5}, "learning_rate", "above 0 up to 10000"),
        ({"learning_rate": 0}, "learning_rate", "above 0"),
        ({"learning_rate": 10**400}, "learning_rate", "above 0 up to 10000"),
        ({"learning_rate": "0.1"}, "learning_rate", "outside what learning_rate may be"),
        ({"learning_rate": {}}, "learning_rate", "a value is a number"),
        ({"hidden_units": 2.5}, "hidden_units", "a whole number"),
        ({"optimizer": "adam"}, "optimizer", "sgd in every trial"),
        ({"hidden_sizes": [20, 30]}, "hidden_sizes", "one width"),
        ({"hidden_sizes": [20, 20]}, "hidden_sizes", "only hidden_units is searched"),
        ({"hidden_sizes": [20], "hidden_units": 8}, "hidden_sizes", "name one of the two"),
    ],
)
def test_a_mistake_in_a_baseline_has_its_path(setting: Any, path: str, words: str) -> None:
    said = mistakes(asked(space=SPACE, baseline=setting))
    assert list(said) == [f"baseline.{path}"]
    assert words in said[f"baseline.{path}"]


def test_what_is_tried_first_is_complete_inside_and_named_once() -> None:
    wrong = [WHOLE, {"learning_rate": 0.1, "clip_norm": None}, {**WHOLE, "learning_rate": 2.0}]
    said = mistakes(asked(space=SPACE, try_first=[*wrong, {**WHOLE, "momentum": 0.5}]))
    assert set(said) == {
        "try_first[1].hidden_units", "try_first[2].learning_rate", "try_first[3].momentum",
    }  # fmt: skip
    assert "missing" in said["try_first[1].hidden_units"]
    assert "widen space.learning_rate" in said["try_first[2].learning_rate"]
    twice = mistakes(asked(space=SPACE, try_first=[WHOLE, {**WHOLE, "hidden_units": 16.0}]))
    assert "the same setting as try_first[0]" in twice["try_first[1]"]


def test_the_first_round_has_room_for_what_is_tried_first() -> None:
    grid = [{**WHOLE, "learning_rate": 0.01 * k} for k in range(1, 9)]
    fields: dict[str, Any] = {"space": SPACE, "trials_per_round": 8, "try_first": grid}
    assert len(resolve(**fields).spec.try_first) == 8
    assert (
        "first round's 7 trials"
        in mistakes(asked(**{**fields, "trials_per_round": 7}))["try_first"]
    )
    many = [{**WHOLE, "learning_rate": 0.001 * k} for k in range(1, 102)]
    assert "at most 100" in mistakes(asked(space=SPACE, try_first=many))["try_first"]


def test_a_baseline_is_no_way_around_the_caps() -> None:
    space = {"hidden_units": {"low": 8, "high": 64}, "hidden_layers": {"low": 1, "high": 2}}
    said = mistakes(asked(space=space, baseline={"hidden_sizes": [4096] * 10}))
    assert "parameters, the cap is 20,000,000" in said["baseline"]


def test_a_default_that_the_dataset_cannot_have_is_cut() -> None:
    from dataclasses import replace

    from support.builders import FACTS

    few = replace(FACTS, n_train=20)
    space = {"batch_size": {"low": 4, "high": 12}}
    assert resolve(facts=few, space=space, baseline={}).spec.baseline == {"batch_size": 16}
    said = mistakes(asked(space=space, baseline={"batch_size": 17}), facts=few)
    assert "exceeds the 16 training examples" in said["baseline.batch_size"]
