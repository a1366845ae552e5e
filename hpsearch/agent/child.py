"""A supervised command, as the agent holds it: its supervisor, its output, and words about it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hpsearch.agent import supervise
from hpsearch.agent.scores import Lines

SCRIPT = Path(supervise.__file__)
PAUSE = 0.01  # seconds, in which what was killed ends
_spawning = threading.Lock()
_supervisors: set[int] = set()


class Word(NamedTuple):
    """A word of a supervisor: started, refused, asked, ended or left, with its numbers."""

    kind: str
    numbers: tuple[int, ...]


class Child:
    """A supervisor that has begun, with or without an order yet.

    stdout, stderr, words
        What may be read from, as file descriptors that do not block.
    """

    def __init__(self) -> None:
        pipes = [os.pipe() for _ in range(3)]
        (self.stdout, out), (self.stderr, err), (self.words, said) = pipes
        command = [sys.executable, "-I", "-S", os.fspath(SCRIPT), str(said)]
        try:
            with _spawning:
                self._process = subprocess.Popen(  # noqa: S603  # our own script
                    command, stdin=subprocess.PIPE, stdout=out, stderr=err, pass_fds=[said],
                    env={"PATH": os.environ.get("PATH", os.defpath)}, start_new_session=True,
                )  # fmt: skip
                _supervisors.add(self._process.pid)
        finally:
            for end in (out, err, said):
                os.close(end)
        for end in (self.stdout, self.stderr, self.words):
            os.set_blocking(end, False)
        self._lines = Lines()
        assert self._process.stdin is not None
        self._orders = self._process.stdin.fileno()

    def order(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        grace: float,
        reaper: bool = True,
    ) -> None:
        """Have a command started; it has `grace` seconds to end itself whenever it has to."""
        fields = [f"a{word}" for word in argv]
        fields += [f"e{name}={value}" for name, value in environment.items()]
        fields += [f"g{grace!r}", *([] if reaper else ["n"]), "x"]
        self._send(fields)

    def stop(self, seconds: float) -> None:
        """Ask for the end within so many seconds; then it is made."""
        self._send([f"s{seconds!r}"])

    def _send(self, fields: Sequence[str]) -> None:
        data = b"".join(os.fsencode(field) + b"\0" for field in fields)
        with suppress(OSError):  # it was killed: the end of its words says so
            while data:
                data = data[os.write(self._orders, data) :]

    def read_words(self) -> tuple[list[Word], bool]:
        """Words that have come, and whether more may follow."""
        data = read(self.words)
        if data is None:
            return [], True
        words = []
        for line in self._lines.add(data):
            kind, *numbers = line.decode().split()
            words.append(Word(kind, tuple(map(int, numbers))))
        return words, data != b""

    @property
    def ended(self) -> bool:
        """True where its process is no more."""
        return self._process.poll() is not None

    def close(self) -> None:
        """Let go of it; one without an order ends itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        for end in (self.stdout, self.stderr, self.words):
            os.close(end)
        with suppress(subprocess.TimeoutExpired):  # what cannot be killed keeps it
            self._process.wait(1.0)
        with _spawning:
            _supervisors.discard(self._process.pid)


def read(descriptor: int) -> bytes | None:
    """A piece of what can be read now; empty at the end, None where nothing has come."""
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return None


def adopt() -> frozenset[int]:
    """Have orphans of a killed supervisor come to this process; the children that it has already."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(supervise.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return frozenset(_children(_table()))


def end_strays(others: Collection[int]) -> None:
    """End what a killed supervisor has left to this process, which has `others` as children too."""
    deadline = time.monotonic() + supervise.UNKILLABLE
    while time.monotonic() < deadline:
        with _spawning:
            table = _table()
            strays = [
                pid for pid in _children(table) if pid not in _supervisors and pid not in others
            ]
        if not strays:
            return
        for stray in strays:
            for pid in (stray, *supervise.below(table, stray)):
                supervise.send(pid, table[pid].start, 9)
        time.sleep(PAUSE)
        for stray in strays:
            with suppress(ChildProcessError):
                os.waitpid(stray, os.WNOHANG)


def _table() -> Mapping[int, supervise.Process]:
    return supervise.table_of_proc() if Path("/proc/self/stat").exists() else {}


def _children(table: Mapping[int, supervise.Process]) -> list[int]:
    own = os.getpid()
    return [pid for pid, process in table.items() if process.parent == own]
