"""Opaque cursors: the sort key of a page's last item, for the client to hand back."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence

from hpsearch.errors import InvalidRequest

Key = tuple[str | int | float, ...]


def encode(key: Sequence[str | int | float]) -> str:
    """A sort key as URL-safe text."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")


def decode(cursor: str | None, types: Sequence[type]) -> Key | None:
    """The sort key that `encode` was given; None without a cursor.

    Raises
    ------
    InvalidRequest
        Somebody made this cursor up.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        key = tuple(_typed(v, t) for v, t in zip(list(values), types, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise InvalidRequest(
            f"cursor {cursor[:40]!r} is not one of this list; leave it out for the first page"
        ) from error
    return key


def _typed(value: object, wanted: type) -> str | int | float:
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("not a name")
    if wanted is float and type(value) in (int, float) and math.isfinite(value):  # type: ignore[arg-type]  # a number
        return float(value)  # type: ignore[arg-type]  # a number, as just checked
    if type(value) is not wanted or (wanted is int and abs(value) >= 2**53):  # type: ignore[arg-type]  # an int, likewise
        raise ValueError("wrong type")
    return value  # type: ignore[return-value]  # `wanted` is str or int
