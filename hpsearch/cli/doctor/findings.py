"""What the doctor finds, and how a check becomes findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from hpsearch.errors import HpsearchError
from hpsearch.logs import redact


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # it works, and somebody may be surprised
    FAULT = "fault"  # it does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    remedy
        What to do; empty where nothing is to be done.
    """

    subject: str
    grade: Grade
    said: str
    remedy: str = ""


def ok(subject: str, said: str) -> Finding:
    """All is well."""
    return Finding(subject, Grade.OK, said)


def warning(subject: str, said: str, remedy: str) -> Finding:
    """It works, with a reservation."""
    return Finding(subject, Grade.WARNING, redact(said), remedy)


def fault(subject: str, said: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(subject, Grade.FAULT, redact(said), remedy)


def examined(subject: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of a check; what it raises is one of them."""
    try:
        yield from check()
    except HpsearchError as error:
        yield fault(subject, str(error), "see the message; the other findings may explain it")
