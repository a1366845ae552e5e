"""The parsing child: limits that bite, and what its death means to the user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from hpsearch import errors
from hpsearch.data import UPLOAD, DatasetStore, Limits
from hpsearch.data.child import _environment, run
from hpsearch.data.limits import MIB
from hpsearch.data.parse import bundled, write
from hpsearch.data.parse import npz as npz_files
from hpsearch.data.parse import table as tables
from hpsearch.data.parse.__main__ import answer
from hpsearch.data.parse.request import Request

PROJECT = Path(__file__).resolve().parents[2]
NPZ = "application/octet-stream"


def store_with(tmp_path: Path, **limits: int) -> DatasetStore:
    return DatasetStore(str(tmp_path / "store"), tmp_path / "cache", uploads=Limits(**limits))


def test_memory_beyond_the_limit_is_too_large(tmp_path):
    path = tmp_path / "upload.npz"
    # Unpacked: zeros pack too well to be taken at this size.
    np.savez(path, x=np.zeros((1 << 20, 50), np.float32), y=np.arange(1 << 20) % 2)
    # Enough for the interpreter and NumPy, not for 200 MiB beside them.
    with pytest.raises(errors.TooLarge, match="more than 250 MiB of memory"):
        store_with(tmp_path, memory=250 * MIB).ingest_upload(path, NPZ)
    assert not any((tmp_path / "store").iterdir())


def test_a_child_that_is_killed_or_crashes_is_explained(npz, tmp_path):
    path = npz(x=np.ones((8, 2)), y=np.arange(8) % 2)
    # Not enough address space to start NumPy in.
    with pytest.raises((errors.InvalidDataset, errors.TooLarge)) as found:
        store_with(tmp_path, memory=40 * MIB).ingest_upload(path, NPZ)
    assert found.value.status in (413, 422)
    assert not any((tmp_path / "store").iterdir())


def test_processor_time_and_wall_time_are_limited(table, tmp_path):
    row = ",".join(["1"] * 1000) + ",a\n"
    header = ",".join(f"c{n}" for n in range(1000)) + ",y\n"
    path = table(header + row * 20_000)
    with pytest.raises(errors.TooLarge, match="more than 1 seconds"):
        store_with(tmp_path, seconds=1).ingest_upload(path, "text/csv")
    assert not any((tmp_path / "store").iterdir())


@pytest.mark.parametrize(
    ("signal", "error", "said"),
    [
        ("SIGXCPU", errors.TooLarge, "processor time"),
        ("SIGKILL", errors.TooLarge, "memory"),
        ("SIGSEGV", errors.InvalidDataset, "ended its parser"),
    ],
)
def test_the_signal_that_ended_the_child_says_what_was_hit(tmp_path, signal, error, said):
    """A child that reads a named pipe waits until somebody writes: time to send it a signal."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result: list[Exception] = []

    def ingest() -> None:
        try:
            run(Request(reader=tables.read, out=str(tmp_path / "out"), path=str(pipe)), UPLOAD)
        except errors.HpsearchError as failure:
            result.append(failure)

    thread = Thread(target=ingest)
    thread.start()
    # Opening the other end returns when the child has opened its own.
    with pipe.open("wb"):
        child = reader_of(pipe)
        subprocess.run(["kill", f"-{signal}", str(child)], check=True)
        thread.join(30)
    assert isinstance(result[0], error)
    assert said in str(result[0])


