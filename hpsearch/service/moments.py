"""Moments that people name: days and times."""

from __future__ import annotations

from datetime import UTC, datetime

from hpsearch.errors import InvalidRequest


def moment(text: str, name: str) -> float:
    """Seconds since the epoch of a day or a time; UTC where it has no zone.

    Raises
    ------
    InvalidRequest
        It is neither; `name` says what was given.
    """
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"{name} {text[:40]!r} is neither a day, such as 2026-10-01, nor a time, such as "
            "2026-10-01T08:00:00Z"
        ) from error
