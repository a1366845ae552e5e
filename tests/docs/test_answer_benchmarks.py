"""The benchmarks of the answer: their statistics, their list and what is stored of them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.answers import listed, page, peer_loop
from benchmarks.answers.problems import FAMILIES, TREE, Tree, drawn
from benchmarks.answers.run import ROWS
from benchmarks.answers.statistics import Difference, Mean, Share, by_pair, paired


def test_one_training_each_is_paired_by_example() -> None:
    one, other = np.array([[1.0, 1, 0, 1]]), np.array([[1.0, 0, 0, 0]])
    difference = paired(one, other)
    assert difference.value == 0.5
    assert difference.error == pytest.approx(np.std([0, 1, 0, 1], ddof=1) / 2)


def test_the_luck_of_trainings_counts_beyond_that_of_examples() -> None:
    same = np.tile([1.0, 0, 1, 1], (3, 1))
    assert paired(same, same) == Difference(0.0, 0.0)
    shifted = same + np.array([[0.0], [0.3], [-0.3]])  # all examples of a training at once
    by_example = np.var([0.0, 0.3, -0.3], ddof=1) / 4
    assert paired(shifted, same).error == pytest.approx(np.sqrt((0.09 - by_example) / 3))


def test_equal_settings_are_called_worse_as_rarely_as_two_errors_say() -> None:
    rng = np.random.default_rng(5)
    chances = rng.uniform(0.3, 1.0, (1, 400))
    drawn_ones = [
        paired(*(rng.random((5, 400)) < chances for _ in range(2))) for _ in range(1000)
    ]  # fmt: skip
    worse = [one.worse for one in drawn_ones]
    assert 0.01 <= np.mean(worse) <= 0.04
    assert 0.01 <= np.mean([one.better for one in drawn_ones]) <= 0.04


def test_shares_and_means_tell_how_sure_they_are() -> None:
    share = Share.among([True] + [False] * 49)
    assert (share.hits, share.of, share.value) == (1, 50, 0.02)
    assert share.interval == pytest.approx((0.000506, 0.106469), rel=1e-3)
    assert Mean.of([1.0, 3.0]) == Mean(2.0, 1.0, 2)
    pair = by_pair({("a", 0): 1.0, ("a", 1): 3.0, ("b", 0): 9.0}, {("a", 0): 0.0, ("a", 1): 0.0})
    assert pair == Mean(2.0, 1.0, 2)
    assert by_pair({("a", 0): 1.0}, {}) is None


def test_an_interval_holds_zero_or_there_is_no_verdict() -> None:
    assert page.holds_zero({"same": True}) is True
    assert page.holds_zero({"same": False, "gain": [0.1, -0.1, 0.3]}) is True
    assert page.holds_zero({"same": False, "gain": [0.1, 0.01, 0.3]}) is False
    assert page.holds_zero({"same": False, "gain": [0.1, None, None]}) is None


def test_what_is_stored_belongs_to_the_list() -> None:
    worse = {(table, seed) for table in listed.TABLES for seed in range(listed.SEEDS)}
    for part, keys, wanted in (
        ("worse", ("table", "seed"), worse),
        ("nulls", ("kind", "table", "seed"), set(listed.nulls())),
        ("conditional", ("contender", "problem", "seed"), set(listed.conditional())),
    ):
        rows = page.rows_of(ROWS, part)
        stored = [tuple(row[key] for key in keys) for row in rows]
        assert stored
        assert len(set(stored)) == len(stored)
        assert set(stored) <= wanted


def test_random_settings_have_active_values_alone() -> None:
    rng = np.random.default_rng(3)
    for space in (TREE, FAMILIES):
        for _ in range(50):
            params = drawn(space, rng)
            assert params.keys() == {
                name for name in space if peer_loop.active(space, name, params)
            }


@pytest.mark.parametrize("seed", range(3))
def test_nothing_in_the_tree_is_better_than_its_best(seed: int) -> None:
    tree, rng = Tree(seed), np.random.default_rng(seed)
    values = [tree.truth(drawn(TREE, rng)) for _ in range(300)]
    assert max(values) <= tree.reference.best
    assert tree.reference.regret(tree.reference.median) == 1.0
    for name, best in tree.best_values.items():
        setting = next(p for p in iter(lambda: drawn(TREE, rng), None) if name in p)
        at_best = tree.truth({**setting, name: best})
        assert all(at_best >= tree.truth({**setting, name: p[name]}) for p in
                   (drawn(TREE, rng) for _ in range(100)) if name in p)  # fmt: skip


def test_a_tree_of_ax_has_a_name_for_each_level() -> None:
    assert peer_loop.ax_names(FAMILIES, "rho") == ["rho"]
    assert peer_loop.ax_names(FAMILIES, "eps") == ["eps_at_rmsprop", "eps_at_adam"]
    given = {"optimizer": "adam", "learning_rate": 0.1, "eps_at_adam": 1e-8, "beta1": 0.9}
    space = {name: FAMILIES[name] for name in ("optimizer", "learning_rate", "rho", "beta1", "eps")}
    assert peer_loop._active(space, given) == {
        "optimizer": "adam", "learning_rate": 0.1, "beta1": 0.9, "eps": 1e-8,
    }  # fmt: skip
