"""Weights of rows at ingest: what they come to, and which are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.weighted import rows, table

from hpsearch import errors
from hpsearch.data import DatasetStore, Reading, fit_target
from hpsearch.data.info import DatasetInfo
from hpsearch.data.sealed import open_test


@pytest.fixture
def store(tmp_path: Path) -> DatasetStore:
    return DatasetStore(str(tmp_path / "data"), tmp_path / "cache")


def ingest(store: DatasetStore, folder: Path, text: str, **reading: str) -> DatasetInfo:
    file = folder / "table.csv"
    file.write_text(text)
    return store.ingest_upload(file, "text/csv", Reading(weight="w", **reading))


def test_what_the_weights_come_to(store: DatasetStore, tmp_path: Path) -> None:
    info = ingest(store, tmp_path, table())
    parts = store.open_train(info).facts.weight, open_test(store, info).facts.weight
    for numbers, weight in zip((info.weights[:3], info.weights[3:]), parts, strict=True):
        assert numbers[0] == np.count_nonzero(weight)
        assert numbers[1] == pytest.approx(weight.sum())
        assert numbers[2] == pytest.approx(weight.sum() ** 2 / np.square(weight).sum())
    assert sum(info.weights[1::3]) == rows()[2].sum()
    assert DatasetInfo.from_json(info.to_json()) == info


def test_the_notes(store: DatasetStore, tmp_path: Path) -> None:
    notes = {note.code: note for note in ingest(store, tmp_path, table()).notes}
    assert notes["rows_of_weight_0"].numbers["rows"] == 20
    assert notes["uneven_weights"].severity == "warning"
    assert notes["uneven_weights"].numbers["effective_test"] < 50
    x = np.random.default_rng(0).normal(size=800)
    even = "a,w,y\n" + "".join(f"{v:.5f},2,{i % 2}\n" for i, v in enumerate(x))
    codes = {note.code for note in ingest(store, tmp_path, even).notes}
    assert not codes & {"rows_of_weight_0", "uneven_weights"}


def weights_by(count: int, weight) -> str:
    """60 rows of two classes; `weight` of each row's number."""
    lines = (f"{i * 0.37:.2f},{weight(i):g},{'no' if i % 2 else 'yes'}" for i in range(count))
    return "\n".join(["a,w,y", *lines, ""])


def test_a_class_that_does_not_count_is_refused(store: DatasetStore, tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidDataset, match="class 'no' has 0 training rows of a weight"):
        ingest(store, tmp_path, weights_by(60, lambda i: (i + 1) % 2))


def test_a_part_that_does_not_count_is_refused(store: DatasetStore, tmp_path: Path) -> None:
    """The test part's rows, which the content alone decides, are those without weight."""
    plain = ingest(store, tmp_path, weights_by(60, lambda i: 1))
    sealed = set(store.test_rows(plain).tolist())
    with pytest.raises(errors.InvalidDataset, match="every weight of the test part is 0"):
        ingest(store, tmp_path, weights_by(60, lambda i: float(i not in sealed)))
    with pytest.raises(errors.InvalidDataset, match="every weight of the training part is 0"):
        ingest(store, tmp_path, weights_by(60, lambda i: float(i in sealed)))


def test_weights_whose_sum_is_no_number(store: DatasetStore, tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidDataset, match="too large to add up"):
        ingest(store, tmp_path, weights_by(60, lambda i: 1e308))


def test_23_the_scale_of_a_weighted_target() -> None:
    y = np.array([9.0, 1.0, 3.0])
    mean, sd = fit_target(y, np.array([1, 2]), np.array([1.0, 3.0]))
    assert (mean, sd**2) == (2.5, pytest.approx(0.75))
    copies = fit_target(np.array([1.0, 3.0, 3.0, 3.0]), np.arange(4))
    assert (mean, sd) == pytest.approx(copies)


def test_a_regression_with_one_sealed_row_that_counts_is_refused(
    store: DatasetStore, tmp_path: Path
) -> None:
    def measured(weight) -> str:
        lines = (f"{i * 0.37:.2f},{weight(i):g},{i * 1.5:g}" for i in range(60))
        return "\n".join(["a,w,y", *lines, ""])

    plain = ingest(store, tmp_path, measured(lambda i: 1), task="regression")
    sealed = store.test_rows(plain).tolist()
    one, two = sealed[:1], sealed[:2]

    def counting(rows: list[int]) -> str:
        return measured(lambda i: float(i not in sealed or i in rows))

    with pytest.raises(errors.InvalidDataset, match="1 of 12 rows of the test part has a weight"):
        ingest(store, tmp_path, counting(one), task="regression")
    assert ingest(store, tmp_path, counting(two), task="regression").weights[3] == 2
