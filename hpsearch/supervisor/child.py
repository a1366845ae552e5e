"""A process of the service: started by name, writing to its log, ended with its supervisor.

A child writes straight into its log file, and the supervisor reads along. So a supervisor that
is killed or stopped blocks nobody with a full pipe, and breaks none.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from hpsearch.errors import Misconfigured
from hpsearch.supervisor import fork

LOG_BYTES = 10_000_000  # then the log moves to NAME.log.1
READ_BYTES = 1_000_000  # of a log at a time
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Program:
    """A command with its name and the seconds that it may take to end.

    forks
        It is one of our modules, and a fork of its parent where such can be.
    """

    name: str
    command: Sequence[str]
    grace: float = 5.0
    forks: bool = False


def module(name: str, *arguments: str) -> list[str]:
    """The command of one of our modules.

    With -P a user's own `worker.py` or `api/` in the working folder is not mistaken for ours.
    """
    return [sys.executable, "-P", "-m", name, *arguments]


class Child:
    """A program and the process that runs it now.

    Call it from the main thread only: the kernel's notice of a parent's death goes by the
    thread that started the child.
    """

    def __init__(self, program: Program, *, logs: Path, environment: Mapping[str, str]) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | fork.Forked | None = None
        self._started = 0.0
        self._first = self._read = self.log.stat().st_size if self.log.exists() else 0

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    @property
    def lived(self) -> float:
        """Seconds since the last start."""
        return time.monotonic() - self._started

    def start(self) -> None:
        """Start the process in a session of its own, out of reach of the terminal's Ctrl-C.

        Raises
        ------
        Misconfigured
            The program is not there, or may not be run.
        """
        try:
            with self.log.open("ab") as log:
                self._first = log.tell()
                self._process = self._begun(log)
        except OSError as error:
            raise Misconfigured(f"{self.program.name} cannot be started: {error}") from error
        self._started = time.monotonic()

    def _begun(self, log: IO[bytes]) -> subprocess.Popen[bytes] | fork.Forked:
        prepare = _tied_to_parent()
        if self.program.forks and fork.possible():
            return fork.start(
                self.program.name,
                self.program.command[len(module("")) - 1 :],
                environment=self._environment,
                log=log.fileno(),
                prepare=prepare,
            )
        return subprocess.Popen(  # noqa: S603  # our own programs
            self.program.command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509  # the supervisor has one thread
        )

    def ended(self) -> int | None:
        """The exit code once, when the process has ended; else None.

        Other processes of its group, such as a pool, end with it.
        """
        if self._process is None:
            return None
        # Looked at without collecting it: until then its number, which is also its group's,
        # cannot belong to anybody else.
        if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self._signal_group(signal.SIGKILL)
        code = self._process.wait()
        self._process = None
        return code

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its group at once, and collect it."""
        if self._process is not None:
            self._signal_group(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def new_lines(self) -> list[str]:
        """The whole lines that were written since the last call; moves a full log away."""
        block = self._bytes(self._read)
        end = block.rfind(b"\n") + 1
        if not end and len(block) == READ_BYTES:
            end = READ_BYTES  # a line without end is cut
        lines = block[:end].decode(errors="replace").splitlines()
        self._read += end
        if self._read > LOG_BYTES:
            self._rotate()
        return lines

    def last_lines(self, count: int) -> list[str]:
        """The last lines of the log of the latest process."""
        written = self._bytes(self._first, at_end=True)
        return written.decode(errors="replace").splitlines()[-count:]

    def _bytes(self, start: int, *, at_end: bool = False) -> bytes:
        """The first READ_BYTES of the log from `start` on, or the last ones."""
        try:
            with self.log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(start, size - READ_BYTES) if at_end else start)
                return log.read(READ_BYTES)
        except FileNotFoundError:  # removed by hand: the process writes on, unseen
            return b""

    def _rotate(self) -> None:
        """Copy and truncate: the process keeps its open file, and appends at the new end."""
        with suppress(OSError):  # no room for a copy: then there is the more reason to truncate
            shutil.copyfile(self.log, self.log.with_name(self.log.name + ".1"))
        os.truncate(self.log, 0)
        self._first = self._read = 0

    def _signal_group(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):  # the latter on macOS' zombies
                os.killpg(self._process.pid, number)


def _tied_to_parent() -> Callable[[], None] | None:
    """A function that a child runs before its program, to end with its parent; Linux only.

    It is a SIGTERM: a worker may finish the job it has, which the database then keeps.
    """
    if sys.platform != "linux":
        return None
    return partial(_die_with, os.getpid(), ctypes.CDLL(None, use_errno=True))


def _die_with(parent: int, libc: ctypes.CDLL) -> None:  # pragma: no cover  # between fork and exec
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was killed before the line above
        os._exit(1)
