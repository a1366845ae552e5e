"""Every example of the README and the guides is executed, against one served instance."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from support import blocks as examples
from support.blocks import SKIPPED, answers, blocks, excerpt, script, skipped, unlike

PROJECT = Path(__file__).resolve().parents[2]
EXECUTED = [
    "README.md",
    "docs/tutorial.md",
    "docs/howto.md",
    "docs/spec.md",
    "docs/http.md",
    "docs/cli.md",
    "docs/client.md",
    "docs/external.md",
    "docs/agent.md",
    "docs/operations.md",
    "docs/reliability.md",
]
# tests/deploy/test_guide.py executes what can be executed of the first without an engine for
# containers, test_runbook.py the second in a stand of its own.
ELSEWHERE = ["docs/distributed.md", "docs/runbook.md"]
PATIENCE = 280.0  # seconds for a block; all of them together take less than 40 where it is calm
FURTHER = 60.0  # seconds, in which a search gets to what is shown of it
PRELUDE = """
latest() { hpsearch list --json | python -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])'; }
latest_key() { hpsearch keys list --json | python -c 'import json, sys; print(json.load(sys.stdin)[-1]["id"])'; }
ended() { hpsearch watch "$1" > /dev/null; }
"""


GRANTED = """
import json
from pathlib import Path
key = Path("var/api.key").read_text().strip()
spec = json.loads(Path("examples/digits.json").read_text())
quick = {name: spec[name] for name in ("rounds", "trials_per_round", "epochs", "final")}

class build:
    def __init__(self, lr, seed):
        self.lr, self.epochs = lr, 0
    def fit_one_epoch(self):
        self.epochs += 1
    def score(self):
        return self.epochs / (10 + abs(self.lr - 0.1))
"""
# A search that takes no longer than the others here.
QUICKER = ('"objective": "external", ', '"objective": "external", **quick, ')


class Session:
    """A shell whose variables live from block to block."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HPSEARCH_", "DATABASE_"))}
        kept.pop("REDIS_URL", None)
        path = f"{folder / '.venv' / 'bin'}:{kept['PATH']}"
        self.environment = {**kept, "PATH": path, "PYTHONPATH": str(PROJECT),
                            "HPSEARCH_HOME": str(folder / "var"), "HPSEARCH_WORKERS": "1"}  # fmt: skip

    def run(self, text: str) -> str:
        """Execute a block; what it printed."""
        state = self._folder / "state"
        whole = f"set -euo pipefail -a\n{PRELUDE}\n{script(text, self._url)}\nenv -0 > {state}\n"
        done = subprocess.run(
            ["bash", "-c", whole], cwd=self._folder, env=self.environment, capture_output=True,
            text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{whole}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        pairs = (line.split("=", 1) for line in state.read_text().split("\0") if "=" in line)
        self.environment = {
            name: value for name, value in pairs if not name.startswith("BASH_FUNC")
        }
        return done.stdout

    def python(self, text: str) -> None:
        """Execute a block of Python, which may take a key and a spec for granted."""
        text = GRANTED + text.replace("http://127.0.0.1:8080", self._url).replace(*QUICKER)
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=self._folder, env=self.environment,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stderr[-2000:]}"


@pytest.fixture
def session(checkout: Path, served: str, commands: None) -> Session:
    return Session(checkout, served)


@pytest.fixture
def api(checkout: Path, served: str) -> httpx.Client:
    key = (checkout / "var" / "api.key").read_text().strip()
    with httpx.Client(
        base_url=served, headers={"Authorization": f"Bearer {key}"}, timeout=60
    ) as client:
        yield client


def check_json(
    text: str, shown_after: str, api: httpx.Client, session: Session, asked: str = ""
) -> None:
    """A spec is taken by the service; an excerpt of an answer has the real one's names.

    The answer that is shown may be that of a search which is further on: what was asked to read is asked again.
    """
    shown = excerpt(text)
    if "space" in shown and "id" not in shown:
        made = api.post("/api/v1/searches", json=shown)
        assert made.status_code == 201, made.text
        api.post(f"{made.headers['Location']}/cancel")
        (Path(session.environment["HPSEARCH_HOME"]).parent / "first.json").write_text(text)
    elif shown.get("type", "").startswith("/problems/"):
        bad = {
            "dataset": "digits",
            "rounds": 0,
            "space": {"learning_rate": {"low": 0, "high": 1, "scale": "log"}},
        }
        assert api.post("/api/v1/searches", json=bad).json() == shown
    else:
        real = answers(shown_after)
        assert real, "an answer is shown after commands that printed none"
        deadline = time.monotonic() + FURTHER
        while (lacking := unlike(shown, real[-1])) and reads(asked):
            if time.monotonic() > deadline:
                break
            real = answers(session.run(asked))
        assert lacking == []


def reads(asked: str) -> bool:
    """True for commands that wait for a change and read, and change nothing themselves."""
    return "wait=" in asked and "-X" not in asked


@pytest.mark.parametrize("name", EXECUTED)
def test_examples_do_what_the_document_says(name: str, session: Session, api: httpx.Client) -> None:
    asked = printed = ""
    for block in blocks(PROJECT / name):
        if block.language == "sh":
            asked, printed = block.text, session.run(block.text)
        elif block.language == "console":
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    session.run(line[2:])
        elif block.language == "json":
            check_json(block.text, printed, api, session, asked)
        elif block.language == "python":
            session.python(block.text)


def test_every_document_with_commands_is_executed() -> None:
    documents = [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]
    with_commands = {
        str(path.relative_to(PROJECT))
        for path in documents
        if any(b.language in ("sh", "json", "python", "console") for b in blocks(path))
    }
    assert with_commands == {*EXECUTED, *ELSEWHERE}


def test_what_is_skipped_has_its_reason_and_is_used() -> None:
    lines = [
        line
        for name in EXECUTED
        for block in blocks(PROJECT / name)
        if block.language == "sh"
        for line in examples.commands(block.text)
    ]
    assert {skipped(line) for line in lines} - {None} == set(SKIPPED)
    made = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    asked = {found[1] for line in lines if (found := re.match(r"make ([a-z-]+)", line))}
    assert asked <= made


def test_an_example_that_is_wrong_is_noticed(session: Session, api: httpx.Client) -> None:
    with pytest.raises(AssertionError):
        session.run("hpsearch status no-such-search\n")
    with pytest.raises(AssertionError):
        check_json('{"dataset": "digits", "space": {}}', "", api, session)
    with pytest.raises(AssertionError):
        check_json('{"id": "x", "colour": "blue", ...}', json.dumps({"id": "y"}), api, session)
