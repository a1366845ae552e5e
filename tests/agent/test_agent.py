"""The agent beside a service that is not always there."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hpsearch.agent import Agent, Options, Template
from hpsearch.errors import Conflict, InvalidRequest, Unavailable
from hpsearch.report.views import OrderView


class Away:
    """A service that is away at first, has one trial, and ends its search then."""

    def __init__(self, heard: Any, order: OrderView) -> None:
        self.report, self.heartbeat = heard.report, heard.heartbeat
        self.answered = 0.0
        self._answers = iter(self.answers(order))

    def answers(self, order: OrderView) -> list[Any]:
        """To one claim after the other."""
        return [Unavailable("it is away"), order, Conflict("it has ended")]

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


class Eight(Away):
    """A service that has eight trials, and ends its search then."""

    def answers(self, order: OrderView) -> list[Any]:
        return [*[order] * 8, Conflict("it has ended")]


def ran(heard: Any, an_order: OrderView, command: str, **options: Any) -> None:
    words = Template.of(["sh", "-c", command])
    Agent(Eight(heard, an_order), "s1", words, Options(reaper=False, **options)).run()


def test_a_command_that_fails_from_the_first_trial_on_costs_no_round(
    heard: Any, an_order: OrderView
) -> None:
    with pytest.raises(InvalidRequest, match="the first 3 trials have failed and none has a score"):
        ran(heard, an_order, "exit 1", failures=3)
    assert [report["state"] for report in heard.reports] == ["failed"] * 3


@pytest.mark.parametrize("score", ["0.5", "nan"])
def test_a_command_that_has_had_a_score_or_has_diverged_may_fail(
    heard: Any, an_order: OrderView, tmp_path: Path, score: str
) -> None:
    first = tmp_path / "first"
    ran(heard, an_order, f"[ -e {first} ] && exit 1; touch {first}; echo score={score}", failures=3)
    assert len(heard.reports) == 8


def test_a_score_that_the_service_refuses_is_none(heard: Any, an_order: OrderView) -> None:
    with pytest.raises(InvalidRequest, match="the first 3 trials have failed"):
        ran(heard, an_order, """echo '{{"score": 0.5, "note": 5}}'""", failures=3)


def test_a_trial_that_is_another_s_meanwhile_does_not_show_that_the_command_works(
    heard: Any, an_order: OrderView, tmp_path: Path
) -> None:
    first, gone, heartbeat = tmp_path / "first", list[bool](), heard.heartbeat

    def answer(order: OrderView) -> Any:
        if first.exists() and not gone:
            gone.append(True)
            raise Conflict("somebody else has it")
        return heartbeat(order)

    heard.heartbeat = answer
    lease = an_order.lease.model_copy(update={"seconds": 0.3})
    with pytest.raises(InvalidRequest, match="the first 3 trials have failed"):
        ran(heard, an_order.model_copy(update={"lease": lease}),
            f"[ -e {first} ] && exit 1; touch {first}; exec sleep 60", failures=3)  # fmt: skip
    assert [report["state"] for report in heard.reports] == ["failed"] * 3


def test_whoever_expects_failures_says_so(heard: Any, an_order: OrderView) -> None:
    ran(heard, an_order, "exit 1", failures=0)
    assert [report["state"] for report in heard.reports] == ["failed"] * 8
