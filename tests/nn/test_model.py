"""A trained network in a file: what comes back is what was written, bit for bit."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.errors import InvalidRequest

CLASSES = ("a", "b", "ç")


def model(*, batch_norm: bool = False, activation: str = "tanh") -> nn.Model:
    """A network of 4 inputs, trained a little on numbers of its own."""
    rng = np.random.default_rng(3)
    shape = nn.Shape(4, (5, 3), 3, activation=activation, batch_size=8, batch_norm=batch_norm)
    x = rng.standard_normal((48, 4)).astype(np.float32)
    y = (np.arange(48) % 3).astype(np.int64)
    shift, scale = x.mean(axis=0), 1 / x.std(axis=0)
    part = nn.Examples(x, y, np.arange(48, dtype=np.intp), shift, scale)
    (outcome,) = nn.train(
        shape, [nn.Member(learning_rate=0.1)], part, None, epochs=3,
        order=lambda epoch: np.random.default_rng(epoch).permutation(48), keep_weights="last",
    )  # fmt: skip
    assert outcome.weights is not None
    return nn.Model(outcome.weights, shift, scale, CLASSES, {"params": {"learning_rate": 0.1}})


@pytest.mark.parametrize("batch_norm", [False, True])
def test_what_is_written_comes_back(batch_norm: bool, tmp_path: Path) -> None:
    before = model(batch_norm=batch_norm)
    file = tmp_path / "model.npz"
    file.write_bytes(before.dump())
    after = nn.Model.load(file)
    assert after.shape == before.shape
    assert after.classes == CLASSES
    assert after.about == {"params": {"learning_rate": 0.1}}
    for name in ("flat", "mean", "variance"):
        np.testing.assert_array_equal(getattr(after.weights, name), getattr(before.weights, name))
    x = np.random.default_rng(4).standard_normal((7, 4))
    np.testing.assert_array_equal(after.predict_proba(x), before.predict_proba(x))
    assert after.dump() == before.dump()


def test_several_networks_answer_with_their_mean(tmp_path: Path) -> None:
    one, other = model(batch_norm=True), model(batch_norm=True)
    other.weights.flat[:] *= np.float32(0.5)
    both = replace(one, weights=nn.Weights.stack([one.weights, other.weights]))
    file = tmp_path / "model.npz"
    file.write_bytes(both.dump())
    after = nn.Model.load(file)
    assert after.dump() == both.dump()
    assert after.about == one.about
    x = np.random.default_rng(4).standard_normal((700, 4))
    mean = (one.predict_proba(x) + other.predict_proba(x)) / np.float32(2)
    np.testing.assert_array_equal(after.predict_proba(x), mean)
    with np.load(file, allow_pickle=False) as stored:
        assert stored["layer0.weight"].shape == (2, 4, 5)
        about = json.loads(str(stored["about"]))
        assert (about["format"], about["networks"]) == (4, 2)
        arrays = {**dict(stored), "about": np.array(json.dumps({**about, "networks": 3}))}
    np.savez(file, **arrays)
    with pytest.raises(InvalidRequest, match="3 networks are announced, the file has 2"):
        nn.Model.load(file)


def test_it_says_what_the_network_says() -> None:
    trained = model()
    x = np.random.default_rng(5).integers(0, 9, (600, 4)).astype(np.uint8)  # more than a block
    rows = np.arange(600, dtype=np.intp)
    part = nn.Examples(x, np.zeros(600, np.int64), rows, trained.shift, trained.scale)
    proba = nn.predict_values(trained.shape, trained.weights, part)[0]
    np.testing.assert_array_equal(trained.predict_proba(x), proba)
    np.testing.assert_array_equal(trained.predict_proba(x.reshape(600, 2, 2)), proba)
    np.testing.assert_array_equal(trained.predict_proba(x.astype(np.float64)), proba)
    assert trained.predict(x) == [CLASSES[i] for i in proba.argmax(axis=1)]


def test_numpy_alone_reads_it() -> None:
    with np.load(io.BytesIO(model().dump()), allow_pickle=False) as file:
        assert file["layer0.weight"].shape == (4, 5)
        assert file["layer2.bias"].shape == (3,)
        assert list(file["classes"]) == list(CLASSES)
        about = json.loads(str(file["about"]))
    assert about["format"] == 1
    assert about["shape"] == {
        "inputs": 4, "hidden_sizes": [5, 3], "classes": 3, "activation": "tanh",
        "optimizer": "sgd", "batch_size": 8, "batch_norm": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((2, 5)), r"\(2, 5\); this model takes \(n, 4\)"),
        (np.zeros(4), r"\(4,\); this model takes"),
        (np.zeros((0, 4)), "this model takes"),
        (np.array([["a", "b", "c", "d"]]), "takes numbers"),
    ],
)
def test_what_are_no_examples_of_it_is_refused(x: np.ndarray, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        model().predict_proba(x)


def change(file: Path, **arrays: np.ndarray | None) -> None:
    """Write a model with other arrays in it, or without some."""
    with np.load(io.BytesIO(model().dump())) as stored:
        kept = {**dict(stored), **arrays}
    np.savez(file, **{name: array for name, array in kept.items() if array is not None})


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"about": np.array('{"format": 5}')}, "newer version"),
        ({"about": np.array("{")}, "no model of hpsearch"),
        ({"about": None}, "no model of hpsearch"),
        ({"layer0.weight": np.zeros((1, 1), np.float32)}, r"layer0\.weight is \(1, 1, 1\), expected"),
        ({"layer1.bias": None}, r"layer1\.bias"),
        ({"classes": np.array(["a"])}, "1 classes are named, the network has 3"),
        ({"shift": np.zeros(2, np.float32)}, "shift and scale must have 4 values"),
        ({"shift": np.array([None] * 4, object)}, "no model of hpsearch"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_model_is_refused(arrays: dict, said: str, tmp_path: Path) -> None:
    change(tmp_path / "odd.npz", **arrays)
    with pytest.raises(InvalidRequest, match=said):
        nn.Model.load(tmp_path / "odd.npz")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"absent\.npz: no such file"):
        nn.Model.load(tmp_path / "absent.npz")
    odd = tmp_path / "odd.npz"
    for content in (b"", b"PK\x03\x04", b"x,y\n1,2\n"):
        odd.write_bytes(content)
        with pytest.raises(InvalidRequest, match=r"odd\.npz is no model of hpsearch") as refused:
            nn.Model.load(odd)
        assert "pickle" not in str(refused.value)


# --- the guard, and what lies outside of training


def bounded(kind: str = "tabular", *, offset: np.ndarray | None = None) -> nn.Model:
    ranges = nn.Ranges(np.array([0.0, -1.0, 0.0, 5.0]), np.array([16.0, 1.0, 1.0, 5.0]))
    about = {"kind": kind, "feature_names": ["a", "b", "c", "d"]}
    return replace(model(), ranges=ranges, about=about, offset=offset)


TYPICAL = np.column_stack(
    [np.linspace(0, 16, 12), np.linspace(-1, 1, 12), np.arange(12) % 2, np.full(12, 5.0)]
)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e31])
def test_what_could_not_be_trained_on_is_not_predicted(value: float) -> None:
    x = TYPICAL.copy()
    x[3, 1] = value
    for trained in (bounded(), replace(bounded(), ranges=None)):
        for predict in (trained.predict, trained.predict_proba, trained.predict_values):
            with pytest.raises(InvalidRequest, match=r"x\[3, 'b'\] is "):
                predict(x)


def test_inputs_like_those_of_training_are_answered_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bounded().predict(TYPICAL)
        bounded().predict(TYPICAL[:1] * 1.05)
        bounded("image").predict(TYPICAL)
        replace(bounded(), ranges=None).predict(TYPICAL * 1e6)  # a file of an earlier build


@pytest.mark.parametrize(
    ("kind", "x", "said"),
    [
        ("tabular", TYPICAL * 255, "far outside .* column 'a'"),
        ("tabular", np.add(TYPICAL[:1], [0, 0, 40, 0]), "column 'c'"),
        ("tabular", np.add(TYPICAL, [0, 1.5, 0.5, 0]), "% of the values lie outside"),
        ("tabular", TYPICAL / 16, "vary far less than in training"),
        ("image", TYPICAL / 16, "vary far less than in training: .*in training -1 to 16"),
        ("image", TYPICAL[-1:] / 255, "vary far less"),
        ("image", TYPICAL * 16, "far outside"),
    ],
)
def test_inputs_far_from_those_of_training_bring_a_warning(kind: str, x: Any, said: str) -> None:
    with pytest.warns(nn.UnlikeTraining, match=said):
        bounded(kind).predict(x)


def test_a_frame_is_read_by_the_names_of_its_columns() -> None:
    pandas = pytest.importorskip("pandas")
    trained = bounded()
    frame = pandas.DataFrame(TYPICAL[:, ::-1], columns=list("dcba")).assign(more="word")
    np.testing.assert_array_equal(trained.predict_proba(frame), trained.predict_proba(TYPICAL))
    with pytest.raises(InvalidRequest, match="lacks the columns 'b'"):
        trained.predict(frame.drop(columns="b"))


def test_ranges_and_offset_come_back(tmp_path: Path) -> None:
    before = bounded(offset=np.array([1.6e9, 0, 0, 0]))
    file = tmp_path / "model.npz"
    file.write_bytes(before.dump())
    after = nn.Model.load(file)
    x = np.add(TYPICAL, [1.6e9, 0, 0, 0])
    plain = replace(before, offset=None, ranges=None).predict_proba(TYPICAL)
    with pytest.warns(nn.UnlikeTraining):  # the ranges are those of raw values
        np.testing.assert_allclose(after.predict_proba(x), plain, rtol=1e-5)
    assert after.ranges is not None
    np.testing.assert_array_equal(after.ranges.high, before.ranges.high)
    assert after.dump() == before.dump()


# --- the recipe of docs/client.md, in NumPy alone

ACTIVATION = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
}


def rebuilt(file: Path, x: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes), as docs/client.md says to compute them."""
    with np.load(file) as a:
        about = json.loads(str(a["about"]))
        shape = about["shape"]
        if "offset" in a:
            x = x.astype(np.float64) - a["offset"]
        h = (x.astype(np.float32) - a["shift"]) * a["scale"]
        first = 0
        for i, units in enumerate(shape["hidden_sizes"]):
            z = h @ a[f"layer{i}.weight"]
            if shape["batch_norm"]:
                mean, variance = (
                    a[f"running.{name}"][first : first + units] for name in ("mean", "variance")
                )
                z = (z - mean) / np.sqrt(variance + 1e-5)
                z = a[f"layer{i}.gamma"] * z + a[f"layer{i}.beta"]
                first += units
            else:
                z = z + a[f"layer{i}.bias"]
            h = ACTIVATION[shape["activation"]](z)
        last = len(shape["hidden_sizes"])
        z = h @ a[f"layer{last}.weight"] + a[f"layer{last}.bias"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("offset", [None, np.array([1.6e9, 0.0, 0.0, 0.0])])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", [*nn.ACTIVATIONS])
def test_the_documented_recipe_rebuilds_the_network(
    activation: str, *, batch_norm: bool, offset: np.ndarray | None, tmp_path: Path
) -> None:
    trained = replace(model(batch_norm=batch_norm, activation=activation), offset=offset)
    trained.scale[2] = 0  # a constant feature
    file = tmp_path / "model.npz"
    file.write_bytes(trained.dump())
    x = np.random.default_rng(8).standard_normal((9, 4)) + (0 if offset is None else offset)
    np.testing.assert_allclose(rebuilt(file, x), trained.predict_proba(x), rtol=1e-5, atol=1e-6)
