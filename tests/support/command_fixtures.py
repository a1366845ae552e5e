"""Real processes of the command line, each with a data folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hpsearch import cli
from support import waiting
from support.commands import Command
from support.launcher import Launcher

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0


@dataclass
class Box:
    """One data folder and the environment in which its commands run."""

    home: Path
    environment: dict[str, str]
    launcher: Launcher | None
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self, *words: str, stdin: str | None = None, cwd: Path | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        given = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        with self._begun(words, cwd, given) as process:
            try:
                out, err = process.communicate(stdin, timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def start(
        self, *words: str, cwd: Path | None = None, ordinary: bool = False
    ) -> subprocess.Popen[str]:
        """Start one command, which imports what it needs by itself where it is `ordinary`."""
        process = self._begun(words, cwd, subprocess.DEVNULL, ordinary=ordinary)
        self.running.append(process)
        return process

    def _begun(
        self, words: tuple[str, ...], cwd: Path | None, stdin: int, *, ordinary: bool = False
    ) -> subprocess.Popen[str]:
        options: dict[str, Any] = {
            "env": self.environment, "cwd": cwd or self.home.parent, "stdin": stdin,
            "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
        }  # fmt: skip
        if self.launcher is not None and not ordinary:
            return Command(self.launcher, words, **options)
        command = [sys.executable, "-P", "-m", "hpsearch.cli", *words]
        return subprocess.Popen(command, text=True, **options)

    def serve(
        self, *words: str, cwd: Path | None = None, ordinary: bool = False
    ) -> tuple[subprocess.Popen[str], str]:
        """Start the service on a free port and wait until it is ready."""
        process = self.start("serve", "--port", "0", "--json", *words, cwd=cwd, ordinary=ordinary)
        assert process.stdout is not None
        line = process.stdout.readline()  # ends with the process at the latest
        if not line:
            assert process.stderr is not None
            raise AssertionError(f"serve ended with {process.wait()}: {process.stderr.read()}")
        return process, json.loads(line)["url"]

    def log(self, name: str) -> str:
        """What a process of the service has written so far."""
        path = self.home / "logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()


@pytest.fixture(scope="session")
def new_box(launcher: Launcher | None) -> Callable[[Path], Box]:
    """Make a data folder below a folder, and an environment that knows of no other."""

    def make(folder: Path) -> Box:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HPSEARCH_") and name not in ("DATABASE_URL", "REDIS_URL")
        }
        (folder / "here").mkdir()
        home = folder / "here" / "home"
        environment = {**kept, "HPSEARCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
        return Box(home, environment, launcher)

    return make


@pytest.fixture
def box(new_box: Callable[[Path], Box], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    # Not `tmp_path`: with the test's name in it the path is too long for a socket.
    made = new_box(tmp_path_factory.mktemp("box"))
    yield made
    made.close()


FAKES = {
    "migrations": "import sys\nsys.exit(0)\n",
    "worker": "import signal, sys\nprint(sys.argv, flush=True)\nsignal.pause()\n",
    # Enough of an API to be ready.
    "api": """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"status": "ready"}')
address = (os.environ["HPSEARCH_HOST"], int(os.environ["HPSEARCH_PORT"]))
http.server.HTTPServer(address, Handler).serve_forever()
""",
}


@pytest.fixture
def stand_ins(box: Box, tmp_path: Path) -> Callable[..., Box]:
    """Put programs of a few lines in place of api, worker and migrations.

    So that a test of the supervisor can say when they crash, hang or refuse.
    """

    def put(**programs: str) -> Box:
        folder = tmp_path / "stand_ins"
        for name, text in {**FAKES, **programs}.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "__init__.py").touch()
            (folder / name / "__main__.py").write_text(text)
        box.environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
        return box

    return put


@pytest.fixture
def until() -> Callable[..., Any]:
    """Poll a condition until it holds, or fail when the time is over."""

    def wait(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        return waiting.until(condition, seconds=seconds, what=what)

    return wait


@dataclass
class Contract:
    """A real HTTP server that answers what a test tells it, and remembers what it was asked."""

    url: str
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def answer(self, status: int, body: object = None, **headers: str) -> None:
        """Give this answer to the next request that has none; the last one is repeated."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/problem+json" if status >= 400 else "application/json"
        headers = {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.answers.append((status, headers, b"" if status in (204, 304) else raw))

    def problem(self, status: int, title: str = "", detail: str = "", **more: object) -> None:
        document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        self.answer(status, {**document, **more})


@pytest.fixture
def contract() -> Iterator[Contract]:
    served = Contract("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            served.asked.append((self.command, self.path, dict(self.headers), body))
            status, headers, raw = (
                served.answers.pop(0) if len(served.answers) > 1 else served.answers[0]
            )
            if status == 0:  # hang up without a word
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without a service, a key or a data folder of anybody's."""
    for name in ("HPSEARCH_API_KEY", "HPSEARCH_API_KEY_FILE", "HPSEARCH_URL", "HPSEARCH_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.fixture
def run(
    surroundings: None, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """run(WORD, ...): a command's exit code, its output and its errors, in this process."""

    def call(*words: str) -> tuple[int, str, str]:
        code = cli.run(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


STATUS = {
    "id": "s1",
    "name": "first",
    "dataset": "digits",
    "state": "running",
    "reason": None,
    "revision": 3,
    "created_at": "2026-01-01T00:00:00Z",
    "started_at": None,
    "finished_at": None,
    "eta_seconds": 75.0,
    "rounds": {"planned": 4, "completed": 1},
    "trials": {
        "planned": 128,
        "pending": 80,
        "running": 8,
        "completed": 38,
        "stopped": 0,
        "diverged": 2,
        "failed": 0,
    },
    "epochs": {"planned": 500, "trained": 80},
    "best": {"trial": "t1", "params": {"learning_rate": 0.0316}, "validation_accuracy": 0.9722},
    "ranges": {"learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"}},
    "links": {"self": "/api/v1/searches/s1"},
}


@pytest.fixture
def status() -> dict[str, Any]:
    return json.loads(json.dumps(STATUS))


def alive(pid: int) -> bool:
    """Whether a process still runs; one that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def descendants() -> Callable[[int], list[int]]:
    """All processes below one, from /proc."""

    def below(pid: int) -> list[int]:
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
        found, todo = [], [pid]
        while todo:
            children = parents.get(todo.pop(), [])
            found += children
            todo += children
        return found

    return below


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    return alive


@pytest.fixture
def interrupt() -> Callable[[subprocess.Popen[str]], int]:
    """Press Ctrl-C, so to say."""

    def press(process: subprocess.Popen[str]) -> int:
        process.send_signal(signal.SIGINT)
        return process.wait(timeout=30)

    return press
