from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hpsearch.supervisor.restarts import (
    FIRST_DELAY,
    LONGEST_DELAY,
    MISCONFIGURED,
    QUICK,
    QUICK_DEATHS,
    Restarts,
)

LIVES = st.lists(st.tuples(st.floats(0, 100), st.integers(-15, 255)), max_size=60)


def test_a_process_that_never_starts_is_given_up():
    history = Restarts()
    delays = [history.after(lived=0.1, code=1) for _ in range(QUICK_DEATHS)]
    assert delays == [0.5, 1.0, 2.0, 4.0, None]


def test_a_process_that_can_never_start_is_given_up_at_once():
    assert Restarts().after(lived=0.1, code=MISCONFIGURED) is None


def test_a_process_that_once_ran_is_started_for_ever():
    history = Restarts()
    assert history.after(lived=QUICK, code=1) == FIRST_DELAY
    delays = [history.after(lived=0.1, code=MISCONFIGURED) for _ in range(2000)]
    assert delays[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert set(delays[8:]) == {LONGEST_DELAY}


def test_a_long_life_starts_the_count_again():
    history = Restarts()
    for _ in range(QUICK_DEATHS - 1):
        assert history.after(lived=1, code=1) is not None
    assert history.after(lived=QUICK + 1, code=1) == FIRST_DELAY
    assert history.after(lived=1, code=1) == FIRST_DELAY


@given(LIVES)
def test_delays_stay_within_their_bounds(lives):
    history = Restarts()
    proven = False
    for lived, code in lives:
        proven = proven or lived >= QUICK
        delay = history.after(lived=lived, code=code)
        if delay is None:
            assert not proven
            return
        assert FIRST_DELAY <= delay <= LONGEST_DELAY
