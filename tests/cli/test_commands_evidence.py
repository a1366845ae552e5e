"""The commands that show evidence or change a running search, against a server of the contract."""

from __future__ import annotations

import json

import pytest
from cli.results import RESULT


def test_a_result_with_its_evidence(contract, run):
    one = {
        "params": {"learning_rate": 0.5}, "trainings": 9, "mean": 0.971, "sd": 0.004,
        "posterior_mean": 0.97, "difference": 0.0, "p": None, "paired": False,
        "indistinguishable": True,
    }  # fmt: skip
    alike = {**one, "params": {"learning_rate": 0.4}, "difference": 0.0012, "p": 0.41, "sd": None}
    worse = {**alike, "params": {"learning_rate": 2.0}, "p": 0.001, "indistinguishable": False}
    evidence = {
        "finalists": [one, alike, worse, *[worse] * 4],
        "indistinguishable": 1,
        "importance": [{"name": "learning_rate", "first": 0.8, "total": 0.91, "low": 0.82,
                        "high": 0.97, "effect": 0.12}],
        "recommended": {**RESULT["recommended"], "trainings": 9, "score": 0.97},
    }  # fmt: skip
    contract.answer(200, {**RESULT, **evidence})
    code, out, _ = run("result", "s1", "--url", contract.url)
    assert code == 0
    assert "Ranked by the expected score" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in (
        "Importance inside the range",
        "learning_rate 0.91 0.82 to 0.97 0.12",
        "Finalists (1 of 6 others cannot be told apart from the recommended one)",
        "learning_rate=0.5 9 0.9700 0.9710 0.0040 recommended",
        "learning_rate=0.4 9 0.9700 0.9710 - +0.0012 0.41 alike",
        "learning_rate=2 9 0.9700 0.9710 - +0.0012 0.001 worse",
        "and 2 more",
        "validation accuracy 0.9700, mean of 9 trainings",
    ):
        assert line in lines
    contract.answers[:] = []
    contract.answer(200, {**RESULT, "finalists": [one], "indistinguishable": 0})
    out = run("result", "s1", "--url", contract.url)[1]
    assert "\nFinalists\n" in out
    assert "Ranked by" not in out


def test_health_as_words(contract, run):
    note = {
        "code": "optimism", "severity": "warning", "message": "0.1 above\x1b[2J", "advice": "do it",
        "numbers": {"gap": 0.1},
    }  # fmt: skip
    report = {"id": "s1", "state": "completed", "revision": 3, "notes": [note]}
    contract.answer(200, report)
    code, out, _ = run("health", "s1", "--url", contract.url)
    assert code == 0
    assert [line.strip().split(maxsplit=1) for line in out.splitlines()] == [
        ["warning", "0.1 above\N{REPLACEMENT CHARACTER}[2J"], ["->", "do it"],
    ]  # fmt: skip
    assert json.loads(run("health", "s1", "--json", "--url", contract.url)[1]) == report
    contract.answers[:] = []
    contract.answer(200, {**report, "notes": []})
    assert run("health", "s1", "--url", contract.url)[1] == "nothing to report\n"


def test_a_status_tells_of_edits_earlier_searches_and_repeats(contract, status, run):
    edits = [
        {"after_round": 0, "changes": {"rounds": 6}, "at": ""},
        {"after_round": 2, "changes": {"space": {"learning_rate": {}}, "epochs": {}}, "at": ""},
    ]
    rounds = {"planned": 4, "completed": 3, "kind": "repeat"}
    trials = {**status["trials"], "stopped": 16}
    repeating = {**status, "edits": edits, "warm_start": ["e1"], "rounds": rounds, "trials": trials}
    again = "the finalists are trained again"
    contract.answer(200, {**repeating, "reason": again})
    contract.answer(200, {**repeating, "reason": None})
    out = run("status", "s1", "--url", contract.url)[1]
    assert f"running ({again})" in out
    resumed = run("status", "s1", "--url", contract.url)[1]
    assert "running, repeating the finalists " in resumed
    assert "56 of 128 (8 running, 16 stopped early, 2 diverged)" in out
    assert "rounds before its first round; epochs, learning_rate after round 2" in out
    assert "begun with  e1" in out


