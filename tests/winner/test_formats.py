"""Formats: what is written, what is refused, and networks of every kind as ONNX."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from nn.test_raw import COLUMNS, ROW, encoding
from nn.test_raw import model as of_columns
from winner.made import winner

from hpsearch import nn
from hpsearch import winner as winners
from hpsearch.errors import InvalidRequest, Misconfigured
from hpsearch.nn.activations import ACTIVATIONS, Tanh
from hpsearch.nn.parameters import layout

PLAIN = "no hidden layer"


def drawn(shape: nn.Shape, networks: int, **fields) -> nn.Model:
    """A model with weights and running statistics of no training."""
    rng = np.random.default_rng([shape.inputs, networks])
    place = layout(shape)
    flat = rng.normal(0, 0.6, (networks, place.size)).astype(np.float32)
    mean = rng.normal(size=(networks, place.running_units)).astype(np.float32)
    variance = rng.gamma(2, 1, mean.shape).astype(np.float32)
    shift = rng.normal(size=shape.inputs).astype(np.float32)
    scale = rng.gamma(2, 1, shape.inputs).astype(np.float32)
    scale[0] = 0  # a constant feature
    classes = (
        tuple(f"class {i}" for i in range(shape.outputs)) if shape.loss == "cross_entropy" else ()
    )
    return nn.Model(nn.Weights(shape, flat, mean, variance), shift, scale, classes, **fields)


def by_onnx(model: nn.Model, x: np.ndarray) -> np.ndarray:
    made = winners.to_onnx(model).SerializeToString()
    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[-1]


def by_torch(model: nn.Model, x: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return winners.to_torch(model)(torch.from_numpy(x)).numpy()


@pytest.fixture(params=["onnx", "torch"])
def answer(request: pytest.FixtureRequest) -> Callable[[nn.Model, np.ndarray], np.ndarray]:
    """What a model says once it has left."""
    if request.param == "torch":
        request.getfixturevalue("torch")  # skips where it is missing
        return by_torch
    return by_onnx


LAYERS = (nn.WavesSpec(2, 2, 0.7), nn.DenseSpec(4), nn.BatchNormSpec(), nn.ActivationSpec("sigmoid"),
          nn.DropoutSpec())  # fmt: skip


@pytest.mark.parametrize("loss", nn.LOSSES)
@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("layers", [(), LAYERS], ids=["plain", "layers"])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks_of_every_kind(
    activation: str, batch_norm: bool, layers: tuple, networks: int, loss: str
) -> None:
    shape = nn.Shape(
        5, (6, 4), 3, activation, batch_norm=batch_norm, loss=loss, layers=layers,
        example_shape=(5,) if layers else (),
    )  # fmt: skip
    offset = np.array([1.6e9, 0, 0, -4e7, 0]) if networks > 1 else None
    target = nn.TargetScale(1e6, 250.0) if loss == "squared_error" else None
    model = drawn(shape, networks, offset=offset, target=target)
    x = np.random.default_rng(2).normal(size=(20, 5)).astype(np.float32)
    x = model.numbers(x if offset is None else x + offset)
    ours = model.predict_values(x)
    np.testing.assert_allclose(by_onnx(model, x), ours, rtol=1e-5, atol=1e-5 * (target is None))
    assert by_onnx(model, x).dtype == ours.dtype


@pytest.mark.filterwarnings("ignore::hpsearch.nn.UnlikeTraining")
def test_gaps_unknown_words_and_numbers_far_away(answer: Callable[..., np.ndarray]) -> None:
    model = of_columns()
    rows = [{**ROW, "age": 1e30}, {**ROW, "age": None, "city": None}, {**ROW, "city": "Oslo"},
            {**ROW, "size": "huge", "member": None}, {**ROW, "flown": None}]  # fmt: skip
    for made in (
        encoding(),
        replace(encoding(), live=np.array([False])),
        replace(encoding(), smooth=0),
    ):
        one = replace(model, encoding=made)
        ours = one.predict_values(rows)
        np.testing.assert_allclose(answer(one, one.numbers(rows)), ours, atol=1e-6)
        assert len({*ours[:, 0].tolist()}) > 3


def test_an_encoding_without_words() -> None:
    whole = encoding()
    none = np.array([], np.intp)
    bare = replace(whole, width=5, categories=none, levels=none, slots=none)
    model = drawn(nn.Shape(5, (3,), 2), 1, columns=COLUMNS, encoding=bare)
    np.testing.assert_allclose(
        by_onnx(model, model.numbers([ROW])), model.predict_values([ROW]), atol=1e-6
    )


@pytest.mark.parametrize("name", ["onnx", "safetensors", "torch"])
def test_a_library_that_is_missing_is_named_with_its_extra(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, f"{name}.numpy", None)
    ending = winners.FORMATS[name].suffix
    with pytest.raises(
        Misconfigured,
        match=rf"{name} is not installed here: .*python\S* -m pip install 'hpsearch\[{name}\]'",
    ):
        winners.write(winner(PLAIN).model, tmp_path / f"winner{ending}")
    assert list(tmp_path.iterdir()) == []


def test_what_no_format_knows_is_named() -> None:
    class Swish(Tanh):
        """Another activation."""

    with ACTIVATIONS.registered("swish", Swish):
        model = drawn(nn.Shape(3, (2,), 2, "swish"), 1)
        with pytest.raises(
            InvalidRequest, match="activation 'swish' cannot be exported; those with relu, "
        ):
            winners.to_onnx(model)
    kind = type("OtherSpec", (nn.DenseSpec,), {})
    with nn.LAYERS.registered("other", kind):
        shape = nn.Shape(3, (), 2, layers=(kind(4),), example_shape=(3,))
        with pytest.raises(
            InvalidRequest, match="the layer 'other' cannot be exported; those with flatten, dense"
        ):
            winners.to_onnx(drawn(shape, 1))
    with nn.LOSSES.registered("another", nn.LOSSES["squared_error"]):
        shape = nn.Shape(3, (), 1, loss="another")
        with pytest.raises(InvalidRequest, match="the loss 'another' cannot be exported"):
            winners.to_onnx(drawn(shape, 1))


@pytest.mark.parametrize(
    ("name", "format", "said"),
    [
        ("winner.npz", "keras", "'keras' is no format of a model; there are npz, onnx"),
        ("winner.py", "torch", r"PyTorch has two files; name one that ends in \.pt"),
        ("torch.pt", None, r"torch\.py would be taken for the library torch .*; name another"),
        ("no/winner.npz", None, "No such file"),
    ],
)
def test_what_cannot_be_written_is_refused(
    name: str, format: str | None, said: str, tmp_path: Path, torch
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        winners.write(winner(PLAIN).model, tmp_path / name, format)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    theirs, model = tmp_path / "mine.json", winner(PLAIN).model
    theirs.write_text("{}")
    with pytest.raises(InvalidRequest, match=r"mine\.json exists, and hpsearch has not written it"):
        winners.write(model, tmp_path / "mine.safetensors")
    assert (theirs.read_text(), [*tmp_path.iterdir()]) == ("{}", [theirs])
    theirs.unlink()
    theirs.mkdir()
    with pytest.raises(InvalidRequest, match=r"mine\.json: Is a directory"):
        winners.write(model, tmp_path / "mine.safetensors")
    theirs.rmdir()
    for _ in range(2):  # its own file is replaced
        winners.write(model, tmp_path / "mine.safetensors")
    assert {file.name for file in tmp_path.iterdir()} == {"mine.json", "mine.safetensors"}


def test_the_end_of_a_name_tells_the_format_in_any_case(tmp_path: Path) -> None:
    (file,) = winners.write(winner(PLAIN).model, tmp_path / "WINNER.PKL")
    assert pickle.loads(file.read_bytes()).n_features_in_ == 3


def test_whole_numbers_that_float64_does_not_hold_are_refused() -> None:
    offset = np.array([1.7e18, 0.0])
    model = drawn(nn.Shape(2, (3,), 2), 1, offset=offset, about={"feature_names": ["stamp", "b"]})
    held = np.array([[1_700_000_000_000_000_256, 3], [-5, 2]])
    np.testing.assert_allclose(
        by_onnx(model, model.numbers(held)), model.predict_values(held), atol=1e-6
    )
    with pytest.raises(
        InvalidRequest, match=r"x\[1, 'stamp'\] is 1700000000000000001, which float64"
    ):
        model.numbers(np.array([[0, 3], [1_700_000_000_000_000_001, 3]]))


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    write: Callable[..., list[Path]] = winners.write
    for name in ("winner.onnx", "winner.safetensors", "winner.npz", "winner.pkl"):
        files = write(winner(PLAIN).model, tmp_path / name)
        before = [file.read_bytes() for file in files]
        assert [file.read_bytes() for file in write(winner(PLAIN).model, tmp_path / name)] == before
