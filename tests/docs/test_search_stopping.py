"""The benchmark of stopping: its list, and what its table counts."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.search import stopping


def row(early: float, late: float, *, stopped: bool = True, spent: int = 500) -> dict[str, Any]:
    """A pair with these regrets, whose first search spent so many of 1,000 epochs."""
    ends = [
        {"regret": regret, "epochs": epochs} for regret, epochs in ((early, spent), (late, 1000))
    ]
    return {"stopped": stopped, "early": ends[0], "late": ends[1]}


def test_every_pair_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "tasks_of", lambda problem: [f"{problem} {n}" for n in (0, 1)])
    keys = [pair.key for pair in stopping.pairs()]
    assert len(set(keys)) == len(keys) > 0


def test_a_false_stop_leaves_more_than_a_tenth() -> None:
    rows = [row(0.25, 0.1), row(0.15, 0.1), row(0.0, 0.3), row(0.2, 0.2, stopped=False, spent=1000)]
    searches, stopped, saved, of_all, paid, false, other = stopping._cells(rows)
    assert (searches, stopped, false, other) == ("4", "3", "1", "1")
    assert (saved, of_all) == ("50 %", "38 %")
    assert paid.startswith("-0.033")


def test_searches_that_go_on_save_and_pay_nothing() -> None:
    cells = stopping._cells([row(0.2, 0.2, stopped=False, spent=1000)])
    assert cells == ["1", "0", "-", "0 %", "-", "0", "0"]
