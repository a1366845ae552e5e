"""A dataset format: a line for each example, its class behind an arrow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from growth.service import SMALL, Service
from hpsearch import nn
from hpsearch.data import FORMATS
from hpsearch.data.formats import Format
from hpsearch.data.limits import Limits
from hpsearch.data.parse.raw import Features, Raw
from hpsearch.data.parse.request import Request


def read(request: Request, limits: Limits) -> Raw:
    lines = [line.split(" -> ") for line in Path(request.path).read_text().splitlines()]
    x = np.array([[float(value) for value in left.split()] for left, _ in lines], np.float32)
    return Raw(Features(x, x.shape[1:], "tabular"), np.array([right for _, right in lines]))


def read_examples(file: Path, feature_names: Sequence[str]) -> NDArray[Any]:
    return np.loadtxt(file, ndmin=2)


ARROWS = Format(
    suffix=".arrows",
    media_type="text/x-arrows",
    article="an",
    noun="arrow file",
    text=True,
    description="Features -> class.",
    read=read,
    read_examples=read_examples,
    label_refusal="an arrow file has its classes last",
)


def test_a_format_is_uploaded_and_searched_on(grown: Service, tmp_path: Path) -> None:
    x = np.random.default_rng(2).normal(size=(120, 3)).round(3)
    words = np.where(x[:, 0] + x[:, 1] > 0, "warm", "cold")
    lines = [f"{a} {b} {c} -> {word}" for (a, b, c), word in zip(x, words, strict=True)]
    headers = {"Content-Type": ARROWS.media_type}
    upload = {"path": "/api/v1/datasets/arrows", "data": "\n".join(lines), "headers": headers}
    spec = {**SMALL, "dataset": "arrows"}
    assert grown.raw("PUT", **upload).status_code == 415
    assert grown.refused(spec) == ["dataset"]
    assert ARROWS.media_type not in grown.document()
    with FORMATS.registered("arrows", ARROWS):
        assert ARROWS.media_type in grown.document()
        answer = grown.raw("PUT", **upload)
        assert (answer.status_code, answer.json["classes"]) == (201, ["cold", "warm"])
        ended = grown.complete(spec)
        assert ended.status["dataset"] == "arrows"
        assert ended.result["test"]["examples"] == answer.json["n_test"] == 24
        assert ended.result["test"]["accuracy"] > 0.85
        model, examples = tmp_path / "model.npz", tmp_path / "new.arrows"
        model.write_bytes(grown.raw("GET", f"/api/v1/searches/{ended.id}/model").data)
        examples.write_text("2 2 0\n-2 -2 0\n")
        trained = nn.Model.load(model)
        assert trained.about["dataset"] == answer.json["digest"]
        assert trained.predict(ARROWS.read_examples(examples, ())) == ["warm", "cold"]
    assert grown.raw("PUT", **upload).status_code == 415
    assert grown.replayed(ended.id, training=True) == []  # what is stored needs no format
