"""A whole regression search, from the upload of a table to predictions in its units."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from growth.service import Ended, Service, service
from rich.console import Console
from support import prices

from hpsearch import cli, nn
from hpsearch.cli import result_output
from hpsearch.report.views import ResultView

CLASS_WORDS = ("accuracy", "classes", "class ", "confusion", "majority", "ensemble")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("prices")) as made:
        yield made


@pytest.fixture(scope="module")
def stored(running: Service) -> Mapping[str, Any]:
    return running.upload("prices", prices.table(), "text/csv", "?task=regression")


@pytest.fixture(scope="module")
def ended(running: Service, stored: Mapping[str, Any]) -> Ended:
    return running.complete(prices.SPEC)


def test_the_upload_tells_the_target(stored: Mapping[str, Any]) -> None:
    assert (stored["task"], stored["label"], stored["classes"]) == ("regression", "price", [])
    low, high, mean, sd = (stored["target"][name] for name in ("min", "max", "mean", "sd"))
    assert low < mean - sd < mean + sd < high
    assert 250_000 < mean < 330_000
    assert (stored["positive"], stored["class_counts"], stored["majority_share"]) == (None,) * 3


def test_the_search_is_ranked_by_rmse_in_units_of_the_target(
    stored: Mapping[str, Any], ended: Ended
) -> None:
    assert ended.spec["objective"] == ended.result["objective"] == "rmse"
    assert "loss" not in ended.spec["model"]
    sd = stored["target"]["sd"]
    scores = [trial["score"] for trial in ended.in_full]
    assert max(scores) > -0.5 * sd
    assert min(scores) < -5_000 / 2
    assert {trial["validation_accuracy"] for trial in ended.trials} == {None}


def test_the_sealed_part_is_scored_by_every_metric(ended: Ended) -> None:
    test = ended.result["test"]
    assert list(test["metrics"]) == ["rmse", "mse", "mae", "r2"]
    for name, score in test["metrics"].items():
        low, high = score["ci95"]
        assert low < score["value"] < high, name
    rmse, r2 = test["metrics"]["rmse"], test["metrics"]["r2"]
    assert rmse["value"] == pytest.approx(math.sqrt(test["metrics"]["mse"]["value"]))
    assert rmse["value"] == -test["score"] == test["models"][0]["objective"]
    assert 30_000 < rmse["baseline"] < 60_000  # the mean of the training targets
    assert 2_000 < rmse["value"] < 20_000
    assert -0.2 < r2["baseline"] <= 0 < 0.8 < r2["value"] < 1
    nothing = (
        "accuracy",
        "ci95",
        "mean",
        "ensemble_accuracy",
        "class_counts",
        "confusion",
        "classes",
    )
    assert {name: test[name] for name in nothing} == dict.fromkeys(nothing)
    assert ended.result["optimism"] is None


def test_the_model_predicts_in_units_of_the_target(
    running: Service, ended: Ended, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, flats = tmp_path / "model.npz", tmp_path / "flats.csv"
    file.write_bytes(running.raw("GET", f"/api/v1/searches/{ended.id}/model").data)
    x, y = prices.examples()
    predicted = nn.Model.load(file).predict_values(x)[:, 0]
    assert math.sqrt(np.mean((predicted - y) ** 2)) < 15_000
    flats.write_text(prices.table())
    assert cli.run(["predict", str(file), str(flats)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "price"
    assert [float(line) for line in lines] == pytest.approx(predicted.tolist(), rel=1e-5)
    assert cli.run(["predict", str(file), str(flats), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["predictions"]
    assert [one["value"] for one in said] == pytest.approx(predicted.tolist())


def test_nothing_speaks_of_classes(running: Service, ended: Ended) -> None:
    page = running.raw("GET", f"/api/v1/searches/{ended.id}/report").text
    page = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    page = re.sub(r"<[^>]*>", " ", page)
    console = Console(width=100, file=io.StringIO())
    console.print(result_output.result(ResultView.model_validate(ended.result)))
    said = console.file.getvalue()
    for text in (page, said, *ended.result["health"]):
        assert not [word for word in CLASS_WORDS if word in text], text
    for text in (page, said):
        assert "rmse" in text
        assert "r2" in text


def test_a_replay_agrees(running: Service, ended: Ended) -> None:
    assert ended.result["digest"]
    assert running.replayed(ended.id, training=True) == []
    assert running.replayed(ended.id, training=False) == []


@pytest.mark.parametrize("job_size", [1, 16])
def test_the_digest_is_that_of_any_cut_into_jobs(
    ended: Ended, tmp_path: Path, job_size: int
) -> None:
    with service(tmp_path, job_size=job_size) as other:
        other.upload("prices", prices.table(), "text/csv", "?task=regression")
        again = other.complete(prices.SPEC)
    assert again.result["digest"] == ended.result["digest"]
    assert again.result["test"]["metrics"] == ended.result["test"]["metrics"]


def test_folds_and_another_loss(running: Service, stored: Mapping[str, Any]) -> None:
    spec = {
        **prices.SPEC, "objective": "r2", "validation": {"folds": 3}, "rounds": 2,
        "model": {**prices.SPEC["model"], "loss": "huber"},
    }  # fmt: skip
    ended = running.complete(spec)
    assert ended.spec["model"]["loss"] == "huber"
    assert 0.5 < max(trial["score"] for trial in ended.searched if trial["score"]) <= 1
    assert ended.result["test"]["metrics"]["r2"]["value"] > 0.5
    assert running.replayed(ended.id, training=True) == []


def test_a_target_that_nothing_explains_is_said(running: Service) -> None:
    noise = prices.table(noise=50_000.0, slope=0.0)
    running.upload("noise", noise, "text/csv", "?task=regression")
    ended = running.complete({**prices.SPEC, "dataset": "noise", "rounds": 2})
    low, _ = ended.result["test"]["metrics"]["r2"]["ci95"]
    assert low <= 0
    (note,) = [note for note in ended.health if note["code"] == "no_better_than_constant"]
    assert note["severity"] == "warning"
    assert "no better than always answering the mean" in note["message"]
    assert "R²" in note["message"]


def test_objectives_that_do_not_fit(running: Service, stored: Mapping[str, Any]) -> None:
    for dataset, objective in (("prices", "accuracy"), ("blobs", "rmse"), ("blobs", "f1")):
        spec = {**prices.SPEC, "dataset": dataset, "objective": objective}
        assert running.refused(spec) == ["objective"]
    spec = {**prices.SPEC, "model": {"loss": "cross_entropy"}}
    assert running.refused(spec) == ["model.loss"]
