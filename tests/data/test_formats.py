"""A format that a test registers: read in one process and in the child, stored, split, opened."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import toy_format
from support.toy_format import TOY, content

from hpsearch import errors
from hpsearch.data import FORMATS, DatasetInfo, DatasetStore, Reading, split, split_folds
from hpsearch.data.formats import by_suffix, name_suffixes
from hpsearch.data.parse.request import Request
from hpsearch.data.parse.work import ingest
from hpsearch.data.sealed import open_test

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def toy() -> Iterator[None]:
    with FORMATS.registered("toy", TOY):
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.semi"
    path.write_text(content())
    return path


@pytest.fixture
def here(tmp_path: Path) -> DatasetStore:
    """A store that parses in this process."""
    return DatasetStore(str(tmp_path / "here"), tmp_path / "cache", parse=ingest)


@pytest.mark.usefixtures("toy")
def test_a_registered_format_is_read_in_one_process_and_in_the_child(
    by_child: DatasetStore, here: DatasetStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    info = by_child.ingest_upload(file, TOY.media_type)
    assert here.ingest_upload(file, TOY.media_type) == info
    assert by_child.ingest_folder("rows", file).digest == info.digest


@pytest.mark.usefixtures("toy")
def test_measured_targets_are_stored_split_and_opened(here: DatasetStore, file: Path) -> None:
    info = here.ingest_upload(file, TOY.media_type)
    assert (info.task, info.classes, info.n_train, info.n_test) == ("regression", (), 16, 4)
    assert DatasetInfo.from_json(json.loads(json.dumps(info.to_json()))) == info
    assert here.info(info.digest) == info
    train, test = here.open_train(info), open_test(here, info)
    assert train.y.dtype == test.y.dtype == np.float64
    assert np.array_equal(np.sort([*train.y, *test.y]), np.arange(20) / 3)
    assert np.array_equal(train.x[:, 0], np.float32(np.round(train.y * 3)))
    parts = split(train.y, fraction=0.25, seed=1)
    assert (parts.train.size, parts.validation.size) == (12, 4)
    folds = split_folds(train.y, folds=4, seed=1)
    assert np.array_equal(np.sort(np.concatenate([f.validation for f in folds])), np.arange(16))


def test_classes_are_described_as_before(store: DatasetStore) -> None:
    info = store.ingest_builtin("iris")
    assert info.task == "classification"
    assert "task" not in info.to_json()


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("text", "said"), [("1;2;3\n2;3;4", "3 are needed"), ("1;2\nnan;3\n4;5", r"y\[1\]")]
)
def test_targets_that_cannot_be_learned_are_refused(
    here: DatasetStore, file: Path, text: str, said: str
) -> None:
    file.write_text(text)
    with pytest.raises(errors.InvalidDataset, match=said):
        here.ingest_upload(file, TOY.media_type)


@pytest.mark.usefixtures("toy")
def test_messages_name_a_registered_format(here: DatasetStore, file: Path) -> None:
    assert by_suffix(file) is TOY
    assert name_suffixes().startswith("an .npz or a .csv or a .tsv or an .arff or a .parquet")
    assert name_suffixes().endswith(" or an .xlsx or a .semi file")
    with pytest.raises(errors.UnsupportedType, match="a UTF-8 semicolon file as text/x-semicolons"):
        here.ingest_upload(file, "image/png")


def test_messages_name_the_formats_there_are(store: DatasetStore, file: Path) -> None:
    with pytest.raises(errors.UnsupportedType) as refused:
        store.ingest_upload(file, "image/png")
    assert "send an .npz file as application/octet-stream or a UTF-8 CSV file as text/csv" in str(
        refused.value
    )
    with pytest.raises(errors.InvalidDataset, match=r"IDX files, an \.npz or a \.csv or .* exist"):
        store.ingest_folder("rows", file.with_suffix(".gone"))
    # A suffix that tells nothing: the bytes do.
    assert store.ingest_folder("rows", file, Reading(header=False, task="regression")).n_train == 16


def test_the_first_bytes_decide_and_the_type_is_a_hint(store, npz, table, tmp_path) -> None:
    x, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 2
    arrays = npz(x=x, y=y)
    by_type = store.ingest_upload(arrays, "application/octet-stream")
    assert store.ingest_upload(arrays, "text/csv").digest == by_type.digest
    text = "a,b,y\n" + "".join(f"{a},{b},{c}\n" for (a, b), c in zip(x.tolist(), y, strict=True))
    plain = store.ingest_upload(table(text), "text/csv")
    assert store.ingest_upload(table(text), "application/octet-stream").digest == plain.digest
    packed = tmp_path / "rows.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    for kind in ("application/gzip", "application/octet-stream", "text/csv"):
        assert store.ingest_upload(packed, kind).digest == plain.digest
    with pytest.raises(errors.InvalidRequest, match="parameter drop belongs to text/csv"):
        store.ingest_upload(arrays, "text/csv", Reading(drop=("a",)))


def test_a_charset_is_an_encoding(store, table) -> None:
    rows = "".join(f"{n},{'äö'[n % 2]}\n" for n in range(12))
    latin = table(f"a,y\n{rows}".encode("latin-1"))
    assert store.ingest_upload(latin, "text/csv; charset=iso-8859-1").classes == ("ä", "ö")
    with pytest.raises(errors.UnsupportedType, match="charset=klingon"):
        store.ingest_upload(latin, "text/csv; charset=klingon")


def test_a_dry_run_describes_and_stores_nothing(store, table, tmp_path) -> None:
    rows = "".join(f"{n % 5},{'pqr'[n % 3]},{'ab'[n % 2]}\n" for n in range(30))
    path = table(f"n,w,y\n{rows}")
    dry = store.ingest_upload(path, "text/csv", keep=False)
    assert not store.exists(dry.digest)
    assert not [one for one in (tmp_path / "store").rglob("*") if one.is_file()]
    assert store.ingest_upload(path, "text/csv") == dry


def test_a_reader_travels_by_name() -> None:
    request = Request(toy_format.read, out="folder", path="rows.semi", network=True)
    assert request.to_json()["reader"] == "support.toy_format:read"
    assert Request.from_json(json.loads(json.dumps(request.to_json()))) == request
