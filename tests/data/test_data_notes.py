"""Findings at ingest: equal rows, columns that give the answer away, values that become one."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import errors
from hpsearch.data import BUILTIN, DatasetStore, Reading, fit_scaling, split
from hpsearch.data.parse import work
from hpsearch.data.sealed import open_test

NPZ = "application/octet-stream"
RNG = np.random.default_rng(5)
N = 200
Y = np.arange(N) % 2
NOISE = RNG.normal(size=(N, 3))


@pytest.fixture
def store(tmp_path) -> DatasetStore:
    """Parse in this process: the tests of the child are elsewhere."""
    return DatasetStore(str(tmp_path / "store"), tmp_path / "cache", parse=work.ingest)


@pytest.fixture
def take(store, npz):
    """take(x, y): the notes by code."""

    def notes(x, y=Y, reading=None, **test):
        info = store.ingest_upload(npz(x=x, y=y, **test), NPZ, reading or Reading())
        assert all(note.numbers and note.advice for note in info.notes)
        return {note.code: note for note in info.notes}

    return notes


def beside(column, noise=NOISE):
    return np.column_stack([noise, column])


def test_clean_tables_have_no_notes(take):
    assert take(NOISE) == {}
    assert take(NOISE * 1e6 + 300) == {}
    assert take(RNG.integers(0, 9, (N, 8))) == {}


@pytest.mark.parametrize("name", [name for name in BUILTIN if not BUILTIN[name].openml])
def test_bundled_sets_have_no_warnings_and_keep_their_split(store, name):
    info = store.ingest_builtin(name)
    assert info.digest == BUILTIN[name].digest
    assert not info.together
    assert {note.code for note in info.notes} <= {"equal_rows"}
    assert [note.severity for note in info.notes if note.severity == "warning"] == []
    assert sum(info.class_counts) == info.n_train + info.n_test


@pytest.mark.parametrize(("name", "copies"), [("letter", 1332), ("satellite", 0), ("segment", 224)])
def test_real_tables_say_how_many_rows_are_equal_and_nothing_else(take, mnist, name, copies):
    with np.load(mnist.parent / "tabular" / f"{name}.npz") as file:
        notes = take(file["X"], file["y"])
    assert [(n.code, n.severity, n.numbers["equal"]) for n in notes.values()] == (
        [("equal_rows", "info", copies)] if copies else []
    )


# --- rows


def test_a_test_part_that_is_the_training_part_is_counted(take):
    note = take(NOISE, RNG.permutation(Y), x_test=NOISE, y_test=Y)["test_rows_in_training"]
    assert (note.severity, note.numbers["in_training"]) == ("warning", N)


def test_one_row_of_the_test_part_in_another_type_is_found(take):
    few = np.vstack([NOISE[:1], NOISE[:19] + 9]).astype(np.float32)
    x = NOISE.astype(np.float32).astype(np.float64)
    note = take(x, x_test=few, y_test=Y[:20])["test_rows_in_training"]
    assert note.numbers["in_training"] == 1


def test_copies_are_kept_on_one_side_and_counted(store, npz, take):
    x, y = np.repeat(NOISE[:20], 10, axis=0), np.repeat(Y[:20], 10)
    mixed = RNG.permutation(N)
    assert take(x[mixed], y[mixed])["equal_rows"].numbers["equal"] == 180
    info = store.ingest_upload(npz(x=x[mixed], y=y[mixed]), NPZ)
    assert info.together
    train, test = store.open_train(info).x, open_test(store, info).x
    assert not {row.tobytes() for row in train} & {row.tobytes() for row in test}
    assert {len(np.unique(part, axis=0)) for part in (train, test)} == {16, 4}


def test_copies_with_other_labels_are_said(take):
    x = np.vstack([NOISE, NOISE[:5]])
    note = take(x, np.append(Y, 1 - Y[:5]))["equal_rows"]
    assert (note.numbers["equal"], note.numbers["other_label"]) == (5, 5)


def test_the_rows_that_were_sealed_are_known_by_number(store, npz, tmp_path):
    info = store.ingest_upload(npz(x=NOISE.astype(np.float32), y=Y), NPZ)
    rows = store.test_rows(info)
    np.testing.assert_array_equal(NOISE[rows].astype(np.float32), open_test(store, info).x)
    given = store.ingest_upload(npz(x=NOISE, y=Y, x_test=NOISE + 9, y_test=Y), NPZ)
    assert store.test_rows(given) is None
    # A dataset of an earlier build has no such file; the same upload again brings it.
    folder = tmp_path / "store" / info.digest
    (folder / "test_rows.npy").unlink()
    text = (folder / "info.json").read_text()
    (folder / "info.json").write_text(
        text.replace(f'"{info.files["test_rows.npy"]}"', "0").replace('"test_rows.npy": 0', "")
        .replace(",\n  \n", "\n")
    )  # fmt: skip
    old = store.info(info.digest)
    assert store.test_rows(old) is None
    store.verify(old)
    again = store.ingest_upload(npz(x=NOISE.astype(np.float32), y=Y), NPZ)
    assert again == info == store.info(info.digest)
    np.testing.assert_array_equal(store.test_rows(again), rows)


# --- columns


def test_a_counter_in_file_order_is_named(take):
    notes = take(beside(np.arange(N)), np.sort(Y))
    assert notes["counter_column"].severity == "warning"
    assert notes["counter_column"].numbers["columns"] == "3"
    assert "column_tells_label" in notes
    assert take(beside(1e6 - 0.5 * np.arange(N)))["counter_column"].numbers["columns"] == "3"


@pytest.mark.parametrize("answer", [Y, 7 - 2 * Y, 3 * Y + 0.1 * NOISE[:, 0], -Y.astype(float)])
def test_a_column_that_is_made_of_the_label_is_named(take, answer):
    note = take(beside(answer))["column_tells_label"]
    assert (note.severity, note.numbers["columns"]) == ("warning", "3")
    assert note.numbers["share"] > 0.95


def test_a_column_in_an_order_of_the_file_alone_tells_nothing(take):
    """Equal values come in the order of the file: it must not count as what the column knows."""
    assert {*take(beside(np.zeros(N)), np.sort(Y))} == {"constant_columns"}


def test_columns_of_one_value_are_named(take):
    note = take(beside(np.full(N, 7.5)))["constant_columns"]
    assert (note.severity, note.numbers) == ("info", {"columns": "3", "count": 1})
    assert "1 column of one value in every row: 3" in note.message
    almost = np.zeros(N)
    almost[-1] = 1
    assert "constant_columns" not in take(beside(almost))


@pytest.mark.parametrize("steps", [RNG.exponential(size=N), RNG.integers(0, 3, N)])
def test_rows_in_the_order_of_time_are_named(take, steps):
    note = take(beside(1.6e9 + np.cumsum(steps)))["rows_in_order"]
    assert (note.severity, note.numbers["columns"]) == ("warning", "3")


@pytest.mark.parametrize("period", [7, 12, 24, 60, 90])
def test_a_column_that_begins_again_is_in_no_order(take, period):
    """Months and hours rise by one step from row to row, and tell nothing of where a row is."""
    for column in (np.arange(N) % period, -1.5 * (np.arange(N) % period) + 3):
        assert not {"rows_in_order", "counter_column"} & {*take(beside(column))}


def test_days_of_the_year_in_each_of_some_places_are_in_no_order(take):
    days = np.tile(np.sort(RNG.uniform(0, 365, N // 5)), 5)
    assert "rows_in_order" not in take(beside(days))


def test_a_trend_with_a_season_and_with_some_wrong_cells_is_an_order(take):
    season = np.arange(N) + 3 * np.sin(2 * np.pi * np.arange(N) / 24)
    assert take(beside(season))["rows_in_order"].numbers["columns"] == "3"
    counter = np.arange(N, dtype=float)
    counter[::50] = 0
    assert "counter_column" in take(beside(counter))


def test_numbers_of_persons_are_named(take):
    note = take(beside(RNG.permutation(10**6)[:N]))["id_column"]
    assert (note.severity, note.numbers["columns"]) == ("info", "3")


def test_columns_are_called_as_the_file_calls_them(store, table):
    rows = "".join(
        f"{i},{a:.4f},{'pq'[y]}\n" for i, (a, y) in enumerate(zip(NOISE[:, 0], Y, strict=True))
    )
    info = store.ingest_upload(table(f"Unnamed: 0,size,kind\n{rows}"), "text/csv")
    assert info.notes[0].message == "column 'Unnamed: 0' counts the rows of the file"
    assert info.label == "kind"


# --- labels


@pytest.mark.parametrize("word", ["NA", "?", "null", "None"])
def test_a_label_that_may_be_missing_is_named_and_kept(take, word):
    labels = np.where(Y == 1, "good", np.where(np.arange(N) % 4 == 0, word, "bad"))
    note = take(NOISE, labels)["label_may_be_missing"]
    assert (note.numbers["label"], note.numbers["examples"]) == (word, 50)
    assert note.severity == ("info" if word == "None" else "warning")


@pytest.mark.parametrize(
    ("word", "others"), [("nan", ("good", "bad")), ("<NA>", ("good", "bad")), ("NA", ("0", "1"))]
)
def test_a_label_that_is_missing_is_refused_however_it_is_spelled(take, word, others):
    labels = np.where(np.arange(N) % 4 == 0, word, np.array(others)[Y])
    with pytest.raises(errors.InvalidDataset, match=f"50 examples is missing \\('{word}'\\)"):
        take(NOISE, labels)


# --- precision


def scaled(store, info):
    part = store.open_train(info)
    rows = split(part.y, fraction=0.2, seed=0).train
    scaling = fit_scaling(part.x, rows, kind=info.kind)
    return (part.x - scaling.shift) * scaling.scale, part.y


@pytest.mark.parametrize(
    "column",
    [
        1.6e9 + 50 * Y + NOISE[:, 0],
        1_600_000_000_000_000_000 + 50 * Y + RNG.integers(0, 9, N),
        (20_000_000 + 5 * Y + RNG.integers(0, 3, N)).astype(np.int32),
        1e5 + 1e-3 * Y + 1e-5 * NOISE[:, 0],
    ],
    ids=["unix seconds", "nanoseconds", "int32", "small steps"],
)
def test_a_narrow_column_of_large_numbers_keeps_what_tells_its_values_apart(store, npz, column):
    info = store.ingest_upload(npz(x=column[:, None], y=Y), NPZ)
    assert {note.code for note in info.notes} <= {"equal_rows"}
    values, y = scaled(store, info)
    assert values[y == 1].min() > values[y == 0].max()
    assert abs(values.mean()) < 0.1


def test_values_that_still_become_one_are_said(take):
    far = np.where(RNG.random(N) < 0.6, 0, 1.6e9 + 50 * Y + NOISE[:, 0])
    note = take(beside(far))["values_become_one"]
    assert note.severity == "warning"
    assert note.numbers["left"] < note.numbers["distinct"] / 10


def test_digits_that_were_lost_in_the_reading_are_said(store, table):
    moments = [1_600_000_000_000_000_000 + 50 * int(y) + i % 9 for i, y in enumerate(Y)]
    rows = "".join(
        f"{t},{a:.4f},{'pq'[y]}\n" for t, a, y in zip(moments, NOISE[:, 0], Y, strict=True)
    )
    info = store.ingest_upload(table(f"moment,size,kind\n{rows}"), "text/csv")
    note = {note.code: note for note in info.notes}["digits_lost_in_reading"]
    assert note.severity == "warning"
    assert (note.numbers["column"], note.numbers["step"]) == ("'moment'", 256)


def test_the_same_distances_from_other_numbers_are_other_content(store, npz):
    column = (50 * Y + RNG.integers(0, 9, N)).astype(float)
    one, other = (
        store.ingest_upload(npz(x=(base + column)[:, None], y=Y), NPZ) for base in (1.6e9, 1.7e9)
    )
    assert one.digest != other.digest


# --- kinds


def test_bytes_that_are_a_table_are_scaled_by_column(store, npz):
    x = RNG.integers(0, 256, (N, 7), dtype=np.uint8)
    x[:, 0] = Y
    info = store.ingest_upload(npz(x=x, y=Y), NPZ)
    assert "bytes_as_table" in {note.code for note in info.notes}
    values, _ = scaled(store, info)
    np.testing.assert_allclose(np.abs(values[:, 0]), 1, atol=0.01)
    image = store.ingest_upload(npz(x=x, y=Y), NPZ, Reading(kind="image"))
    assert (info.kind, image.kind) == ("tabular", "image")
    assert np.abs(scaled(store, image)[0][:, 0]).max() < 0.01


def test_a_parameter_that_a_format_has_no_use_for_is_refused(store, npz, table):
    with pytest.raises(errors.InvalidRequest, match="header belongs to text/csv"):
        store.ingest_upload(npz(x=NOISE, y=Y), NPZ, Reading(header=True))
    with pytest.raises(errors.InvalidRequest, match="as belongs to application/octet-stream"):
        store.ingest_upload(table("a,b\n1,2\n"), "text/csv", Reading(kind="image"))
