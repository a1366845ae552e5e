"""Splits by groups and by time: what may never happen, and the faults of others that are not ours."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.data import group_splits, time_splits
from hpsearch.data.fact_splits import Ways, lacking, splits
from hpsearch.data.row_facts import RowFacts

SIZES = np.maximum(1, (1000 * 0.8 ** np.arange(20)).astype(int))  # twenty uneven groups
NUMBERS = (np.arange(20, dtype=np.int64) + 1) * 7_919_000_003
UNEVEN = np.repeat(NUMBERS, SIZES)
RATE = (np.random.default_rng(0).random(len(UNEVEN)) < 0.21).astype(np.intp)


def ways(fraction: float = 0.2, folds: int | None = None, repeats: int = 1, seed: int = 0) -> Ways:
    return Ways(fraction, folds, repeats, (seed,), (seed, 8))


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups, times and classes of some rows."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=6, max_size=20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, groups = sum(sizes), np.repeat(rng.integers(-(2**62), 2**62, len(sizes)), sizes)
    mixed = rng.permutation(n)
    return groups[mixed], rng.integers(0, 12, n).astype(np.float64), rng.integers(0, 3, n)


@given(tables(), st.integers(2, 5), st.integers(0, 2**53))
def test_no_group_is_on_both_sides_of_any_split(table, count, seed) -> None:
    groups, _, y = table
    facts = RowFacts(groups=groups)
    folded = splits(y, facts, ways(folds=count, seed=seed))
    assert sorted(np.concatenate([one.validation for one in folded])) == list(range(len(y)))
    for one in (*folded, *splits(y, facts, ways(seed=seed))):
        assert not set(groups[one.train]) & set(groups[one.validation])
        assert len(one.train) + len(one.validation) == len(y)
        assert len(one.train)
        assert len(one.validation)
        assert (np.diff(one.train) > 0).all()


@given(tables(), st.integers(2, 5), st.booleans())
def test_nothing_later_trains_and_stamps_stay_whole(table, count, in_folds) -> None:
    _, time, y = table
    if len(np.unique(time)) <= count:
        return
    way = ways(folds=count) if in_folds else ways(0.15, repeats=count)
    found = splits(y, RowFacts(time=time), way)
    assert len(found) == count
    for one in found:
        assert time[one.train].max() < time[one.validation].min()
    latest = [time[one.validation].min() for one in found]
    assert latest == sorted(latest, reverse=True)  # the first split is the last stretch of time
    assert found[0].validation.size + found[0].train.size == len(y)
    for later, one in pairwise(found):  # one stretch before the other
        assert time[one.validation].max() < time[later.validation].min()
        assert set(later.train) == set(one.train) | set(one.validation)


@given(tables(), st.integers(0, 2**32))
def test_the_order_of_rows_moves_no_group(table, seed) -> None:
    groups, _, y = table
    mixed = np.random.default_rng(seed).permutation(len(y))
    held = group_splits.held_out(groups, y, fraction=0.2, seed=7)
    again = group_splits.held_out(groups[mixed], y[mixed], fraction=0.2, seed=7)
    assert np.array_equal(held[mixed], again)
    fold = group_splits.folds(groups, y, count=3, seed=7)
    assert np.array_equal(fold[mixed], group_splits.folds(groups[mixed], y[mixed], count=3, seed=7))


def test_the_splits_are_the_same_for_ever() -> None:
    """Groups of a published split: a change here changes every search by groups."""
    groups = np.repeat(np.arange(10, dtype=np.int64), 3)
    held = group_splits.held_out(groups, np.arange(30) % 3, fraction=0.2, seed=42)
    assert np.unique(groups[held]).tolist() == [2, 3]
    fold = group_splits.folds(groups, np.arange(30) % 3, count=3, seed=42)
    assert fold[::3].tolist() == [2, 0, 0, 1, 2, 0, 2, 1, 0, 1]


def test_uneven_groups_give_about_the_share_and_many_partitions() -> None:
    """GroupShuffleSplit: 9 to 41 % of the rows. StratifiedGroupKFold: one partition of 50 seeds."""
    shares, held, folded = [], set(), set()
    for seed in range(50):
        mask = group_splits.held_out(UNEVEN, RATE, fraction=0.2, seed=seed)
        shares.append(mask.mean())
        held.add(mask.tobytes())
        fold = group_splits.folds(UNEVEN, RATE, count=5, seed=seed)
        members = [frozenset(np.unique(UNEVEN[fold == k]).tolist()) for k in range(5)]
        folded.add(frozenset(members))
        rates = [RATE[fold == k].mean() for k in range(5)]
        assert 0.18 < min(rates) <= max(rates) < 0.26
    assert 0.19 < min(shares) <= max(shares) < 0.26
    assert len(held) > 25
    assert len(folded) > 45


def test_a_class_of_few_groups_is_in_every_fold_that_it_can_be_in() -> None:
    """One label a group: of 1,500 such tables StratifiedGroupKFold left 44 % without some class."""
    lacks = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 40, 24)
        label = np.repeat(rng.permutation(np.arange(24) % 4), sizes)  # six groups each
        groups = np.repeat(rng.integers(0, 2**60, 24), sizes)
        found = splits(label, RowFacts(groups=groups), ways(folds=5, seed=seed))
        lacks += any(lacking(label, found))
    assert lacks == 0


def test_a_class_of_one_group_trains() -> None:
    groups = np.repeat(np.arange(8, dtype=np.int64), 10)
    y = (groups == 3).astype(np.intp)
    for seed in range(20):
        (one,) = splits(y, RowFacts(groups=groups), ways(seed=seed))
        assert [(found.code, found.training) for found in lacking(y, [one])] == [(1, False)]


def test_repeats_differ_or_are_refused_with_their_number() -> None:
    groups = np.repeat(np.arange(4, dtype=np.int64), 5)
    y = np.arange(20) % 2
    found = splits(y, RowFacts(groups=groups), ways(0.25, repeats=4))
    assert len({one.validation.tobytes() for one in found}) == 4
    assert np.array_equal(
        found[0].validation, splits(y, RowFacts(groups=groups), ways(0.25))[0].validation
    )
    with pytest.raises(errors.InvalidSpec, match="4 different ways") as refused:
        splits(y, RowFacts(groups=groups), ways(0.25, repeats=5))
    assert refused.value.mistakes[0].path == "validation.repeats"


@pytest.mark.parametrize(
    ("facts", "way", "path", "said"),
    [
        ({"groups": [1, 1, 2, 2]}, {"folds": 3}, "validation.folds", "3 groups, and .* has 2"),
        ({"groups": [1, 1, 1, 1]}, {}, "dataset", "2 are needed"),
        ({"time": [1, 1, 2, 2]}, {"folds": 2}, "validation.folds", "3 stamps, and .* has 2"),
        ({"time": [1, 1, 1, 1]}, {}, "dataset", "2 are needed"),
        ({"time": [1, 2, 3, 4]}, {"repeats": 5}, "validation.repeats", "6 stamps, and .* has 4"),
        ({"time": list(range(20))}, {"repeats": 5}, "validation.repeats", "leave less than 20%"),
        (
            {"time": [1, 2, 3, 4], "groups": [1, 2, 1, 2]},
            {"folds": 2},
            "validation.folds",
            "0 stay for training",
        ),
    ],
)
def test_splits_that_cannot_be_are_refused(facts, way, path, said) -> None:
    rows = RowFacts(**{name: np.array(values) for name, values in facts.items()})
    with pytest.raises(errors.InvalidSpec, match=said) as refused:
        splits(np.zeros(len(next(iter(facts.values()))), np.intp), rows, ways(**way))
    assert refused.value.mistakes[0].path == path


def test_by_both_the_later_rows_are_of_groups_that_did_not_train() -> None:
    time = np.arange(60.0)
    groups = (np.arange(60) // 5).astype(np.int64)
    (one,) = splits(np.zeros(60, np.intp), RowFacts(groups=groups, time=time), ways(0.25))
    assert one.validation.tolist() == list(range(45, 60))
    assert one.train.tolist() == list(range(45))
    late = splits(np.zeros(60, np.intp), RowFacts(groups=groups, time=time), ways(0.3))[0]
    assert late.validation.tolist() == list(range(42, 60))
    assert late.train.tolist() == list(range(40))  # rows 40 and 41 are of a group with later rows


@pytest.mark.parametrize("fraction", [0.25, 0.2])
def test_a_stamp_goes_to_the_later_side_whole(fraction) -> None:
    window = time_splits.last(np.repeat([1.0, 2.0, 3.0], 4), fraction)
    assert np.flatnonzero(window.within).tolist() == [8, 9, 10, 11]
    assert np.flatnonzero(window.before).tolist() == list(range(8))


def test_rows_need_not_be_in_the_order_of_time() -> None:
    """TimeSeriesSplit cuts them as they lie, without a word."""
    time = np.random.default_rng(1).permutation(np.repeat(np.arange(30.0), 10))
    window = time_splits.last(time, 0.2)
    assert set(time[window.within]) == set(np.arange(24.0, 30.0))
    heavy = np.repeat([1.0, 2.0, 3.0, 4.0], [1, 97, 1, 1])  # most rows share one stamp
    rows = [int(one.within.sum()) for one in time_splits.windows(heavy, np.array([25, 50, 75]))]
    assert rows == [1, 1, 97]


def test_very_many_groups_are_split_as_well() -> None:
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 6_000, 20_000)
    held = group_splits.held_out(groups, rng.integers(0, 3, 20_000), fraction=0.2, seed=1)
    assert not set(groups[held]) & set(groups[~held])
    assert abs(held.mean() - 0.2) < 0.005
