"""LIBSVM text: rows of numbered values, and what is none of them."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file

from hpsearch import errors
from hpsearch.data import Limits

TEXT = "-1 1:1.5 3:-2\n+1 2:.5 # a remark\n\n# between\n-1 3:1e3\n"


def test_values_that_a_line_does_not_name_are_0(read, columns, codes) -> None:
    frame = read(TEXT)
    assert columns(frame) == {
        "label": ["-1", "1", "-1"], "c1": [1.5, 0, 0], "c2": [0, 0.5, 0], "c3": [-2, 0, 1000],
    }  # fmt: skip
    assert [one.role for one in frame.columns] == ["label", "feature", "feature", "feature"]
    assert codes(frame) == ["libsvm"]
    assert frame.notes[0].numbers == {"values": 5}


def test_what_scikit_learn_writes_comes_back(read) -> None:
    rng = np.random.default_rng(0)
    x = sparse.random(60, 17, 0.3, format="lil", rng=rng)
    x[0, 16] = 1.25
    y = rng.normal(size=60)
    for zero_based in (False, True):
        x[1, 0] = 2.5  # else nothing tells that numbers begin at 0
        file = io.BytesIO()
        dump_svmlight_file(x.tocsr(), y, file, zero_based=zero_based)
        text = file.getvalue()
        for content in (text, text.replace(b"\n", b"\r\n"), gzip.compress(text)):
            frame = read(content)
            values = np.array([one.cells.to_numpy() for one in frame.columns[1:]]).T
            np.testing.assert_allclose(values, x.toarray())
            np.testing.assert_allclose([float(cell.as_py()) for cell in frame.columns[0].cells], y)
            first = 0 if zero_based else 1
            names = [f"c{at + first}" for at in range(17)]
            assert [one.name for one in frame.columns] == ["label", *names]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 1:1 2:x", "line 31: column 2: 'x' is no number"),
        ("1 2:1 1:5", "line 31: column 1 comes after 2; sort each line"),
        ("1 1:1 word", "line 31: '1 1:1 word' is no row"),
        ("1 99999999999999999999:1", "line 31: there is no column 99999999999999999999"),
        ("1 " + "9" * 5000 + ":1", "line 31: there is no column 99999"),
        ("nan 1:1", "line 31: 'nan 1:1' is no row"),
        ("1e999 1:1", "y: a label of the LIBSVM file is infinite"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_row_is_named(refused, line: str, said: str) -> None:
    assert said in refused("1 1:1\n-1 2:3\n" * 15 + line + "\n").summary


def test_rows_of_a_ranking_are_refused(refused) -> None:
    assert "qid" in refused("1 qid:1 1:1\n0 qid:1 2:3\n" * 9).summary


def test_a_number_that_no_memory_holds_is_too_large(read) -> None:
    with pytest.raises(errors.TooLarge):
        read("1 1:1\n-1 2000000000:3\n" * 15, limits=Limits())


@pytest.mark.parametrize("content", ["3 12:30\n5 9:45\n" * 9, "3 12:30 13:05\n" * 9])
def test_what_may_be_times_is_asked_about(read, refused, content: str) -> None:
    assert "delimiter=space" in refused(content).summary
    assert (
        len(read(content, delimiter="space", header=False).columns)
        == content.partition("\n")[0].count(":") + 1
    )
    assert read(content, filename="counts.libsvm").columns[0].name == "label"


def test_other_text_stays_what_it_is(read) -> None:
    for content in ("a\n2\n3\n", "a b:c\n" + "1 2:x\n" * 5, "a,b\n1,2:3\n4,5:6\n"):
        assert read(content).columns[0].role == "feature"


@pytest.mark.parametrize("line", ["1,2 1:0.5 2:1", "spam 1:1", "1 1:"])
def test_a_file_that_is_named_libsvm_is_read_as_such(read, refused, line: str) -> None:
    """Several labels, or a word: the error has the line, and not the header that nobody meant."""
    said = refused(f"0 1:2\n{line}\n", filename="counts.libsvm").summary
    assert f"line 2: {line!r} is no row" in said
    frame = read("1\n0\n1 1:2\n", filename="counts.svm")
    assert [cell.as_py() for cell in frame.columns[0].cells] == ["1", "0", "1"]
