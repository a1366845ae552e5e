"""Checks of names and numbers, with messages that say what is wanted."""

from __future__ import annotations

from typing import TypeVar

from hpsearch.errors import InvalidRequest
from hpsearch.registry import Registry

T = TypeVar("T")


def known(registry: Registry[T], name: str) -> None:
    """Refuse a name that is not registered, and say which are.

    Raises: InvalidRequest.
    """
    if name not in registry:
        raise InvalidRequest(
            f"{registry.kind} {name!r} is unknown; it is one of {', '.join(registry)}"
        )


def within(name: str, value: float, low: float, high: float, *, closed: bool = False) -> None:
    """Refuse a value outside [low, high), or [low, high] if closed; NaN is always outside.

    Raises: InvalidRequest.
    """
    if not (low <= value < high or (closed and value == high)):
        end = "]" if closed else ")"
        raise InvalidRequest(f"{name} {value!r} must lie in [{low:g}, {high:g}{end}")
