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
                        "high": 0.97, "effect": 0.12},
                       {"name": "weight_decay", "first": 0.9, "total": 0.94, "low": 0.63,
                        "high": 0.99, "effect": 0.004}],
        "noise_sd": 0.0051,
        "recommended": {**RESULT["recommended"], "trainings": 9, "score": 0.97},
    }  # fmt: skip
    contract.answer(200, {**RESULT, **evidence})
    code, out, _ = run("result", "s1", "--url", contract.url)
    assert code == 0
    assert "Ranked by the expected score" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in (
        "Importance inside the range (noise of one training 0.0051)",
        "learning_rate 0.128 0.91 0.82 to 0.97",
        "weight_decay 0.004088 0.94 0.63 to 0.99 below the noise",
        "Finalists (1 of 6 others cannot be told apart from the recommended one)",
        "learning_rate=0.5 9 0.9700 0.9710 0.0040 recommended",
        "learning_rate=0.4 9 0.9700 0.9710 - +0.0012 0.41 alike",
        "learning_rate=2 9 0.9700 0.9710 - +0.0012 0.001 worse",
        "and 2 more",
        "validation accuracy 0.9700, mean of 9 trainings",
    ):
        assert line in lines
    shares = [line.split()[0] for line in lines if " to 0.9" in line and "interval" not in line]
    assert shares == ["learning_rate", "weight_decay"]  # a share of 94 % of nothing is the last
    assert "do not add up" in out
    contract.answers[:] = []
    contract.answer(200, {**RESULT, "finalists": [one], "indistinguishable": 0})
    out = run("result", "s1", "--url", contract.url)[1]
    assert "\nFinalists\n" in out
    assert "Ranked by" not in out


def test_a_test_score_with_its_yardsticks(contract, run):
    metric = {"direction": "maximise", "value": 0.8333, "ci95": None, "baseline": 0.5,
              "note": "no interval: 3 test examples of class ill; an interval takes 10"}  # fmt: skip
    loss = {
        "direction": "minimise",
        "value": 0.2,
        "ci95": [0.1, 0.3],
        "baseline": 0.25,
        "note": None,
    }
    test = {
        **RESULT["test"], "metrics": {"log_loss": loss, "balanced_accuracy": metric},
        "objective_mean": 0.8, "objective_sd": 0.01, "classes": ["healthy", "ill"],
        "class_counts": [57, 3], "majority_share": 0.95, "confusion": [[57, 0], [1, 2]],
    }  # fmt: skip
    contract.answer(200, {**RESULT, "objective": "balanced_accuracy", "test": test})
    out = run("result", "s1", "--url", contract.url)[1]
    said = " ".join(out.split())
    for words in (
        "test balanced accuracy (objective) 0.8333; always the same answer: 0.5000 (no interval: 3",
        "test log loss 0.2000 (95 % interval 0.1000 to 0.3000); always the same answer: 0.2500",
        "balanced accuracy of the range mean 0.8000, sd 0.0100",
        "test examples by class healthy 57, ill 3",
        "answers by true class healthy: healthy 57 ill: healthy 1, ill 2",
    ):
        assert words in said


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
    repeating = {**status, "edits": edits, "warm_start": ["e1"],
                 "warm_start_trials": 1, "rounds": rounds, "trials": trials}  # fmt: skip
    again = "the finalists are trained again"
    contract.answer(200, {**repeating, "reason": again})
    contract.answer(200, {**repeating, "reason": None})
    out = run("status", "s1", "--url", contract.url)[1]
    assert f"running ({again})" in out
    resumed = run("status", "s1", "--url", contract.url)[1]
    assert "running, repeating the finalists " in resumed
    assert "56 of 128 (8 running, 16 stopped early, 2 diverged)" in out
    assert "rounds before its first round; epochs, learning_rate after round 2" in out
    assert "begun with  1 trial of e1" in out


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
    limits = {"learning_rate": {"low": 0.01, "high": 0.5, "scale": "log"}}
    contract.answers[:] = []
    contract.answer(200, {**status, "limits": limits})
    out = run(*words, "--set", "space.learning_rate.high=0.5")[1]
    assert out.splitlines()[1] == "learning_rate: later rounds may look anywhere in 0.01 to 0.5"


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
        (["rounds=[six"], "'[six' is not JSON; for a text write 'rounds=\"[six\"'. --set takes"),
        (["space.x.high=.5"], "'.5' is not JSON"),
        (["epochs.halving=True"], "'True' is not JSON; JSON has true"),
        (["rounds="], "'' is not JSON"),
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


def test_a_bare_word_is_a_text(contract, status, run):
    contract.answer(200, status)
    words = ["--set", "space.learning_rate.scale=log", "--set", "name=second, wider"]
    assert run("edit", "s1", "--url", contract.url, *words)[0] == 0
    assert json.loads(contract.asked[0][3]) == {
        "space": {"learning_rate": {"scale": "log"}}, "name": "second, wider",
    }  # fmt: skip


def test_continue_with_other_ranges(contract, status, run):
    rate = {"low": 1e-4, "high": 1.0, "scale": "log", "integer": False}
    space = {"learning_rate": rate, "optimizer": {"choices": ["sgd", "adam"]}}
    contract.answer(200, {"dataset": "digits", "space": space, "epochs": {"first": 1, "last": 8}})
    contract.answer(201, status)
    sets = ("space.learning_rate.high=3", "epochs.last=16", "name=wider",
            'space.optimizer={"choices": ["adam"]}')  # fmt: skip
    words = [word for one in sets for word in ("--set", one)]
    assert run("continue", "s0", *words, "--url", contract.url)[0] == 0
    assert json.loads(contract.asked[-1][3]) == {
        "dataset": "digits", "name": "wider", "epochs": {"first": 1, "last": 16},
        "space": {"learning_rate": {**rate, "high": 3, "hard_high": 3},
                  "optimizer": {"choices": ["adam"]}},
        "warm_start": ["s0"], "seed": 1,
    }  # fmt: skip


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
