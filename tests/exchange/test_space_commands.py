"""The command that `hpsearch convert` proposes: an agent takes it, and writes what the sweep's own tool would."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hpsearch.agent import Template
from hpsearch.agent.template import check
from hpsearch.exchange.spaces.commands import agent_words, shell
from hpsearch.exchange.spaces.formats import convert_documents

SWEEP = """
program: fit.py
metric: {name: val_acc, goal: maximize}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 0.1}
  weight-decay: {min: 0.0, max: 1.0}
  amp: {values: [true, false]}
  clip: {values: [null, 0.5]}
  model: {parameters: {units: {min: 8, max: 64}}}
  data: {value: "a {b}"}
  flag: {value: true}
  epochs: {value: 6}
command: COMMAND
"""
TRIAL: dict[str, Any] = {
    "lr": 1e-05, "weight-decay": 0.5, "amp": False, "clip": None, "model.units": 32, "epochs": 4,
}  # fmt: skip


def written(command: str) -> list[str]:
    made = convert_documents([yaml.safe_load(SWEEP.replace("COMMAND", command))], "it", None)
    template = Template.of(made.command)
    check(template, made.spec["space"], halving=True)
    return template.written(TRIAL)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            '["${env}", "${interpreter}", "${program}", "--fast", "${args}"]',
            ["python", "fit.py", "--fast", "--lr=1e-05", "--weight-decay=0.5", "--amp=False", "--model.units=32",
             "--data=a {b}", "--flag=True", "--epochs=4"],
        ),
        (
            '["${program}", "${args_no_hyphens}"]',
            ["fit.py", "lr=1e-05", "weight-decay=0.5", "amp=False", "model.units=32", "data=a {b}", "flag=True",
             "epochs=4"],
        ),
        (
            '["python3", "${program}", "${args_no_boolean_flags}"]',
            ["python3", "fit.py", "--lr=1e-05", "--weight-decay=0.5", "--model.units=32", "--data=a {b}", "--flag",
             "--epochs=4"],
        ),
    ],
)  # fmt: skip
def test_a_sweep_s_command_is_written_as_it_would_be(command: str, words: list[str]) -> None:
    assert written(command) == words


@pytest.mark.parametrize("command", ["null", '["${program}", "${args_json}"]'])
def test_without_a_command_that_can_be_written_each_has_an_option(command: str) -> None:
    assert written(command)[:3] == ["python", "fit.py", "--lr=1e-05"]


def test_what_is_there_in_some_trials_alone_is_left_out_of_the_others() -> None:
    when = {"when": {"optimizer": ["sgd"]}}
    space = {
        "optimizer": {"choices": ["sgd", "adam"]},
        "momentum": {"low": 0.1, "high": 0.9, **when},
        "nesterov": {"choices": [True, False], **when},
        "sizes": {"choices": [[64, 32], None]},
    }
    template = Template.of(agent_words(space, {}))
    check(template, space, halving=True)
    there = {"optimizer": "sgd", "momentum": 0.5, "nesterov": True, "sizes": [64, 32], "epochs": 1}
    assert template.written(there)[2:] == [
        "--optimizer=sgd", "--momentum=0.5", "--nesterov=True", "--sizes=[64,32]", "--epochs=1",
    ]  # fmt: skip
    absent = template.written({"optimizer": "adam", "epochs": 1})
    assert "--momentum" not in " ".join(absent)


def test_a_shell_hands_the_words_on_as_they_are() -> None:
    assert shell(["python", "t.py", "--lr={lr}"]) == "python t.py '--lr={lr}'"
