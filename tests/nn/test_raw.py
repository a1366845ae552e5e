"""Raw columns for a model: found by name, and refused by name."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hpsearch import nn
from hpsearch.columns import Column
from hpsearch.encoding import Encoding
from hpsearch.errors import InvalidRequest

COLUMNS = (
    Column("age", "number", missing=2, missing_train=2),
    Column("city", "category", ("Bonn", "Rome"), 1, 1),
    Column("size", "ordered", ("low", "high")),
    Column("member", "boolean", ("no", "yes")),
    Column("flown: days", "number", source="flown", part="days", date_format="%Y-%m-%d"),
)
ROW = {"age": 30, "city": "Rome", "size": "high", "member": "yes", "flown": "2020-05-01"}


def encoding() -> Encoding:
    def index(*values: int) -> np.ndarray:
        return np.array(values, np.intp)

    return Encoding(
        width=9,
        numbers=index(0, 2, 4, 3),
        smooth=3,
        gaps=index(0),
        live=np.array([True]),
        categories=index(1),
        levels=index(2),
        slots=index(5, 6, 7, 8),
    )


def model() -> nn.Model:
    """A network with random weights over the columns."""
    rng = np.random.default_rng(0)
    shape = nn.Shape(9, (4,), 2, activation="tanh", batch_size=4)
    shift = np.array([40, 0, 0.5, 0.5, 18000], np.float32)
    scale = np.array([0.1, 1, 2, 2, 0.001], np.float32)
    x = np.tile(np.array([30, 1, 1, 1, 18000], np.float32), (8, 1))
    part = nn.Examples(x, np.arange(8) % 2, np.arange(8), shift, scale, encoding())
    (outcome,) = nn.train(
        shape, [nn.Member(learning_rate=0.1)], part, None, epochs=2,
        order=lambda epoch: rng.permutation(8), keep_weights="last",
    )  # fmt: skip
    ranges = nn.Ranges(np.array([0, np.nan, 0, 0, 17000]), np.array([90, np.nan, 1, 1, 19000]))
    return nn.Model(
        outcome.weights, shift, scale, ("n", "y"), {"search": "s"}, None, ranges, encoding(),
        COLUMNS, ("id", "label"),
    )  # fmt: skip


def rows(**changes: Any) -> list[dict[str, Any]]:
    return [ROW, {**ROW, **changes}]


def test_every_form_of_the_same_rows_gives_the_same(tmp_path) -> None:
    trained = model()
    records = rows(age=None, city="Bonn", size="low", member="no")
    wanted = trained.predict_proba(records)
    assert wanted.shape == (2, 2)
    assert (wanted[0] != wanted[1]).all()
    columns = {name: [row[name] for row in records] for name in ROW}
    cells = np.array([list(row.values()) for row in records], object)
    frame = pd.DataFrame(records)
    for x in (columns, frame, frame[reversed(frame.columns)], pa.Table.from_pylist(records), cells,
              frame.assign(city=frame.city.astype("category"), member=frame.member == "yes"),
              frame.assign(age=["30", " NA "], flown=pd.to_datetime(frame.flown)),
              frame.assign(label="y", id=[1, 2])):  # fmt: skip
        np.testing.assert_array_equal(trained.predict_proba(x), wanted)
    file = tmp_path / "model.npz"
    file.write_bytes(trained.dump())
    again = nn.Model.load(file)
    assert (again.columns, again.left_out) == (COLUMNS, ("id", "label"))
    assert again.about == {"search": "s"}
    assert again.dump() == trained.dump()
    np.testing.assert_array_equal(again.predict_proba(frame), wanted)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([{**ROW, "hat": 1}], r"x\[0\] has the column 'hat', which the training data had not"),
        ([ROW, {k: v for k, v in ROW.items() if k != "city"}], r"x\[1\] lacks the column 'city'"),
        (pd.DataFrame([ROW]).drop(columns=["age", "flown"]), "x lacks the columns 'age', 'flown'"),
        (pd.DataFrame([ROW])[["age", *ROW]], "x has twice: 'age'"),
        ([{**ROW, "age": "old"}], "column 'age': 'old' is not a number"),
        ([{**ROW, "age": float("inf")}], r"x\[0, 'age'\] is infinite"),
        ([{**ROW, "city": 3}], "column 'city': 3 is a number; in training it held words such as 'Bonn'"),
        ([{**ROW, "member": "maybe"}], "column 'member': 'maybe' is neither 'no' nor 'yes'"),
        ([{**ROW, "flown": "May 1"}], "column 'flown': 'May 1' is no date"),
        (np.zeros((2, 4)), r"\(2, 4\); this model takes \(n, 5\), or columns by name: 'age', 'city'"),
        ([], "this model takes"),
        (pd.DataFrame([ROW])[:0], "holds no examples"),
        ({**{name: [1] for name in ROW}, "age": [1, 2]}, "different lengths"),
    ],
)  # fmt: skip
def test_what_is_not_as_in_training_is_refused_by_name(x: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        model().predict(x)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"city": "Oslo"}, "column 'city': 1 of 2 values are no level .*like the rare ones"),
        ({"size": "huge"}, "column 'size': 1 of 2 values .*; they count as missing"),
        ({"member": None}, "column 'member': 1 of 2 values are missing; in training none was"),
        ({"age": 900}, "column 'age': 30 to 900, in training 0 to 90"),
    ],
)  # fmt: skip
def test_what_training_did_not_have_is_said(changes: dict, said: str) -> None:
    with pytest.warns(nn.UnlikeTraining, match=said):
        model().predict(rows(**changes))


def test_an_unknown_level_of_an_order_counts_as_a_gap() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known, unknown = model().predict_proba(rows(size="huge"))
        gap = model().predict_proba(rows(size=None))[1]
    np.testing.assert_array_equal(unknown, gap)
    assert (known != unknown).all()


def test_usual_rows_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model().predict(rows(age=None, city=None))


def test_the_documented_recipe_makes_the_inputs(tmp_path) -> None:
    """The model in NumPy alone, by the words of docs/client.md."""
    (tmp_path / "model.npz").write_bytes(model().dump())
    with np.load(tmp_path / "model.npz") as file:
        a = dict(file)
    e = {name.removeprefix("encoding."): v for name, v in a.items() if name.startswith("encoding.")}
    codes = np.array([[30, 1, 1, 1, 18383], [np.nan, 0, 0, 0, 18383], [900, 2, 1, 1, 18383],
                      [5, np.nan, 0, 1, 18383]])  # fmt: skip
    records = [ROW, {**ROW, "age": None, "city": "Bonn", "size": "low", "member": "no"},
               {**ROW, "age": 900, "city": "Oslo"}, {**ROW, "age": 5, "city": None, "size": "low"}]  # fmt: skip
    h = (codes.astype(np.float32) - a["shift"]) * a["scale"]
    x = np.zeros((4, int(e["width"])))
    z, count, first = h[:, e["numbers"]], len(e["numbers"]), 0
    gap, z, smooth = np.isnan(z), np.nan_to_num(z, nan=0), int(e["smooth"])
    x[:, :count] = z
    x[:, :smooth] = z[:, :smooth] / np.sqrt(1 + (z[:, :smooth] / 3) ** 2)
    x[:, count : count + len(e["gaps"])] = gap[:, e["gaps"]] & e["live"]
    for column, levels in zip(e["categories"], e["levels"], strict=True):
        slots = e["slots"][first : first + levels + 2]
        at = np.where(np.isnan(h[:, column]), levels + 1, np.nan_to_num(h[:, column])).astype(int)
        x[np.arange(4), slots[at]] = 1
        first += levels + 2
    z = np.tanh(x @ a["layer0.weight"] + a["layer0.bias"]) @ a["layer1.weight"] + a["layer1.bias"]
    proba = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(proba, model().predict_proba(records), rtol=1e-5)


def test_a_damaged_encoding_is_refused(tmp_path) -> None:
    trained = model()
    for odd in (replace(encoding(), width=10), replace(encoding(), numbers=np.array([0, 2, 4, 9]))):
        file = tmp_path / "odd.npz"
        file.write_bytes(replace(trained, encoding=odd).dump())
        with pytest.raises(InvalidRequest, match="the encoding does not fit"):
            nn.Model.load(file)
