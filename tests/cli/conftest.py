"""Fixtures of the tests of cli."""

from support.command_fixtures import (
    box,
    contract,
    descendants,
    interrupt,
    is_alive,
    new_box,
    run,
    status,
    surroundings,
    until,
)

__all__ = [
    "box",
    "contract",
    "descendants",
    "interrupt",
    "is_alive",
    "new_box",
    "run",
    "status",
    "surroundings",
    "until",
]
