"""Halving where every trial has a trainer of its own, and nobody waits for the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hpsearch.spec import schedule
from hpsearch.spec.halving import Standing, halved, surely_out

RUNGS = (1, 2, 4)


def standing(score: float, loss: float = 0.0) -> Standing:
    return Standing(score, loss)


def places(known: object, rungs: tuple[int, ...] = RUNGS) -> tuple[int, ...]:
    return schedule.cohort_sizes(len(known), rungs)  # type: ignore[arg-type]  # a mapping


class TestHalved:
    def test_the_better_half_goes_on_at_every_rung(self):
        known = {i: {e: standing(i) for e in RUNGS} for i in range(8)}
        assert halved(known, RUNGS, places(known)) == {
            0: 1, 1: 1, 2: 1, 3: 1, 4: 2, 5: 2,
        }  # fmt: skip

    def test_who_diverged_before_a_rung_takes_nobodys_place(self):
        known = {i: {1: standing(i), 2: standing(i)} for i in range(8)}
        known[7] = {}
        known[6] = {1: standing(6)}
        assert halved(known, RUNGS, places(known)) == {0: 1, 1: 1, 2: 1, 3: 2}

    def test_equal_scores_fall_to_the_higher_loss_and_then_to_the_younger(self):
        known = {i: {1: standing(1.0, loss)} for i, loss in enumerate((2.0, 1.0, 2.0, 2.0))}
        assert halved(known, (1, 2), places(known, (1, 2))) == {2: 1, 3: 1}

    def test_without_a_rung_before_the_last_nobody_is_stopped(self):
        known = {i: {4: standing(i)} for i in range(8)}
        assert halved(known, (4,), places(known, (4,))) == {}


class TestSurelyOut:
    def test_a_trial_is_out_once_as_many_as_go_on_are_better(self):
        known = {i: {1: standing(i)} if i < 3 else {} for i in range(4)}
        assert surely_out(0, known, RUNGS, places(known))
        assert not surely_out(1, known, RUNGS, places(known))

    def test_who_was_behind_before_may_not_come_so_far_and_does_not_count(self):
        """Trial 3 overtakes trial 0 at the second rung, if it gets there at all."""
        known = {
            0: {1: standing(5), 2: standing(5)},
            1: {1: standing(6), 2: standing(6)},
            2: {1: standing(4), 2: standing(7)},
            **{i: {} for i in range(3, 8)},
        }
        assert not surely_out(0, known, RUNGS, places(known))
        known[2] = {1: standing(7), 2: standing(7)}
        assert surely_out(0, known, RUNGS, places(known))

    def test_the_last_rung_stops_nobody(self):
        known = {i: {4: standing(i)} for i in range(8)}
        assert not surely_out(0, known, (4,), places(known, (4,)))


scores = st.integers(0, 5).map(float)  # few values: ties matter
curves = st.lists(st.tuples(scores, scores, scores), min_size=2, max_size=9)


@given(curves, st.data())
def test_whoever_was_told_to_stop_is_stopped_when_all_is_known(curves, data):
    """In whatever order reports come, and with whoever diverging on the way."""
    ends = [data.draw(st.integers(0, len(RUNGS))) for _ in curves]
    full = {
        i: {e: standing(s) for e, s in zip(RUNGS[:end], curve[:end], strict=True)}
        for i, (curve, end) in enumerate(zip(curves, ends, strict=True))
    }
    known: dict[int, dict[int, Standing]] = {i: {} for i in full}
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
