"""A trial that runs by itself: a real supervisor and command, and a service that writes down what it hears."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.agents import Stubborn

from hpsearch.agent.child import Child
from hpsearch.agent.courier import Courier
from hpsearch.agent.running import How, Outcome, Run
from hpsearch.agent.template import Template
from hpsearch.client import trainer_calls
from hpsearch.report.views import HeartbeatView, LeaseView, OrderView, VerdictView
from hpsearch.trials import RoundKind

FIELDS = (
    "score",
    "epoch",
    "loss",
    "state",
    "message",
    "metrics",
    "cost",
    "note",
    "link",
    "replicates",
)


def order(params: Mapping[str, Any] | None = None, **changes: Any) -> OrderView:
    """A trial to be trained."""
    lease = LeaseView(token="secret-token", seconds=changes.pop("lease", 30.0))
    facts: dict[str, Any] = {
        "search": "s1", "trial": "1-6", "kind": RoundKind.EXPLORE, "params": dict(params or {}),
        "epochs": 1, "rungs": [1], "seed": 77, "attempt": 1, "lease": lease,
    }  # fmt: skip
    return OrderView(**{**facts, **changes})


@dataclass
class Heard:
    """A service that keeps every report; after `stop_after` of them it wants no more."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    stop_after: int | None = None
    answers: Exception | None = None

    def report(self, order: OrderView, **what: Any) -> VerdictView:
        fields = dict.fromkeys(FIELDS) | what
        trainer_calls.report(self, order, fields.pop("score"), **fields)
        if self.answers is not None:
            raise self.answers
        self.reports.append(what)
        ended = "state" in what or what.get("epoch") == order.epochs
        stop = ended or len(self.reports) == self.stop_after
        return VerdictView(trial=order.trial, stop=stop)

    def view(self, kind: object, method: str, path: str, **options: Any) -> None:
        """Encode a request as the client does, and send it nowhere."""
        httpx.Request(method, f"http://localhost{path}", **options)

    def heartbeat(self, order: OrderView) -> HeartbeatView:
        return HeartbeatView(trial=order.trial, seconds=order.lease.seconds)


@dataclass
class Trial:
    """A trial that runs in a thread."""

    heard: Heard
    run: Run
    thread: threading.Thread
    outcomes: list[Outcome]
    ended: list[float]

    def outcome(self, seconds: float = 60.0) -> Outcome:
        """What it came to, once nothing of it is left."""
        self.thread.join(seconds)
        assert self.outcomes, "it still runs"
        return self.outcomes[0]


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Trial]:
    """begin(WORD, ..., params={}, grace=1): a command that runs as a trial."""

    def start(*words: str, params: Mapping[str, Any] | None = None, **options: Any) -> Trial:
        heard = Heard(
            stop_after=options.pop("stop_after", None), answers=options.pop("answers", None)
        )
        facts = {n: options.pop(n) for n in ("epochs", "rungs", "kind", "lease") if n in options}
        how = How(
            Template.of(words),
            options.pop("environment", dict(os.environ)),
            options.pop("grace", 0.6),
            **options,
        )
        trial = order(params, **facts)
        courier = Courier(heard, trial, threading.Event())
        child = Child()
        run = Run(how, trial, courier, child, gpu=None, begun=time.monotonic())
        outcomes: list[Outcome] = []
        ended: list[float] = []

        def to_end() -> None:
            outcomes.append(run.to_end())
            ended.append(time.monotonic())
            child.close()

        thread = threading.Thread(target=to_end)
        thread.start()
        return Trial(heard, run, thread, outcomes, ended)

    return start


@pytest.fixture
def stubborn(tmp_path: Path) -> Callable[..., Any]:
    """A script that notes its process and ignores SIGTERM."""
    return Stubborn(tmp_path / "w.py")


@pytest.fixture
def heard() -> Heard:
    """A service that keeps every report."""
    return Heard()


@pytest.fixture
def an_order() -> OrderView:
    """A trial to be trained."""
    return order()
