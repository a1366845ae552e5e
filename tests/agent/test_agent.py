"""The agent beside a service that is not always there."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from hpsearch.agent import Agent, Options, Template
from hpsearch.errors import Conflict, Unavailable
from hpsearch.report.views import OrderView


class Away:
    """A service that is away at first, has one trial, and ends its search then."""

    def __init__(self, heard: Any, order: OrderView) -> None:
        self.report, self.heartbeat = heard.report, heard.heartbeat
        self.answered = 0.0
        self._answers = iter([Unavailable("it is away"), order, Conflict("it has ended")])

    def spec(self, _search: str) -> dict[str, Any]:
        return {"objective": "external", "space": {}, "external": {"trial_seconds": 60}}

    def status(self, _search: str) -> Any:
        return SimpleNamespace(finished_at=1.0)

    def claim(self, _search: str, **_: Any) -> OrderView:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        self.answered = time.monotonic()
        return answer


def test_the_time_of_a_trial_begins_when_it_is_claimed(heard: Any, an_order: OrderView) -> None:
    """Not when it was asked for: a time limit would be over after an outage."""
    client, begun, said = Away(heard, an_order), list[float](), list[str]()
    Agent(
        client, "s1", Template.of(["echo", "score=0.5"]), Options(reaper=False),
        say=lambda _order, _outcome, seconds: begun.append(time.monotonic() - seconds), warn=said.append,
    ).run()  # fmt: skip
    assert said == ["it is away; trying again"]
    assert begun[0] >= client.answered
    assert heard.reports == [{"score": 0.5, "epoch": 1}]
