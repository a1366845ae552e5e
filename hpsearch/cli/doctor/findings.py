"""Findings of the doctor, and the checks that yield them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from hpsearch.errors import HpsearchError
from hpsearch.logs import redact


class Grade(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"  # it works, and somebody may be surprised
    FAULT = "fault"  # it does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """A result of a check.

    remedy
        An advice; empty where nothing is to be done.
    """

    subject: str
    grade: Grade
    said: str
    remedy: str = ""


def ok(subject: str, said: str) -> Finding:
    """Make a finding without a fault."""
    return Finding(subject, Grade.OK, said)


def warning(subject: str, said: str, remedy: str) -> Finding:
    """Make a finding that works, with a reservation."""
    return Finding(subject, Grade.WARNING, redact(said), remedy)


def fault(subject: str, said: str, remedy: str) -> Finding:
    """Make a finding that does not work."""
    return Finding(subject, Grade.FAULT, redact(said), remedy)


def examined(subject: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of a check; an error that it raises becomes a fault."""
    try:
        yield from check()
    except HpsearchError as error:
        yield fault(subject, str(error), "see the message; the other findings may explain it")
