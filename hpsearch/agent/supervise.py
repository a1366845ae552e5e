"""A program that runs one command and leaves no process of it behind: one for each trial.

It is started by `hpsearch.agent.child` as `python -I -S supervise.py FD`, and loads nothing of hpsearch and little
of Python: it has to begin within a few milliseconds. On standard input come fields, a letter and a text before a zero
byte: `a` a word of the command, `e` a variable of its environment, `g` the seconds of grace, `n`
without a subreaper, `x` the end of the order; `s` a stop within so many seconds. The end of the input means that the
agent has ended, however it did. On FD go lines: `started PID` or `refused ERRNO`, `asked SIGNAL` where somebody else
wants an end, `ended STATUS` as soon as the command itself has ended, and `left PID ...`, with no number where
nothing below it runs any more.

Everything that a trial starts comes back to this process when its parents end (PR_SET_CHILD_SUBREAPER), be it a
daemon or in a session of its own. There is one such process for each trial, for orphans of two trials could not be
told apart. Where there is no subreaper (macOS), the group of the command and the tree below it are ended.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TICK = 0.05  # seconds between two looks at what is left
FIRST_SHARE = 0.75  # of the grace, for the command itself; the rest is for what it has left behind
UNKILLABLE = 10.0  # seconds after SIGKILL; what is left then waits for a disk or a device
CAUGHT = (
    signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip


class Process:
    """A process as the system's table has it; `start` tells it from a later one of the same id."""

    __slots__ = ("group", "parent", "start", "zombie")

    def __init__(self, parent: int, group: int, start: str, *, zombie: bool) -> None:
        self.parent, self.group, self.start, self.zombie = parent, group, start, zombie


def table_of_proc() -> Mapping[int, Process]:
    """All processes, from /proc."""
    table = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  # pathlib costs as much as the rest
        process = _of_proc(name) if name.isdigit() else None
        if process is not None:
            table[int(name)] = process
    return table


def _of_proc(name: str) -> Process | None:
    """A process; None where it has ended."""
    try:
        with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    zombie = fields[0] in (b"Z", b"X")
    return Process(int(fields[1]), int(fields[2]), fields[19].decode(), zombie=zombie)


def table_of_ps() -> Mapping[int, Process]:
    """All processes, from `ps`, where there is no /proc."""
    table = {}
    columns = "pid= -o ppid= -o pgid= -o stat= -o lstart="
    with os.popen(f"LC_ALL=C ps -A -o {columns}") as output:  # noqa: S605  # nothing of anybody's in it
        for line in output:
            pid, parent, group, state, start = line.split(None, 4)
            zombie = state.startswith("Z")
            table[int(pid)] = Process(int(parent), int(group), start.strip(), zombie=zombie)
    return table


