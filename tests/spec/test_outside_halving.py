"""Halving where every trial has a trainer of its own, and nobody waits for the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.spec import schedule
from hpsearch.spec.halving import RungScore, halved, surely_out

RUNGS = (1, 2, 4)


def scored(score: float, loss: float = 0.0) -> RungScore:
    return RungScore(score, loss)


def places(known: object, rungs: tuple[int, ...] = RUNGS) -> tuple[int, ...]:
    return schedule.cohort_sizes(len(known), rungs)  # type: ignore[arg-type]  # a mapping


class TestHalved:
    def test_the_better_half_goes_on_at_every_rung(self):
        known = {i: {e: scored(i) for e in RUNGS} for i in range(8)}
        assert halved(known, RUNGS, places(known)) == {
            0: 1, 1: 1, 2: 1, 3: 1, 4: 2, 5: 2,
        }  # fmt: skip

    def test_who_diverged_before_a_rung_takes_nobodys_place(self):
        known = {i: {1: scored(i), 2: scored(i)} for i in range(8)}
        known[7] = {}
        known[6] = {1: scored(6)}
        assert halved(known, RUNGS, places(known)) == {0: 1, 1: 1, 2: 1, 3: 2}

    def test_equal_scores_fall_to_the_higher_loss_and_then_to_the_younger(self):
        known = {i: {1: scored(1.0, loss)} for i, loss in enumerate((2.0, 1.0, 2.0, 2.0))}
        assert halved(known, (1, 2), places(known, (1, 2))) == {2: 1, 3: 1}

    def test_without_a_rung_before_the_last_nobody_is_stopped(self):
        known = {i: {4: scored(i)} for i in range(8)}
        assert halved(known, (4,), places(known, (4,))) == {}


class TestSurelyOut:
    def test_a_trial_is_out_once_as_many_as_go_on_are_better(self):
        known = {i: {1: scored(i)} if i < 3 else {} for i in range(4)}
        assert surely_out(0, known, RUNGS, places(known))
        assert not surely_out(1, known, RUNGS, places(known))

    def test_who_was_behind_before_may_not_come_so_far_and_does_not_count(self):
        """Trial 3 overtakes trial 0 at the second rung, if it gets there at all."""
        known = {
            0: {1: scored(5), 2: scored(5)},
            1: {1: scored(6), 2: scored(6)},
            2: {1: scored(4), 2: scored(7)},
            **{i: {} for i in range(3, 8)},
        }
        assert not surely_out(0, known, RUNGS, places(known))
        known[2] = {1: scored(7), 2: scored(7)}
        assert surely_out(0, known, RUNGS, places(known))

    def test_the_last_rung_stops_nobody(self):
        known = {i: {4: scored(i)} for i in range(8)}
        assert not surely_out(0, known, (4,), places(known, (4,)))


def spent(size: int, rungs: tuple[int, ...], trainers: int, noise: float, seed: int) -> int:
    """Epochs that so many trainers spend on a cohort when they report every one of them."""
    rng = np.random.default_rng([seed, trainers])
    worth = rng.standard_normal(size)
    full = {e: worth + noise * rng.standard_normal(size) for e in rungs}
    known: dict[int, dict[int, RungScore]] = {i: {} for i in range(size)}
    waiting, held, total = list(range(size)), dict[int, tuple[int, int]](), 0
    while waiting or held:
        for trainer in range(trainers):
            if trainer not in held and waiting:
                held[trainer] = waiting.pop(0), 0
        for trainer, (i, before) in list(held.items()):
            epoch = before + 1
            total += 1
            if epoch in rungs:
                known[i][epoch] = scored(float(full[epoch][i]))
            held[trainer] = i, epoch
            if epoch == rungs[-1] or surely_out(i, known, rungs, places(known, rungs)):
                del held[trainer]
    return total


@pytest.mark.parametrize(
    ("trainers", "low", "high"), [(1, 0.71, 0.79), (4, 0.65, 0.74), (8, 0.54, 0.62)]
)
def test_what_it_costs_that_nobody_waits(trainers, low, high):
    """The figures of decision 0013: the plan is half of training everything in full."""
    for noise in (0.0, 0.5):
        share = np.mean([spent(8, (2, 4, 8), trainers, noise, seed) for seed in range(300)]) / 64
        assert low < share < high


scores = st.integers(0, 5).map(float)  # few values: ties matter
curves = st.lists(st.tuples(scores, scores, scores), min_size=2, max_size=9)


@given(curves, st.data())
def test_whoever_was_told_to_stop_is_stopped_when_all_is_known(curves, data):
    """In whatever order reports come, and with whoever diverging on the way."""
    ends = [data.draw(st.integers(0, len(RUNGS))) for _ in curves]
    full = {
        i: {e: scored(s) for e, s in zip(RUNGS[:end], curve[:end], strict=True)}
        for i, (curve, end) in enumerate(zip(curves, ends, strict=True))
    }
    known: dict[int, dict[int, RungScore]] = {i: {} for i in full}
    told: dict[int, int] = {}
    while waiting := [i for i in full if len(known[i]) < len(full[i]) and i not in told]:
        i = data.draw(st.sampled_from(waiting))
        epoch = RUNGS[len(known[i])]
        known[i][epoch] = full[i][epoch]
        if surely_out(i, known, RUNGS, places(known)):
            told[i] = epoch
    everything = halved(full, RUNGS, places(full))
    assert all(everything[i] <= epoch for i, epoch in told.items())
    assert halved(known, RUNGS, places(known)) == everything
