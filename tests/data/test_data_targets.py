"""Numbers as targets, and the positive one of two classes: parameters of an upload."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpsearch import errors
from hpsearch.data import DatasetStore, Reading, fit_target
from hpsearch.data.info import DatasetInfo

REGRESSION = Reading(task="regression")
NPZ, CSV = "application/octet-stream", "text/csv"


def arrays(y, rows: int | None = None) -> dict[str, np.ndarray]:
    y = np.asarray(y)
    x = np.random.default_rng(0).normal(size=(rows or len(y), 3)).astype(np.float32)
    return {"x": x, "y": y}


def table(tmp_path: Path, targets) -> Path:
    path = tmp_path / "table.csv"
    rows = "".join(f"{i * 0.7:.2f},{i % 5},{target}\n" for i, target in enumerate(targets))
    path.write_text(f"a,b,price\n{rows}")
    return path


def refused(store: DatasetStore, path: Path, kind: str, reading: Reading = REGRESSION) -> str:
    before = sorted(path.parent.joinpath("store").rglob("*.npy"))
    with pytest.raises(errors.InvalidDataset) as found:
        store.ingest_upload(path, kind, reading)
    assert sorted(path.parent.joinpath("store").rglob("*.npy")) == before
    return str(found.value)


def test_numbers_of_an_npz_are_targets(store: DatasetStore, npz) -> None:
    y = np.linspace(1.5, 30.5, 50)
    info = store.ingest_upload(npz(**arrays(y)), NPZ, REGRESSION)
    assert (info.task, info.classes, info.class_counts) == ("regression", (), ())
    stored = store.open_train(info).y
    assert stored.dtype == np.float64
    assert set(stored.tolist()) <= set(y.tolist())
    assert info.target == (stored.min(), stored.max(), stored.mean(), stored.std())
    assert DatasetInfo.from_json(info.to_json()) == info


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, np.bool_])
def test_whole_numbers_are_targets_where_it_is_said(store: DatasetStore, npz, dtype: type) -> None:
    y = (np.arange(60) % 7).astype(dtype)
    as_numbers = store.ingest_upload(npz(**arrays(y)), NPZ, REGRESSION)
    as_classes = store.ingest_upload(npz(**arrays(y)), NPZ)
    assert (as_numbers.task, as_classes.task) == ("regression", "classification")
    assert as_numbers.digest != as_classes.digest
    assert store.ingest_upload(npz(**arrays(y)), NPZ, Reading(task="classification")) == as_classes


def test_numbers_of_a_table_are_targets(store: DatasetStore, tmp_path: Path) -> None:
    targets = [f"{1e9 + i / 4}" for i in range(40)]
    info = store.ingest_upload(table(tmp_path, targets), CSV, REGRESSION)
    assert (info.task, info.label, info.feature_names) == ("regression", "price", ("a", "b"))
    assert set(store.open_train(info).y.tolist()) <= {1e9 + i / 4 for i in range(40)}


def test_a_number_target_without_the_parameter_names_it(store: DatasetStore, npz) -> None:
    message = refused(store, npz(**arrays(np.linspace(0, 1, 50))), NPZ, Reading())
    assert "task=regression" in message


def test_a_constant_target_is_refused(store: DatasetStore, npz, tmp_path: Path) -> None:
    assert "all 30 targets are 2.5" in refused(store, npz(**arrays(np.full(30, 2.5))), NPZ)
    assert "nothing to learn" in refused(store, table(tmp_path, ["7"] * 30), CSV)


@pytest.mark.parametrize(
    ("value", "says"),
    [(np.nan, "missing"), (np.inf, "missing"), (-np.inf, "missing"), (1e200, "beyond 1e+100")],
)
def test_targets_that_are_not_finite_are_refused(
    store: DatasetStore, npz, value: float, says: str
) -> None:
    y = np.linspace(0, 1, 30)
    y[4] = value
    message = refused(store, npz(**arrays(y)), NPZ)
    assert message.startswith("y[4]")
    assert says in message


def test_cells_that_are_no_numbers_are_told_in_a_line(store: DatasetStore, tmp_path: Path) -> None:
    message = refused(store, table(tmp_path, [*range(30), "NA", "many", "few", "none"]), CSV)
    assert "column 'price': 2 cells are no numbers: 'few' (row 33), 'many' (row 32)" in message
    assert message.count("\n") == 0


def test_rows_without_a_target_are_left_out_and_said(store: DatasetStore, tmp_path: Path) -> None:
    file = table(tmp_path, [*range(30), "nan", "NA", ""])
    info = store.ingest_upload(file, CSV, REGRESSION)
    assert info.n_train + info.n_test == 30
    (note,) = [note for note in info.notes if note.code == "rows_without_label"]
    assert note.numbers["rows"] == 3


def test_a_test_part_of_its_own(store: DatasetStore, npz) -> None:
    one, two = arrays(np.linspace(0, 1, 30)), arrays(np.full(10, 0.5))
    path = npz(**one, x_test=two["x"], y_test=two["y"])  # R² has no value there, RMSE has
    info = store.ingest_upload(path, NPZ, REGRESSION)
    assert (info.n_train, info.n_test) == (30, 10)
    two["y"][3] = np.nan
    path = npz(**one, x_test=two["x"], y_test=two["y"])
    assert refused(store, path, NPZ).startswith("y_test[3]")


def two_classes(tmp_path: Path) -> Path:
    return table(tmp_path, ["no" if i % 3 else "yes" for i in range(60)])


def test_the_second_class_is_positive_unless_it_is_said(
    store: DatasetStore, tmp_path: Path
) -> None:
    usual = store.ingest_upload(two_classes(tmp_path), CSV)
    assert usual.positive == ""
    named = store.ingest_upload(two_classes(tmp_path), CSV, Reading(positive="yes"))
    assert named == usual
    other = store.ingest_upload(two_classes(tmp_path), CSV, Reading(positive="no"))
    assert other.positive == "no"
    assert other.digest != usual.digest
    assert replace(other, digest=usual.digest, positive="") == usual  # nothing else differs
    assert DatasetInfo.from_json(other.to_json()) == other


def test_a_positive_class_that_is_none(store: DatasetStore, tmp_path: Path, npz) -> None:
    message = refused(store, two_classes(tmp_path), CSV, Reading(positive="maybe"))
    assert message == "positive: no class 'maybe'; there are no, yes"
    three = npz(**arrays(np.arange(60) % 3))
    assert "here are 3 classes" in refused(store, three, NPZ, Reading(positive="1"))
    both = Reading(task="regression", positive="1")
    assert "here are numbers to predict" in refused(store, three, NPZ, both)


def test_the_scale_of_a_target_is_that_of_its_training_rows() -> None:
    y = np.array([1.0, 3.0, 1e6])
    assert fit_target(y, np.array([0, 1])) == (2.0, 1.0)
    assert fit_target(np.full(7, 0.1), np.arange(7))[1] == 1.0
    assert fit_target(np.array([5.0, 9.0]), np.array([1])) == (9.0, 1.0)
    large = 1e9 + np.arange(4.0)
    assert fit_target(large, np.arange(4)) == (1e9 + 1.5, pytest.approx(np.sqrt(1.25)))
    with pytest.raises(errors.InvalidDataset, match="no rows"):
        fit_target(y, np.array([], np.intp))
