"""Commands of `hpsearch` as forks of the launcher.

What starts so has the streams, the environment and the parents that it has otherwise, and signals
do to it what they do otherwise; it only need not import anything. A service's processes are forks
of it in any case (`hpsearch.supervisor.fork`); programs that a test puts in the place of ours are
executed, by PYTHONPATH as ever. `/proc/PID/environ` and `cmdline` are the
launcher's: who looks at them starts commands in the ordinary way.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hpsearch import cli, streams
from hpsearch.supervisor import fork
from support.launcher import COMMAND, Launcher

ROOT = Path(__file__).resolve().parents[2]


class Command(subprocess.Popen[str]):
    """`hpsearch WORD ...`, a child of the launcher."""

    def __init__(self, launcher: Launcher, words: Sequence[str], **options: Any) -> None:
        self._launcher = launcher
        super().__init__(words, text=True, **options)

    def _execute_child(self, words: Sequence[str], *how: Any) -> None:
        """Take the place of the fork that `Popen` makes between its pipes."""
        folder, environment, *pipes = how[4], how[5], *how[9:15]
        own = Path(f"/proc/{os.getpid()}/fd")
        self.pid = self._launcher.ask(
            module=COMMAND, arguments=list(words), environment=dict(environment),
            folder=str(folder), streams=[str(own / str(pipes[place])) for place in (0, 3, 5)],
        )  # fmt: skip
        self._child_created = True
        self._close_pipe_fds(*pipes)

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        if self.returncode is None:
            self.returncode = self._launcher.ask(poll=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, as soon as it has one."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                assert timeout is not None
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.01)
        return code


def become_command(wanted: Mapping[str, Any]) -> NoReturn:
    """Turn into the command that was asked for."""

    def main() -> int:
        os.setsid()
        opened = [
            os.open(path, mode)
            for path, mode in zip(
                wanted["streams"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True
            )
        ]
        _settle(opened, wanted["environment"])
        os.chdir(wanted["folder"])
        if wanted["environment"].get("PYTHONPATH") != str(ROOT):
            fork.possible = lambda: False  # a fork would run our programs, not those of the test
        return streams.guard(lambda: cli.run(wanted["arguments"]))

    _end_with(main)


def _settle(opened: Sequence[int], environment: Mapping[str, str]) -> None:
    """Have these streams, nothing else that is open, and this environment."""
    for number, stream in enumerate(opened):
        os.dup2(stream, number)
    # New ones: the old ones remember what kind of file they were opened for.
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    gc.freeze()  # objects whose files are closed here stay
    os.closerange(3, 4096)  # the launcher's pipe among them: whoever waits for it may go on
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # TMPDIR may be another


def _end_with(main: Callable[[], int]) -> NoReturn:
    """Exit as a program does whose main function this is; nothing that lies below goes on."""
    code = 1
    try:
        code = main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except Exception:  # noqa: BLE001  # shown, as by any program
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
