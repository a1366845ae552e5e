"""Properties of the split and the scaling, over arrays that hypothesis makes up."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hpsearch import errors
from hpsearch.data import fit_scaling, split, split_folds

FRACTIONS = st.floats(0.01, 0.99)
SEEDS = st.integers(0, 2**63)
COUNTS = st.lists(st.integers(2, 60), min_size=1, max_size=8)


@st.composite
def labels(draw: st.DrawFn) -> np.ndarray:
    counts = draw(COUNTS)
    y = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(draw(SEEDS)).permutation(y)


@given(labels(), FRACTIONS, SEEDS)
def test_parts_are_disjoint_cover_all_rows_and_ascend(y, fraction, seed):
    parts = split(y, fraction=fraction, seed=seed)
    both = np.concatenate([parts.train, parts.validation])
    assert sorted(both) == list(range(len(y)))
    assert (np.diff(parts.train) > 0).all()
    assert (np.diff(parts.validation) > 0).all()


@given(labels(), FRACTIONS, SEEDS)
def test_every_class_is_on_both_sides_within_one_example(y, fraction, seed):
    parts = split(y, fraction=fraction, seed=seed)
    for code, count in enumerate(np.bincount(y)):
        taken = int((y[parts.validation] == code).sum())
        assert 1 <= taken <= count - 1
        assert abs(taken - fraction * count) < 1 + 1e-9


@given(st.integers(2, 8), st.integers(10, 60), st.integers(0, 2**32))
def test_the_total_is_the_rounded_fraction_where_no_class_is_small(classes, size, seed):
    y = np.repeat(np.arange(classes), size)
    parts = split(y, fraction=0.23, seed=seed)
    assert abs(len(parts.validation) - 0.23 * classes * size) <= 0.5 + 1e-9


@given(labels(), FRACTIONS, SEEDS)
def test_the_split_depends_on_its_arguments_alone(y, fraction, seed):
    first = split(y, fraction=fraction, seed=seed)
    np.random.seed(1)
    again = split(y.astype(np.uint16), fraction=fraction, seed=seed)
    assert np.array_equal(first.validation, again.validation)


def test_the_split_is_the_same_for_ever():
    """Stored rows of a published split: a change here changes every stored search."""
    parts = split(np.arange(30) % 3, fraction=0.2, seed=42)
    assert parts.validation.tolist() == [4, 8, 15, 17, 27, 28]


def test_another_seed_gives_another_split():
    y = np.arange(1000) % 10
    found = {tuple(split(y, fraction=0.2, seed=seed).validation) for seed in range(20)}
    assert len(found) == 20


def test_each_row_is_as_likely_as_any_other():
    y = np.arange(200) % 4
    chosen = np.zeros(200)
    for seed in range(2000):
        chosen[split(y, fraction=0.2, seed=seed).validation] += 1
    # 400 expected; binomial deviation 17.9, so 5 deviations leave 1e-4 for 200 rows.
    assert np.abs(chosen - 400).max() < 90


def test_a_class_that_does_not_occur_is_no_mistake():
    parts = split(np.array([0, 0, 2, 2]), fraction=0.5, seed=0)
    assert len(parts.train) == len(parts.validation) == 2


def test_a_class_with_one_example_is_named():
    with pytest.raises(errors.InvalidDataset, match="class number 1 has one example") as found:
        split(np.array([0, 0, 1]), fraction=0.2, seed=0)
    assert found.value.mistakes[0].path == "y"


@given(labels(), st.integers(2, 9), SEEDS)
def test_folds_cover_every_row_once(y, folds, seed):
    folds = min(folds, len(y))
    parts = split_folds(y, folds=folds, seed=seed)
    assert len(parts) == folds
    assert sorted(np.concatenate([p.validation for p in parts])) == list(range(len(y)))
    for p in parts:
        assert np.array_equal(np.union1d(p.train, p.validation), np.arange(len(y)))
        assert len(p.train) + len(p.validation) == len(y)
        assert (np.diff(p.train) > 0).all()
        assert (np.diff(p.validation) > 0).all()


@given(labels(), st.integers(2, 9), SEEDS)
def test_folds_have_as_many_of_each_class_as_can_be(y, folds, seed):
    folds = min(folds, len(y))
    parts = split_folds(y, folds=folds, seed=seed)
    classes = len(np.unique(y))
    for counts in (
        [len(p.validation) for p in parts],
        *([int((y[p.validation] == code).sum()) for p in parts] for code in range(classes)),
    ):
        assert max(counts) - min(counts) <= 1
    for p in parts:
        assert len(np.unique(y[p.train])) == classes


@given(labels(), SEEDS)
def test_folds_depend_on_their_arguments_alone(y, seed):
    first = split_folds(y, folds=2, seed=seed)
    np.random.seed(1)
    again = split_folds(y.astype(np.uint16), folds=2, seed=(seed,))
    assert all(
        np.array_equal(a.validation, b.validation) for a, b in zip(first, again, strict=True)
    )


def test_the_folds_are_the_same_for_ever():
    parts = split_folds(np.arange(12) % 2, folds=3, seed=42)
    assert [p.validation.tolist() for p in parts] == [[1, 4, 6, 7], [0, 8, 9, 11], [2, 3, 5, 10]]


def test_another_seed_gives_other_folds():
    y = np.arange(1000) % 10
    found = {tuple(split_folds(y, folds=5, seed=(7, k))[0].validation) for k in range(20)}
    assert len(found) == 20


@pytest.mark.parametrize("folds", [-1, 0, 1, 5])
def test_folds_that_cannot_be_made_are_a_mistake(folds):
    with pytest.raises(errors.InvalidSpec, match="of 4 examples") as found:
        split_folds(np.array([0, 0, 1, 1]), folds=folds, seed=0)
    assert found.value.mistakes[0].path == "validation.folds"


def test_a_class_with_one_example_makes_no_folds():
    with pytest.raises(errors.InvalidDataset, match="class number 1 has one example"):
        split_folds(np.array([0, 0, 1]), folds=2, seed=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_outside_zero_and_one_is_a_mistake(fraction):
    with pytest.raises(errors.InvalidSpec, match="between 0 and 1") as found:
        split(np.array([0, 0, 1, 1]), fraction=fraction, seed=0)
    assert found.value.mistakes[0].path == "validation_fraction"


def test_the_split_is_the_same_in_another_process():
    code = (
        "import numpy as np; from hpsearch.data import split; "
        "print(split(np.arange(500) % 7, fraction=.3, seed=9).validation.tolist())"
    )
    here = split(np.arange(500) % 7, fraction=0.3, seed=9).validation.tolist()
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(here)


TABLES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(2, 40), st.integers(1, 6)),
    # Whole numbers of 1/64: no deviation so small that its inverse leaves float32.
    elements=st.integers(-(2**26), 2**26).map(lambda n: n / 64),
)


@given(TABLES)
def test_tabular_features_are_fed_with_mean_0_and_deviation_1(x):
    scaling = fit_scaling(x, np.arange(len(x)), kind="tabular")
    exact = x.astype(np.float64)
    constant = (x == x[0]).all(axis=0)
    assert (scaling.scale[constant] == 0).all()
    np.testing.assert_allclose(scaling.shift, exact.mean(axis=0), rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(
        scaling.scale[~constant], 1 / exact[:, ~constant].std(axis=0), rtol=1e-5
    )
    assert np.isfinite((x - scaling.shift) * scaling.scale).all()


IMAGES = arrays.arrays(np.uint8, st.tuples(st.integers(2, 40), st.integers(1, 12)))


@given(IMAGES)
def test_pixels_share_one_scale_and_dead_ones_are_fed_as_0(x):
    scaling = fit_scaling(x, np.arange(len(x)), kind="image")
    dead = (x == x[0]).all(axis=0)
    assert len(set(scaling.scale[~dead].tolist())) <= 1
    fed = (x - scaling.shift) * scaling.scale
    assert (fed[:, dead] == 0).all()
    if not dead.all():
        assert np.isclose(fed[:, ~dead].var(axis=0).mean(), 1, rtol=1e-4)


@given(IMAGES, st.integers(1, 5), st.integers(0, 255))
def test_a_border_of_one_grey_changes_nothing(x, width, grey):
    rows = np.arange(len(x))
    framed = np.hstack([np.full((len(x), width), grey, np.uint8), x])
    inner = fit_scaling(framed, rows, kind="image").scale[width:]
    np.testing.assert_allclose(inner, fit_scaling(x, rows, kind="image").scale, rtol=1e-6)


@given(TABLES, st.integers(0, 2**32))
def test_only_the_given_rows_count(x, seed):
    rows = np.random.default_rng(seed).permutation(len(x))[: max(1, len(x) // 2)]
    changed = np.full_like(x, 12345.0)
    changed[rows] = x[rows]
    first, second = (fit_scaling(part, rows, kind="tabular") for part in (x, changed))
    assert np.array_equal(first.shift, second.shift)
    assert np.array_equal(first.scale, second.scale)


def test_blocks_make_no_difference_to_whole_numbers():
    x = np.random.default_rng(0).integers(0, 256, (3000, 400)).astype(np.uint8)
    scaling = fit_scaling(x, np.arange(3000), kind="image")
    assert np.array_equal(scaling.shift, x.mean(axis=0).astype(np.float32))


def test_a_column_of_the_smallest_numbers_counts_as_constant():
    x = np.array([[0.0], [1e-44]], dtype=np.float32)
    assert fit_scaling(x, np.arange(2), kind="tabular").scale.tolist() == [0.0]


def test_images_of_one_grey_are_fed_as_0():
    x = np.full((4, 3), 9, np.uint8)
    assert fit_scaling(x, np.arange(4), kind="image").scale.tolist() == [0.0] * 3


def test_scaling_needs_rows():
    with pytest.raises(errors.InvalidDataset, match="no rows"):
        fit_scaling(np.zeros((3, 2), np.float32), np.array([], np.intp), kind="tabular")
