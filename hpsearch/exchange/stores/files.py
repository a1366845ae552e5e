"""Files of stores, read within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hpsearch.errors import InvalidRequest
from hpsearch.exchange.documents import parse_json, read_bytes

STORE_MOST: Final = 256 * 2**20  # bytes of one file
TRIALS_MOST: Final = 100_000


def read_json(file: Path) -> Any:
    """Read a JSON file, also with NaN and Infinity."""
    return parse_json(text_of(file), str(file))


def json_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Read the JSON objects of a file with one in each line; a last line that was cut off is left out."""
    lines = [line for line in text_of(file).splitlines() if line.strip()]
    for place, line in enumerate(lines):
        try:
            one = parse_json(line, f"{file}, line {place + 1}")
        except InvalidRequest:
            if place == len(lines) - 1:
                return
            raise
        if isinstance(one, dict):
            yield one


def text_of(file: Path) -> str:
    """Read a text file."""
    raw = read_bytes(file, STORE_MOST)
    try:
        return raw.decode(json.detect_encoding(raw))
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{file} is no text: {error}") from error


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return a mapping.

    Raises
    ------
    InvalidRequest
        It is none.
    """
    if not isinstance(value, dict):
        raise InvalidRequest(f"{what} is not what its tool writes: a mapping was expected")
    return value


def entries(value: Any, what: str) -> list[dict[str, Any]]:
    """Return the mappings of a list, of as many trials as are read.

    Raises
    ------
    InvalidRequest
        It is no list, or too long.
    """
    if not isinstance(value, list):
        raise InvalidRequest(f"{what} is not what its tool writes: a list was expected")
    if len(value) > TRIALS_MOST:
        raise InvalidRequest(f"{what} has more than {TRIALS_MOST:,} entries")
    return [one for one in value if isinstance(one, dict)]
