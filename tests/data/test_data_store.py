"""The store: whole or not at all, found again by digest, damage noticed, at three kinds of place."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pytest
from support.parsing import in_this_process

from hpsearch import errors
from hpsearch.data import (
    BUILTIN,
    TRAIN_FILES,
    DatasetInfo,
    DatasetStore,
    Limits,
    Reading,
    fit_scaling,
    split,
)
from hpsearch.data.sealed import open_test

RNG = np.random.default_rng(3)
X = RNG.normal(size=(50, 4)).astype(np.float32)
Y = np.arange(50) % 2
NPZ = "application/octet-stream"
PROJECT = Path(__file__).resolve().parents[2]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def info(store, npz) -> DatasetInfo:
    return store.ingest_upload(npz(x=X, y=Y), NPZ)


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine", "iris"])
def test_bundled_datasets_come_with_a_sealed_fifth(store, name):
    info = store.ingest_builtin(name)
    train, test = store.open_train(info), open_test(store, info)
    assert info.test_split == "made"
    assert info.licence == "CC BY 4.0"
    assert info.source
    assert abs(info.n_test - 0.2 * (info.n_train + info.n_test)) <= 1
    assert train.x.shape == (info.n_train, info.features) == (info.n_train, np.prod(info.shape))
    assert test.x.shape == (info.n_test, info.features)
    assert test.y.shape == (info.n_test,)
    assert set(np.unique(train.y)) == set(np.unique(test.y)) == set(range(len(info.classes)))
    assert isinstance(train.x, np.memmap)
    assert not train.x.flags.writeable
    assert len(info.feature_names) == info.features
    assert info.digest == BUILTIN[name].digest
    assert train.x.dtype == (np.uint8 if name == "digits" else np.float32)
    store.verify(info)


def test_the_digests_of_the_bundled_datasets_stay(by_child):
    """The digest names a dataset in every stored search: these may not change."""
    found = by_child.ingest_builtin("iris")
    assert found.digest.startswith("2a22297dc0c558a3")
    assert found.classes == ("setosa", "versicolor", "virginica")


def test_what_comes_with_the_program_is_read_once(tmp_path):
    started = []

    def counted(*request):
        started.append(request)
        return in_this_process(*request)

    store = DatasetStore(str(tmp_path / "store"), tmp_path / "cache", parse=counted)
    info = store.ingest_builtin("iris")
    started.clear()
    assert store.ingest_builtin("iris") == info
    assert not started
    (tmp_path / "store" / info.digest / "train_x.npy").write_bytes(b"rubbish")
    assert store.ingest_builtin("iris") == info
    assert len(started) == 1
    store.verify(info)


def test_an_upload_with_a_test_part_keeps_it(store, npz):
    info = store.ingest_upload(npz(x=X, y=Y, x_test=X[:5] + 1, y_test=Y[:5]), NPZ)
    test = open_test(store, info)
    assert info.test_split == "given"
    assert (info.n_train, info.n_test) == (50, 5)
    assert np.array_equal(test.x, X[:5] + 1)
    assert np.array_equal(test.y, Y[:5])
    assert np.array_equal(store.open_train(info).x, X)


def test_a_made_test_part_takes_examples_out_of_the_training_part(store, info):
    train, test = store.open_train(info), open_test(store, info)
    both = np.vstack([train.x, test.x])
    assert (info.n_train, info.n_test) == (40, 10)
    assert np.array_equal(np.unique(both, axis=0), np.unique(X, axis=0))


def test_the_same_content_has_the_same_digest_wherever_it_comes_from(store, npz, table, tmp_path):
    by_npz = store.ingest_upload(npz(x=X, y=Y.astype(str)), NPZ)
    rows = "".join(
        f"{','.join(map(repr, row))},{y}\n" for row, y in zip(X.tolist(), Y, strict=True)
    )
    by_csv = store.ingest_upload(table(rows), "text/csv; charset=UTF-8", Reading(header=False))
    assert by_csv.digest == by_npz.digest
    assert by_csv.feature_names == by_npz.feature_names == ()
    assert len(list((tmp_path / "store").iterdir())) == 1


def test_the_same_numbers_under_other_names_are_other_content(store, table):
    """A model finds its columns by name: two tables must never share one description."""
    rows = "".join(f"{i},{i % 7},{'pq'[i % 2]}\n" for i in range(20))
    one, other, again = (
        store.ingest_upload(table(f"{head}\n{rows}"), "text/csv")
        for head in ("width,height,kind", "height,width,kind", "width,height,kind")
    )
    assert one.digest == again.digest != other.digest
    assert store.info(one.digest).feature_names == ("width", "height")
    assert store.info(other.digest).feature_names == ("height", "width")


def test_a_stored_dataset_keeps_its_split(store, npz, info, tmp_path):
    """Neither the same upload again nor another split of its examples touches what lies here."""
    folder = tmp_path / "store" / info.digest
    before = {p: (p.stat().st_ino, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}
    assert store.ingest_upload(npz(x=X, y=Y), NPZ) == info
    train, test = store.open_train(info), open_test(store, info)
    swapped = npz(x=test.x, y=np.tile([0, 1], 5), x_test=train.x, y_test=train.y)
    assert store.ingest_upload(swapped, NPZ).digest != info.digest
    assert store.ingest_upload(npz(x=X, y=Y), NPZ) == info
    after = {p: (p.stat().st_ino, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}
    assert after == before
    store.verify(info)


def test_other_content_has_another_digest(store, npz, info):
    changed = X.copy()
    changed[0, 0] += 1
    digests = {
        info.digest,
        store.ingest_upload(npz(x=changed, y=Y), NPZ).digest,
        store.ingest_upload(npz(x=X, y=1 - Y), NPZ).digest,
        store.ingest_upload(npz(x=X, y=np.array(["no", "yes"])[Y]), NPZ).digest,
        store.ingest_upload(npz(x=X.reshape(50, 2, 2), y=Y), NPZ).digest,
    }
    assert len(digests) == 5


def test_info_survives_json_and_is_kept_beside_the_arrays(store, info):
    copy = DatasetInfo.from_json(json.loads(json.dumps(info.to_json())))
    assert copy == info == store.info(info.digest)
    assert hash(copy) == hash(info)


@pytest.mark.parametrize(
    "damage",
    [
        lambda v: v.pop("kind"),
        lambda v: v.update(extra=1),
        lambda v: v.update(digest="../../etc"),
        lambda v: v.update(shape=3),
        lambda v: v["files"].pop("train_x.npy"),
    ],
)
def test_a_damaged_description_is_corrupt(info, damage):
    value = info.to_json()
    damage(value)
    with pytest.raises(errors.Corrupt):
        DatasetInfo.from_json(value)


def test_a_description_that_is_not_json_is_corrupt(store, info, tmp_path):
    (tmp_path / "store" / info.digest / "info.json").write_text("{")
    with pytest.raises(errors.Corrupt, match="not JSON"):
        store.info(info.digest)


def test_datasets_exist_until_they_are_deleted(store, info, tmp_path):
    train = store.open_train(info)
    assert store.exists(info.digest)
    assert not store.exists("0" * 64)
    store.delete(info.digest)
    store.delete(info.digest)
    assert not store.exists(info.digest)
    assert left(tmp_path / "store") == []
    # A running search keeps what it has mapped.
    assert train.x.sum() != 0
    with pytest.raises(errors.NotFound):
        store.info(info.digest)
    with pytest.raises(errors.Corrupt, match="is not in"):
        store.open_train(info)
    with pytest.raises(errors.Corrupt, match="is not in"):
        store.verify(info)


@pytest.mark.parametrize("digest", ["", "..", "a/b", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_no_digest_never_becomes_a_path(store, digest):
    for use in (store.exists, store.delete, store.info):
        with pytest.raises(errors.InvalidRequest, match="not a dataset digest"):
            use(digest)


@pytest.mark.parametrize(
    "name", ["train_x.npy", "train_y.npy", "sealed/test_x.npy", "sealed/test_y.npy"]
)
def test_a_flipped_bit_is_found_and_named(store, info, tmp_path, name):
    path = tmp_path / "store" / info.digest / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(errors.Corrupt, match=name):
        store.verify(info)
    if "sealed" in name:
        store.verify_files(info, TRAIN_FILES)
        with pytest.raises(errors.Corrupt, match=name):
            open_test(store, info)


def test_files_of_another_shape_or_cut_short_are_corrupt(store, info, tmp_path):
    with pytest.raises(errors.Corrupt, match="expected"):
        store.open_train(replace(info, n_train=39))
    path = tmp_path / "store" / info.digest / "train_x.npy"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(errors.Corrupt, match="is damaged"):
        store.open_train(info)
    path.unlink()
    path.mkdir()
    for use in (store.open_train, store.verify):
        with pytest.raises(errors.Unavailable, match="cannot be read"):
            use(info)


@pytest.mark.parametrize("damaged", ["train_x.npy", "info.json"])
def test_adding_a_damaged_dataset_again_repairs_it(store, info, npz, tmp_path, damaged):
    (tmp_path / "store" / info.digest / damaged).write_bytes(b"rubbish")
    again = store.ingest_upload(npz(x=X, y=Y), NPZ)
    assert again == info
    store.verify(info)
    assert len(list((tmp_path / "store").iterdir())) == 1


def test_many_ingests_of_the_same_at_once_are_harmless(store, npz, tmp_path):
    path = npz(x=X, y=Y)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: store.ingest_upload(path, NPZ), range(8)))
    assert len(found) == 1
    store.verify(found.pop())
    assert len(list((tmp_path / "store").iterdir())) == 1


def test_sealed_files_are_for_the_owner_alone(info, tmp_path):
    folder = tmp_path / "store" / info.digest
    assert (folder / "sealed").stat().st_mode & 0o777 == 0o700
    for name in ("test_x.npy", "test_y.npy"):
        assert (folder / "sealed" / name).stat().st_mode & 0o777 == 0o600


OPEN_AND_REPORT = """
import mmap, os, sys
from pathlib import Path
from hpsearch.data import TRAIN_FILES, DatasetStore, fit_scaling, split
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
seen = []
sys.addaudithook(lambda event, args: seen.append(str(args[0])) if event == "open" else None)
store = DatasetStore(".", Path("cache"))
info = store.info(sys.argv[1])
train = store.open_train(info)
store.verify_files(info, TRAIN_FILES)
fit_scaling(train.x, split(train.y, fraction=0.2, seed=1).train, kind=info.kind)
print([path for path in seen if info.digest in path])
try:
    Path(info.digest, "sealed", "test_x.npy").open("rb")
