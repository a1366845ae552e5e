"""From labels to classes."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import errors
from hpsearch.data import UPLOAD, Limits
from hpsearch.data.parse.labels import encode
from hpsearch.data.parse.raw import Features, Raw


def raw(y, y_test=None, classes=()) -> Raw:
    def features(labels):
        return Features(np.zeros((len(labels), 1), np.float32), (1,), "tabular")

    y = np.asarray(y)
    if y_test is None:
        return Raw(features(y), y, classes=classes)
    y_test = np.asarray(y_test)
    return Raw(features(y), y, features(y_test), y_test, classes=classes)


def refused(*args, **options) -> errors.InvalidDataset:
    with pytest.raises(errors.InvalidDataset) as found:
        encode(raw(*args, **options), UPLOAD)
    return found.value


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([10, 9, -1], ("-1", "9", "10")),
        ([2.0, 1.0, 3.0], ("1", "2", "3")),
        ([True, False], ("0", "1")),
        (["10", "9", "2"], ("2", "9", "10")),
        (["1.0", "2.", "3"], ("1", "2", "3")),
        (["pear", "apple", "Fig"], ("Fig", "apple", "pear")),
        (["007", "8"], ("007", "8")),
        (["1", "b"], ("1", "b")),
        (["1_0", "2"], ("1_0", "2")),
        (["1e3", "2"], ("1e3", "2")),
        (["NA", "None", "pear"], ("NA", "None", "pear")),
    ],
)
def test_classes_come_in_order_of_number_or_alphabet(labels, classes):
    found = encode(raw(labels * 3), UPLOAD)
    assert found.classes == classes
    assert found.y.dtype == np.int64
    assert len(set(zip(labels * 3, found.y.tolist(), strict=True))) == len(classes)


def test_two_spellings_of_one_number_are_one_class():
    found = encode(raw(["1", "1.0", "1", "2", "2.0", "2"]), UPLOAD)
    assert found.classes == ("1", "2")
    assert found.y.tolist() == [0, 0, 0, 1, 1, 1]


def test_the_test_part_is_numbered_by_the_classes_of_the_training_part():
    found = encode(raw([5, 7, 9] * 2, [9, 5]), UPLOAD)
    assert found.y_test.tolist() == [2, 0]


def test_known_words_name_the_numbers():
    assert encode(raw([0, 1] * 3, classes=("no", "yes")), UPLOAD).classes == ("no", "yes")
    assert "not the numbers 0 to 1" in str(refused([1, 2] * 3, classes=("no", "yes")))


@pytest.mark.parametrize("labels", [[0.5, 1.5] * 5, ["0.5", "1"] * 5, [1e300, 1.0] * 5])
def test_measured_quantities_are_not_classes(labels):
    assert "labels are not classes" in str(refused(labels))


def test_a_number_for_almost_every_example_is_not_a_class():
    assert "labels are not classes" in str(refused(range(100)))
    assert "labels are not classes" in str(refused([f"name {n}" for n in range(100)]))


def test_missing_labels_are_named_by_row():
    assert refused([0.0, np.nan, 1.0]).mistakes[0].path == "y[1]"


@pytest.mark.parametrize("word", ["", " ", "a\x00b", "a\nb", "\ud800"])
def test_words_that_cannot_be_stored_are_refused(word):
    assert refused([word, "b"] * 3).mistakes[0].path == "y"


def test_long_words_are_refused():
    assert "more than 64 characters" in str(refused(["a" * 65, "b"] * 3))


def test_one_class_is_too_few_and_a_thousand_and_one_too_many():
    assert "all 6 examples are of class 3" in str(refused([3] * 6))
    assert "1,001 classes, at most 1,000" in str(refused(list(range(1001)) * 3))
    found = encode(raw(list(range(1001)) * 3), Limits(classes=1001))
    assert len(found.classes) == 1001


def test_every_class_needs_an_example_for_each_part():
    error = refused(["a", "b"] * 3 + ["c", "d", "d"])
    assert [m.message.split(";")[0] for m in error.mistakes] == [
        "class c has one example",
        "class d has 2 examples",
    ]
    assert "3 are needed, one each for training, validation and test" in str(error)
    assert "and 1 other classes" in str(error)
    assert encode(raw(["a", "b"] * 2, ["a"]), UPLOAD).classes == ("a", "b")
    assert "2 are needed" in str(refused(["a", "b", "b"], ["a"]))


def test_classes_of_the_test_part_alone_are_named():
    error = refused([1, 2] * 2, list(range(1, 20)))
    assert error.mistakes[0].path == "y_test"
    assert "classes 3, 4, 5" in str(error)
    assert "…" in str(error)
