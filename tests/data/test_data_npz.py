"""Uploads as .npz: what is taken, and every way in which a file can lie."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.data import UPLOAD, Limits
from hpsearch.data.parse import npz as reader
from hpsearch.data.parse.narrow import narrow
from hpsearch.data.parse.request import Request

X = np.arange(24, dtype=np.float32).reshape(8, 3)
Y = np.arange(8) % 2


def encoded(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def read(path: Path, limits: Limits = UPLOAD, **options):
    return reader.read(Request(reader.read, out="", path=str(path), **options), limits)


def refused(path: Path, limits: Limits = UPLOAD) -> errors.InvalidDataset:
    with pytest.raises(errors.InvalidDataset) as found:
        read(path, limits)
    return found.value


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i2", "i4", "i8", "u2", "u4", "?", ">f8"])
def test_numbers_of_every_kind_become_float32(npz, dtype):
    x = X.astype(dtype)
    raw = read(npz(x=x, y=Y))
    assert raw.x.kind == "tabular"
    stored = narrow(raw.x.values, None)
    assert stored.dtype == np.float32
    assert np.array_equal(stored, x.astype(np.float32))


@pytest.mark.parametrize("order", ["C", "F"])
def test_images_stay_bytes_and_keep_their_shape(npz, order):
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 5)).astype(np.uint8)
    raw = read(npz(x=np.asarray(images, order=order), y=[0, 1] * 3))
    assert (raw.x.kind, raw.x.shape, raw.x.values.dtype) == ("image", (4, 5), np.uint8)
    assert np.array_equal(raw.x.values, images.reshape(6, 20))


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.bool_, np.int16])
def test_two_dimensions_are_a_table_and_three_an_image_unless_the_request_says_so(npz, dtype):
    flat = np.hstack([X, X[:, :1]]).astype(dtype)
    square = flat.reshape(8, 2, 2)
    assert read(npz(x=flat, y=Y)).x.kind == "tabular"
    assert read(npz(x=flat, y=Y), kind="image").x.kind == "image"
    assert read(npz(x=square, y=Y)).x.kind == "image"
    raw = read(npz(x=square, y=Y), kind="tabular")
    assert (raw.x.kind, raw.x.shape) == ("tabular", (2, 2))


def test_names_are_taken_in_any_case_and_labels_in_a_column(npz):
    raw = read(npz(X=X, Y=Y[:, None], X_test=X[:2], Y_TEST=Y[:2]))
    assert np.array_equal(raw.y, Y)
    assert np.array_equal(raw.x_test.values, X[:2])


def test_labels_may_be_words_of_64_characters(npz):
    words = np.array(["ä" * 64, "b"] * 4)
    assert read(npz(x=X, y=words)).y.tolist() == words.tolist()
    assert "dtype '<U65'" in str(refused(npz(x=X, y=np.array(["a" * 65, "b"] * 4))))


def test_blank_images_that_pack_1000_to_1_are_taken(npz):
    x = np.zeros((70_000, 28, 28), np.uint8)
    x[0] = 1
    # Nearly empty images, 54 MB in 54 kB: below the size from which ratios count.
    assert read(npz(x=x, y=np.arange(70_000) % 10)).x.values.shape == (70_000, 784)


@pytest.mark.parametrize(
    ("value", "said"),
    [(np.nan, "missing (NaN)"), (np.inf, "infinite"), (-1e300, "beyond ±1e+30; rescale")],
)
def test_values_that_cannot_be_trained_on_are_named_by_row_and_column(npz, value, said):
    x = X.astype(np.float64)
    x[5, 2] = value
    error = refused(npz(x=x, y=Y))
    assert error.mistakes[0].path == "x[5, 2]"
    assert "column 2" in str(error)
    assert said in str(error)


def test_the_place_of_a_missing_value_holds_in_fortran_order_and_in_images(npz):
    x = np.ones((8, 3, 4))
    x[6, 1, 3] = np.nan
    assert refused(npz(x=np.asfortranarray(x), y=Y)).mistakes[0].path == "x[6, 1, 3]"


def test_many_mistakes_are_listed_up_to_twenty(npz):
    error = refused(npz(x=np.full((8, 30), np.nan), y=Y))
    assert len(error.mistakes) == 20
    assert "19 or more other mistakes" in str(error)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": X}, "no array y"),
        ({"y": Y}, "no array x"),
        ({"x": X, "y": Y, "x_test": X}, "come together"),
        ({"x": X, "y": Y, "extra": Y}, "unknown member"),
        ({"x": X[:, 0], "y": Y}, "one row per example"),
        ({"x": X[:0], "y": Y[:0]}, "nothing in it"),
        ({"x": X[:, :0], "y": Y}, "nothing in it"),
        ({"x": X, "y": Y[:5]}, "one label per example"),
        ({"x": X, "y": np.eye(8)}, "argmax"),
        ({"x": X.astype(str), "y": Y}, "features are numbers"),
        ({"x": X.astype(complex), "y": Y}, "dtype '<c16'"),
        ({"x": X.astype("f2"), "y": Y}, "dtype '<f2'"),
        ({"x": X, "y": Y.astype("S1")}, "dtype '|S1'"),
        ({"x": X, "y": Y.astype("M8[s]")}, "dtype '<M8[s]'"),
        ({"x": X, "y": np.zeros(8, "i4,i4")}, "holds records"),
        ({"x": X, "y": Y, "x_test": X[:, :2], "y_test": Y}, "both parts need the same"),
        ({"x": X, "y": Y, "x_test": X.astype("u1"), "y_test": Y}, "both parts need the same"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y, "z": Y}, "5 members"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(npz, arrays, said):
    assert said in str(refused(npz(**arrays)))


def test_pickles_are_never_opened(archive, npz, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path(tmp_path / "executed").touch, ())

    bomb = np.empty(8, dtype=object)
    bomb[:] = [Bomb() for _ in range(8)]
    error = refused(npz(x=X, y=bomb))
    assert [mistake.path for mistake in error.mistakes] == ["y"]
    assert "never opened" in str(error)
    assert not (tmp_path / "executed").exists()


def test_a_truncated_file_is_refused_wherever_it_is_cut(npz, tmp_path):
    whole = npz(x=X, y=Y).read_bytes()
    for end in range(0, len(whole), 7):
        cut = tmp_path / "cut.npz"
        cut.write_bytes(whole[:end])
        refused(cut)


def test_a_flipped_bit_is_found_by_the_checksum(archive):
    path = archive([("x.npy", encoded(X)), ("y.npy", encoded(Y))], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(X.tobytes()) + 5] ^= 1
    path.write_bytes(content)
    assert "CRC" in str(refused(path))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_refused_or_makes_no_difference(data, npz):
    """Whatever a few bytes are changed to: refused in our own words, or read as it was."""
    path = npz(x=X, y=Y)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        raw = read(path)
    except (errors.InvalidDataset, errors.TooLarge):
        return
    assert np.array_equal(raw.x.values, X)
    assert np.array_equal(raw.y, Y)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/x.npy", "..\\x.npy", "sub/x.npy", "a\nb"]
)
def test_names_that_are_paths_are_just_unknown(archive, name):
    error = refused(archive([(name, encoded(X)), ("y.npy", encoded(Y))]))
    assert error.mistakes[0].path == repr(name)


def test_a_member_that_is_there_twice_is_refused(archive):
    members = [("x.npy", encoded(X)), ("X.npy", encoded(X)), ("y.npy", encoded(Y))]
    assert "twice" in str(refused(archive(members)))


def test_encryption_and_other_compressions_are_refused(archive):
    members = [("x.npy", encoded(X)), ("y.npy", encoded(Y))]
    assert "compression 12 is not read" in str(refused(archive(members, zipfile.ZIP_BZIP2)))
    path = archive(members, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\x01\x02")
    content[first + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in str(refused(path))
    content[first + 8] ^= 1
    content[first + 10] = 99
    path.write_bytes(content)
    assert "compression 99" in str(refused(path))


def test_a_bomb_is_refused_by_its_ratio_and_by_its_size(archive, raw_npy):
    zeros = raw_npy("|u1", (100 << 20, 1), bytes(100 << 20))
    members = [("x.npy", zeros), ("y.npy", encoded(Y))]
    path = archive(members)
    assert path.stat().st_size < 200_000
    with pytest.raises(errors.TooLarge, match="more than 200 to 1"):
        read(path)
    with pytest.raises(errors.TooLarge, match="at most 1,048,576"):
        read(path, Limits(data=1 << 20))


def test_a_member_may_not_hold_less_than_its_directory_says(archive):
    path = archive([("x.npy", encoded(X)), ("y.npy", encoded(Y))], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\x01\x02")
    content[first + 24 : first + 28] = (len(encoded(X)) + 4000).to_bytes(4, "little")
    path.write_bytes(content)
    assert "says it has 96 bytes of data and has 4,096" in str(refused(path))


def test_a_member_that_ends_early_is_refused(archive):
    path = archive([("x.npy", encoded(X)), ("y.npy", encoded(Y))])
    content = bytearray(path.read_bytes())
    size, first = len(encoded(X)) + 48, content.index(b"PK\x01\x02")
    # The header inside and the directory agree on 144 bytes; the packed stream has 96.
    packed = archive([("x.npy", encoded(X).replace(b"(8, 3)", b"(12,3)")), ("y.npy", encoded(Y))])
    content = bytearray(packed.read_bytes())
    first = content.index(b"PK\x01\x02")
    content[first + 24 : first + 28] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert "ends after" in str(refused(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a .npy array"),
        (b"\x93NUMPY\x09\x00", "not a .npy array"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "header of 2,147,483,647 bytes"),
        (b"\x93NUMPY\x01\x00\x00\x00", "damaged header"),
    ],
)
def test_a_member_that_is_no_array_is_refused(archive, content, said):
    assert said in str(refused(archive([("x.npy", content), ("y.npy", encoded(Y))])))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("[" * 3000, "damaged header"),
        ("__import__('os')", "damaged header"),
        ("{'descr': '<f4'}", "damaged header"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3)}", "not one"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (True, 3)}", "not one"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "not one"),
        ("{'descr': '<f4', 'fortran_order': 1, 'shape': (8, 3)}", "not one"),
        (f"{{'descr': '<f4', 'fortran_order': False, 'shape': {(1,) * 9}}}", "not one"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (10**12,)}", "damaged header"),
        (f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**12},)}}", "bytes of data"),
        (f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({2**62}, 4, 3)}}", "bytes of data"),
        (f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0, {10**9})}}", "bytes of data"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (8, 3)}", "pickled objects"),
    ],
)
def test_headers_that_lie_are_refused_before_memory_is_taken(archive, raw_npy, header, said):
    member = raw_npy("", "", X.tobytes(), header=header)
    assert said in str(refused(archive([("x.npy", member), ("y.npy", encoded(Y))])))


def test_a_shape_that_needs_no_bytes_is_refused(archive, raw_npy):
    member = raw_npy("<f4", (0, 10**9), b"")
    assert "nothing in it" in str(refused(archive([("x.npy", member), ("y.npy", encoded(Y))])))


def test_text_beyond_unicode_is_refused(archive, raw_npy):
    member = raw_npy("<U1", (8,), (0x110000).to_bytes(4, "little") * 8)
    assert "not Unicode" in str(refused(archive([("x.npy", encoded(X)), ("y.npy", member)])))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(rows=7), "8 rows, at most 7"),
        (Limits(columns=2), "3 features, at most 2"),
        (Limits(data=400), "bytes, at most 400"),
    ],
)
def test_the_limits_are_named_with_their_figures(npz, limits, said):
    with pytest.raises(errors.TooLarge, match=said):
        read(npz(x=X, y=Y), limits)


def test_small_integers_count_as_the_floats_they_become(npz):
    x = np.ones((1000, 4), np.int8)
    with pytest.raises(errors.TooLarge, match="16,000 bytes, at most 15,000"):
        read(npz(x=x, y=np.arange(1000, dtype=np.int8) % 2), Limits(data=15_000))


def test_text_instead_of_a_zip_points_to_csv(table):
    assert "text/csv" in str(refused(table("a,b\n1,2\n")))
