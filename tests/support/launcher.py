"""A process that has imported what the service imports, and forks one of its processes when asked.

Starting a worker or an API from nothing costs two seconds of imports. What is started here is the
same `main` under the environment that was asked for; that `python -P -m worker` gets that far is
for the tests of the command line and of the deployment, which start it so. An API's uploads are
parsed by forks as well (`support.parsing`).

It reads JSON, a line for each wish: `{"module", "arguments", "environment", "log"}` is answered
with the new process's id, `{"poll": id}` with its exit code, or null while it runs. A command of
`hpsearch` has `folder` and `streams` instead of `log` (`support.commands`).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.supervisor import fork

if TYPE_CHECKING:
    from support.parsing import Parsers

COMMAND = "hpsearch.cli"
# What the commands that tests start most often load besides.
LOADED_BY_COMMANDS = (
    "hpsearch.cli.serve", "hpsearch.cli.agent", "hpsearch.client.external", "hpsearch.agent",
    "migrations.__main__", "api.server",
)  # fmt: skip
# What a worker of Celery loads besides, on its way to its first message.
LOADED_BY_CELERY = (
    "celery.app.control", "celery.app.log", "celery.events", "celery.fixups.django",
    "celery.loaders.app", "celery.worker.autoscale", "celery.worker.components",
    "celery.worker.consumer.delayed_delivery", "celery.worker.strategy", "kombu.matcher",
)  # fmt: skip
TESTS = Path(__file__).resolve().parents[1]


class Launcher:
    """The end of it that a test holds."""

    MODULES = ("worker", "api")

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.launcher"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )  # fmt: skip

    def ask(self, **wish: Any) -> Any:
        """The answer to a wish."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(wish), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it; what it has started lives on."""
        self._process.communicate(timeout=30)


class Forked:
    """A process of the launcher, with as much of `subprocess.Popen` as the tests use."""

    def __init__(
        self,
        launcher: Launcher,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
    ) -> None:
        self._launcher = launcher
        self._code: int | None = None
        self.pid: int = launcher.ask(
            module=module, arguments=arguments, environment=dict(environment), log=str(log)
        )

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        if self._code is None:
            self._code = self._launcher.ask(poll=self.pid)
        return self._code

    def wait(self, timeout: float) -> int:
        """Its exit code, as soon as it has one."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Signal it alone."""
        if self.poll() is None:
            os.kill(self.pid, number)


def load() -> None:
    """Import what the service's processes need, once for all of them."""
    for name in (*fork.TO_MIGRATE, *fork.TO_SERVE, *fork.TO_WORK, *LOADED_BY_CELERY):
        importlib.import_module(name)
    gc.freeze()  # a fork that looks for garbage in what all have would copy it


def main(parsers: Parsers, folder: Path) -> None:
    """Serve until the test run closes the pipe."""
    for line in sys.stdin:
        wish = json.loads(line)
        answer = _state(wish["poll"]) if "poll" in wish else _started(wish, parsers)
        print(json.dumps(answer), flush=True)
    os.kill(parsers.pid, signal.SIGKILL)
    shutil.rmtree(folder)
    os._exit(0)  # nothing here is worth a slow goodbye


def _state(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _started(wanted: Mapping[str, Any], parsers: Parsers) -> int:
    if wanted["module"] == COMMAND:
        for name in LOADED_BY_COMMANDS:
            importlib.import_module(name)  # once, for all that follow
    ready, done = os.pipe()
    pid = os.fork()
    if not pid:
        os.environ.clear()
        if wanted["module"] == COMMAND:
            become_command(wanted)
        if wanted["module"] == "api":
            parsers.take_over()
        become(wanted, ready=done)
    os.close(done)
    os.read(ready, 1)  # whoever gets the id may signal the group at once
    os.close(ready)
    return pid


def become(wanted: Mapping[str, Any], *, ready: int | None = None) -> None:
    """Turn into the process that was asked for, a worker unless another is named; never returns."""
    main = importlib.import_module(f"{wanted.get('module', 'worker')}.__main__").main
    code = 70
    try:
        os.setsid()
        log = os.open(wanted["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.environ.update(wanted["environment"])
        if ready is not None:
            os.close(ready)
        code = main(wanted["arguments"])
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:  # whatever it was, the launcher's loop must not run twice
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    from support.commands import become_command
    from support.parsing import Parsers

    load()

    home = Path(tempfile.mkdtemp(prefix="hps-launcher-"))
    main(Parsers(home), home)
