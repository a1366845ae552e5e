"""The spec of a search that is trained elsewhere."""

from __future__ import annotations

import pytest

from hpsearch.errors import InvalidSpec
from hpsearch.settings import Settings
from hpsearch.space import Choices, Range
from hpsearch.spec import SearchSpec, edited, parse
from hpsearch.workloads import NO_DATASET

SPEC = {"objective": "external", "space": {"lr": {"low": 1e-3, "high": 1.0, "scale": "log"}}}


def resolved(**changes):
    return parse({**SPEC, **changes}, NO_DATASET, Settings())


def mistakes(**changes):
    with pytest.raises(InvalidSpec) as caught:
        resolved(**changes)
    return {m.path: m.message for m in caught.value.mistakes}


def test_it_is_stored_without_what_only_the_service_trains_with():
    stored = resolved().spec.to_json()
    assert not stored.keys() & {"dataset", "model", "validation", "validation_fraction"}
    assert SearchSpec.model_validate(stored) == resolved().spec
    assert edited(resolved().spec, {"rounds": 7}).to_json() == {**stored, "rounds": 7}


@pytest.mark.parametrize("given", ["dataset", "model", "validation", "validation_fraction"])
def test_what_the_caller_decides_is_refused(given):
    value = {"dataset": "digits", "model": {}, "validation": {}, "validation_fraction": 0.1}[given]
    assert "drop it" in mistakes(**{given: value})[given]


def test_how_final_models_are_trained_is_the_callers_to_know():
    assert "drop it" in mistakes(final={"train_on": "train"})["final.train_on"]


def test_a_final_trial_is_as_long_as_a_full_training_unless_asked_otherwise():
    assert resolved(epochs={"last": 5}).spec.final.epochs == 5
    assert resolved().spec.final.epochs == 8
    assert resolved(final={"epochs": 30, "models": 2}).spec.final.epochs == 30


@pytest.mark.parametrize("name", ["lr", "batch_size", "encoder.layers-2", "λ", "_x", "a" * 40])
def test_names_are_the_callers(name):
    space = {name: {"low": 0.5, "high": 2}}
    assert resolved(space=space).space.names == [name]


@pytest.mark.parametrize("name", ["", "1st", "two words", "a" * 41, "a/b", "=SUM(A1)", "x\n"])
def test_names_that_nothing_could_show_are_refused(name):
    assert "a name has" in mistakes(space={name: {"low": 0, "high": 1}})[f"space.{name}"]


@pytest.mark.parametrize("level", ["", "\x1b[2J", "a" * 101])
def test_texts_that_nothing_could_show_are_refused(level):
    space = {"kernel": {"choices": ["rbf", level]}}
    assert "printable" in mistakes(space=space)["space.kernel.choices[1]"]


def test_a_range_grows_only_as_far_as_its_caller_said():
    space = {
        "shut": {"low": 1, "high": 2},
        "open": {"low": 1, "high": 2, "hard_low": 0.5, "hard_high": 8},
        "kernel": {"choices": ["rbf", "linear"]},
    }
    box = resolved(space=space).space.dimensions
    assert box["shut"] == Range(low=1, high=2, hard_low=1, hard_high=2)
    assert box["open"] == Range(low=1, high=2, hard_low=0.5, hard_high=8)
    assert box["kernel"] == Choices(choices=("rbf", "linear"))


def test_names_of_networks_have_no_meaning_here():
    """Neither whole, nor a power of two, nor bounded, nor drawn in groups."""
    what = resolved(space={"hidden_units": {"low": 0.5, "high": 1e9, "scale": "log"}})
    assert not what.space.shaping
    assert what.workload.shape_key({"hidden_units": 0.7}) == ()


def test_caps_hold():
    assert "cap" in mistakes(rounds=1000)["rounds"]


def test_labels_of_agents_are_stored_where_there_are_some():
    asked = {"trial_seconds": 60.0, "require_labels": ["gpu", "large"]}
    assert resolved(external=asked).spec.to_json()["external"] == asked
    only = {"trial_seconds": 60.0}
    assert resolved(external={**only, "require_labels": []}).spec.to_json()["external"] == only
    assert mistakes(external={"require_labels": ["two words"]}).keys() == {"external.require_labels[0]"}  # fmt: skip
