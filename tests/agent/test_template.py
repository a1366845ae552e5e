"""A command with places for values: what it may say, and what is written."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from hpsearch.agent.template import Template, check, unused
from hpsearch.errors import InvalidRequest

SPACE: dict[str, Any] = {
    "lr": {"low": 1e-5, "high": 1.0, "scale": "log"},
    "n": {"low": 1, "high": 2_000_000, "integer": True},
    "shift": {"low": -1.0, "high": 1.0},
    "amp": {"choices": [True, False]},
    "clip": {"choices": [None, 0.5, 1.0]},
    "sizes": {"choices": [[64, 32], [128]]},
    "kernel": {"choices": ["flat", "a b; echo $HOME *'"]},
    "momentum": {"low": 0.0, "high": 0.9, "when": {"kernel": ["flat"]}},
    "opt.beta-1": {"low": 0.5, "high": 0.9},
}


def written(*words: str, **values: Any) -> list[str]:
    return Template.of(words).written(values)


@pytest.mark.parametrize(
    ("word", "values", "expected"),
    [
        ("--lr={lr}", {"lr": 1e-05}, ["--lr=1e-05"]),
        ("--lr={lr}", {"lr": 32.0}, ["--lr=32.0"]),
        ("--lr={lr}", {"lr": 1e20}, ["--lr=1e+20"]),
        ("--lr={lr}", {"lr": -1e-05}, ["--lr=-1e-05"]),
        ("{lr}", {"lr": -1e-05}, ["-0.00001"]),
        ("{lr}", {"lr": -1e20}, ["-100000000000000000000.0"]),
        ("{lr}", {"lr": 1e-05}, ["1e-05"]),
        ("--n={n}", {"n": 1000000}, ["--n=1000000"]),
        ("{amp?--amp:--no-amp}", {"amp": True}, ["--amp"]),
        ("{amp?--amp:--no-amp}", {"amp": False}, ["--no-amp"]),
        ("{amp?--amp}", {"amp": False}, []),
        ("{amp?--amp:}", {"amp": False}, []),
        ("--mode={amp?fast:slow}", {"amp": False}, ["--mode=slow"]),
        ("--amp={amp!py}", {"amp": False}, ["--amp=False"]),
        ("{clip?--clip={clip}}", {"clip": None}, []),
        ("{clip?--clip={clip}}", {"clip": 0.5}, ["--clip=0.5"]),
        ("{clip?--clip={clip}}", {"clip": 0}, ["--clip=0"]),
        ("{clip?--clip={clip}}", {}, []),
        ("{clip?--clip={clip}:--no-clip}", {"clip": None}, ["--no-clip"]),
        ("--sizes={sizes!json}", {"sizes": (64, 32)}, ["--sizes=[64,32]"]),
        ("{sizes!words}", {"sizes": (64, 32)}, ["64", "32"]),
        ("{kernel}", {"kernel": "a b; echo $HOME *'"}, ["a b; echo $HOME *'"]),
        ('{{"lr": {lr}}}', {"lr": 0.5}, ['{"lr": 0.5}']),
        ("a}b", {}, ["a}b"]),
        ("{opt.beta-1}", {"opt.beta-1": 0.75}, ["0.75"]),
        ("", {}, [""]),
    ],
)
def test_a_word_is_written(word: str, values: Any, expected: list[str]) -> None:
    assert Template.of([word]).written(values) == expected


def test_a_program_gets_the_words_as_they_are() -> None:
    """No shell is between: argv has what was written, quotes and spaces included."""
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    words = written(sys.executable, "-c", code, "--name={kernel}", "{lr}", kernel="a b; echo $HOME *'", lr=-1e-05)  # fmt: skip
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == ["--name=a b; echo $HOME *'", "-0.00001"]


@pytest.mark.parametrize("value", [1e-05, -1e-05, 32.0, -1e-300, 5e-324, -1e300])
def test_argparse_reads_the_number_back(value: float) -> None:
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float)
    for words in (["--lr={lr}"], ["--lr", "{lr}"]):
        assert parser.parse_args(written(*words, lr=value)).lr == value


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (["{lrr}"], ["{lrr}", "did you mean lr?"]),
        (["{amp}"], ["{amp?--amp:--no-amp}", "{amp!py}"]),
        (["--clip={clip}"], ["null", "{clip?--clip={clip}}"]),
        (["{sizes}"], ["{sizes!json}", "{sizes!words}"]),
        (["{amp!words}"], ["a list", "true"]),
        (["{clip!py}"], ["{clip?--clip={clip}}"]),
        (["--momentum={momentum}"], ["{momentum?--momentum={momentum}}"]),
        (["{zzz}"], ["{lr}", "{seed}"]),
    ],
)
def test_a_template_that_some_trial_would_not_fit_is_refused(
    words: list[str], fragments: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check(Template.of(["python", *words]), SPACE, halving=False)
    for fragment in fragments:
        assert fragment in str(refused.value)


def test_a_template_that_every_trial_fits_is_taken() -> None:
    words = [
        "python",
        "t.py",
        "--lr={lr}",
        "--n={n}",
        "{shift}",
        "{amp?--amp}",
        "{amp!py}",
        "{clip?--clip={clip}}",
        "{sizes!json}",
        "{sizes!words}",
        "{kernel}",
        "{momentum?--momentum={momentum}}",
        "{epochs}",
        "{seed}",
        "{trial}",
        "{kind}",
    ]
    check(Template.of(words), SPACE, halving=True)
    assert unused(Template.of(words), SPACE) == ["opt.beta-1"]


def test_halving_needs_epochs() -> None:
    with pytest.raises(InvalidRequest, match=r"\{epochs\}"):
        check(Template.of(["train", "{lr}"]), SPACE, halving=True)
    taken = {**SPACE, "epochs": {"low": 1, "high": 9, "integer": True}}
    with pytest.raises(InvalidRequest, match=r"\{epochs\}"):
        check(Template.of(["train", "{epochs}"]), taken, halving=True)


@pytest.mark.parametrize(
    "word",
    ["{", "{lr", "{lr?", "{lr?a", "{lr!", "{lr!yaml}", "{}", "{ lr}", '{"lr": 1}', "x{sizes!words}",
     "{amp?{sizes!words}}", "{1a}"],
)  # fmt: skip
def test_a_word_that_is_no_template_is_refused_and_shown(word: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Template.of([word])
    assert repr(word) in str(refused.value)


def test_a_command_is_needed() -> None:
    with pytest.raises(InvalidRequest, match="hpsearch agent ID"):
        Template.of([])


def test_a_value_that_comes_later_is_refused_when_it_is_written() -> None:
    """As a choice that was edited into a running search."""
    for value in (None, True, (1, 2)):
        with pytest.raises(InvalidRequest, match="lr"):
            written("--lr={lr}", lr=value)


def test_a_list_that_is_there_in_some_trials_alone_is_refused_with_the_way() -> None:
    space = {"a": {"choices": [1, 2]}, "sizes": {"choices": [[1], [2]], "when": {"a": [1]}}}
    with pytest.raises(InvalidRequest) as refused:
        check(Template.of(["t", "{sizes!words}"]), space, halving=False)
    way = "{sizes?--sizes={sizes!json}}"
    assert way in str(refused.value)
    check(Template.of(["t", way]), space, halving=False)
    assert written(way) == []
