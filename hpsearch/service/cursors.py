"""Opaque cursors: the sort key of a page's last item, for the client to hand back."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, get_args

from hpsearch.errors import InvalidRequest

KeyPart = str | int | float | None
Key = tuple[Any, ...]


def encode(key: Sequence[KeyPart]) -> str:
    """A sort key as URL-safe text."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")


def decode(cursor: str | None, types: Sequence[type | UnionType]) -> Key | None:
    """The sort key that `encode` wrote, whose parts are of these types; None without a cursor.

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
        key = tuple(_typed(v, t) for v, t in zip(_list(values), types, strict=True))
    except (ValueError, OverflowError, binascii.Error, RecursionError) as error:
        raise InvalidRequest(
            f"cursor {cursor[:40]!r} is not one of this list; leave it out for the first page"
        ) from error
    return key


def _list(values: object) -> list[object]:
    if not isinstance(values, list):
        raise ValueError("not a list")  # noqa: TRY004  # what a client sent, not a type of ours
    return values


def _typed(value: object, wanted: type | UnionType) -> KeyPart:
    """`value`, if a sort key of that type can be so; databases refuse the rest."""
    types = get_args(wanted) or (wanted,)
    if value is None and NoneType in types:
        return None
    if float in types and type(value) is int:
        value = float(value)
    if type(value) in types:
        if isinstance(value, str) and value.isprintable():
            return value
        if isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**53:
            return value
    raise ValueError("not a sort key")
