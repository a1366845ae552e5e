"""Squared error on float targets: through dataset, split, training, final test and report."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from nn.toys import SquaredError
from rich.console import Console
from support.toy_format import TOY

from growth import regression
from growth.service import SMALL, Service
from hpsearch import nn
from hpsearch.cli import result_output
from hpsearch.data import FORMATS
from hpsearch.metrics import METRICS
from hpsearch.report.views import ResultView

SPEC = {
    **SMALL,
    "dataset": "plane",
    "objective": "distance",
    "model": {"hidden_sizes": [16], "batch_size": 8, "optimizer": "adam", "loss": "squared"},
    "epochs": {"first": 2, "last": 16},
    "final": {"epochs": 16, "models": 3},
}


def test_a_loss_learns_numbers(grown: Service, tmp_path: Path) -> None:
    x, y = regression.plane()
    with FORMATS.registered("toy", TOY), nn.LOSSES.registered("squared", SquaredError()):
        stored = grown.upload("plane", regression.content(), TOY.media_type)
        assert (stored["classes"], stored["n_train"], stored["n_test"]) == ([], 192, 48)
        with grown.added(METRICS, "distance", regression.DISTANCE, SPEC, "objective") as ended:
            losses = [trial["validation_loss"] for trial in ended.in_full]
            assert min(losses) < 0.1 * y.var() / 2  # the loss of the mean
            best = max(ended.searched, key=lambda trial: trial["score"] or -math.inf)
            assert ended.result["best_trial"]["trial"] == best["id"]
            assert all(trial["validation_accuracy"] is None for trial in ended.trials)
            assert all(point[2] is None for trial in ended.trials for point in trial["curve"])

            result, test = ended.result, ended.result["test"]
            chosen = result["recommended"]
            assert chosen["validation_accuracy"] is None
            assert chosen["score"] > -0.4 * np.abs(y - np.median(y)).mean()
            models = {trial["role"]: trial for trial in ended.trials if trial["role"]}
            assert test["score"] == models["recommended"]["score"] != models["optimism"]["score"]
            assert test["score"] > -0.4 * np.abs(y - np.median(y)).mean()
            assert test["score_mean"] is not None
            assert (test["sealed"], test["examples"], test["attempts"]) == (True, 48, 1)
            assert [test[name] for name in ("accuracy", "ci95", "mean", "ensemble_accuracy")] == [
                None
            ] * 4
            assert result["optimism"] is None
            assert result["digest"] is not None

            file = tmp_path / "model.npz"
            file.write_bytes(grown.raw("GET", f"/api/v1/searches/{ended.id}/model").data)
            error = nn.Model.load(file).predict_values(x)[:, 0] - y
            assert np.square(error).mean() < 0.1 * y.var()

            page = grown.raw("GET", f"/api/v1/searches/{ended.id}/report").text
            assert test["metrics"]["distance"]["value"] == pytest.approx(-test["score"])
            assert f"{-test['score']:.4f}" in page.rpartition("</script>")[0]
            assert "accuracy" not in page.partition("<script")[0]
            console = Console(width=100, file=io.StringIO())
            console.print(result_output.result(ResultView.model_validate(result)))
            said = console.file.getvalue()
            assert "test distance (objective)" in said
            assert "accuracy" not in said
            assert grown.replayed(ended.id, training=True) == []
