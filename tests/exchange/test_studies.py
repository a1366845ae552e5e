"""Searches as studies of Optuna: what a study has a place for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna

from hpsearch.exchange import studies
from hpsearch.exchange.search import Search
from hpsearch.report.views import TrialView
from hpsearch.trials import TrialState

SPACE = {"depth": {"low": 1, "high": 12, "integer": True}, "kernel": {"choices": ["flat", "round"]}}


def trained(index: int, **params: Any) -> TrialView:
    return TrialView(
        id=f"1-{index}", round=1, index=index, state=TrialState.COMPLETED, params=params, epochs=1,
        validation_accuracy=None, validation_loss=None, score=0.5,
    )  # fmt: skip


def test_a_baseline_that_was_replaced_has_a_place(tmp_path: Path) -> None:
    """It lies outside what was asked for, and neither spec nor edits have it any more."""
    status: Any = SimpleNamespace(
        id="one", rules=2, tags=[], note="",
        edits=[SimpleNamespace(changes={"baseline": {"depth": 3, "kernel": "flat"}})],
    )  # fmt: skip
    spec = {"objective": "external", "space": SPACE, "baseline": {"depth": 3, "kernel": "flat"}}
    trials = [trained(0, depth=4, kernel="flat"), trained(1, depth=30, kernel="other")]
    address = f"sqlite:///{tmp_path}/studies.db"
    one = Search(status=status, spec=spec, rounds=[], trials=iter(trials), result=None)
    assert studies.export(one, address=address, name="one") == 2
    written = optuna.load_study(study_name="one", storage=address).trials
    assert [t.params for t in written] == [t.params for t in trials]
