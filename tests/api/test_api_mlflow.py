"""A search as MLflow runs, read back by MLflow itself from a real store.

MLflow brings more than twenty packages that nothing else here needs, so it is not among the test
requirements: `make mlflow` installs it and runs this file. Without it the second test is skipped.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from hpsearch import Client, cli
from hpsearch.errors import Conflict
from hpsearch.exchange import EXPORTS, Search
from hpsearch.space import level_text
from hpsearch.trials import SearchState

SEARCHES = "/api/v1/searches"


def milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def test_without_mlflow_the_way_out_is_said(
    commands: httpx.Client, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    search = commands.post(SEARCHES, json=spec).json()["id"]
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert cli.run(["export", search, "--mlflow", "http://127.0.0.1:9"]) == 78
    assert "pip install 'hpsearch[mlflow]'" in capsys.readouterr().err
    assert cli.run(["export", search, "--mlflow", "x", "--format", "csv"]) == 2
    assert "give one of" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_mlflow_reads_an_exported_search(
    commands: httpx.Client, complete: Any, spec: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow: make mlflow")
    spec["space"]["hidden_sizes"] = {"choices": [[8], [8, 4]]}
    spec["space"]["clip_norm"] = {"choices": [None, 1.0]}
    ended = complete(commands, {**spec, "name": "to MLflow"})
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    words = ["export", ended["id"], "--mlflow", uri, "--experiment", "ours"]
    assert cli.run(words) == 0, capsys.readouterr().err
    asked = {"curve": "true", "limit": 100}
    trials = commands.get(f"{SEARCHES}/{ended['id']}/trials", params=asked).json()["items"]
    trials = {t["id"]: t for t in trials if t["role"] is None}
    assert capsys.readouterr().out == f"experiment ours: {len(trials)} trials\n"

    store = mlflow.MlflowClient(tracking_uri=uri)
    place = store.get_experiment_by_name("ours").experiment_id
    runs = store.search_runs([place], max_results=100)
    (whole,) = [r for r in runs if "mlflow.parentRunId" not in r.data.tags]
    result = commands.get(f"{SEARCHES}/{ended['id']}/result").json()
    best, use = result["ranges"]["learning_rate"], result["recommended"]["params"]
    assert whole.info.run_name == "to MLflow"
    assert whole.info.end_time > whole.info.start_time
    assert whole.data.metrics["test_accuracy"] == result["test"]["accuracy"]
    assert whole.data.params == {
        "learning_rate": str(use["learning_rate"]),
        "learning_rate.low": str(best["low"]),
        "learning_rate.high": str(best["high"]),
        **{name: level_text(use[name]) for name in ("hidden_sizes", "clip_norm")},
        **{
            f"{name}.choices": ", ".join(map(level_text, result["ranges"][name]["choices"]))
            for name in ("hidden_sizes", "clip_norm")
        },
    }
    assert whole.data.tags["hpsearch.search"] == ended["id"]
    assert whole.data.tags["hpsearch.verdict.learning_rate"].endswith(best["reason"])
    nested = {r.info.run_name: r for r in runs if r.info.run_id != whole.info.run_id}
    assert nested.keys() == trials.keys()
    for name, run in nested.items():
        assert run.data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert run.data.tags["hpsearch.state"] == trials[name]["state"]
        assert run.data.tags["hpsearch.round"] == str(trials[name]["round"])
        params = {k: level_text(v) for k, v in trials[name]["params"].items()}
        assert run.data.params == params
        assert params["hidden_sizes"] in ("[8]", "[8, 4]")
        assert params["clip_norm"] in ("null", "1.0")
        times = (trials[name]["started_at"], trials[name]["finished_at"])
        assert (run.info.start_time, run.info.end_time) == tuple(map(milliseconds, times))
        assert run.info.start_time <= run.info.end_time <= whole.info.end_time
        found = store.get_metric_history(run.info.run_id, "score")
        assert [(m.step, m.value) for m in found] == [(p[0], p[3]) for p in trials[name]["curve"]]
    assert whole.info.status == "FINISHED"
    key = commands.headers["Authorization"].removeprefix("Bearer ")
    source = Client(str(commands.base_url), key)
    for state, status in (("failed", "FAILED"), ("cancelled", "KILLED"), ("running", "RUNNING")):
        views = Search.of(source, ended["id"])
        views = replace(
            views, status=views.status.model_copy(update={"state": SearchState(state)}), result=None
        )
        EXPORTS["mlflow"].write(views, address=uri, name=state)
        place = store.get_experiment_by_name(state).experiment_id
        (one,) = [r for r in store.search_runs([place]) if "mlflow.parentRunId" not in r.data.tags]
        assert one.info.status == status
        with pytest.raises(Conflict):
            EXPORTS["mlflow"].write(views, address=uri, name=state)
    assert cli.run(words) == 3
    assert "give another --experiment" in capsys.readouterr().err
    assert cli.run([*words[:3], "nonsense://me:secret@host/db"]) == 69
    said = capsys.readouterr().err
    assert "the MLflow store nonsense://me:***@host/db cannot be used" in said
    assert "secret" not in said
