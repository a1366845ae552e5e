"""JSON and YAML files of other programs, read within bounds; Python and pickles are never loaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hpsearch.errors import InvalidRequest, TooLarge

SIZE_MOST: Final = 8 * 2**20  # bytes
DEPTH_MOST: Final = 64  # lists and mappings in each other
NODES_MOST: Final = 200_000  # of YAML, each alias counted as what it stands for
SQLITE = b"SQLite format 3\0"


def read_bytes(file: Path, most: int = SIZE_MOST) -> bytes:
    """Read a file, or standard input for -.

    Raises
    ------
    InvalidRequest
        It cannot be read.
    TooLarge
        It has more than `most` bytes.
    """
    try:
        if str(file) == "-":
            raw = sys.stdin.buffer.read(most + 1)
        else:
            with file.open("rb") as opened:
                raw = opened.read(most + 1)
    except OSError as error:
        raise InvalidRequest(f"{file}: {error.strerror or error}") from error
    if len(raw) > most:
        raise TooLarge(f"{name_of(file)} has more than {most:,} bytes")
    return raw


def name_of(file: Path) -> str:
    """Name a file for people."""
    return "standard input" if str(file) == "-" else str(file)


def read_documents(file: Path) -> list[Any]:
    """Read the documents of a file: one of JSON, one or more of YAML.

    Raises
    ------
    InvalidRequest
        It is neither, or nested too deeply.
    TooLarge
        It is beyond the bounds.
    """
    raw, name = read_bytes(file), name_of(file)
    _refuse_code(name, raw)
    try:
        text = raw.decode(json.detect_encoding(raw))
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name} is no text: {error}") from error
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        try:
            return [parse_json(text.lstrip("\ufeff"), name)]
        except InvalidRequest:
            if file.suffix == ".json":
                raise
    return list(_yaml(text, name))


def _refuse_code(name: str, raw: bytes) -> None:
    """Refuse what would have to be run, or is no text."""
    if name.endswith((".py", ".ipynb")):
        raise InvalidRequest(
            f"{name} is Python, which is not run; in your own Python call "
            "hpsearch.exchange.convert(space)"
        )
    if raw.startswith(SQLITE):
        raise InvalidRequest(f"{name} is a database, of results: see hpsearch import --help")
    if raw[:1] == b"\x80" or name.endswith((".pkl", ".pickle")):
        raise InvalidRequest(
            f"{name} looks like a pickle, which is never loaded: it could run anything"
        )


def parse_json(text: str, name: str) -> Any:
    """Parse JSON, also with NaN and Infinity as Python writes them.

    Raises
    ------
    InvalidRequest
        It is not JSON, or nested too deeply.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidRequest(f"{name} is not JSON: {place}: {error.msg}") from error
    except RecursionError as error:
        raise _too_deep(name) from error
    except ValueError as error:  # numbers of thousands of digits
        raise InvalidRequest(f"{name} is not JSON: {error}") from error
    if _depth(value) > DEPTH_MOST:
        raise _too_deep(name)
    return value


def _depth(value: Any) -> int:
    """Count the lists and mappings in each other, level by level."""
    depth, level = 0, [value] if isinstance(value, dict | list) else []
    while level:
        depth += 1
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
    return depth


def _too_deep(name: str) -> InvalidRequest:
    return InvalidRequest(f"{name} has more than {DEPTH_MOST} lists and mappings in each other")


def _yaml(text: str, name: str) -> Iterator[Any]:
    """Parse YAML by the safe loader, once its size with all aliases is known."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml, yaml.parse(text, Loader=loader), name)
        yield from yaml.load_all(text, Loader=loader)
    except yaml.YAMLError as error:
        if "nesting depth" in str(error):  # PyYAML 6.0.4 has a limit of its own, 1,000
            raise _too_deep(name) from error
        first = " ".join(str(error).split())
        raise InvalidRequest(f"{name} is neither JSON nor YAML: {first:.200}") from error
    except (
        ValueError,
        TypeError,
        OverflowError,
        RecursionError,
    ) as error:  # such as the 32nd of a month
        raise InvalidRequest(f"{name} has a value that YAML cannot hold: {error}") from error


def _check_events(yaml: Any, events: Iterator[Any], name: str) -> None:
    """Refuse a document whose nodes are too many or too deep, each alias counted as its anchor's."""
    seen = _Nodes()
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in seen.anchors:
                raise InvalidRequest(
                    f"{name}: the alias {event.anchor} stands for itself, or nothing"
                )
            seen.add(*seen.anchors[event.anchor])
        elif isinstance(event, yaml.ScalarEvent):
            seen.add(1, 0)
            seen.name(event.anchor, (1, 0))
        elif isinstance(event, yaml.CollectionStartEvent):
            seen.open(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            seen.close()
        if seen.depth > DEPTH_MOST:
            raise _too_deep(name)
        if seen.count > NODES_MOST:
            raise TooLarge(f"{name} has more than {NODES_MOST:,} values, with those of its aliases")


class _Nodes:
    """The nodes of a YAML document so far.

    anchors
        Number of nodes, and depth, of what each anchor names.
    """

    def __init__(self) -> None:
        self.count = 0
        self.anchors: dict[str, tuple[int, int]] = {}
        self._open: list[tuple[str | None, int]] = []  # anchor, and the number of nodes before it
        self._deepest = [0]  # below each open collection

    @property
    def depth(self) -> int:
        """Collections in each other, where the document stands now."""
        return len(self._open) + self._deepest[-1]

    def add(self, count: int, depth: int) -> None:
        """Add nodes of some depth to the collection that is open."""
        self.count += count
        self._deepest[-1] = max(self._deepest[-1], depth)

    def name(self, anchor: str | None, size: tuple[int, int]) -> None:
        """Keep what an anchor names."""
        if anchor is not None:
            self.anchors[anchor] = size

    def open(self, anchor: str | None) -> None:
        """Open a collection, whose anchor is not known before its end."""
        if anchor is not None:
            self.anchors.pop(anchor, None)
        self._open.append((anchor, self.count))
        self._deepest.append(0)
        self.count += 1

    def close(self) -> None:
        """Close the innermost collection."""
        anchor, before = self._open.pop()
        depth = self._deepest.pop() + 1
        self.name(anchor, (self.count - before, depth))
        self._deepest[-1] = max(self._deepest[-1], depth)
