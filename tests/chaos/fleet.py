"""The processes of one run: started through the launcher, started again when they die."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
STOP_SECONDS = 60.0


@dataclass
class Member:
    """One place in the fleet and the process that fills it now."""

    name: str
    arguments: Sequence[str]
    pid: int = 0
    handle: int = -1  # a pidfd: says that the process has ended, whoever gets its number next
    starts: int = 0
    wanted: bool = True
    groups: list[int] = field(default_factory=list)

    def alive(self) -> bool:
        """Whether the leader runs, or stands still."""
        return self.handle >= 0 and not select.select([self.handle], [], [], 0)[0]

    def children(self) -> list[int]:
        """The pool's processes."""
        try:
            words = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            return []
        return [int(word) for word in words]

    def signal_group(self, number: signal.Signals) -> None:
        """Signal leader and pool."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Fleet:
    """Keeps its members running, as a supervisor does."""

    def __init__(self, folder: Path, home: Path, edges: Path, mutants: Sequence[str]) -> None:
        self._folder = folder
        self._environment: Mapping[str, str] = {}
        self.members: dict[str, Member] = {}
        temporary = folder / "tmp"
        temporary.mkdir()
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "chaos.launcher", str(edges), *mutants],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(HERE.parent), "TMPDIR": str(temporary),
                 "HPSEARCH_HOME": str(home),  # orphans are found by it
                 **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
                                 "1")},
        )  # fmt: skip

    def add(self, name: str, *arguments: str) -> None:
        """Fill a new place."""
        self.members[name] = Member(name, arguments)

    def start(self, environment: Mapping[str, str]) -> None:
        """Start everybody under these settings."""
        self._environment = environment
        self.keep()

    def keep(self) -> int:
        """Start again who has died; how many."""
        started = 0
        for member in self.members.values():
            if member.wanted and not member.alive():
                self._start(member)
                started += 1
        return started

    def _start(self, member: Member) -> None:
        if member.handle >= 0:
            member.signal_group(signal.SIGKILL)  # a pool outlives its leader for a while
            os.close(member.handle)
        wanted = {
            "arguments": list(member.arguments),
            "environment": dict(self._environment),
            "log": str(self.log(member)),
        }
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        print(json.dumps(wanted), file=self._launcher.stdin, flush=True)
        member.pid = int(self._launcher.stdout.readline())
        member.starts += 1
        try:
            member.handle = os.pidfd_open(member.pid)
        except ProcessLookupError:  # gone already: the next turn starts it again
            member.handle = -1

    def log(self, member: Member) -> Path:
        """Where a member writes, over all its lives."""
        return self._folder / f"{member.name}.log"

    def owner(self, pid: int) -> Member | None:
        """The member whose pool a process belongs to."""
        for member in self.members.values():
            if pid == member.pid or pid in member.children():
                return member
        return None

    def stop(self) -> dict[str, bool]:
        """SIGTERM to every leader; who has gone by itself in time. The rest is killed."""
        for member in self.members.values():
            member.wanted = False
            member.signal_group(signal.SIGCONT)
            if member.alive():
                signal.pidfd_send_signal(member.handle, signal.SIGTERM)
        gone = {}
        for member in self.members.values():
            handles = [member.handle] if member.handle >= 0 else []
            gone[member.name] = not handles or bool(select.select(handles, [], [], STOP_SECONDS)[0])
        return gone

    def close(self) -> None:
        """Kill what is left, and the launcher."""
        for member in self.members.values():
            if member.handle >= 0:
                member.signal_group(signal.SIGKILL)
                os.close(member.handle)
                member.handle = -1
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.close()
        self._launcher.wait(STOP_SECONDS)
        self._launcher.stdout.close()
