"""Searches as runs of MLflow: what a trial's metrics are called there."""

from __future__ import annotations

import posixpath

import pytest

from hpsearch.exchange.runs import _reported
from hpsearch.report.views import TrialView
from hpsearch.trials import TrialState


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("f1", "f1"), ("test/f1", "test/f1"), ("a//b/", "a/b"), ("a/./b", "a/b"), ("a/..", "a"),
        ("a/../../b", "a/b"), ("a..b", "a..b"), ("score", "metric.score"), ("cost/.", "metric.cost"),
    ],
)  # fmt: skip
def test_metrics_have_paths_that_mlflow_takes(name: str, path: str) -> None:
    trial = TrialView(
        id="1-0", round=1, index=0, state=TrialState.COMPLETED, params={}, epochs=2,
        validation_accuracy=None, validation_loss=None, metrics={name: 0.5}, cost=1.0,
    )  # fmt: skip
    assert list(_reported(trial)) == [(path, 0.5, 2), ("cost", 1.0, 2)]
    assert posixpath.normpath(path) == path  # which is what MLflow asks for