def reader_of(pipe: Path) -> int:
    """The child of this process that has `pipe` open."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if f"PPid:\t{os.getpid()}\n" not in (entry / "status").read_text():
                continue
            if any(link.readlink() == pipe for link in (entry / "fd").iterdir()):
                return int(entry.name)
        except OSError:
            continue
    raise AssertionError("no child has the pipe open")


def test_a_child_that_waits_ends_with_the_wall_clock(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(errors.TooLarge, match="more than 2 seconds"):
        run(
            Request(reader=tables.read, out=str(tmp_path / "out"), path=str(pipe)),
            Limits(seconds=2),
        )


def test_the_child_starts_from_any_folder_and_ignores_what_lies_there(npz, tmp_path, monkeypatch):
    for name in ("numpy.py", "json.py", "hpsearch.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "relative"]))
    info = store_with(tmp_path).ingest_upload(npz(x=np.ones((8, 2)), y=np.arange(8) % 2), NPZ)
    assert info.n_train == 6


def test_the_child_sees_no_secret_of_its_parent(tmp_path, monkeypatch):
    monkeypatch.setenv("HPSEARCH_API_KEY", "hps_secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@proxy")
    assert "hps_secret" not in str(_environment(network=True))
    assert "password" not in str(_environment(network=False))
    assert "password" in str(_environment(network=True))


def test_limits_bind_the_process_that_applies_them():
    code = (
        "import json, resource; from hpsearch.data import Limits; "
        "Limits(seconds=7, memory=1 << 30, data=1 << 20).apply(); "
        "names = ['CPU', 'AS', 'FSIZE', 'CORE']; "
        "found = [resource.getrlimit(getattr(resource, 'RLIMIT_' + n)) for n in names]; "
        "Limits(seconds=9).apply(); "
        "print(json.dumps([found, resource.getrlimit(resource.RLIMIT_CPU)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=PROJECT
    )
    found, later = json.loads(done.stdout)
    assert found == [[7, 8], [1 << 30, 1 << 30], [2 << 20, 2 << 20], [0, 0]]
    # What is bound stays bound.
    assert later == [8, 8]
    assert Limits.from_json(UPLOAD.to_json()) == UPLOAD


def test_the_caller_never_imports_scikit_learn():
    code = "import sys, hpsearch.data; print([m for m in sys.modules if m.startswith('sklearn')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=PROJECT
    )
    assert done.stdout.strip() == b"[]"


def test_a_child_imports_nothing_that_it_can_do_without():
    """Each file starts one: pydantic, which settings need, would double what a start costs."""
    code = (
        "import sys, hpsearch.data.parse.__main__; slow = ('sklearn', 'pydantic', 'pyarrow', 'ssl'); "
        "print([m for m in sys.modules if m.startswith(slow)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=PROJECT
    )
    assert done.stdout.strip() == b"[]"


def test_answers_inside_one_process(npz, tmp_path):
    path = npz(x=np.ones((8, 2)), y=np.arange(8) % 2)
    request = Request(reader=npz_files.read, out=str(tmp_path / "out"), path=str(path))
    assert answer(request, UPLOAD)["info"]["n_train"] == 6
    alike = tmp_path / "alike.npz"
    np.savez(alike, x=np.ones((8, 2)), y=np.zeros(8, int))
    refused = answer(Request(reader=npz_files.read, out="", path=str(alike)), UPLOAD)["error"]
    assert refused["type"] == "InvalidDataset"
    assert refused["mistakes"][0][0] == "y"
    for name, kind in (("digits", "image"), ("wine", "tabular")):
        out = str(tmp_path / name)
        assert (
            answer(Request(reader=bundled.read, out=out, name=name), UPLOAD)["info"]["kind"] == kind
        )
    with pytest.raises(FileExistsError):
        answer(request, UPLOAD)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said(npz, tmp_path, monkeypatch):
    """/dev/full is where the array would go: every write to it fails as on a full disk."""
    monkeypatch.setattr(write, "relative", lambda name: "/dev/full")
    monkeypatch.setattr(write.os, "O_EXCL", 0)
    path = npz(x=np.ones((8, 2)), y=np.arange(8) % 2)
    reply = answer(
        Request(reader=npz_files.read, out=str(tmp_path / "out"), path=str(path)), UPLOAD
    )
    assert reply["error"]["type"] == "StorageFull"
    assert "HPSEARCH_DATA_URL" in reply["error"]["message"]


def test_openml_rows_are_parted_as_the_authors_did():
    values = np.zeros((70_000, 784))
    values[60_000] = 255.0
    labels = np.array([str(n % 10) for n in range(70_000)], dtype=object)
    raw = bundled.from_openml(values, labels, ())
    assert raw.x.values.shape == (60_000, 784)
    assert raw.x.values.dtype == np.uint8
    assert raw.x_test.values[0].min() == 255
    assert raw.x_test.shape == (28, 28)
    assert raw.y[:3].tolist() == [0, 1, 2]
    assert len(raw.y_test) == 10_000
