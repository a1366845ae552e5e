"""All processes of one service: started in order, kept running, stopped in order."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from hpsearch.errors import Misconfigured, SystemFault, Unavailable
from hpsearch.settings import Settings
from hpsearch.supervisor import broker, fork, home
from hpsearch.supervisor.address import LEFTOVER_SECONDS, reserve, url_of
from hpsearch.supervisor.child import Child, Program, module
from hpsearch.supervisor.readiness import ready
from hpsearch.supervisor.restarts import MISCONFIGURED, Restarts

TICK = 0.2  # seconds between two looks at processes and logs; signals wake it at once
BROKER_SECONDS = 10.0
SOCKET_SECONDS = 2.0  # after which a broker that lives has a socket
READY_SECONDS = 60.0
PROBE_SECONDS = 2.0
GLANCE_SECONDS = 0.02  # for an API that may not answer yet, while there is other work
LAST_LINES = 15
API_GRACE = 12.0  # it answers open requests for 10 s
LOOP_GRACE = 20.0  # it waits 15 s for the answers to its webhooks
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_ALARMING = re.compile(r"\b(ERROR|CRITICAL|FATAL)\b|\"level\": ?\"(error|critical)\"|^Traceback")


class _Stopped(Exception):  # a way out of the main loop, not an error
    """A signal asked for the end."""


class Supervisor:
    """Broker, API, loop and workers for `settings`, in this process's main thread.

    `say` gets one line for people whenever something happens. `grace` is for how many seconds
    a worker may finish the job it has when the service stops.
    """

    def __init__(
        self, settings: Settings, *, workers: int, grace: float, say: Callable[[str], None]
    ) -> None:
        self._settings = settings.model_copy(update={"home": settings.home.absolute()})
        self._home = self._settings.home
        self._workers = workers
        self._grace = grace
        self._say = say
        self._environment: Mapping[str, str] = {}
        self._children: dict[str, Child] = {}
        self._restarts: dict[str, Restarts] = {}
        self._due: dict[str, float] = {}  # when a child that died is started again
        self._stops = 0  # how often we were asked to stop
        self._wake = -1  # read end of the pipe that signals write to

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Serve until a signal asks for the end; `on_ready` gets the address.

        Raises
        ------
        Conflict
            Another service runs on this data folder, or a program on this port.
        Misconfigured
            The settings cannot work.
        SystemFault
            A process cannot be kept running; the message ends with its last words.
        """
        home.private_folder(self._home)
        with home.exclusive(self._home) as leftover, self._signals():
            try:
                self._start(on_ready, patience=LEFTOVER_SECONDS if leftover else 0.0)
                self._until(lambda: False)
            except _Stopped:
                pass
            finally:
                self._stop()

    def prepare(self) -> None:
        """Make the data folder what a first start makes of it: with a key, and a database up to date.

        Raises
        ------
        Conflict, Misconfigured, SystemFault
            See `run`.
        """
        home.private_folder(self._home)
        with home.exclusive(self._home), self._signals(), suppress(_Stopped):
            self._environment = environment(
                self._settings, port=self._settings.port, key_file=self._own_key()
            )
            home.private_folder(self._home / "logs")
            self._migrate()

    # Start

    def _own_key(self) -> os.PathLike[str] | None:
        """The file of the service's own key, where it has none from its settings."""
        settings = self._settings
        if settings.bootstrap_key() is None and settings.embedded:
            return home.embedded_key(self._home)
        return None

    def _start(self, on_ready: Callable[[str], None], *, patience: float) -> None:
        settings, key_file = self._settings, self._own_key()
        port = reserve(settings.host, settings.port, patience=patience)
        self._say(f"starting the service in {self._home} ...")
        self._environment = environment(settings, port=port, key_file=key_file)
        home.private_folder(self._home / "logs")
        if settings.embedded:
            self._start_broker()
        self._load(fork.TO_MIGRATE)
        self._migrate(fork.TO_SERVE)
        if settings.embedded:
            self._until(lambda: broker.answers(settings.socket), BROKER_SECONDS, "broker")
        api, *others = programs(self._workers, self._grace)
        self._launch(api)
        url, said = url_of(settings.host, port), False

        def announced(seconds: float) -> bool:
            nonlocal said
            if not said and ready(url, seconds=seconds):
                home.announce(self._home, url)
                on_ready(url)
                said = True
            return said

        # Whoever waits for the API need not wait for what trains and decides.
        self._load(fork.TO_WORK, lambda: announced(GLANCE_SECONDS))
        for program in others:
            self._launch(program)
        self._until(lambda: announced(PROBE_SECONDS), READY_SECONDS, "api")

    def _load(self, modules: Sequence[str], meanwhile: Callable[[], object] = bool) -> None:
        """Import what processes share, with a look at signals and processes in between."""
        if fork.possible():
            os.environ.update(self._settings.child_environment())  # before NumPy looks at it
            for _ in fork.load(modules):
                self._look()
                meanwhile()

    def _start_broker(self) -> None:
        path = self._settings.socket
        home.private_folder(path.parent)
        if broker.end_orphan(path):
            self._say("ended the broker of a service that was killed")
        self._launch(Program("broker", broker.command(path)))

    def _migrate(self, meanwhile: Sequence[str] = ()) -> None:
        """Bring the database up to date; it must succeed before anything reads it.

        Modules are loaded `meanwhile`; without them this process is no parent of others, and the
        one that migrates is executed.
        """
        command = module("migrations", "upgrade")
        child = self._child(Program("migrations", command, forks=bool(meanwhile)))
        child.start()
        try:
            self._load(meanwhile)
            while (code := child.ended()) is None:
                self._tick()
        finally:
            child.kill()
        if code != 0:
            raise _failure(child, "the database could not be brought up to date", code)

    def _launch(self, program: Program) -> None:
        self._children[program.name] = child = self._child(program)
        self._restarts[program.name] = Restarts()
        child.start()

    def _child(self, program: Program) -> Child:
        return Child(program, logs=self._home / "logs", environment=self._environment)

    # Keep

    def _until(
        self, condition: Callable[[], bool], seconds: float | None = None, name: str = ""
    ) -> None:
        """Keep everything running until `condition` holds, for `seconds` at the most."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not condition():
            if deadline is not None and time.monotonic() > deadline:
                child = self._children[name]
                raise _failure(child, f"{name} was not ready within {seconds:g} seconds")
            self._tick()

    def _tick(self) -> None:
        """Pause, then look once at every process and log.

        Raises
        ------
        _Stopped
            A signal asked for the end.
        """
        self._pause()
        self._look()

    def _look(self) -> None:
        """Look once at every process and log; `_tick` without its pause."""
        if self._stops:
            raise _Stopped
        for name, child in self._children.items():
            self._relay_log(child)
            code = child.ended()
            if code is not None:
                self._handle_end(name, child, code)
            elif name in self._due and time.monotonic() >= self._due[name]:
                del self._due[name]
                self._restart(child)
        self._check_broker_socket()

    def _handle_end(self, name: str, child: Child, code: int) -> None:
        lived = child.lived
        delay = self._restarts[name].after(lived=lived, code=code)
        if delay is None:
            raise _failure(child, f"{name} does not start", code)
        self._say(f"{name} ended after {lived:.1f} s (exit {code}); again in {delay:g} s")
        self._due[name] = time.monotonic() + delay

    def _restart(self, child: Child) -> None:
        if child.program.name == "broker":
            home.private_folder(self._settings.socket.parent)  # cleaners of /tmp take folders too
        child.start()

    def _check_broker_socket(self) -> None:
        """End a broker whose socket was removed, for nobody can reach it; another follows."""
        child = self._children.get("broker")
        if child is None or child.lived < SOCKET_SECONDS or self._settings.socket.exists():
            return
        if child.pid is not None:
            self._say("the broker's socket was removed; starting another broker")
            child.terminate()

    def _relay_log(self, child: Child) -> None:
        for line in child.new_lines():
            if _ALARMING.search(line):
                self._say(f"{child.program.name} | {line}")

    # Stop

    def _stop(self) -> None:
        """End all processes: first those that work, the broker last."""
        stops = self._stops
        if "worker" in self._children:
            self._say(
                f"stopping: running jobs may take {self._grace:g} s; a second signal ends all"
            )
        for name in ("worker", "loop", "api", "broker"):
            child = self._children.get(name)
            if child is None:
                continue
            child.terminate()
            deadline = time.monotonic() + child.program.grace
            while child.ended() is None and child.pid is not None:
                # A second signal means: do not wait.
                if time.monotonic() > deadline or self._stops > max(stops, 1):
                    child.kill()
                    break
                self._pause()
            self._relay_log(child)
        folder = self._settings.socket.parent
        if "broker" in self._children and self._home not in folder.parents:
            with suppress(OSError):  # the server has removed its socket; a cleaner may be quicker
                folder.rmdir()

    # Signals

    @contextmanager
    def _signals(self) -> Iterator[None]:
        read, write = os.pipe()
        os.set_blocking(write, False)
        self._wake = read
        before = {
            number: signal.signal(number, self._on_stop_signal)
            for number in STOPPING
            if signal.getsignal(number) is not signal.SIG_IGN  # nohup, or a shell's `&`
        }
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(write)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(read)
            os.close(write)

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1

    def _pause(self) -> None:
        if select.select([self._wake], [], [], TICK)[0]:
            os.read(self._wake, 4096)


def programs(workers: int, grace: float) -> list[Program]:
    """The processes that use database and broker; no worker where `workers` is 0."""
    run = module("worker", "run", "--concurrency", str(workers))
    return [
        Program("api", module("api"), API_GRACE, forks=True),
        Program("loop", module("worker", "loop"), LOOP_GRACE, forks=True),
        *([Program("worker", run, grace, forks=True)] if workers else []),
    ]


def environment(
    settings: Settings, *, port: int, key_file: os.PathLike[str] | None
) -> dict[str, str]:
    """The environment of every process of the service."""
    own = {
        "HPSEARCH_HOME": str(settings.home),
        "HPSEARCH_HOST": settings.host,
        "HPSEARCH_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    if key_file is not None:
        own["HPSEARCH_API_KEY_FILE"] = os.fspath(key_file)
    return {**os.environ, **settings.child_environment(), **own}


def _failure(child: Child, what: str, code: int | None = None) -> SystemFault:
    lines = [f"  {line}" for line in child.last_lines(LAST_LINES)] or ["  (it wrote nothing)"]
    ended = "" if code is None else f" (exit {code})"
    kind = Misconfigured if code == MISCONFIGURED else Unavailable
    return kind("\n".join([f"{what}{ended}; the end of {child.log}:", *lines]))
