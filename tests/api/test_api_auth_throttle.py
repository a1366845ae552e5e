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
    for _ in range(3):
        assert throttle.seconds_blocked("a", "x") == 0
        throttle.record_failure("a")
    assert throttle.seconds_blocked("a", "x") == 10
    assert throttle.seconds_blocked("b", "x") == 0
    clock.now += 9.5
    assert throttle.seconds_blocked("a", "x") == 1
    clock.now += 0.5
    assert throttle.seconds_blocked("a", "x") == 0
    throttle.record_failure("a")
    assert throttle.seconds_blocked("a", "x") == 10
    clock.now += 300
    assert throttle.seconds_blocked("a", "x") == 0


def test_a_key_that_worked_passes_from_a_blocked_address() -> None:
    throttle = AuthThrottle(limit=1, clock=Clock())
    throttle.record_success("good")
    throttle.record_failure("a")
    assert throttle.seconds_blocked("a", "bad") > 0
    assert throttle.seconds_blocked("a", "good") == 0


def test_memory_is_bounded() -> None:
    throttle = AuthThrottle(limit=1, clock=Clock())
    throttle.record_failure("first")
    throttle.record_success("first key")
    for i in range(10_000):
        throttle.record_failure(f"address {i}")
    for i in range(1_000):
        throttle.record_success(f"key {i}")
    assert throttle.seconds_blocked("first", "x") == 0
    assert throttle.seconds_blocked("address 9999", "first key") > 0
