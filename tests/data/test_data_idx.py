"""IDX folders, small and damaged ones, and the real MNIST where it is at hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from hpsearch import errors
from hpsearch.data import UPLOAD, Limits
from hpsearch.data.parse import idx as reader
from hpsearch.data.parse.raw import Raw
from hpsearch.data.parse.request import Request

IMAGES = "train-images-idx3-ubyte.gz"
LABELS = "train-labels-idx1-ubyte.gz"


def read(folder: Path, name: str, limits: Limits) -> Raw:
    return reader.read(Request(reader.read, out="", path=str(folder), name=name), limits)


def refused(folder: Path) -> errors.InvalidDataset:
    with pytest.raises(errors.InvalidDataset) as found:
        read(folder, "small", UPLOAD)
    return found.value


def test_four_files_make_images_with_a_given_test_part(idx_folder):
    raw = read(idx_folder, "small", UPLOAD)
    assert raw.x.values.shape == (40, 15)
    assert raw.x_test.values.shape == (20, 15)
    assert (raw.x.kind, raw.x.shape, raw.classes) == ("image", (3, 5), ())
    assert raw.y.tolist() == [n % 10 for n in range(40)]


def test_unpacked_files_and_fashion_names_are_taken(idx_folder):
    packed = read(idx_folder, "small", UPLOAD)
    for path in list(idx_folder.glob("*.gz")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    plain = read(idx_folder, "fashion-mnist", UPLOAD)
    assert np.array_equal(plain.x.values, packed.x.values)
    assert plain.classes[9] == "Ankle boot"


def test_every_missing_file_is_named(idx_folder):
    (idx_folder / IMAGES).unlink()
    (idx_folder / LABELS).unlink()
    assert [m.path for m in refused(idx_folder).mistakes] == [IMAGES, LABELS]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b[:3], "not an IDX file"),
        (lambda b: b"\0\0\x0d\x03" + b[4:], "not an IDX file"),
        (lambda b: b"\0\0\x08\0" + b[4:], "not an IDX file"),
        (lambda b: b[:10], "inside its header"),
        (lambda b: b[:-1], "ends before its 600 values"),
        (lambda b: b + b"\0", "goes on after its 600 values"),
        (lambda b: b[:4] + bytes(4) + b[8:16], "images have two dimensions"),
        (lambda b: b"\0\0\x08\x01" + (20).to_bytes(4, "big") + bytes(20), "two dimensions"),
    ],
)
def test_damaged_images_are_refused_by_file(idx_folder, change, said):
    path = idx_folder / IMAGES
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))
    error = refused(idx_folder)
    assert said in str(error)
    assert error.mistakes[0].path == IMAGES


def test_damaged_gzip_is_refused(idx_folder):
    path = idx_folder / IMAGES
    whole = path.read_bytes()
    flipped = whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]
    for content in (whole[:-20], b"text", flipped, whole[:40] + b"\xff" * 40 + whole[80:]):
        path.write_bytes(content)
        assert "is damaged" in str(refused(idx_folder))


def test_parts_that_do_not_fit_each_other_are_refused(idx_folder, idx_bytes):
    path = idx_folder / LABELS
    whole = path.read_bytes()
    path.write_bytes(gzip.compress(idx_bytes(np.zeros(39))))
    assert "has shape (39,) for 40 images" in str(refused(idx_folder))
    path.write_bytes(whole)
    (idx_folder / "t10k-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(idx_bytes(np.zeros((20, 5, 3))))
    )
    assert "has images of (5, 3)" in str(refused(idx_folder))


def test_sizes_that_lie_take_no_memory(idx_folder):
    header = b"\0\0\x08\x03" + b"\xff" * 12
    (idx_folder / IMAGES).write_bytes(gzip.compress(header))
    with pytest.raises(errors.TooLarge, match="rows, at most"):
        read(idx_folder, "small", UPLOAD)


def test_limits_hold_for_folders(idx_folder):
    with pytest.raises(errors.TooLarge, match="600 bytes, at most 599"):
        read(idx_folder, "small", Limits(data=599))