except PermissionError:
    print("unreadable")
"""


def test_training_needs_no_right_to_read_the_sealed_files(store, info, tmp_path):
    """In a process without root's rights, where modes count; and every opened path is looked at."""
    root = tmp_path / "store"
    for path in (root / info.digest / "sealed").iterdir():
        path.chmod(0o000)
    # Started inside the store: another user could not walk down to it by its full path.
    run = subprocess.run(
        [sys.executable, "-c", OPEN_AND_REPORT, info.digest],
        check=False,
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert run.returncode == 0, run.stderr
    opened, unreadable = run.stdout.splitlines()
    assert "train_x.npy" in opened
    assert "train_y.npy" in opened
    assert "sealed" not in opened
    assert "test_" not in opened
    assert unreadable == "unreadable"


@pytest.mark.parametrize(
    ("content", "content_type", "error"),
    [
        (b"PK\x03\x04 not really", NPZ, errors.InvalidDataset),
        (b"a,y\n1,\n", "text/csv", errors.InvalidDataset),
        (b"{}", "image/png", errors.UnsupportedType),
        (b"a,y\n1,b\n", "text/csv; charset=klingon", errors.UnsupportedType),
    ],
)
def test_a_refused_upload_leaves_nothing_behind(store, tmp_path, content, content_type, error):
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(error):
        store.ingest_upload(path, content_type)
    assert left(tmp_path) == ["upload"]


def test_mistakes_come_through_with_their_paths(by_child, table):
    with pytest.raises(errors.InvalidDataset) as found:
        by_child.ingest_upload(table("age,y\n1,a\ninf,b\n"), "text/csv")
    assert found.value.mistakes[0].path == "x[:, 'age']"
    assert found.value.mistakes[0].message.startswith("column 'age', line 3: is infinite")


def test_the_label_column_comes_through(by_child, table):
    rows = "".join(f"{word},{n}\n" for n, word in enumerate("ab" * 5))
    info = by_child.ingest_upload(table("y,x\n" + rows), "text/csv", Reading(label="y"))
    assert info.classes == ("a", "b")
    assert info.feature_names == ("x",)


def test_a_folder_of_idx_files_is_added(store, idx_folder):
    info = store.ingest_folder("small", idx_folder)
    assert (info.kind, info.n_train, info.n_test, info.shape) == ("image", 40, 20, (3, 5))
    assert info.licence == "not stated"
    assert "small" in info.source
    named = store.ingest_folder("fashion-mnist", idx_folder)
    assert named.classes[0] == "T-shirt/top"
    assert named.licence == "MIT"
    assert store.ingest_builtin("fashion-mnist", folder=idx_folder) == named


def test_single_files_are_added_by_their_suffix(store, npz, table, tmp_path):
    assert store.ingest_folder("a", npz(x=X, y=Y)).n_train == 40
    rows = "".join(f"{n},{n % 2}\n" for n in range(20))
    assert store.ingest_folder("b", table("x,y\n" + rows)).source == "upload.csv as b"
    with pytest.raises(errors.InvalidDataset, match=r"not a folder of IDX files, an \.npz"):
        store.ingest_folder("c", tmp_path / "nothing.npz")
    with pytest.raises(errors.InvalidDataset, match="lacks train-images"):
        store.ingest_folder("c", tmp_path)


def test_builtin_names_are_known(store, tmp_path):
    assert list(BUILTIN) == ["digits", "breast_cancer", "wine", "iris", "mnist", "fashion-mnist"]
    with pytest.raises(errors.NotFound, match="there are digits, breast_cancer"):
        store.ingest_builtin("cifar")
    with pytest.raises(errors.InvalidDataset, match="hpsearch datasets add mnist PATH"):
        store.ingest_builtin("mnist", folder=tmp_path / "none", offline=True)
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "train-images-idx3-ubyte.gz").touch()
    with pytest.raises(errors.InvalidDataset, match="lacks train-labels"):
        store.ingest_builtin("mnist", folder=tmp_path / "half")


