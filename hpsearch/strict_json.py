"""Strict parsing of JSON bodies, so that nothing odd gets further than this file.

Python's own reader takes NaN, 1e999, repeated keys, lone surrogates and NUL, and nested
brackets exhaust its stack. A database refuses some of these much later, as a fault of ours.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any, NoReturn

from hpsearch.errors import InvalidRequest

MAX_DEPTH = 32
MAX_INTEGER = 2**53  # whole numbers up to here are exact in every JSON implementation
LEAVE_OUT = "leave the field out or send a number"
_INTEGER_DIGITS = len(str(MAX_INTEGER)) + 1

# Strings as a whole, or one bracket. The possessive repeat keeps it linear on any input.
_TOKEN = re.compile(rb'"(?:[^"\\]+|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")


def loads(body: bytes, *, not_finite: str = LEAVE_OUT, checked_later: Collection[str] = ()) -> Any:
    """The value that a request body holds; `not_finite` is the way out where a number is NaN.

    checked_later
        Fields whose numbers may be NaN or infinite here: whoever reads them says where.

    Raises
    ------
    InvalidRequest
        Not UTF-8, not JSON, nested deeper than 32 levels, or with a number or a text that is
        not portable; the message says which and what to send instead.
    """
    body = body.removeprefix(codecs.BOM_UTF8)  # editors write it, and curl sends what they wrote
    if not body.strip():
        raise InvalidRequest("the body is empty; send a JSON document")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"the body is not UTF-8 (byte {error.start}); send JSON encoded as UTF-8"
        ) from error
    _check_depth(body)
    try:
        value = json.loads(
            text,
            parse_int=_integer,
            parse_float=float if checked_later else _number,
            parse_constant=float if checked_later else partial(_constant, not_finite),
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        refusal = InvalidRequest(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        )
        refusal.line = error.lineno
        raise refusal from error
    _check_texts(value)
    if checked_later:
        rest = value.items() if isinstance(value, dict) else [("", value)]
        _check_finite([item for name, item in rest if name not in checked_later], not_finite)
    return value


def _check_depth(body: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(body):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidRequest(f"the JSON is nested deeper than {MAX_DEPTH} levels")
        elif first in b"]}":
            depth -= 1


def _integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS or abs(int(text)) > MAX_INTEGER:
        raise InvalidRequest(f"the whole number {_short(text)} is beyond 2**53; send a smaller one")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise InvalidRequest(f"the number {_short(text)} is too large; the limit is about 1.8e308")
    return value


def _constant(way_out: str, text: str) -> NoReturn:
    raise InvalidRequest(f"{text} is not a JSON number; {way_out}")


def _check_finite(value: Any, way_out: str) -> None:
    """Refuse a number that is not finite, at whatever depth."""
    if isinstance(value, float) and not math.isfinite(value):
        _constant(way_out, json.dumps(value))
    for item in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        _check_finite(item, way_out)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names: set[str] = set()
        for key, _ in pairs:
            if key in names:
                raise InvalidRequest(f"the key {_short(key)!r} is given twice; keep one of them")
            names.add(key)
    return value


def _check_texts(value: Any) -> None:
    for path, text in _texts(value, ""):
        if _BAD_TEXT.search(text):
            raise InvalidRequest(
                f"{path or 'a key'} holds a NUL or half a surrogate pair; send plain Unicode text"
            )


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path or "the text", value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield "", key
            yield from _texts(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _texts(item, f"{path}[{position}]")


def _short(text: str) -> str:
    shown = text if len(text) <= 40 else text[:37] + "..."
    return shown.encode("utf-8", "backslashreplace").decode()
