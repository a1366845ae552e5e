"""Findings on hyperparameters without a visible effect: shown to be small, or not known."""

from __future__ import annotations

from typing import Any

import pytest
from report.health_records import external, notes
from support.records import json_of, make_decision, make_round, not_begun

from hpsearch.report import health
from hpsearch.space import Choices, box_to_json

SMALL = {"effect": 0.001, "noise_sd": 0.005, "p_below_noise": 0.97, "trials": 40}
KINDS = {"activation": {"choices": ["relu", "tanh"]}}
BOTH = Choices(choices=("relu", "tanh"))
TRIED = [{"activation": "relu"}, {"activation": "tanh"}]


def unidentified(**fields: Any) -> list[Any]:
    return [make_decision(verdict="unidentified", reason="flat", **fields)]


def levels(trials: tuple[int, int], chances: tuple[float, float], **more: Any) -> dict[str, Any]:
    numbers = {"effect": 0.001, "noise_sd": 0.005}
    for i in range(2):
        numbers |= {f"level_{i}_chance": chances[i], f"level_{i}_trials": trials[i]}
    return {**numbers, **more}


def activation(numbers: dict[str, Any], tried: Any = TRIED) -> dict[str, Any]:
    made = unidentified(name="activation", numbers=numbers, before=json_of(BOTH))
    search = not_begun(best_params={"activation": "relu"})
    return notes(
        space=KINDS, box={"activation": BOTH}, made=made, tried=tried, search=search, final=()
    )


def test_an_effect_that_is_shown_to_be_small() -> None:
    note = notes(made=unidentified(numbers={**SMALL, "threshold": 1.0}))["unidentified"]
    assert note.severity == "info"
    assert note.numbers == {"hyperparameter": "learning_rate", **SMALL}
    assert "about 0.001, where one training has a noise of 0.005" in note.message
    assert "fix model.learning_rate" in note.advice


@pytest.mark.parametrize(
    "numbers",
    [
        {"trials": 4},  # too few for the rule to say anything else
        {"top": 1, "rest": 3},  # by ranks
        {**SMALL, "p_below_noise": 0.5},
        {**SMALL, "trials": 3},
        {"p": 0.4},
        {},
    ],
)
def test_too_little_evidence_is_no_evidence_of_little(numbers: dict[str, Any]) -> None:
    found = notes(made=unidentified(numbers=numbers))
    assert set(found) == {"not_known"}
    note = found["not_known"]
    assert note.message == "the effect of learning_rate is not known yet: 32 trials"
    assert note.numbers["seen"] == 32
    assert "fix" not in note.advice
    assert "any value" not in note.sentence


def test_a_few_trials_of_many_hyperparameters_show_nothing() -> None:
    space = {f"x{i}": {"low": 0.1, "high": 0.9} for i in range(6)}
    resolved = external(space=space)
    made = [
        make_decision(
            name=name, verdict="unidentified", reason="few", numbers={**SMALL, "trials": 12}
        )
        for name in space
    ]
    rounds = [
        make_round(box=box_to_json(resolved.box), rungs=[8], completed=3, stopped=0, diverged=0)
    ]
    found = health.notes(health.SearchRecords(not_begun(), resolved, rounds, made))
    assert [n.code for n in found] == ["not_known"] * 6
    assert found[0].message == "the effect of x0 is not known yet: 3 trials"


def test_levels_that_are_alike() -> None:
    assert set(activation(levels((12, 9), (0.4, 0.6)))) == {"unidentified"}


@pytest.mark.parametrize(
    "numbers",
    [
        levels((3, 12), (0.5, 0.5)),
        levels((12, 12), (0.999, 0.001)),
        levels((12, 12), (0.5, 0.5), effect=0.004),
        levels((12, 12), (0.5, 0.5), noise_sd=None),
        {},
    ],
)
def test_levels_of_which_too_little_is_known(numbers: dict[str, Any]) -> None:
    found = activation(numbers)
    assert set(found) == {"not_known"}
    assert "never tried" not in found["not_known"].message


def test_a_level_that_was_never_tried_is_named() -> None:
    found = activation(levels((12, 0), (0.5, 0.5)), tried=TRIED[:1])
    assert set(found) == {"not_known"}
    assert found["not_known"].message == (
        "the effect of activation is not known yet: 32 trials, tanh never tried"
    )
    assert found["not_known"].numbers["untried"] == 1


def test_it_is_named_whatever_the_verdict() -> None:
    made = [make_decision(name="activation", verdict="kept", reason="kept")]
    search = not_begun(best_params={"activation": "relu"})
    found = notes(
        space=KINDS, box={"activation": BOTH}, made=made, tried=TRIED[:1], search=search, final=()
    )
    assert found["not_known"].message == (
        "not all of activation is known: 32 trials, tanh never tried"
    )


def test_one_level_leaves_nothing_to_know() -> None:
    one = Choices(choices=("relu",))
    made = unidentified(name="activation", before=json_of(one), after=json_of(one))
    search = not_begun(best_params={"activation": "relu"})
    found = notes(
        space={"activation": {"choices": ["relu"]}}, box={"activation": one}, made=made,
        tried=TRIED[:1], search=search, final=(),
    )  # fmt: skip
    assert found == {}