def test_without_network_openml_is_unavailable_and_the_way_out_is_named(by_child, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        # A port nobody listens on: refused at once, on this machine.
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.Unavailable, match="hpsearch datasets add mnist PATH"):
        by_child.ingest_builtin("mnist")


def test_a_place_that_cannot_be_written_is_unavailable(npz, tmp_path):
    (tmp_path / "file").touch()
    store = DatasetStore(str(tmp_path / "file" / "store"), tmp_path / "cache")
    with pytest.raises(errors.Unavailable, match="cannot be written"):
        store.ingest_upload(npz(x=X, y=Y), NPZ)


def test_a_file_in_the_way_of_a_dataset_is_unavailable(store, info, npz, tmp_path):
    store.delete(info.digest)
    (tmp_path / "store" / info.digest).touch()
    with pytest.raises(errors.Unavailable, match="cannot be written"):
        store.ingest_upload(npz(x=X, y=Y), NPZ)


def test_what_a_killed_ingest_left_is_swept_after_a_day(store, npz, tmp_path):
    root = tmp_path / "store"
    for name, age in (("old", 2 * 24 * 3600), ("new", 60)):
        folder = root / f".incoming-{name}"
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    store.ingest_upload(npz(x=X, y=Y), NPZ)
    assert [path.name for path in root.glob(".incoming-*")] == [".incoming-new"]