def test_edit(contract, status, run):
    edit = {"after_round": 2, "changes": {}, "at": ""}
    contract.answer(200, {**status, "edits": [edit]})
    words = ["edit", "s1", "--url", contract.url]
    changes = ["--set", "space.learning_rate.high=0.5", "--set", "rounds=6",
               "--set", 'space.learning_rate.scale="log"']  # fmt: skip
    assert run(*words, *changes) == (0, "s1 is edited; it takes effect after round 2\n", "")
    assert json.loads(contract.asked[0][3]) == {
        "space": {"learning_rate": {"high": 0.5, "scale": "log"}}, "rounds": 6,
    }  # fmt: skip
    assert json.loads(run(*words, *changes, "--json")[1])["id"] == "s1"
    contract.answers[:] = []
    contract.answer(200, status)
    assert run(*words, "--set", "rounds=6")[1] == "s1 is edited\n"


PLAN = {
    "round": 3, "kind": "explore", "trials": 8, "rungs": [2, 4, 8], "epochs": 8,
    "ranges": {"learning_rate": {"low": 0.01, "high": 0.5, "scale": "log"}},
    "epochs_planned": 64, "reason": "why not", "preliminary": True, "open_trials": 5,
    "dry_run": True, "decisions": {"learning_rate": {
        "before": {"low": 0.01, "high": 1.0}, "after": {"low": 0.01, "high": 0.5},
        "verdict": "narrowed", "reason": "the best lie low", "numbers": {},
    }},
}  # fmt: skip


def test_an_edit_tried_out(contract, run):
    contract.answer(200, PLAN)
    words = ["edit", "s1", "--url", contract.url, "--set", "rounds=6", "--dry-run"]
    code, out, _ = run(*words)
    assert code == 0
    for said in ("3: explore", "2, 4, 8", "64 in all", "0.01 to 0.5", "the best lie low",
                 "why not", "preliminary: 5 trials of the round before still run"):  # fmt: skip
        assert said in out
    assert json.loads(run(*words, "--json")[1])["dry_run"] is True
    contract.answers[:] = []
    none = {"kind": None, "rungs": [], "decisions": {}, "reason": None, "preliminary": False}
    contract.answer(200, {**PLAN, **none})
    out = run(*words)[1]
    assert "3: none" in out
    assert "preliminary" not in out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["rounds"], "'rounds' is no setting"),
        (["=3"], "is no setting"),
        (["space..high=3"], "is no setting"),
        (["rounds=six"], "'six' is not JSON"),
        (["rounds=" + "[" * 100_000], "is not JSON"),
        (["rounds=1", "rounds=2"], "rounds is set twice"),
        (["rounds=1", "rounds.low=2"], "lies inside a value"),
        ([], "Missing option '--set'"),
    ],
)
def test_a_setting_that_is_none_is_not_sent(contract, run, settings, said):
    options = [word for setting in settings for word in ("--set", setting)]
    code, out, err = run("edit", "s1", "--url", contract.url, *options)
    assert (code, out) == (2, "")
    assert said in err
    assert not contract.asked


def test_continue(contract, status, run):
    contract.answer(200, {"dataset": "digits"})
    contract.answer(201, status)
    code, out, err = run("continue", "s0", "--rounds", "6", "--url", contract.url)
    assert (code, out) == (0, "s1\n")
    assert "hpsearch watch s1" in err
    assert json.loads(contract.asked[1][3])["warm_start"] == ["s0"]
    contract.answers[:] = [(200, {}, b'{"dataset": "digits"}'), *contract.answers]
    contract.answer(200, {**status, "revision": 9, "state": "cancelled"})
    assert run("continue", "s0", "--watch", "--json", "--url", contract.url)[0] == 1


def test_the_spec_can_be_submitted_again(contract, run):
    contract.answer(200, {"dataset": "digits", "space": {}})
    code, out, _ = run("spec", "s1", "--url", contract.url)
    assert (code, json.loads(out)) == (0, {"dataset": "digits", "space": {}})
