"""The trained winner over HTTP and on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime
import pytest
from support.table import Table

from hpsearch import cli, errors, nn
from hpsearch.client import Client
from hpsearch.service import Services
from hpsearch.store import models
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import JobOrder, JobReport, RoundKind

SEARCHES = "/api/v1/searches"


class RealFinal(Table):
    """Looks up the rounds and trains the final test."""

    def report(self, order: JobOrder) -> JobReport:
        if order.kind is not RoundKind.FINAL:
            return super().report(order)
        return run_final(Trainer(self.services.files), order, open_test=lambda: True)


@pytest.fixture
def trained(
    client: httpx.Client,
    services: Services,
    spec: dict[str, Any],
    eventually: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    """A completed search whose final test was trained; its model lies in several pieces."""
    monkeypatch.setattr(models, "PIECE", 1000)
    made = client.post(SEARCHES, json=spec).json()
    worker = RealFinal(services)

    def ended() -> dict[str, Any] | None:
        worker()
        status = client.get(f"{SEARCHES}/{made['id']}").json()
        return status if status["state"] in ("completed", "failed") else None

    return dict(eventually(ended))


@pytest.fixture
def caller(commands: httpx.Client) -> Iterator[Client]:
    """Our client with the key that the commands have."""
    key = commands.headers["Authorization"].removeprefix("Bearer ")
    with Client(str(commands.base_url), key) as made:
        yield made


def test_the_winner_is_a_file_that_predicts(
    client: httpx.Client, caller: Client, trained: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    answer = client.get(trained["links"]["model"])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    file = tmp_path / "winner.npz"
    assert cli.run(["model", trained["id"], str(file)]) == 0
    assert file.read_bytes() == answer.content
    model = nn.Model.load(file)
    result = client.get(trained["links"]["result"]).json()
    assert model.about["params"] == result["recommended"]["params"]
    test = model.about["test"]
    assert test["correct"] / test["examples"] == result["test"]["accuracy"]

    names = model.about["feature_names"]
    rows = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
    table = tmp_path / "flowers.csv"
    turned = "\n".join(",".join(map(str, ["?", *row[::-1]])) for row in rows)
    table.write_text(f"kind,{','.join(names[::-1])}\n{turned}\n")
    capsys.readouterr()
    assert cli.run(["predict", str(file), str(table)]) == 0
    head, *lines = csv.reader(io.StringIO(capsys.readouterr().out))
    assert head == ["label", *model.classes]
    proba = model.predict_proba(np.array(rows))
    assert [line[0] for line in lines] == model.predict(np.array(rows))
    assert np.allclose([[float(p) for p in line[1:]] for line in lines], proba, rtol=1e-5)

    arrays = tmp_path / "flowers.npz"
    np.savez(arrays, x=np.array(rows))
    assert cli.run(["predict", str(file), str(arrays), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["predictions"]
    assert [line["label"] for line in said] == [line[0] for line in lines]
    assert list(said[0]["probabilities"]) == list(model.classes)


def test_the_winner_leaves_in_the_format_that_its_name_tells(
    caller: Client, trained: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    """From the service, and from a file that was fetched before."""
    kept, other = tmp_path / "kept.npz", tmp_path / "other.safetensors"
    caller.model(trained["id"], kept)
    assert cli.run(["model", trained["id"], str(tmp_path / "winner.onnx")]) == 0
    assert cli.run(["model", str(kept), str(other), "--json"]) == 0
    said, told = capsys.readouterr().out.splitlines()
    assert said == f"{tmp_path / 'winner.onnx'}: ONNX"
    files = [*map(str, (other, other.with_suffix(".json")))]
    assert [one["file"] for one in json.loads(told)["files"]] == files
    assert (
        caller.model(trained["id"], tmp_path / "any", "onnx").read_bytes()
        == (tmp_path / "winner.onnx").read_bytes()
    )
    session = onnxruntime.InferenceSession(tmp_path / "winner.onnx")
    model, rows = nn.Model.load(kept), np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])
    label, probabilities = session.run(None, {"x": model.numbers(rows)})
    np.testing.assert_allclose(probabilities, model.predict_proba(rows), atol=1e-5)
    assert label.tolist() == model.predict(rows)
    for bad, reason in (("keras", "'keras' is not one of 'npz', 'onnx'"), ("torch", "ends in .pt")):
        assert cli.run(["model", str(kept), str(tmp_path / "x"), "--format", bad]) == 2
        assert reason in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("x.csv", "sepal length (cm)\n1\n", 2, "lacks the columns 'sepal width (cm)'"),
        ("x.csv", None, 2, "No such file"),
        ("x.txt", "", 2, "the file is empty"),
        ("x.npz", "no", 2, "has a header and no rows"),  # the bytes decide
        ("x.csv", "{head}\n", 2, "has a header and no rows"),
        ("x.csv", "{head}\n1,2,many,4\n", 2, "line 2: column 'petal length (cm)': 'many' is not"),
        ("x.csv", "{head}\n1,2\n", 2, "line 2 has 2 of 4 fields"),
    ],
)
def test_what_cannot_be_predicted_is_named(
    tmp_path: Path, capsys: Any, name: str, content: str | None, code: int, said: str
) -> None:
    names = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    shape = nn.Shape(4, (), 2)
    weights = nn.Weights.from_arrays(
        shape, {"layer0.weight": np.zeros((1, 4, 2)), "layer0.bias": np.zeros((1, 2))}
    )
    ones = np.ones(4, np.float32)
    model = tmp_path / "model.npz"
    about = {"feature_names": names}
    model.write_bytes(nn.Model(weights, ones, ones, ("a", "b"), about).dump())
    file = tmp_path / name
    if content is not None:
        file.write_text(content.replace("{head}", ",".join(names)))
    assert cli.run(["predict", str(model), str(file)]) == code
    assert said in capsys.readouterr().err


def test_before_the_end_there_is_no_model(
    client: httpx.Client, caller: Client, spec: dict[str, Any], tmp_path: Path
) -> None:
    search = client.post(SEARCHES, json=spec).json()
    assert client.get(f"{SEARCHES}/{search['id']}/model").status_code == 409
    with pytest.raises(errors.Conflict, match="is queued; it has no model yet"):
        caller.model(search["id"], tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_search_without_a_kept_model_says_why(
    client: httpx.Client, complete: Callable[..., dict[str, Any]], spec: dict[str, Any]
) -> None:
    ended = complete(client, spec)  # a worker that trains nothing
    answer = client.get(ended["links"]["model"])
    assert answer.status_code == 404
    assert "keeps no model" in answer.json()["detail"]