@pytest.fixture(params=["memory", "file"])
def remote(request, tmp_path):
    url = f"memory://{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/far"
    yield url
    if request.param == "memory":
        fsspec.filesystem("memory").rm(f"/{tmp_path.name}", recursive=True)


def test_a_remote_store_is_fetched_once_into_the_cache(remote, npz, tmp_path):
    writer = DatasetStore(remote, tmp_path / "a", parse=in_this_process)
    info = writer.ingest_upload(npz(x=X, y=Y), NPZ)
    assert left(tmp_path / "a") == []
    reader = DatasetStore(remote, tmp_path / "b")
    assert reader.info(info.digest) == info
    assert reader.exists(info.digest)
    train = reader.open_train(info)
    assert isinstance(train.x, np.memmap)
    assert train.x.shape == (40, 4)
    # The test part is not even fetched before somebody may open it.
    assert left(tmp_path / "b") == ["train_x.npy", "train_y.npy"]
    first = (tmp_path / "b" / info.digest / "train_x.npy").stat().st_ino
    reader.open_train(info)
    assert (tmp_path / "b" / info.digest / "train_x.npy").stat().st_ino == first
    assert open_test(reader, info).x.shape == (10, 4)
    sealed = tmp_path / "b" / info.digest / "sealed"
    assert (sealed / "test_x.npy").stat().st_mode & 0o777 == 0o600
    reader.verify(info)
    reader.delete(info.digest)
    reader.delete(info.digest)
    assert not writer.exists(info.digest)
    assert left(tmp_path / "b") == []
    with pytest.raises(errors.Corrupt, match="is not in"):
        reader.open_train(info)


