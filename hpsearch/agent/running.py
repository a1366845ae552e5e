"""A trial: its command is run, its output read, and its end reported."""

from __future__ import annotations

import os
import selectors
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hpsearch.agent import surroundings
from hpsearch.agent.child import Child, read
from hpsearch.agent.courier import Courier
from hpsearch.agent.ending import MESSAGE_MOST, Misfit, Scores, ended_by_request, failed
from hpsearch.agent.scores import Lines, score_of
from hpsearch.agent.template import Template
from hpsearch.errors import InvalidRequest
from hpsearch.report.views import OrderView
from hpsearch.trials import RoundKind

LOOK = 0.1  # seconds between two looks at what others want
FILE_LOOK = 0.5  # the same at the file of scores
CATCH_UP = 1.0  # seconds, in which an agent hears of the signal that has ended its command
VERDICT_SECONDS = 60.0  # in which the service fails a final trial that took too long
PIPE_MOST = 1 << 20  # bytes that a pipe holds, at the most
TAIL_MOST = MESSAGE_MOST - 200
State = Literal["completed", "failed", "diverged", "returned", "stopped"]


@dataclass(frozen=True, slots=True)
class How:
    """The way in which every trial of an agent is run.

    key
        Of the service, which no command gets to see.
    limit
        Seconds of a trial at the most; None without a limit.
    searched
        Names of all hyperparameters; one that a trial does not have is null, whatever else has its name.
    """

    template: Template
    environment: Mapping[str, str]
    grace: float
    key: str | None = None
    limit: float | None = None
    score_file: bool = False
    reaper: bool = True
    agent: str = ""
    searched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial that this agent is done with; `fault` is an error that ends the agent."""

    state: State
    score: float | None = None
    why: str | None = None
    fault: Exception | None = None
    orphaned: bool = False  # its supervisor was killed
    left: Sequence[int] = ()  # processes that nothing could kill


class Run:
    """A trial that runs; `stop_within` says for how many seconds it may go on once it is not None."""

    def __init__(
        self,
        how: How,
        order: OrderView,
        courier: Courier,
        child: Child,
        *,
        gpu: str | None,
        begun: float,
        started: Callable[[], None] = lambda: None,
    ) -> None:
        self._how, self._order, self._courier, self._child = how, order, courier, child
        self._gpu, self._begun, self._started = gpu, begun, started
        self._secrets = surroundings.secrets_of(how.environment, how.key)
        self._scores = Scores(order)
        self._tail = surroundings.Tail(self._secrets)
        self._lines = {child.stdout: Lines(), child.stderr: Lines()}
        self._file_lines, self._file_at, self._file_looked = Lines(), 0, 0.0
        self._file: Path | None = None
        self._stop_within: float | None = None
        self._stopped_by: Literal["agent", "service", "limit", "itself"] | None = None
        self._asked: float | None = None
        self._status: int | None = None
        self._refused: int | None = None
        self._left: Sequence[int] | None = None
        self._outcome: Outcome | None = None

    @property
    def stop_within(self) -> float | None:
        """Seconds within which the agent wants an end; None where it wants none."""
        return self._stop_within

    @stop_within.setter
    def stop_within(self, seconds: float) -> None:
        self._stop_within = seconds

    def to_end(self) -> Outcome:
        """Run the command until nothing of it is left; what the trial came to."""
        with self._place() as file:
            self._file = file
            name = None if file is None else str(file)
            try:
                argv = self._how.template.written(
                    surroundings.facts(self._order, name, self._how.searched)
                )
            except InvalidRequest as error:
                self._courier.report(state="returned")
                return Outcome("returned", why=str(error), fault=error)
            environment = surroundings.environment(
                self._how.environment,
                self._order,
                key=self._how.key,
                score_file=name,
                gpu=self._gpu,
                agent=self._how.agent,
            )
            self._child.order(argv, environment, grace=self._how.grace, reaper=self._how.reaper)
            whole = self._watch()
            return self._end(orphaned=not whole)

    @contextmanager
    def _place(self) -> Iterator[Path | None]:
        """A file for scores, if they come by one."""
        if not self._how.score_file:
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="hpsearch-trial-") as folder:
            yield Path(folder) / "scores"

    def _watch(self) -> bool:
        """Read everything until the supervisor is done; False where it was killed."""
        child = self._child
        with selectors.DefaultSelector() as selector:
            for descriptor in (child.stdout, child.stderr, child.words):
                selector.register(descriptor, selectors.EVENT_READ)
            while self._left is None:
                for key, _ in selector.select(LOOK):
                    if key.fd == child.words:
                        if not self._hear():
                            return False
                    elif not self._read(key.fd):
                        selector.unregister(key.fd)
                self._look_at_file()
                self._look_around()
                if self._status is not None and self._outcome is None:
                    self._drain()
                    self._decide(self._status)
        return True

    def _hear(self) -> bool:
        """Take the supervisor's words; False where none will follow."""
        words, more = self._child.read_words()
        for word in words:
            if word.kind == "started":
                self._started()
            elif word.kind == "ended":
                self._status = word.numbers[0]
            elif word.kind == "refused":
                self._refused = word.numbers[0]
            elif word.kind == "asked" and self._stopped_by is None:
                self._stopped_by = "agent"  # a scheduler's signal reached it before us
            elif word.kind == "left":
                self._left = word.numbers
        if self._refused is not None:
            self._left = ()
        return more or self._left is not None

    def _read(self, descriptor: int) -> bool:
        """Read a piece of the output; False at its end."""
        piece = read(descriptor)
        lines = self._lines[descriptor]
        if piece:
            self._take(lines.add(piece), scores=descriptor == self._child.stdout)
        elif piece == b"":
            self._take(lines.end(), scores=descriptor == self._child.stdout)
        return piece != b""

    def _take(self, lines: Iterator[bytes], *, scores: bool) -> None:
        listed = list(lines)
        self._tail.add(listed)
        if scores and not self._how.score_file:
            for line in listed:
                self._score(line)

    def _score(self, line: bytes) -> None:
        score = score_of(line)
        if score is None or self._stopped_by is not None or self._outcome is not None:
            return
        report = self._scores.add(score)
        if report is None:
            return
        self._courier.report(**report)
        state = report.get("state")
        if state in ("failed", "diverged"):
            self._stopped_by = "itself"
            self._outcome = Outcome(state, self._last, report.get("message"))
            self._child.stop(self._how.grace)

    @property
    def _last(self) -> float | None:
        return None if self._scores.last is None else self._scores.last.value

    def _look_at_file(self, *, at_end: bool = False) -> None:
        if self._file is None or (not at_end and time.monotonic() - self._file_looked < FILE_LOOK):
            return
        self._file_looked = time.monotonic()
        try:
            with self._file.open("rb") as file:
                file.seek(self._file_at)
                while piece := file.read(1 << 16):
                    self._file_at += len(piece)
                    for line in self._file_lines.add(piece):
                        self._score(line)
        except OSError:  # nothing was written yet
            return
        if at_end:
            for line in self._file_lines.end():
                self._score(line)

    def _look_around(self) -> None:
        """Stop where the agent or the service wants it, or where the time is over."""
        within = self._stop_within
        if within is not None and (self._asked is None or within < self._asked):
            self._asked = within
            self._stopped_by = self._stopped_by or "agent"
            self._child.stop(within)
        if self._stopped_by is not None or self._outcome is not None:
            return
        if self._courier.over:
            self._stopped_by = "service"
        elif self._how.limit is not None and time.monotonic() - self._begun > self._how.limit:
            self._stopped_by = "limit"
        if self._stopped_by is not None:
            self._child.stop(self._how.grace)

    def _drain(self) -> None:
        """Read what the command had written before its end; others may hold the pipe open, or fill it."""
        for descriptor, lines in self._lines.items():
            left = PIPE_MOST
            while left > 0 and (piece := read(descriptor)):
                left -= len(piece)
                self._take(lines.add(piece), scores=descriptor == self._child.stdout)
            self._take(lines.end(), scores=descriptor == self._child.stdout)
        self._look_at_file(at_end=True)

    def _decide(self, status: int) -> None:
        """Report the end of a command that ended by itself, at once: what it left behind may take longer."""
        if self._stopped_by is None and ended_by_request(status):
            deadline = time.monotonic() + CATCH_UP
            while self._stop_within is None and time.monotonic() < deadline:
                time.sleep(0.02)
            self._look_around()
        if self._stopped_by is not None or self._outcome is not None:
            return
        tail = self._tail.text(TAIL_MOST)
        try:
            reports = self._scores.end(status, tail)
        except Misfit as error:
            self._courier.report(state="returned")
            self._outcome = Outcome("returned", why=str(error), fault=InvalidRequest(str(error)))
            return
        for report in reports:
            self._courier.report(**report)
        last = reports[-1]
        self._outcome = Outcome(last.get("state", "completed"), self._last, last.get("message"))

    def _end(self, *, orphaned: bool) -> Outcome:
        outcome = self._outcome or self._undecided(orphaned=orphaned)
        self._courier.close()
        return self._as_answered(outcome, orphaned=orphaned)

    def _undecided(self, *, orphaned: bool) -> Outcome:
        """The outcome of a command that did not end by itself."""
        tail = self._tail.text(TAIL_MOST)
        if self._refused is not None:
            return self._not_started(self._refused)
        if self._stopped_by == "agent":
            self._courier.report(state="returned")
            return Outcome("returned")
        if self._stopped_by == "limit":
            return self._too_long(tail)
        if self._stopped_by == "service":
            return Outcome("stopped", self._last)
        assert orphaned
        report = failed("the process that supervised it was killed", tail)
        self._courier.report(**report)
        return Outcome("failed", self._last, report["message"])

    def _not_started(self, number: int) -> Outcome:
        first = self._how.template.program
        why = f"the command cannot be started: {os.strerror(number)}"
        if first is None:  # another trial may have a better one
            self._courier.report(**failed(why))
            return Outcome("failed", why=why)
        self._courier.report(state="returned")
        return Outcome("returned", why=why, fault=InvalidRequest(f"{first}: {os.strerror(number)}"))

    def _too_long(self, tail: str) -> Outcome:
        """The outcome of a trial beyond its time limit.

        Of a final trial the service decides by its own clock: it is not to be handed out again.
        """
        report = failed(f"it was not done after {self._how.limit:g} seconds, its time limit", tail)
        if self._order.kind is RoundKind.FINAL:
            self._courier.hasten(LOOK * 5)
            deadline = time.monotonic() + VERDICT_SECONDS
            while not self._courier.over and time.monotonic() < deadline:
                if self._stop_within is not None:
                    self._courier.report(state="returned")
                    return Outcome("returned")
                time.sleep(LOOK)
        self._courier.report(**report)
        return Outcome("failed", self._last, report["message"])

    def _as_answered(self, outcome: Outcome, *, orphaned: bool) -> Outcome:
        """The outcome with what the service made of it."""
        courier = self._courier
        state, why = outcome.state, outcome.why
        if courier.refused is not None:
            state, why = "failed", courier.refused
        return Outcome(
            state, outcome.score, why, courier.fault or outcome.fault, orphaned, self._left or ()
        )
