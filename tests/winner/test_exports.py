"""The winner in each format, loaded by its own library, against our model on the sealed rows."""

from __future__ import annotations

import json
import pickle
import runpy
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors
from winner.made import CASES, Winner, winner

import hpsearch
from hpsearch.winner import write

NEAR = 1e-5


@pytest.fixture(params=CASES)
def won(request: pytest.FixtureRequest) -> Winner:
    return winner(request.param)


def check(won: Winner, found: np.ndarray) -> None:
    """Ours and theirs: probabilities within 1e-5, numbers within 1e-5 of their size."""
    ours = won.answers
    assert found.shape == ours.shape
    assert len(ours) > 40
    if won.model.classifies:
        np.testing.assert_allclose(found, ours, rtol=0, atol=NEAR)
        assert ours.max(axis=1).std() > 0.01  # it has learned to tell some apart
    else:
        np.testing.assert_allclose(found, ours, rtol=NEAR)
        assert ours.std() > 1


def check_classes(won: Winner, classes: Any) -> None:
    """The same class wherever the two best differ by more than that."""
    best = np.sort(won.answers, axis=1)
    clear = best[:, -1] - best[:, -2] > NEAR
    ours = np.array(won.model.predict(won.sealed))
    assert clear.sum() > 40
    assert np.array(classes).astype(str)[clear].tolist() == ours[clear].tolist()


