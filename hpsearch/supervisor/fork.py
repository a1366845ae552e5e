"""Processes of the service as forks of the supervisor, which loads their modules once for all.

Loading takes most of the time of a start, and what is loaded most of the memory of an idle
service; forks share both. Linux only: elsewhere system libraries do not bear a fork without exec.

The supervisor has one thread, opens neither database nor broker, and runs nothing of what it
loads. A fork has nothing of it but its memory: no open file, no signal handler, no environment.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import gc
import importlib
import os
import runpy
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import NoReturn

PR_SET_NAME = 15
NAME_BYTES = 15  # of a process's name, as `ps -o comm` and `top` show it
# Where forks begin; the rest follows from them. What a process needs before it answers comes first.
TO_MIGRATE = ("structlog", "hpsearch.store")
TO_SERVE = (
    "hpsearch.spec",
    "hpsearch.service",
    "flask_openapi3",
    "api.routes.searches",
    "api.routes.external",
    "api.server",
)
TO_WORK = (
    "scipy.special",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.stats",
    "hpsearch.surrogate",
    "hpsearch.service.advance",
    "worker.loop",
    "worker.tasks",
    "worker.consumer",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "kombu.transport.redis",
)

HANDLED = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGINT)  # by the supervisor

# Optional to the libraries that look for them, of no use without a terminal, and large.
LEFT_OUT = ("rich", "yaml")


class Forked:
    """A child that was forked, with as much of `subprocess.Popen` as `Child` uses."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def wait(self) -> int:
        """Collect it as soon as it has ended; its exit code, or the signal's number below zero."""
        if self._code is None:
            _, status = os.waitpid(self.pid, 0)
            self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def send_signal(self, number: int) -> None:
        """Signal it, unless it was collected and its number may be another's."""
        if self._code is None:
            os.kill(self.pid, number)


def possible() -> bool:
    """True where a process may go on after a fork with what its libraries have set up."""
    return sys.platform == "linux"


def load(modules: Sequence[str]) -> Iterator[str]:
    """Import modules one by one, and yield each one's name.

    One that cannot be imported is left out: the process that needs it says so in its log.
    """
    _forget_the_folder_of_the_start()
    for name in modules:
        gc.disable()  # what is loaded stays: looking for garbage in it takes a tenth of the time
        with suppress(Exception), _hidden(LEFT_OUT):
            importlib.import_module(name)
        gc.freeze()
        gc.enable()
        yield name


@contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    """Let no module be imported that is not there yet and has one of these names."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: its import fails
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def start(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: int,
    prepare: Callable[[], None] | None,
) -> Forked:
    """Fork a process that runs `python -P -m MODULE ARGUMENT...`, as `command` has it after Python's.

    It leads a session of its own, and its output goes to the file `log`. Every collection of
    garbage would write to what the processes share, so all that is there is kept out of them.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    gc.freeze()
    # Until the fork has handlers of its own, those of the supervisor would swallow its signals.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if not pid:
            _become(name, command, environment, log, prepare, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Forked(pid)


def _become(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    log: int,
    prepare: Callable[[], None] | None,
    mask: set[signal.Signals] | set[int],
) -> NoReturn:
    """Run a module as the main program and exit; nothing that lies below goes on."""
    code = 70
    try:
        os.setsid()
        if prepare is not None:
            prepare()
        _default_signals(mask)
        _own_files(log)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        tempfile.tempdir = None  # TMPDIR may be another
        ctypes.CDLL(None).prctl(PR_SET_NAME, f"hpsearch-{name}".encode()[:NAME_BYTES], 0, 0, 0)
        module, *arguments = command
        sys.argv = [module, *arguments]
        code = _exit_code(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))
    finally:
        os._exit(code)


def _exit_code(main: Callable[[], object]) -> int:
    """Run a program to its end as the interpreter does: threads, exit handlers, output."""
    code = 0
    try:
        main()
    except SystemExit as leaving:
        code = _code_of(leaving)
    except BaseException:  # noqa: BLE001  # shown, as by any program
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  # waits for threads
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def _code_of(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    print(leaving.code, file=sys.stderr)  # noqa: T201  # as the interpreter does
    return 1


def _default_signals(mask: set[signal.Signals] | set[int]) -> None:
    """Handle signals as a new program does, those that came since the fork too; what was ignored stays so."""
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            standard = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if standard else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _own_files(log: int) -> None:
    """Have three streams and no other open file: neither the lock of the data folder nor a pipe.

    Python's objects for the closed ones are never freed (`gc.freeze`, and frames that go on), so
    none of them closes a number that another file has by then.
    """
    # Copies above the streams, since the numbers of closed ones are given to the next files.
    null = fcntl.fcntl(os.open(os.devnull, os.O_RDONLY), fcntl.F_DUPFD, 3)
    log = fcntl.fcntl(log, fcntl.F_DUPFD, 3)
    for number, file in enumerate((null, log, log)):
        os.dup2(file, number)
    os.closerange(3, 1 + max(int(one) for one in os.listdir("/proc/self/fd")))  # noqa: PTH208
    # Line by line, as PYTHONUNBUFFERED has it for those that are executed. Kept by two names: who
    # puts another stream over one of them (`hpsearch.streams`) must not have it closed.
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", 1, closefd=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = os.fdopen(  # type: ignore[misc]
        2, "w", 1, errors="backslashreplace", closefd=False
    )


@cache  # a second time it would take what PYTHONPATH names
def _forget_the_folder_of_the_start() -> None:
    """Take the working folder from the path, where `python -m` put it: see `child.module`."""
    if not sys.flags.safe_path and sys.path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109
        del sys.path[0]
