"""A process that trains trials: it gets orders, and gives reports, through a pipe.

It holds nothing of the service: no connection, no key, no lease. Whatever happens to it, the process
that started it knows its trial, and says what became of it.
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from hpsearch.client.trial_training import Held, Train, raiser, reports_of, told
from hpsearch.errors import InvalidRequest
from hpsearch.report.views import OrderView

LOOK = 0.2  # seconds between two looks at what others want of a trial
OVER_SECONDS = 10.0  # for which a training whose trial is over may go on
TERM_SECONDS = 2.0  # between SIGTERM and SIGKILL
CATCH_UP = 1.0  # seconds, in which this process hears of the signal that has ended a worker
READY = "ready"
WAYS_OUT = (
    'put it into a module of its own and import it, or give start="thread", or let `hpsearch agent` '
    "run a script for each trial"
)
GUARD = 'if __name__ == "__main__":'

_starting = threading.Lock()


class WorkerProcess:
    """A worker process as its slot holds it, replaced whenever it has died.

    stop
        Set once the pool stops: the trial at hand is returned then.
    """

    def __init__(
        self, start: Literal["spawn", "forkserver"], pickled: bytes, stop: threading.Event
    ) -> None:
        self._context: Any = multiprocessing.get_context(start)
        self._pickled, self._stop = pickled, stop
        self._process: Any = None
        self._pipe: Connection | None = None

    def prepare(self) -> None:
        """Have a process that has imported the training, and waits for an order.

        Raises
        ------
        InvalidRequest
            It cannot import the training, or it ended before it was ready.
        """
        if self._process is not None and self._process.is_alive():
            return
        self.close()
        ours, theirs = self._context.Pipe()
        with _starting, _born_deaf():
            self._process = self._context.Process(
                target=_serve, args=(theirs, self._pickled), name="hpsearch trial worker"
            )
            self._process.start()
        theirs.close()
        self._pipe = ours
        answer = self._next(None)
        if answer is None and not self._stop.is_set():
            raise InvalidRequest(
                f"a worker process ended before its first trial: {_how(self._process)}; standard error says why"
            )
        if answer is not None and answer != READY:
            raise InvalidRequest(f"train cannot be had in a worker process: {answer}; {WAYS_OUT}")

    def train(self, held: Held) -> None:
        """Have a trial trained and reported; a process that dies fails it."""
        assert self._pipe is not None  # it was prepared
        with held.heartbeats():
            try:
                self._converse(held, self._pipe)
            except BaseException:  # the service is away for too long
                self.close()
                raise

    def _converse(self, held: Held, pipe: Connection) -> None:
        """Hand out the order, and pass reports on until the training is over."""
        with suppress(OSError):  # it has died: the answer says so
            pipe.send(held.order)
        while True:
            report = self._next(held)
            if report == READY:
                return
            if report is None:
                self._lost(held)
                return
            over = told(held, report)
            with suppress(OSError):
                pipe.send(over)

    def _next(self, held: Held | None) -> Any:
        """The next word of the process; None where none will come, or none is wanted any more."""
        assert self._pipe is not None
        over_since: float | None = None
        while not self._stop.is_set():
            if self._pipe in wait([self._pipe, self._process.sentinel], LOOK) or self._pipe.poll():
                return _word(self._pipe)
            if not self._process.is_alive():
                return None
            if held is not None and held.over:
                over_since = over_since or time.monotonic()
                if time.monotonic() - over_since > OVER_SECONDS:
                    return None
        return None

    def _lost(self, held: Held) -> None:
        """Say what became of the trial of a process that gives no further word, and end it."""
        if not self._stop.is_set():
            self._process.join(CATCH_UP)
        if self._process.exitcode in (-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP):
            self._stop.wait(CATCH_UP)  # who ends a whole group reaches it before us
        died = not self._process.is_alive()
        how = _how(self._process)
        self.close()
        if self._stop.is_set():
            held.give_back()
        elif died:
            told(held, {"state": "failed", "message": f"the process that trained it ended: {how}"})

    def hand_back(self) -> None:
        """Nothing: the slot sees by itself that the pool stops."""

    def close(self) -> None:
        """End the process: it is asked, then made to."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        process.join(TERM_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


