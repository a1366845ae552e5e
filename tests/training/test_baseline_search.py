"""Gains on numbers, on rows in groups and on rows with weights, through a service."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from growth.service import Service, service
from rich.console import Console
from support import prices, visits, weighted

from hpsearch.cli import compare, result_output
from hpsearch.figures import search as figures
from hpsearch.report.views import HealthView, ResultView, RoundView, StatusView


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("baseline")) as made:
        made.upload("prices", prices.table(), "text/csv", "?task=regression")
        made.upload("visits", visits.table(), "text/csv", "?groups=person&drop=day")
        made.upload("weighted", weighted.table(), "text/csv", "?weight=w")
        yield made


@pytest.mark.parametrize(
    ("spec", "minimised"),
    [(prices.SPEC, "rmse"), (visits.SPEC, "log_loss"), (weighted.SPEC, "log_loss")],
    ids=["numbers", "groups", "weights"],
)
def test_a_setting_that_hardly_learns_is_beaten(
    running: Service, spec: Any, minimised: str
) -> None:
    ended = running.complete({**spec, "baseline": {"learning_rate": 1e-6}})
    gain, base = ended.result["gain"], ended.result["baseline"]
    assert base["params"] == {"learning_rate": 1e-6}
    assert base["outside"] == ["learning_rate"]
    assert gain["models"] == spec["final"]["models"]
    for name, one in gain["metrics"].items():
        if one["low"] is not None:
            assert one["low"] < one["value"] < one["high"], name
    loss = gain["metrics"][minimised]
    assert loss["value"] == pytest.approx(loss["baseline"] - loss["recommended"])
    if spec is not visits.SPEC:  # what was learnt of some people may be of no use for others
        assert loss["low"] > 0
    roles = [t["role"] for t in ended.trials if t["role"]]
    assert len(ended.result["test"]["models"]) == spec["final"]["models"]
    assert roles.count("baseline") == spec["final"]["models"]
    assert running.replayed(ended.id, training=True) == []
    _is_shown(ended)


def _is_shown(ended: Any) -> None:
    """The command line, a comparison and the report have both settings."""
    result, status = (
        ResultView.model_validate(ended.result),
        StatusView.model_validate(ended.status),
    )
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(result_output.result(result))
    assert "Against your setting" in console.export_text()
    rows = dict(compare.rows([compare.Column(status, result)]))
    assert rows["gain over your setting"][0].startswith(("+", "-"))
    page = figures.report(
        figures.ReportContents(
            status=status,
            result=result,
            rounds=[RoundView.model_validate(one) for one in ended.rounds],
            health=HealthView.model_validate(
                {"id": ended.id, "state": "completed", "revision": 1, "notes": ended.health}
            ),
            spec=ended.spec,
            figures={},
        )
    )
    assert "Against your setting" in [section.title for section in page.sections]
