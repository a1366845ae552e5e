"""Fixtures of the tests of client."""

from support.command_fixtures import contract, status

__all__ = [
    "contract",
    "status",
]