def below(table: Mapping[int, Process], top: int) -> list[int]:
    """Everything below a process, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, process in table.items():
        children.setdefault(process.parent, []).append(pid)
    listed = children.get(top, [])[:]
    for pid in listed:  # it grows meanwhile
        listed += children.get(pid, [])
    return listed


def send(pid: int, start: str, *numbers: int) -> None:
    """Signal a process, and no other that has got its id since."""
    try:
        handle = os.pidfd_open(pid)
    except AttributeError:  # no Linux
        handle = None
    except OSError as error:
        if isinstance(error, ProcessLookupError):
            return
        handle = None
    try:
        for number in numbers:
            if handle is None:
                os.kill(pid, number)
            else:
                process = _of_proc(str(pid))
                if process is not None and process.start == start:
                    signal.pidfd_send_signal(handle, number)
    except OSError:  # it has ended, or is another user's
        pass
    finally:
        if handle is not None:
            os.close(handle)


class Supervisor:
    """A command, and everything that it starts."""

    def __init__(self, words: int) -> None:
        self._words = words  # where this process speaks to the agent
        self._table = table_of_proc if os.path.exists("/proc/self/stat") else table_of_ps  # noqa: PTH110
        self._reaper = True
        self._libc: Any = None
        self._argv: list[str] = []
        self._environment: dict[str, str] = {}
        self._grace = 20.0
        self._complete = False
        self._child = 0
        self._ended = False
        self._asked: float | None = None  # seconds, for which a stop waits
        self._orphaned = False
        self._told: set[tuple[int, str]] = set()  # that have had their SIGTERM
        self._met: set[tuple[int, str]] = set()  # of this trial, where there is no subreaper
        self._input = b""
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)

    def run(self) -> None:
        """Wait for an order, run it, and clean up."""
        while not self._complete:
            if self._orphaned or self._asked is not None:
                return
            self._look(None)
        self._reaper = self._reaper and self._adopt()
        try:
            self._child = self._start()
        except OSError as error:
            self._say(f"refused {error.errno}")
            return
        self._say(f"started {self._child}")
        null = os.open(os.devnull, os.O_RDWR)  # the command's output has no further writer
        os.dup2(null, 1)
        os.dup2(null, 2)
        while not self._ended and self._asked is None:
            self._look(None)
        self._finish()

    # Words

    def _say(self, word: str) -> None:
        try:
            os.write(self._words, f"{word}\n".encode())
        except OSError:  # the agent has ended
            self._orphaned = True

    def _look(self, seconds: float | None) -> None:
        """Wait for a field or a signal, for so long at the most, and reap what has ended."""
        watched = [self._wake] if self._orphaned else [self._wake, 0]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._wake in ready and signal.SIGTERM in os.read(self._wake, 4096):
            self._say(f"asked {int(signal.SIGTERM)}")
            self._stop(self._grace)
        if 0 in ready:
            piece = os.read(0, 1 << 16)
            if not piece:
                self._orphaned = True
                self._stop(self._grace)
            *fields, self._input = (self._input + piece).split(b"\0")
            for field in fields:
                self._take(os.fsdecode(field))
        self._reap()

    def _stop(self, seconds: float) -> None:
        self._asked = seconds if self._asked is None else min(seconds, self._asked)

    def _take(self, field: str) -> None:
        kind, text = field[0], field[1:]
        if kind == "a":
            self._argv.append(text)
        elif kind == "e":
            name, _, value = text.partition("=")
            self._environment[name] = value
        elif kind == "g":
            self._grace = float(text)
        elif kind == "n":
            self._reaper = False
        elif kind == "x":
            self._complete = True
        elif kind == "s":
            self._stop(float(text))

    # Processes

    def _adopt(self) -> bool:
        """Have orphans come to this process; False where the system cannot."""
        import ctypes

        try:
            self._libc = ctypes.CDLL(None)
            return bool(self._libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
        except (OSError, AttributeError):
            return False

    def _start(self) -> int:
        """Start the command in a session of its own; its process.

        Raises
        ------
        OSError
            It cannot be started.
        """
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become(write)
        os.close(write)
        reason = os.read(read, 64)
        os.close(read)
        if reason:
            os.waitpid(pid, 0)
            raise OSError(int(reason), os.strerror(int(reason)))
        return pid

    def _become(self, write: int) -> None:
        """Become the command, in the new process; its error goes to the one that waits for it."""
        try:
            os.setsid()
            if self._reaper:  # where this supervisor is killed, so is the command
                self._libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGPIPE, signal.SIGXFSZ, *CAUGHT):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.execvpe(self._argv[0], self._argv, self._environment)  # noqa: S606  # no shell, on purpose
        except OSError as error:
            os.write(write, str(error.errno or 1).encode())
        except BaseException:  # noqa: BLE001  # whatever it is, this process is no second supervisor
            os.write(write, b"22")
        finally:
            os._exit(127)

    def _reap(self) -> bool:
        """Take note of every process that has ended; False where this one has no child any more."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._child:
                self._ended = True
                self._say(f"ended {os.waitstatus_to_exitcode(status)}")

    def _finish(self) -> None:
        """End everything: politely at first, by force when the grace is over."""
        begun = time.monotonic()
        if not self._ended:
            self._tell_group()
            while not self._ended and self._within(begun, FIRST_SHARE):
                self._look(TICK)
        while self._within(begun, 1.0) and self._left(signal.SIGTERM, signal.SIGCONT):
            self._look(TICK)
        forced, pause, told = time.monotonic(), 0.0, False
        while left := self._left(signal.SIGKILL):
            self._look(pause)
            pause = min(TICK, pause + 0.001)  # at once at first: pools start new workers meanwhile
            if not told and time.monotonic() - forced > UNKILLABLE:
                self._say(" ".join(["left", *map(str, left)]))
                told = True
        if not told:
            self._say("left")

    def _within(self, begun: float, share: float) -> bool:
        """True while this share of the grace lasts; a second stop may have made it shorter."""
        allowed = self._grace if self._asked is None else min(self._grace, self._asked)
        return time.monotonic() - begun < allowed * share

    def _tell_group(self) -> None:
        """SIGTERM to the command's group, also where it has stopped itself."""
        table = self._table()
        for pid in self._mine(table):  # without a subreaper, the last look at what is below it
            if table[pid].group == self._child:
                self._told.add((pid, table[pid].start))
        for number in (signal.SIGTERM, signal.SIGCONT):
            try:
                os.killpg(self._child, number)
            except OSError:  # nobody is left in it
                return

    def _left(self, *numbers: int) -> list[int]:
        """The processes that are left; each of them gets the signals, and SIGTERM once."""
        if not self._reap() and self._reaper:  # all below it would have come to it
            return []
        table = self._table()
        left = []
        for pid in self._mine(table):
            process = table[pid]
            if process.group == os.getpgrp():  # `ps`, not the trial's
                continue
            # Below a subreaper a zombie is reaped, but for one whose threads run on.
            if process.zombie and not (self._reaper and process.parent == os.getpid()):
                continue
            left.append(pid)
            once = (pid, process.start)
            if signal.SIGTERM not in numbers or once not in self._told:
                self._told.add(once)
                send(pid, process.start, *numbers)
        return left

    def _mine(self, table: Mapping[int, Process]) -> Iterator[int]:
        """Processes of this trial: all below here; without a subreaper, also those of the group."""
        listed = below(table, os.getpid())
        if self._reaper:
            yield from listed
            return
        self._met |= {(pid, table[pid].start) for pid in listed}
        for pid, process in table.items():
            mine = process.group == self._child or (pid, process.start) in self._met
            if mine and process.parent != 0:
                self._met.add((pid, process.start))
                yield pid


def main() -> None:
    """Serve one trial."""
    words = int(sys.argv[1])
    os.set_inheritable(words, False)
    for number in CAUGHT:  # caught, not ignored: what is ignored stays so in the command
        signal.signal(number, lambda *_: None)
    Supervisor(words).run()
    os._exit(0)  # the interpreter has nothing to tidy up


if __name__ == "__main__":
    main()