def session(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def test_onnx(won: Winner, tmp_path: Path) -> None:
    (file,) = write(won.model, tmp_path / "winner.onnx")
    proto = onnx.load(file)
    onnx.checker.check_model(proto, full_check=True)
    assert [(one.domain, one.version) for one in proto.opset_import] == [("", 17)]
    document = json.loads(next(p.value for p in proto.metadata_props if p.key == "hpsearch"))
    assert document["task"] == ("classification" if won.model.classifies else "regression")
    assert document["input"]["before"]
    x = won.model.numbers(won.sealed)
    answers = session(file).run(None, {"x": x})
    check(won, answers[-1])
    assert session(file).run(None, {"x": x[:1]})[-1].shape == (1, answers[-1].shape[1])
    if won.model.classifies:
        check_classes(won, answers[0])
        assert set(answers[0].tolist()) <= set(document["classes"])


def read_by_its_json(file: Path, x: np.ndarray) -> np.ndarray:
    """The answer (n, K), computed in NumPy by what stands in the file and in docs/client.md alone."""
    with safetensors.safe_open(file, "numpy") as opened:
        document = json.loads(opened.metadata()["hpsearch"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    assert json.loads(file.with_suffix(".json").read_text()) == document
    assert {n: list(t.shape) for n, t in tensors.items()} == {
        name: one["shape"] for name, one in document["tensors"].items()
    }
    h, several = x, document["networks"] > 1
    for step in document["steps"]:
        a = {k: tensors[v] for k, v in step.items() if k != "kind" and v in list(tensors)}
        a = {
            k: v[:, None] if several and v.ndim == 2 and k != "weight" else v for k, v in a.items()
        }
        h = STEPS[step["kind"]](h, step, a)
    return h


def normalised(h: np.ndarray, step: dict[str, Any], a: dict[str, np.ndarray]) -> np.ndarray:
    z = (h - a["mean"]) / np.sqrt(a["variance"] + np.float32(step["eps"]))
    return a["gamma"] * z + a["beta"]


def with_waves(h: np.ndarray, step: dict[str, Any], a: dict[str, np.ndarray]) -> np.ndarray:
    first = h[:, step["first"] : step["first"] + step["numbers"]]
    waves = zip(step["frequencies"], step["heights"], strict=True)
    parts = [(c * np.cos(w * first), c * np.sin(w * first)) for w, c in waves]
    return np.concatenate([h, *(wave for pair in parts for wave in pair)], axis=1)


def softmax(h: np.ndarray, step: dict[str, Any], a: dict[str, np.ndarray]) -> np.ndarray:
    e = np.exp(h - h.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def encoded(h: np.ndarray, step: dict[str, Any], e: dict[str, np.ndarray]) -> np.ndarray:
    z, smooth = h[:, e["numbers"]], step["smooth"]
    gap, z = np.isnan(z), np.nan_to_num(z, nan=0)
    z[:, :smooth] = z[:, :smooth] / np.sqrt(1 + (z[:, :smooth] / 3) ** 2)
    slots = np.zeros((len(h), step["width"]), np.float32)
    first = 0
    for column, levels in zip(e["categories"], e["levels"], strict=True):
        code = np.where(np.isnan(h[:, column]), levels + 1, np.nan_to_num(h[:, column]))
        slots[np.arange(len(h)), e["slots"][first + code.astype(int)]] = 1
        first += levels + 2
    shown = gap[:, e["gaps"]] & e["live"]
    numbers = len(e["numbers"]) + len(e["gaps"])
    return np.concatenate([z, shown.astype(np.float32), slots[:, numbers:]], axis=1)


ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
}
STEPS = {
    "subtract": lambda h, step, a: h.astype(np.float64) - a["offset"],
    "scale": lambda h, step, a: (h.astype(np.float32) - a["shift"]) * a["scale"],
    "encode": encoded,
    "dense": lambda h, step, a: h @ a["weight"] + a.get("bias", np.float32(0)),
    "batch_norm": normalised,
    "activation": lambda h, step, a: ACTIVATIONS[step["name"]](h),
    "waves": with_waves,
    "softmax": softmax,
    "target": lambda h, step, a: h.astype(np.float64) * step["scale"] + step["shift"],
    "mean": lambda h, step, a: h.mean(axis=0),
}


def test_safetensors(won: Winner, tmp_path: Path) -> None:
    files = write(won.model, tmp_path / "winner.safetensors")
    assert [file.name for file in files] == ["winner.safetensors", "winner.json"]
    found = read_by_its_json(files[0], won.model.numbers(won.sealed))
    check(won, found)
    if won.model.classifies:
        classes = json.loads(files[1].read_text())["classes"]
        check_classes(won, np.array(classes)[found.argmax(axis=1)])


def test_torch(won: Winner, torch: ModuleType, tmp_path: Path) -> None:
    files = write(won.model, tmp_path / "winner.pt")
    assert [file.name for file in files] == ["winner.pt", "winner.py"]
    x = torch.from_numpy(won.model.numbers(won.sealed))
    network = runpy.run_path(str(files[1]))["trained"]()  # torch alone: nothing of ours is imported
    assert "hpsearch." not in files[1].read_text().partition("# What follows")[0]
    with torch.no_grad():
        found = network(x).numpy()
        check(won, found)
        np.testing.assert_array_equal(hpsearch.to_torch(won.model)(x).numpy(), found)
        assert network.logits(x).shape == (len(won.model.weights), *found.shape)
    if won.model.classifies:
        check_classes(won, np.array(network.classes)[found.argmax(axis=1)])
    state = torch.load(files[0], weights_only=True)
    assert {str(t.dtype) for name, t in state.items() if name.startswith("networks.")} <= {
        "torch.float32", "torch.int64",  # how often batch norm has counted
    }  # fmt: skip


def test_sklearn(won: Winner, tmp_path: Path) -> None:
    (file,) = write(won.model, tmp_path / "winner.pkl")
    for estimator in (pickle.loads(file.read_bytes()), hpsearch.to_sklearn(won.model)):
        for x in (won.sealed, won.sealed[estimator.feature_names_in_].to_numpy()):
            if not won.model.classifies:
                np.testing.assert_array_equal(estimator.predict(x), won.answers[:, 0])
                continue
            np.testing.assert_array_equal(estimator.predict_proba(x), won.answers)
            assert estimator.predict(x).astype(str).tolist() == won.model.predict(won.sealed)


def test_every_kind_of_step_is_among_the_cases() -> None:
    seen = set()
    for name in CASES:
        document = hpsearch.winner.network.describe(winner(name).model).document()
        seen |= {step.get("name", step["kind"]) for step in document["steps"]}
    assert seen == {
        "subtract", "scale", "encode", "dense", "batch_norm", "relu", "sigmoid", "tanh", "waves",
        "softmax", "target", "mean",
    }  # fmt: skip
