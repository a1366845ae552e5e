"""The agent: claims trials and runs them, one or several at a time, until the search has ended or a signal comes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hpsearch.agent import template as templates
from hpsearch.agent.child import Child, adopt, end_strays
from hpsearch.agent.courier import OUTAGE, Courier
from hpsearch.agent.running import How, Outcome, Run
from hpsearch.agent.surroundings import agent_name
from hpsearch.agent.template import Template
from hpsearch.client import Client
from hpsearch.errors import Conflict, HpsearchError, InvalidRequest, SystemFault, TooMany
from hpsearch.report.views import OrderView, StatusView

WAIT = 2.0  # seconds, for which a claim is held; a signal waits for it
GRACE_MOST = 20.0  # seconds: Slurm kills 30 s after its SIGTERM, Kubernetes likewise
LOOK = 0.1
LONGEST_PAUSE = 10.0
FIRST_FAILURES = 5  # from the first trial on, after which nobody expects a score
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


@dataclass(frozen=True, slots=True)
class Options:
    """The wishes of an agent's user.

    gpus
        Devices, of which each trial sees one; as many trials run at a time.
    grace
        Seconds between the request for an end and its enforcement.
    lease
        Seconds without a heartbeat after which a trial is another's; the service's own without it.
    labels
        Of this machine: a search may ask for some.
    failures
        So many failed trials from the first on, without any score, end the agent; 0 for none.
    reaper
        False does without a subreaper, as on macOS.
    """

    parallel: int = 1
    gpus: Sequence[str] = ()
    grace: float = GRACE_MOST
    lease: float | None = None
    score_file: bool = False
    labels: frozenset[str] = frozenset()
    failures: int = FIRST_FAILURES
    reaper: bool = True


Say = Callable[[OrderView, Outcome, float], None]
"""Hears of each trial that is done with, and how many seconds it took."""


@dataclass
class Agent:
    """Runs a command for every trial of a search that it can get.

    environment
        Of this process; what of it is ours does not reach a command.
    """

    client: Client
    search: str
    template: Template
    options: Options = field(default_factory=Options)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    key: str | None = None
    say: Say = lambda *_: None
    warn: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.name = agent_name(self.environment, socket.gethostname(), os.getpid())
        self.signal: int | None = None
        self._stop = threading.Event()
        self._stop_within = self.options.grace
        self._runs: set[Run] = set()
        self._faults: list[Exception] = []
        self._trusted = False  # a trial has shown that the command works
        self._failed: list[Outcome] = []  # before that
        self._others: frozenset[int] = frozenset()

    def check(self) -> dict[str, Any]:
        """The spec of the search; everything that can be refused before the first claim is.

        Raises
        ------
        InvalidRequest
            The search is trained by the service, or the command does not fit it.
        """
        spec = self.client.spec(self.search)
        if spec.get("objective") != "external":
            raise InvalidRequest(
                f"search {self.search} is trained by the service; an agent works for one whose spec says "
                '"objective": "external"'
            )
        self._check_labels((spec.get("external") or {}).get("require_labels", ()))
        epochs = spec.get("epochs") or {}
        halving = bool(epochs.get("halving", True)) and epochs.get("first") != epochs.get("last")
        space = spec.get("space", {})
        templates.check(self.template, space, halving=halving)
        if "score_file" in self.template.names - set(space) and not self.options.score_file:
            raise InvalidRequest("{score_file} in the command is a path with --score-file alone")
        program = self.template.program
        if program is not None and shutil.which(program, path=self.environment.get("PATH")) is None:
            raise InvalidRequest(f"{program!r}, the first word of the command, is no program here")
        left_out = templates.unused(self.template, space)
        if left_out:
            self.warn(
                f"{', '.join(left_out)}: searched, and nowhere in the command; HPSEARCH_TRIAL_PARAMS has every value"
            )
        return spec

    def _check_labels(self, required: Sequence[str]) -> None:
        lacking = [label for label in required if label not in self.options.labels]
        if lacking:
            raise InvalidRequest(
                f"search {self.search} is for agents with the labels {', '.join(required)}, and this one is started "
                f"without {', '.join(lacking)}: --labels {','.join(required)}"
            )

    def run(self) -> StatusView | None:
        """Work until the search has ended; its status, or None where a signal came first.

        Raises
        ------
        HpsearchError
            The command does not fit the search, its first trials have all failed, or the service refuses
            this agent.
        """
        spec = self.check()
        limit = (spec.get("external") or {}).get("trial_seconds")
        how = How(
            self.template, self.environment, self.options.grace, self.key, limit,
            self.options.score_file, self.options.reaper, self.name, frozenset(spec.get("space", {})),
        )  # fmt: skip
        self._others = adopt() if self.options.reaper else frozenset()
        gpus: Sequence[str | None] = self.options.gpus or [None] * self.options.parallel
        slots = [
            threading.Thread(target=self._work, args=(how, gpu), name=f"slot {number}")
            for number, gpu in enumerate(gpus)
        ]
        with self._signals():
            for slot in slots:
                slot.start()
            for slot in slots:
                while slot.is_alive():
                    slot.join(LOOK)
        if self._faults:
            raise self._faults[0]
        return None if self.signal is not None else self.client.status(self.search)

    # Signals

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Have signals end the work within the block, in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self._on_signal)
            for number in ENDING
            if signal.getsignal(number) is not signal.SIG_IGN  # nohup, or a shell's `&`
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        self.stop(0.0 if self.signal == number == signal.SIGINT else self._stop_within)
        self.signal = self.signal or number

    def stop(self, within: float | None = None) -> None:
        """Claim nothing more, and hand back what runs; it has so many seconds to end itself."""
        if within is not None:
            self._stop_within = min(within, self._stop_within)
        self._stop.set()
        for run in list(self._runs):
            run.stop_within = self._stop_within

    # Work

    def _work(self, how: How, gpu: str | None) -> None:
        """Claim and run trials, one after the other."""
        slot = _Slot()
        try:
            while not self._stop.is_set():
                slot.prepare()
                order = self._claim()
                if order is not None:
                    self._one(how, order, slot, gpu)
        except _Ended:
            pass
        except Exception as error:  # noqa: BLE001  # told by the main thread, which ends with it
            self._faults.append(error)
            self.stop()
        finally:
            slot.close()

    def _one(self, how: How, order: OrderView, slot: _Slot, gpu: str | None) -> None:
        begun = time.monotonic()  # the wait for a trial is none of its time
        courier = Courier(self.client, order, self._stop)
        child = slot.take()
        run = Run(how, order, courier, child, gpu=gpu, begun=begun, started=slot.prepare)
        self._runs.add(run)
        if self._stop.is_set():
            run.stop_within = self._stop_within
        try:
            outcome = run.to_end()
        finally:
            self._runs.discard(run)
            courier.close()
            child.close()
        if outcome.orphaned and self.options.reaper:
            end_strays(self._others)
        self.say(order, outcome, time.monotonic() - begun)
        if outcome.left:
            self.warn(
                f"trial {order.trial} left processes that nothing can end: {', '.join(map(str, outcome.left))}"
            )
        if outcome.fault is not None:
            raise outcome.fault
        self._judge(outcome, refused=courier.refused is not None)

    def _judge(self, outcome: Outcome, *, refused: bool) -> None:
        """Count failures until a trial has shown that the command works.

        A trial that was returned, or is another's meanwhile, shows nothing; nor does a score that the service refused.

        Raises
        ------
        InvalidRequest
            The first trials have all failed.
        """
        scored = outcome.score is not None and not refused
        self._trusted = self._trusted or scored or outcome.state == "diverged"
        if self._trusted or outcome.state != "failed":
            return
        self._failed.append(outcome)
        if 0 < self.options.failures <= len(self._failed):
            raise InvalidRequest(
                f"the first {self.options.failures} trials have failed and none has a score, so the command is likely at "
                "fault: run it by hand with some values, then start the agent again; --failures 0 goes on "
                "whatever happens"
            )

    def _claim(self) -> OrderView | None:
        """The next trial; None where none is open now.

        Raises
        ------
        _Ended
            The search has ended.
        HpsearchError
            The service refuses, or is away for too long.
        """
        begun, pause = time.monotonic(), 0.5
        while True:
            try:
                return self.client.claim(self.search, wait=WAIT, lease=self.options.lease)
            except Conflict as error:
                if self.client.status(self.search).finished_at is None:
                    raise
                raise _Ended from error
            except (SystemFault, TooMany) as error:
                if time.monotonic() - begun > OUTAGE:
                    raise
                self.warn(f"{error}; trying again")
            if self._stop.wait(pause):
                return None
            pause = min(2 * pause, LONGEST_PAUSE)


class _Slot:
    """A supervisor that has begun before its trial is claimed: it takes 20 ms to begin."""

    def __init__(self) -> None:
        self._spare: Child | None = None

    def prepare(self) -> None:
        """Have one ready."""
        if self._spare is not None and self._spare.ended:  # a scheduler's signal reached it
            self.close()
        self._spare = self._spare or Child()

    def take(self) -> Child:
        """The one that is ready."""
        self.prepare()
        child, self._spare = self._spare, None
        assert child is not None
        return child

    def close(self) -> None:
        """Let go of one that no trial has taken."""
        if self._spare is not None:
            self._spare.close()
            self._spare = None


class _Ended(HpsearchError):
    """The search has ended."""
