"""Caps of parsing a dataset: seconds, address space, bytes, rows, columns, classes.

The parser sets these on itself before it reads the first byte (`parse.__main__`), so a hostile
file can exhaust a short-lived process and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import resource
from dataclasses import asdict, dataclass
from typing import Any

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})  # a full disk, a used-up quota
FULL = (
    "the disk of the datasets (HPSEARCH_DATA_URL, else `data` in HPSEARCH_HOME) is full; the service's "
    "operator has to make room"
)
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one parse; sizes in bytes, `data` counts the arrays as declared and as stored."""

    seconds: int = 60
    memory: int = 2 * GIB
    data: int = GIB
    rows: int = 10_000_000
    columns: int = 200_000
    classes: int = 1_000

    def to_json(self) -> dict[str, int]:
        """Return the caps as a JSON object, for the child's request."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Limits:
        """Read what `to_json` wrote."""
        return cls(**value)

    def apply(self) -> None:
        """Bind the calling process to the caps, for good. Only the parsing child calls this."""
        # A second between the two, so that the kernel says SIGXCPU before it says SIGKILL.
        _lower(resource.RLIMIT_CPU, self.seconds, hard=self.seconds + 1)
        _lower(resource.RLIMIT_AS, self.memory)
        # One file holds at most all the data and its header.
        _lower(resource.RLIMIT_FSIZE, self.data + MIB)
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_NOFILE, 64)


UPLOAD = Limits()
"""For files that came over HTTP."""

LOCAL = Limits(seconds=600, memory=6 * GIB, data=2 * GIB)
"""For files the operator names and for the built-in datasets."""


def _lower(which: int, soft: int, *, hard: int | None = None) -> None:
    _, bound = resource.getrlimit(which)
    ceiling = soft if hard is None else hard
    if bound != resource.RLIM_INFINITY:
        soft, ceiling = min(soft, bound), min(ceiling, bound)
    # macOS refuses some limits (RLIMIT_AS); the size checks of the parser hold there as well.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (soft, ceiling))
