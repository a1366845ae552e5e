"""ARFF and Orange: kinds, levels and roles that the file states itself."""

from __future__ import annotations

import pytest

ARFF = """% made by hand
@RELATION plants
@ATTRIBUTE rain\t\t{lt-norm,norm, gt-norm}
@attribute 'leaf size' numeric
@attribute job { 'no, not yet', other, '?'}
@attribute "name" STRING
@attribute class {a,b}
@DATA
norm, 1.5, 'no, not yet', 'O\\'Hara', a
% a comment

?, ?, '?', "x", b
lt-norm, -2e3, other, ?, a
"""


def test_kinds_and_levels_come_from_the_header(read, columns):
    frame = read(ARFF)
    assert columns(frame) == {
        "rain": ["norm", "", "lt-norm"],
        "leaf size": ["1.5", "", "-2e3"],
        "job": ["no, not yet", "?", "other"],
        "name": ["O'Hara", "x", ""],
        "class": ["a", "b", "a"],
    }
    rain, size, job, name, label = frame.columns
    assert (rain.declared, rain.levels) == ("category", ("lt-norm", "norm", "gt-norm"))
    assert (size.declared, size.levels) == ("number", ())
    assert job.levels == ("no, not yet", "other", "?")
    assert name.declared is None
    assert label.levels == ("a", "b")
    assert frame.first_row == 9


def test_a_sparse_row_has_zero_and_the_first_level_for_what_it_omits(read, columns):
    text = "@relation s\n@attribute x real\n@attribute y integer\n@attribute c {no,yes}\n@data\n"
    frame = read(text + "{0 1.5, 2 yes}\n{}\n{1 ?}\n{ 1 -3 }\n1,2,no\n")
    assert columns(frame) == {
        "x": ["1.5", "0", "0", "0", "1"],
        "y": ["0", "0", "", "-3", "2"],
        "c": ["yes", "no", "no", "no", "no"],
    }


def test_keel_names_the_label_and_bounds(read):
    frame = read(
        "@relation k\n@attribute x real [0.0, 1.5]\n@attribute c {a, b}\n@inputs x\n"
        "@outputs c\n@data\n0.5, a\n1.0, b\n"
    )
    assert [one.role for one in frame.columns] == ["feature", "label"]


HEAD = "@relation r\n@attribute x numeric\n@attribute c {a,b}\n"


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        (HEAD, "file", "no @data line"),
        (HEAD + "@data\n", "x", "no rows"),
        ("@relation r\n@data\n1\n", "header", "before any @attribute"),
        (HEAD + "@data\n1,c\n", "line 5", "none of the values that attribute 'c' lists"),
        (HEAD + "@data\n1,a\n1\n1,a,b\n", "line 6", "has 1 values for 2"),
        (HEAD + "@data\n1,'a\n", "line 5", "quote is not closed"),
        (HEAD + "@data\n{5 a}\n", "line 5", "names attribute 5"),
        (HEAD + "@data\n{0 1 1 a\n", "line 5", "quote"),
        ("@relation r\n@attribute bag relational\n", "header", "one row of plain values"),
        ("@relation r\n@attribute x colour\n", "header", "of the type 'colour'"),
        ("@relation r\n@attribute c {a,b\n@data\na\n", "header", "no closing"),
        ("@relation r\n@attribute c {a,,b}\n@data\na\n", "header", "cannot be told apart"),
        ("@relation r\nrubbish\n", "header", "no line of an ARFF header"),
        (HEAD + "@attribute x numeric\n@data\n1,a,2\n", "header[2]", "twice"),
    ],
)
def test_mistakes_are_named(refused, text, path, said):
    error = refused(text)
    assert error.mistakes[0].path == path
    assert said in str(error)


def test_all_mistakes_are_listed_up_to_twenty(refused):
    assert len(refused(HEAD + "@data\n" + "1,c\n" * 500).mistakes) == 20


ORANGE = (
    "age\tgender\trest ECG\tslope\tid\tnarrow\n"
    "c\td\tnormal left\\ vent\\ hyper\tup flat down\ts\t0 1\n"
    "\t\t\t\tmeta\tclass\n"
    "63\tmale\tleft vent hyper\tdown\tA1\t0\n"
    "67\t?\tnormal\t\tA2\t1\n"
)


def test_three_lines_of_orange_are_types_and_roles(read, columns):
    frame = read(ORANGE)
    assert columns(frame)["gender"] == ["male", ""]
    assert columns(frame)["slope"] == ["down", ""]
    age, gender, ecg, slope, name, label = frame.columns
    assert [age.declared, gender.declared, name.declared] == ["number", "category", "text"]
    assert ecg.levels == ("normal", "left vent hyper")
    assert slope.levels == ("up", "flat", "down")
    assert (name.role, label.role, age.role) == ("left_out", "label", "feature")
    assert label.levels == ("0", "1")
    assert frame.first_row == 4
    assert read(ORANGE, header=1).rows == 4


def test_a_table_that_looks_a_little_like_orange_is_none(read):
    frame = read("a\tb\nc\td\ne\tf\ng\th\n")
    assert frame.rows == 3