def test_remote_damage_never_reaches_the_cache(remote, npz, tmp_path):
    store = DatasetStore(remote, tmp_path / "cache", parse=in_this_process)
    info = store.ingest_upload(npz(x=X, y=Y), NPZ)
    files, root = fsspec.core.url_to_fs(remote)
    files.pipe_file(f"{root}/{info.digest}/train_x.npy", b"rubbish")
    with pytest.raises(errors.Corrupt, match=r"train_x.npy .* is damaged"):
        store.open_train(info)
    assert left(tmp_path / "cache") == []
    assert store.ingest_upload(npz(x=X, y=Y), NPZ) == info
    store.verify(info)


def test_a_cache_that_cannot_be_written_is_unavailable(remote, npz, tmp_path):
    writer = DatasetStore(remote, tmp_path / "a", parse=in_this_process)
    info = writer.ingest_upload(npz(x=X, y=Y), NPZ)
    (tmp_path / "wall").touch()
    with pytest.raises(errors.Unavailable, match="cannot be written"):
        DatasetStore(remote, tmp_path / "wall" / "cache").open_train(info)


def test_an_url_nobody_understands_is_misconfigured(tmp_path):
    with pytest.raises(errors.Misconfigured, match="HPSEARCH_DATA_URL=nothing://x"):
        DatasetStore("nothing://x", tmp_path)


def test_a_remote_store_that_fails_is_unavailable(npz, tmp_path):
    (tmp_path / "wall").touch()
    store = DatasetStore(f"file://{tmp_path}/wall/far", tmp_path / "cache")
    with pytest.raises(errors.Unavailable, match="does not answer"):
        store.ingest_upload(npz(x=X, y=Y), NPZ)
    assert left(tmp_path / "cache") == []


def test_a_full_disk_behind_a_url_is_no_store_that_does_not_answer(npz, tmp_path, monkeypatch):
    store = DatasetStore(f"file://{tmp_path}/far", tmp_path / "cache", parse=in_this_process)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(fsspec.filesystem("file")), "put_file", full)
    with pytest.raises(errors.StorageFull, match="make room"):
        store.ingest_upload(npz(x=X, y=Y), NPZ)


MEASURE = """
import resource, sys
from pathlib import Path
from hpsearch.data import DatasetStore
store = DatasetStore(sys.argv[1], Path(sys.argv[1] + "-cache"))
def peak(who):
    return resource.getrusage(who).ru_maxrss // 1024
before = peak(resource.RUSAGE_SELF)
info = store.ingest_builtin("mnist", folder=Path(sys.argv[2]))
store.open_train(info)
print(info.digest, peak(resource.RUSAGE_SELF) - before, peak(resource.RUSAGE_CHILDREN))
"""


@pytest.mark.data
def test_the_real_mnist_costs_the_caller_no_memory(store, mnist, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "store"), str(mnist)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=True,
    )
    digest, caller, child = run.stdout.split()
    assert int(caller) < 16
    assert int(child) < 200
    info = store.info(digest)
    assert (info.n_train, info.n_test, info.shape) == (60_000, 10_000, (28, 28))
    assert info.classes == tuple("0123456789")
    assert info.licence == "CC BY-SA 3.0"
    train = store.open_train(info)
    assert np.bincount(train.y).tolist() == [
        *(5923, 6742, 5958, 6131, 5842),
        *(5421, 5918, 6265, 5851, 5949),
    ]
    assert abs(train.x.mean() / 255 - 0.1307) < 1e-4
    scaling = fit_scaling(train.x, split(train.y, fraction=0.2, seed=0).train, kind=info.kind)
    assert (scaling.scale == 0).sum() >= 60
    store.verify(info)


def test_limits_of_uploads_and_of_the_operator_differ(npz, tmp_path):
    store = DatasetStore(str(tmp_path / "store"), tmp_path / "cache", uploads=Limits(rows=10))
    path = npz(x=X, y=Y)
    with pytest.raises(errors.TooLarge, match="50 rows, at most 10"):
        store.ingest_upload(path, NPZ)
    assert store.ingest_folder("own", path).n_train == 40