@contextmanager
def _born_deaf() -> Iterator[None]:
    """Within the block, start processes that Ctrl-C does not reach: it is for the whole terminal."""
    resource_tracker.ensure_running()  # which lets the signal through once it has begun
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _word(pipe: Connection) -> Any:
    """Read the next word of a worker; None where it ended, in the midst of one perhaps."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return None
    except Exception as error:  # noqa: BLE001  # of a value whose class cannot be had here
        said = f"a report cannot be read outside its process ({type(error).__name__}: {error})"
        return {"state": "failed", "message": said}


def _how(process: Any) -> str:
    """End of a process, in words."""
    code = process.exitcode
    if code is None or code >= 0:
        return f"exit status {code}"
    more = "; the system kills so where memory is short" if code == -signal.SIGKILL else ""
    try:
        return f"signal {-code} ({signal.Signals(-code).name}){more}"
    except ValueError:
        return f"signal {-code}"


def checked_pickle(train: Train) -> bytes:
    """The training as another process can read it.

    Raises
    ------
    InvalidRequest
        It cannot, and the message names what can be done.
    """
    name = getattr(train, "__qualname__", None) or repr(train)
    try:
        pickled = pickle.dumps(train)
    except Exception as error:  # of any class: a training may hold what it likes
        raise InvalidRequest(
            f"train ({name}) cannot be sent to worker processes ({error}): it is no function of a "
            f"module; {WAYS_OUT}"
        ) from error
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is None or not Path(file).exists():  # "<stdin>" is no file
        if b"__main__" in pickled:
            raise InvalidRequest(
                f"train ({name}) is defined in a notebook or a session, which worker processes cannot "
                f"import; {WAYS_OUT}"
            )
    elif _runs_when_imported(main, Path(file)):
        raise InvalidRequest(
            f"worker processes import {file} again, and all of it would run in each: put what it does "
            f'under `{GUARD}`, or give start="thread"'
        )
    return pickled


def _runs_when_imported(main: Any, file: Path) -> bool:
    """True where the main script has no part that runs for its own process alone."""
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name.split(".")[-1] == "__main__":  # `python -m package`
        return False
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # a zip, an executable: its own affair
        return False
    tests = [node.test for node in tree.body if isinstance(node, ast.If)]
    names = {node.id for test in tests for node in ast.walk(test) if isinstance(node, ast.Name)}
    return "__name__" not in names


# The other side of the pipe


class _Ended(SystemExit):
    """SIGTERM, raised in the training: its `finally` is done, and what it has started is ended."""


_interrupted = threading.Event()


def _serve(pipe: Connection, pickled: bytes) -> None:
    """Train what is ordered until the pipe is closed; the process does nothing else."""
    # A function, and not SIG_IGN, which programs that the training starts would have as well.
    signal.signal(signal.SIGINT, lambda *_: _interrupted.set())
    signal.signal(signal.SIGTERM, raiser(_Ended))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    try:
        _follow_orders(pipe, pickled)
    except _Ended:
        _end_children()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)  # no thread of the training can keep it


def _end_children() -> None:
    """End what the training has started and not ended: a program that was just starting it cannot know of.

    Linux alone lists the children of a process; elsewhere such a program goes on.
    """
    for listed in Path("/proc/self/task").glob("*/children"):
        for number in listed.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGKILL)


def _follow_orders(pipe: Connection, pickled: bytes) -> None:
    try:
        train = pickle.loads(pickled)  # noqa: S301  # what this very program has written
    except Exception as error:  # noqa: BLE001  # whatever an import raises
        traceback.print_exc()
        pipe.send(f"{type(error).__name__}: {error}")
        return
    pipe.send(READY)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # nobody wants more
        while True:
            _train(pipe, pipe.recv(), train)


def _train(pipe: Connection, order: OrderView, train: Train) -> None:
    with closing(reports_of(order, train)) as reports:
        for report in reports:
            if _interrupted.is_set() and report.get("state") == "failed":
                time.sleep(
                    CATCH_UP
                )  # Ctrl-C has ended what the training had started: the pool stops
            pipe.send(_sendable(report))
            if pipe.recv():
                break
    pipe.send(READY)


def _sendable(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """A report of values that another process can read; others as text, which the service refuses."""
    try:
        pickle.dumps(report)
    except Exception as error:  # noqa: BLE001  # of any class a training may have
        said = f"a report cannot leave its process ({type(error).__name__}: {error})"
        return {"state": "failed", "message": said}
    return report


def _end_with_parent() -> None:
    """End this process where the one that started it was killed: its trial is lost there."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # of a worker
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(TERM_SECONDS)
    os._exit(1)
