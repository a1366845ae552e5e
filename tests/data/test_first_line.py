"""The first line of a table: names, an example, or a question; and cells that are no plain numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpsearch import errors
from hpsearch.data import UPLOAD
from hpsearch.data.examples import read_table
from hpsearch.data.parse import table as reader
from hpsearch.data.parse.request import Request

IRIS = "5.1,3.5,1.4,0.2,Iris-setosa\n4.9,3.0,1.4,0.2,Iris-setosa\n7.0,3.2,4.7,1.4,Iris-versicolor\n"
WINE = "1,14.23,1.71,2.43\n1,13.2,1.78,2.14\n2,12.4,2.1,2.2\n"
COUNTED = "0,1,2,3,4\n5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n"


def read(path: Path, **options):
    return reader.read(Request(reader.read, out="", path=str(path), **options), UPLOAD)


@pytest.mark.parametrize(
    "text",
    [
        IRIS,
        WINE,
        "150,4,setosa,versicolor\n5.1,3.5,1.4,0\n4.9,3.0,1.4,0\n",
        "2019,2020,kind\n1,2,a\n3,4,b\n",
        "True,False,yes\nFalse,True,no\nTrue,True,yes\n",
        "0,1,2\n1,0,2\n0,0,1\n",
    ],
    ids=["words last", "numbers alone", "counts of a file", "years", "flags", "whole numbers"],
)
def test_a_line_that_may_be_an_example_is_asked_about_with_both_readings(table, text):
    path = table(text)
    with pytest.raises(errors.InvalidDataset) as asked:
        read(path)
    (mistake,) = asked.value.mistakes
    assert mistake.path == "header"
    for said in ("As names", "As an example", "header=true", "header=false", "--no-header"):
        assert said in mistake.message
    rows = text.splitlines()
    assert len(read(path, header=True).y) == len(rows) - 1
    if "setosa,versicolor" not in text and "kind" not in text:
        whole = read(path, header=False)
        assert (len(whole.y), whole.names) == (len(rows), ())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b,kind\n1,2,x\n3,4,y\n", ("a", "b")),
        (COUNTED, ("0", "1", "2", "3")),
        ("0,1,2,class\n1,0,1,yes\n0,0,1,no\n", ("0", "1", "2")),
        ("1,2,3,kind\n1.5,0,1,yes\n0,0,1,no\n", ("1", "2", "3")),
        ("a,b,7\n1,2,x\n3,4,y\n", ("a", "b")),
    ],
)
def test_names_above_other_cells_and_counters_are_taken(table, text, names):
    assert read(table(text)).names == names


def test_the_columns_of_a_table_without_names_are_called_by_number(table):
    path = table(WINE)
    raw = read(path, header=False, label="0")
    assert raw.y.tolist() == ["1", "1", "2"]
    np.testing.assert_array_equal(raw.x.values[0], [14.23, 1.71, 2.43])
    with pytest.raises(errors.InvalidDataset, match="there are c1, c2, c3, c4"):
        read(path, header=False, label="alcohol")
    assert read(path, header=False, label="c1").y.tolist() == ["1", "1", "2"]


def test_a_label_called_by_a_word_of_the_first_line_says_that_it_has_names(table):
    assert read(table("7,8,kind\n1,2,a\n3,4,b\n"), label="kind").names == ("7", "8")


def test_examples_for_a_model_without_names_lose_no_line_in_silence(table):
    path = table("5.1,3.5\n4.9,3.0\n")
    with pytest.raises(errors.InvalidDataset, match="header=false"):
        read_table(path, ())
    assert read_table(path, (), header=False).tolist() == [[5.1, 3.5], [4.9, 3.0]]
    assert read_table(path, (), header=True).tolist() == [[4.9, 3.0]]
    assert read_table(table("a,b\n1,2\n"), ()).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a\n1\n2.5\n", [[1], [2.5]]),
        ("b\ta\n7\t1\n8\t2.5\n", [[1], [2.5]]),
        ('b;a\n"x y";1,5\nz;2,5\n', [[1.5], [2.5]]),
        ("a,b\n3,x\n", [[3]]),
    ],
)
def test_examples_for_a_model_are_read_as_datasets_are(table, text, values):
    assert read_table(table(text), ("a",)).tolist() == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("b,c\n1,2\n", "lacks the column 'a'"),
        ("a,b\n", "no examples|no rows"),
        ("a,b\n1,x\nred,y\n", "'red'"),
    ],
)
def test_examples_that_a_model_cannot_take_are_named(table, text, said):
    with pytest.raises(errors.UserError, match=said):
        read_table(table(text), ("a",))


@pytest.mark.parametrize(("no", "yes"), [("False", "True"), ("FALSE", "TRUE"), ("false", "true")])
def test_true_and_false_are_1_and_0_for_a_search_and_for_a_prediction(table, no, yes):
    path = table(f"a,b,kind\n{yes},2.5,x\n{no},3,y\n")
    assert read(path).x.values.tolist() == [[1, 2.5], [0, 3]]
    assert read_table(path, ("a", "b")).tolist() == [[1, 2.5], [0, 3]]


def test_true_beside_other_numbers_is_refused(table):
    with pytest.raises(errors.InvalidDataset, match=r"'a'.*True or False beside numbers"):
        read(table("a,b,kind\nTrue,2.5,x\n3,3,y\n"))


@pytest.mark.parametrize("cell", ["NA", "?", "null", "None", "#N/A", "-"])
def test_a_missing_number_is_not_called_a_word(table, cell):
    path = table(f"a,b,kind\n1,2.5,x\n{cell},3,y\n")
    np.testing.assert_array_equal(read(path).x.values, [[1, 2.5], [np.nan, 3]])
    with pytest.raises(errors.InvalidRequest, match="the value is missing"):
        read_table(path, ("a", "b"))


def test_a_first_column_without_a_name_is_left_out_as_a_counter_of_rows(table):
    raw = read(table(",a,kind\n0,1,x\n1,2,y\n"))
    assert raw.names == ("a",)
    assert [one.kind for one in raw.left_out] == ["index"]
