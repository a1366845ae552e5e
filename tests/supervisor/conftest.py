"""Fixtures of the tests of supervisor."""

from support.command_fixtures import (
    box,
    descendants,
    interrupt,
    is_alive,
    new_box,
    run,
    stand_ins,
    surroundings,
    until,
)

__all__ = [
    "box",
    "descendants",
    "interrupt",
    "is_alive",
    "new_box",
    "run",
    "stand_ins",
    "surroundings",
    "until",
]
