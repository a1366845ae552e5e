"""The command line with everything behind it: broker, migrations, API, loop, workers, training."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from hpsearch import cli, nn
from hpsearch.client import Figure
from hpsearch.errors import Misconfigured
from hpsearch.settings import load
from hpsearch.wiring import build

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]

SMALL = {
    "name": "small",
    "dataset": "iris",
    "space": {"learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"}},
    "rounds": 2,
    "trials_per_round": 8,
    "epochs": {"first": 1, "last": 2},
    "final": {"epochs": 3, "models": 2},
}
# Minutes of work, so that it is still running whenever a test looks. Its jobs are short: a worker
# ends the one that it has when the search is cancelled.
LONG = {
    **SMALL,
    "name": "long",
    "trials_per_round": 5000,
    "epochs": {"first": 200, "last": 200},
}


@pytest.fixture(scope="module")
def served(new_box, tmp_path_factory, with_builtin):
    """A service for the tests below, started beside files that have the names of ours.

    Its folder has a name that means something else in every kind of URL.
    """
    box = new_box(tmp_path_factory.mktemp("served"))
    box.home = box.home.parent / "a#b;c %25?@é"
    for name in ("worker.py", "api/__init__.py", "migrations/__init__.py", "hpsearch/__init__.py"):
        path = box.home.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise SystemExit('this is the user's own')\n")
    box.environment["HPSEARCH_HOME"] = str(box.home)
    with_builtin(box.home / "data")
    _, url = box.serve("--workers", "2", cwd=box.home.parent, ordinary=True)
    assert (box.home / "run" / "broker.sock").exists()
    box.url = url
    yield box
    box.close()


def submit(box, spec):
    done = box.run("submit", "-", stdin=json.dumps(spec))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def finished(served):
    """A search that has completed."""
    search = submit(served, SMALL)
    done = served.run("watch", search, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Best range" in done.stdout
    return search


def test_a_search_is_answered(served, finished):
    result = json.loads(served.run("result", finished, "--json").stdout)
    assert result["id"] == finished
    assert 0 <= result["test"]["accuracy"] <= 1
    assert result["digest"]
    words = served.run("result", finished).stdout
    assert result["ranges"]["learning_rate"]["reason"][:30] in words
    assert result["digest"] in words
    listed = json.loads(served.run("list", "--json", "--state", "completed").stdout)
    assert finished in [item["id"] for item in listed]


def test_the_doctor_finds_a_service_that_is_well(served, finished):
    done = served.run("doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    grades = {f["subject"]: f["grade"] for f in json.loads(done.stdout)["findings"]}
    named = {"data folder", "key", "database", "migrations", "clock", "workers", "loop",
             "datasets", "numerics", "broker", "service"}  # fmt: skip
    assert {name: grades.get(name) for name in named} == dict.fromkeys(named, "ok")


def test_the_winner_is_fetched_and_predicts(served, finished, tmp_path):
    file, flowers = tmp_path / "winner.npz", tmp_path / "flowers.csv"
    done = served.run("model", finished, str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bytes"] == file.stat().st_size
    model = nn.Model.load(file)
    flowers.write_text(",".join(model.about["feature_names"]) + "\n5.1,3.5,1.4,0.2\n")
    said = json.loads(served.run("predict", str(file), str(flowers), "--json").stdout)
    assert said["predictions"][0]["label"] in model.classes
    result = json.loads(served.run("result", finished, "--json").stdout)
    test = model.about["test"]
    assert test["correct"] / test["examples"] == result["test"]["accuracy"]


def test_the_notebook_runs(served, monkeypatch, tmp_path, capsys):
    """Cell by cell, as a kernel does; the figures are what Jupyter asks for."""
    notebook = json.loads((ROOT / "examples" / "digits.ipynb").read_text())
    key = (served.home / "api.key").read_text().strip()
    monkeypatch.setenv("HPSEARCH_URL", served.url)
    monkeypatch.setenv("HPSEARCH_API_KEY", key)
    monkeypatch.chdir(tmp_path)
    names, shown = {}, []
    for cell in notebook["cells"]:
        assert cell.get("outputs", []) == []
        if cell["cell_type"] == "code":
            lines = ast.parse("".join(cell["source"]))
            last = lines.body.pop() if isinstance(lines.body[-1], ast.Expr) else None
            exec(compile(lines, "digits.ipynb", "exec"), names)
            if last is not None:
                shown.append(
                    eval(compile(ast.Expression(last.value), "digits.ipynb", "eval"), names)
                )
    names["client"].close()
    figures = [value for value in shown if isinstance(value, Figure)]
    assert [figure.name for figure in figures] == ["ranges", "trials", "curves"]
    assert all(figure.data for figure in figures)
    assert shown[-1][1] == tuple("0123456789")
    assert "test accuracy" in capsys.readouterr().out


def test_a_search_is_trained_again_and_agrees(served, finished):
    done = served.run("replay", finished, "--json", timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["agrees"] is True
    statement = served.run("statement", finished, "--format", "markdown").stdout
    sha256 = hashlib.sha256(statement.encode()).hexdigest()
    assert json.loads(done.stdout)["statement"] == sha256
    decided = served.run("replay", finished, "--decisions")
    assert decided.returncode == 0
    assert f"its statement agrees byte for byte, SHA-256 of the Markdown {sha256}" in decided.stdout
    missing = served.run("replay", "none")
    assert missing.returncode == 5
    assert len(missing.stderr.splitlines()) == 1


def test_a_search_is_paused_resumed_cancelled_and_deleted(served, until):
    search = submit(served, LONG)

    def state():
        return json.loads(served.run("status", search, "--json").stdout)["state"]

    until(lambda: state() == "running", "it runs")
    assert served.run("delete", search).returncode == 3
    early = served.run("result", search)
    assert early.returncode == 3
    assert len(early.stderr.splitlines()) == 1
    assert served.run("pause", search).stdout == f"{search} is paused\n"
    assert served.run("resume", search).returncode == 0
    watching = served.start("watch", search, "--json")
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["id"] == search
    assert served.run("cancel", search).stdout == f"{search} is cancelled\n"
    out, err = watching.communicate(timeout=30)
    assert watching.returncode == 1
    assert json.loads(out.splitlines()[-1])["state"] == "cancelled"
    assert err == ""
    assert served.run("delete", search).stdout == f"deleted {search}\n"
    assert served.run("status", search).returncode == 5


def test_ctrl_c_leaves_a_watched_search_alone(served, until, interrupt):
    search = submit(served, LONG)
    process = served.start("watch", search)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(f"search {search}: ")
    assert process.stdout.readline().startswith("round 0/2")
    assert interrupt(process) == 130
    assert process.stderr is not None
    assert process.stderr.read() == f"the search goes on: hpsearch watch {search}\n"
    assert json.loads(served.run("cancel", search, "--json").stdout)["state"] == "cancelled"


@pytest.fixture
def here(served, monkeypatch, capsys):
    """Run commands of the server's machine in this process, which has NumPy loaded already."""
    monkeypatch.setenv("HPSEARCH_HOME", str(served.home))
    for name in ("HPSEARCH_API_KEY", "HPSEARCH_API_KEY_FILE", "HPSEARCH_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*words):
        code = cli.run(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_keys_open_their_owners_searches_alone(here, served, finished, monkeypatch):
    code, out, _ = here("keys", "create", "ann", "--days", "1", "--json")
    assert code == 0
    made = json.loads(out)
    with monkeypatch.context() as as_ann:
        as_ann.setenv("HPSEARCH_API_KEY", made["token"])
        assert here("status", finished)[0] == 5
        assert here("list", "--json")[:2] == (0, "[]\n")
        assert made["token"] not in here("keys", "list")[1]
        assert here("keys", "revoke", made["id"])[:2] == (0, f"revoked {made['id']} (ann)\n")
        code, _, err = here("list")
        assert code == 4
        assert made["token"] not in err
    listed = {key["id"]: key for key in json.loads(here("keys", "list", "--json")[1])}
    assert listed[made["id"]]["revoked_at"]
    code, out, err = here("keys", "create", "bob", "--scope", "read")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "not shown again" in err
    assert json.loads(here("keys", "revoke", err.split()[1], "--json")[1])["owner"] == "bob"
    assert here("keys", "create", "bob", "--scope", "everything")[0] == 2
    assert here("keys", "revoke", "none")[0] == 5
    assert here("keys", "allow", made["id"])[0] == 2
    assert here("keys", "allow", "bootstrap")[:2] == (0, "bootstrap opens the service\n")
    with build(load(home=served.home)) as services:
        present = (served.home / "api.key").read_text().strip()
        services.keys.ensure_bootstrap("another-" * 5)
        with pytest.raises(Misconfigured) as refused:
            services.keys.ensure_bootstrap(present)
        former = str(refused.value).split()[-1]
        said = f"allowed {former}: the next API that starts with it makes it the bootstrap key\n"
        assert here("keys", "allow", former)[:2] == (0, said)
        services.keys.ensure_bootstrap(present)


def test_datasets_come_and_go(here, tmp_path):
    rows = "\n".join(f"{n % 7},{n % 3},{'ab'[n % 2]}" for n in range(60))
    file = tmp_path / "mine.csv"
    file.write_text(f"x,y,kind\n{rows}\n")
    _, out, _ = here("datasets", "put", "mine", str(file), "--label", "kind", "--json")
    assert json.loads(out)["classes"] == ["a", "b"]
    code, _, err = here("datasets", "put", "other", str(file), "--label", "absent")
    assert code == 2
    assert "x, y, kind" in err
    code, out, err = here("datasets", "add", "beside", str(file), "--json")
    assert code == 0, err
    assert json.loads(out)["n_test"] > 0
    names = {item["name"] for item in json.loads(here("datasets", "list", "--json")[1])}
    assert {"mine", "beside"} <= names
    assert here("datasets", "delete", "mine")[0] == 0
    assert here("datasets", "get", "mine")[0] == 5


@pytest.mark.parametrize("words", [("keys", "list"), ("backup", "b.tar"), ("replay", "x"),
                                   ("prune", "--older-than", "90d")])  # fmt: skip
def test_what_reads_the_data_of_a_service_makes_none(box, words):
    done = box.run(*words)
    assert done.returncode == 69
    assert "no service's data" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not box.home.exists()


def test_a_data_folder_is_prepared_by_the_first_command_that_puts_something_into_it(box, tmp_path):
    rows = "".join(f"{i % 7}.5,{i % 3},k{i % 2}\n" for i in range(60))
    (tmp_path / "mine.csv").write_text(f"a,b,kind\n{rows}")
    done = box.run("datasets", "add", "mine", str(tmp_path / "mine.csv"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "mine"
    key = (box.home / "api.key").read_text()
    created = box.run("keys", "create", "me", "--json")
    assert created.returncode == 0, created.stderr
    assert "preparing" not in created.stderr
    _, url = box.serve("--workers", "0")  # takes it as it is
    names = [item["name"] for item in json.loads(box.run("datasets", "list", "--json").stdout)]
    assert "mine" in names
    assert (box.home / "api.key").read_text() == key
    assert box.run("list", "--url", url, "--json").stdout == "[]\n"


def test_a_database_of_somebody_else_is_not_prepared(box, tmp_path):
    box.environment["DATABASE_URL"] = f"sqlite:///{tmp_path}/other.db"
    done = box.run("keys", "create", "me")
    assert done.returncode == 69
    assert "prepares it" in done.stderr


def in_terminal(box, *words, until_sent=None):
    """Run a command in a terminal of 80 columns; its exit code and what was on the screen."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "hpsearch.cli", *words],
        env={**box.environment, "TERM": "xterm", "COLUMNS": "80", "LINES": "40"},
        cwd=box.home.parent,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen = b""
    deadline = time.monotonic() + 90
    try:
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    seen += os.read(master, 65536)
                except OSError:  # the last writer has gone
                    break
            if until_sent is not None and until_sent[0] in seen:
                os.killpg(process.pid, until_sent[1])
                until_sent = None
        return process.wait(timeout=30), seen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_a_terminal_has_bars(served):
    spec = served.home.parent / "small.json"
    spec.write_text(json.dumps({**SMALL, "seed": 7}))
    code, seen = in_terminal(served, "submit", str(spec), "--watch")
    assert code == 0
    for word in ("rounds", "trials", "epochs", "━", "2/2", "Best range", "Test score"):
        assert word in seen


def test_the_demo_in_a_pipe(box, tmp_path_factory):
    del box.environment["HPSEARCH_HOME"]
    folder = tmp_path_factory.mktemp("demo")  # `tmp_path` is too long for a socket
    box.environment |= {"TMPDIR": str(folder), "REDIS_URL": "redis://127.0.0.1:1/0"}
    done = box.run("demo", "--json", timeout=120)  # about ten seconds when nothing else runs
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["test"]["accuracy"] >= 0.95
    assert "curl -H" in done.stderr
    assert re.search(r"round 1/\d+", done.stderr)
    assert list(folder.iterdir()) == []


def test_the_demo_in_a_terminal_has_bars_and_can_be_interrupted(box):
    bar = "\N{BOX DRAWINGS HEAVY HORIZONTAL}".encode()
    words = ("demo", "--home", str(box.home), "--workers", "1")
    code, seen = in_terminal(box, *words, until_sent=(bar, signal.SIGINT))
    assert code == 130
    assert "API at http://127.0.0.1:" in seen
    assert "Traceback" not in seen
    assert not (box.home / "run" / "service.json").exists()
    assert not (box.home / "run" / "broker.sock").exists()


def test_a_terminated_demo_ends_its_service(box, until, descendants, is_alive):
    process = box.start("demo")
    until(lambda: len(descendants(process.pid)) >= 2, "it starts")
    below = descendants(process.pid)
    process.terminate()
    assert process.wait(timeout=30) == 143
    until(lambda: not any(is_alive(pid) for pid in below), "all processes end")


def test_the_demo_says_why_it_cannot_start(served):
    done = served.run("demo")
    assert done.returncode == 3
    assert "already running on" in done.stderr
    assert served.url in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's notice of a parent's death")
def test_a_killed_service_goes_on_where_it_was(box, descendants, is_alive, until, with_builtin):
    with_builtin(box.home / "data")
    process, url = box.serve("--workers", "2")
    spec = {
        **LONG,
        "dataset": "digits",
        "trials_per_round": 64,
        "epochs": {"first": 3, "last": 3},
    }
    search = submit(box, spec)
    key = (box.home / "api.key").read_text().strip()
    request = urllib.request.Request(
        f"{url}/api/v1/searches/{search}", headers={"Authorization": f"Bearer {key}"}
    )

    def trained():
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["epochs"]["trained"]

    until(lambda: trained() > 0, "it trains")
    below = descendants(process.pid)
    assert len(below) >= 6  # pool and gunicorn's worker too
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not any(is_alive(pid) for pid in below), "all its processes end", 60)
    # A hint that was lost with the broker is given again soon.
    box.environment["HPSEARCH_REPUBLISH_SECONDS"] = "2"
    box.environment["HPSEARCH_LEASE_SECONDS"] = "8"
    box.environment["HPSEARCH_HEARTBEAT_SECONDS"] = "1"
    _, url = box.serve("--workers", "2")
    done = box.run("watch", search, timeout=200)
    assert done.returncode == 0, done.stderr
    with urllib.request.urlopen(f"{url}/readyz") as answer:
        assert answer.status == 200
    assert Path(box.home / "api.key").exists()
