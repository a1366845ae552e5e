"""The limiter of invalid keys, on a clock of our own."""

from __future__ import annotations

from api.auth_throttle import AuthThrottle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_limit_is_reached_and_forgiven_with_time() -> None:
    clock = Clock()
    throttle = AuthThrottle(limit=3, window=30.0, clock=clock)
    assert [throttle.record_failure("a", "x") for _ in range(4)] == [0, 0, 0, 10]
    assert throttle.record_failure("b", "x") == 0
    clock.now += 9.5
    assert throttle.record_failure("a", "x") == 1
    clock.now += 0.5
    assert throttle.record_failure("a", "x") == 0
    assert throttle.record_failure("a", "x") == 10
    clock.now += 300
    assert throttle.record_failure("a", "x") == 0


def test_a_lock_is_told_once_in_a_window() -> None:
    clock, locks = Clock(), []
    throttle = AuthThrottle(limit=1, window=60.0, clock=clock, on_lock=lambda: locks.append(1))
    for _ in range(10):
        throttle.record_failure("a", "x")
    assert len(locks) == 1
    throttle.record_failure("b", "x")
    throttle.record_failure("b", "x")
    assert len(locks) == 2
    clock.now += 59
    throttle.record_failure("a", "x")
    assert len(locks) == 2
    clock.now += 2
    for _ in range(3):
        throttle.record_failure("a", "x")
    assert len(locks) == 3


def test_an_invalid_key_is_remembered_for_a_window() -> None:
    clock = Clock()
    throttle = AuthThrottle(window=60.0, clock=clock)
    assert not throttle.is_known_invalid("x")
    throttle.record_failure("a", "x")
    assert throttle.is_known_invalid("x")
    assert not throttle.is_known_invalid("y")
    clock.now += 60
    assert not throttle.is_known_invalid("x")


def test_a_key_that_is_repeated_is_looked_up_again_after_a_window() -> None:
    clock = Clock()
    throttle = AuthThrottle(window=60.0, clock=clock)
    for _ in range(6):
        throttle.record_failure("a", "x")
        clock.now += 10
    assert not throttle.is_known_invalid("x")


def test_memory_is_bounded() -> None:
    throttle = AuthThrottle(limit=1, clock=Clock())
    throttle.record_failure("first", "first key")
    assert throttle.record_failure("first", "first key") > 0
    for i in range(10_000):
        throttle.record_failure(f"address {i}", f"key {i}")
    assert throttle.record_failure("first", "other") == 0
    assert not throttle.is_known_invalid("first key")
    assert throttle.is_known_invalid("key 9999")
