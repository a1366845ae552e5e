"""What `hpsearch agent` tells people of trials, and of the end of the search."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from hpsearch.agent import Agent
from hpsearch.agent.ending import NO_SCORE, failed
from hpsearch.agent.running import Outcome
from hpsearch.cli import agent as command
from hpsearch.cli.agent_lines import Lines, ended
from hpsearch.cli.app import app
from hpsearch.trials import SearchState

ORDER: Any = SimpleNamespace(trial="1-0")
TAIL = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'torch'"
FAILED = Outcome("failed", why=failed("exit status 1", TAIL)["message"])


def test_the_first_failure_is_told_with_its_last_lines_and_others_with_the_last_one() -> None:
    lines = Lines()
    assert lines.of(ORDER, FAILED, 0.1) == [
        "trial 1-0: failed in 0.1 s: exit status 1",
        "    Traceback (most recent call last):",
        "    ModuleNotFoundError: No module named 'torch'",
    ]
    again = (
        "trial 1-0: failed in 0.2 s: exit status 1: ModuleNotFoundError: No module named 'torch'"
    )
    assert lines.of(ORDER, FAILED, 0.2) == [again]


def test_a_trial_with_a_score_has_one_line() -> None:
    assert Lines().of(ORDER, Outcome("completed", 0.5), 2) == ["trial 1-0: completed 0.5 in 2.0 s"]


def test_a_command_that_prints_no_score_is_told_the_line_to_print() -> None:
    (line,) = Lines().of(ORDER, Outcome("failed", why=failed(NO_SCORE)["message"]), 0.1)
    assert "`score=0.93`" in line
    assert "`epoch=3 score=0.93`" in line


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("completed", None, "search s1: completed; show it: hpsearch result s1"),
        ("failed", "no trial", "search s1: failed: no trial"),
        ("cancelled", None, "search s1: cancelled"),
    ],
)
def test_the_end_says_why_or_what_is_next(state: str, reason: str | None, said: str) -> None:
    status: Any = SimpleNamespace(id="s1", state=state, reason=reason)
    assert ended(status) == said


@pytest.mark.parametrize(
    ("state", "code"),
    [(SearchState.COMPLETED, 0), (SearchState.CANCELLED, 0), (SearchState.FAILED, 1)],
)
def test_the_exit_code_tells_a_script_that_the_search_failed(
    state: SearchState, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    status: Any = SimpleNamespace(id="s1", state=state, reason=None)
    monkeypatch.setattr(Agent, "run", lambda _: status)
    monkeypatch.setattr(command, "connected", lambda *_, **__: nullcontext(SimpleNamespace()))
    done = CliRunner().invoke(app, ["agent", "s1", "--", "true"])
    assert (done.exit_code, f"search s1: {state}" in done.output) == (code, True)
