"""What nobody can do through the product: let the sealed part, a known group or the future leak in.

Each test has a counterpart that breaks the promise outside the product, and shows what that would give.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.parse.parameters import reading_of
from hpsearch.data.parse.work import ingest
from hpsearch.data.sealed import open_test
from hpsearch.settings import load
from hpsearch.spec import parse
from hpsearch.training import Task, Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import JobOrder, JobReport, Role, RoundKind
from hpsearch.workloads import DatasetFacts

SPEC = {
    "dataset": "table",
    "model": {"hidden_sizes": [12], "batch_size": 16, "optimizer": "adam"},
    "space": {"learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"}},
    "final": {"epochs": 30, "models": 1},
}
N = 400


@pytest.fixture
def files(tmp_path: Path) -> DatasetStore:
    return DatasetStore(str(tmp_path / "store"), tmp_path / "cache", parse=ingest)


def stored(files: DatasetStore, folder: Path, columns: dict[str, Any], **words: Any) -> DatasetInfo:
    file = folder / "table.csv"
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    file.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return files.ingest_upload(file, "text/csv", reading_of(words))


def order(info: DatasetInfo, **changes: Any) -> JobOrder:
    facts, params = info.to_json(), [{"learning_rate": 0.02}]
    spec = parse({**SPEC, **changes}, DatasetFacts.from_json(facts), load()).spec
    return JobOrder(
        search_id="s", kind=RoundKind.FINAL, round=1, epochs=30, spec=spec.to_json(), dataset=facts,
        indices=[0], params=params, roles=[Role.RECOMMENDED], rungs=(30,), cohorts=[0],
    )  # fmt: skip


def final_of(files: DatasetStore, info: DatasetInfo) -> JobReport:
    return run_final(Trainer(files), order(info), open_test=lambda: True)


def accuracy(report: JobReport) -> float:
    (trial,) = report.trials
    assert trial.test_correct is not None
    assert trial.test_examples
    return trial.test_correct / trial.test_examples


def test_no_target_mean_is_taken_over_the_sealed_rows(files: DatasetStore, tmp_path: Path) -> None:
    """Classes by chance and a word for every row: nothing can be learned, and nothing is."""
    rng = np.random.default_rng(0)
    y, word = rng.integers(0, 2, N), rng.permutation(N)
    columns = {"word": [f"w{i}" for i in word], "x": rng.normal(size=N).round(3), "y": y}
    honest = accuracy(final_of(files, stored(files, tmp_path, columns, kind="word:category")))
    assert abs(honest - 0.5) < 3 * 0.5 / np.sqrt(N / 5)
    means = np.bincount(word, y) / np.bincount(word)  # as people do before they upload
    planted = accuracy(final_of(files, stored(files, tmp_path, {"mean": means[word], **columns})))
    assert planted > 0.95


def test_nothing_is_fitted_on_sealed_or_later_rows(files: DatasetStore, tmp_path: Path) -> None:
    """Other values in the rows after a cut: what trained before it does not change in any bit."""
    rng = np.random.default_rng(1)
    day, y = np.arange(N), np.arange(N) % 2
    x, city = rng.normal(size=N).round(3), rng.integers(0, 6, N)
    size = np.where(rng.random(N) < 0.1, "", (city + y) % 3)

    def table(after: int) -> dict[str, Any]:
        late, other = day >= after, np.roll(city, 7)
        return {
            "day": day,
            "x": np.where(late, 1e6, x),
            "city": [f"c{c}" for c in np.where(late, other, city)],
            "size": np.where(late, "2", size),
            "y": y,
        }

    words = {"time": "day", "kind": "city:category,size:number"}
    one, two = (stored(files, tmp_path, table(after), **words) for after in (N, 320))
    assert one.times == two.times == ("0", "319", "320", "399")
    assert one.digest != two.digest
    first, second = (files.open_train(info) for info in (one, two))
    assert np.array_equal(first.x, second.x, equal_nan=True)
    models = [final_of(files, info) for info in (one, two)]
    assert models[0].trials[0].loss == models[1].trials[0].loss
    assert weights(models[0]) == weights(models[1])
    # And validation rows, which come after those that train.
    (before,) = Trainer(files).splits.of(Task.of(order(one)).resolved, one)
    cut = int(before.validation.rows.min())
    three = stored(files, tmp_path, table(cut), **words)
    (after,) = Trainer(files).splits.of(Task.of(order(three)).resolved, three)
    assert np.array_equal(before.train.rows, after.train.rows)
    assert np.array_equal(before.train.shift, after.train.shift)
    assert np.array_equal(before.train.scale, after.train.scale)
    assert np.array_equal(before.train.encoding.slots, after.train.encoding.slots)
    whole, other = (Trainer(files).splits.whole(info)[1] for info in (one, three))
    assert not np.array_equal(whole.shift, other.shift)  # a fit that saw them would differ


def weights(report: JobReport) -> bytes:
    """The arrays of a model, without what is said about it."""
    assert report.model is not None
    with np.load(io.BytesIO(report.model)) as arrays:
        names = [name for name in arrays.files if name.startswith("layer")]
        assert names
        return b"".join(arrays[name].tobytes() for name in names)


@pytest.mark.parametrize("way", [{}, {"folds": 4}, {"repeats": 3}])
def test_a_group_is_on_one_side_of_every_split(
    files: DatasetStore, tmp_path: Path, way: dict[str, int]
) -> None:
    rng = np.random.default_rng(2)
    group, y = rng.integers(0, 40, N), rng.integers(0, 2, N)
    columns = {"g": [f"g{i}" for i in group], "x": rng.normal(size=N).round(3), "y": y}
    info = stored(files, tmp_path, columns, groups="g")
    train, test = files.open_train(info).facts.groups, open_test(files, info).facts.groups
    assert not set(train) & set(test)
    for split in Trainer(files).splits.of(Task.of(order(info, validation=way)).resolved, info):
        assert not set(train[split.train.rows]) & set(train[split.validation.rows])
    by_chance = stored(files, tmp_path, columns, drop="g")
    sealed = np.isin(np.arange(N), files.test_rows(by_chance))
    assert set(group[sealed]) & set(group[~sealed])  # what the check above would find


@pytest.mark.parametrize("way", [{}, {"folds": 4}, {"repeats": 3}])
def test_nothing_of_the_future_trains(
    files: DatasetStore, tmp_path: Path, way: dict[str, int]
) -> None:
    rng = np.random.default_rng(3)
    day, y = rng.permutation(N) // 3, rng.integers(0, 2, N)
    columns = {"day": day, "x": rng.normal(size=N).round(3), "y": y}
    info = stored(files, tmp_path, columns, time="day")
    train, test = files.open_train(info).facts.time, open_test(files, info).facts.time
    assert train.max() < test.min()
    task = Task.of(order(info, validation=way))
    for split in Trainer(files).splits.of(task.resolved, info):
        assert train[split.train.rows].max() < train[split.validation.rows].min()


def test_equal_rows_stay_on_one_side_where_others_do_not_count(
    files: DatasetStore, tmp_path: Path
) -> None:
    # Rows that differ come first. As many of them count for nothing as there are copies, so that
    # the largest number of a row is that of the last of the rows that count.
    values = np.concatenate([np.arange(150), np.arange(100, 150)])
    columns = {"x": values, "w": np.ones(200), "y": np.arange(200) % 2}
    part = files.open_train(stored(files, tmp_path, columns, weight="w"))
    copied = len(part.x) - len(np.unique(part.x))
    assert copied > 20
    once = [value for value in range(100) if value in part.x][:copied]
    columns["w"] = np.where(np.isin(values, once), 0.0, 1.0)
    info = stored(files, tmp_path, columns, weight="w")
    assert np.array_equal(files.open_train(info).x, part.x)  # weights do not move the seal
    task = Task.of(order(info, validation={"folds": 4}))
    for split in Trainer(files).splits.of(task.resolved, info):
        assert not set(part.x[split.train.rows, 0]) & set(part.x[split.validation.rows, 0])
