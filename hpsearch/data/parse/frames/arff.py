"""Reads ARFF, the format of Weka, in both forms: a value for each attribute, or {place value, ...}.

KEEL's files have the same form and bounds behind the types, and name the label in @outputs.

Source: Weka manual, chapter "ARFF".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hpsearch.columns import FileKind
from hpsearch.data.limits import Limits
from hpsearch.data.parse.frame import Frame, FrameColumn
from hpsearch.data.parse.frames.arrow import joined, strings
from hpsearch.data.parse.frames.source import Source
from hpsearch.data.parse.frames.text import Text, read_text
from hpsearch.data.parse.raw import Mistakes, refuse, require_size
from hpsearch.data.parse.request import Reading

_BLOCK_CELLS = 1 << 18
_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ATTRIBUTE: Final = re.compile(rf"@attribute\s+({_QUOTED}|[^\s{{]+)\s*(.*)", re.IGNORECASE)
_VALUE: Final = re.compile(rf"\s*({_QUOTED}|[^,'\"][^,]*|)\s*(,|$)")
_PAIR: Final = re.compile(rf"\s*(\d{{1,9}})\s+({_QUOTED}|[^,'\"\s][^,]*)\s*(,|$)")
_NUMBERS = ("numeric", "real", "integer")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


class _Word(NamedTuple):
    """A value; `quoted` tells the word '?' from a gap."""

    text: str
    quoted: bool


@dataclass(slots=True)
class _Attribute:
    name: str
    declared: FileKind | None
    levels: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    blocks: list[Any] = field(default_factory=list)

    @property
    def omitted(self) -> str:
        """The value of a sparse row that does not name the attribute: 0, or the first level."""
        if self.levels:
            return self.levels[0]
        return "0" if self.declared == "number" else ""


@dataclass(slots=True)
class _Header:
    attributes: list[_Attribute] = field(default_factory=list)
    outputs: frozenset[str] = frozenset()


def read(source: Source, reading: Reading, limits: Limits) -> Frame:
    """Read a file; cells are strings, and "" where the file has ?.

    Nominal attributes are categories with the levels of the header, in its order.

    Raises
    ------
    errors.InvalidDataset
        Naming the line and the attribute of every mistake; no data; relational attributes.
    errors.TooLarge
        More rows, columns or bytes than the limits allow.
    """
    text = read_text(source, reading.encoding)
    lines = _lines(text)
    header = _header(lines, limits)
    first = _Data(header.attributes, limits).read(lines)
    columns = tuple(
        FrameColumn(
            one.name,
            joined(one.blocks),
            one.declared,
            one.levels,
            "label" if one.name in header.outputs else "feature",
        )
        for one in header.attributes
    )
    return Frame(columns, True, text.notes, first)


def _lines(text: Text) -> Iterator[tuple[int, str]]:
    """Yield the lines that are neither blank nor comments, with their numbers."""
    number, rest = 0, ""
    for block in text.blocks():
        *lines, rest = (rest + block).split("\n")
        for line in lines:
            number += 1
            if line.strip() and not line.lstrip().startswith("%"):
                yield number, line.strip()
    if rest.strip() and not rest.lstrip().startswith("%"):
        yield number + 1, rest.strip()


def _header(lines: Iterator[tuple[int, str]], limits: Limits) -> _Header:
    header = _Header()
    for number, line in lines:
        keyword = line.split(None, 1)[0].lower()
        if keyword == "@data":
            if not header.attributes:
                refuse("header", f"line {number}: @data comes before any @attribute")
            return header
        if keyword == "@attribute":
            header.attributes.append(_attribute(number, line))
            require_size(limits, 1, len(header.attributes), 4)
        elif keyword in ("@output", "@outputs"):
            header.outputs = frozenset(part.strip() for part in line.partition(" ")[2].split(","))
        elif keyword not in ("@relation", "@input", "@inputs"):
            refuse("header", f"line {number}: {line[:40]!r} is no line of an ARFF header")
    return refuse("file", "the ARFF file has a header and no @data line; no rows can be read")


def _attribute(number: int, line: str) -> _Attribute:
    match = _ATTRIBUTE.fullmatch(line)
    if not match:
        refuse("header", f"line {number}: {line[:60]!r} is no @attribute with a name and a type")
    name, kind = _unquoted(match[1]).text.strip(), match[2].strip()
    if kind.startswith("{"):
        if not kind.endswith("}"):
            refuse("header", f"line {number}: the values of attribute {name!r} have no closing }}")
        words = _values(kind[1:-1])
        levels = tuple(dict.fromkeys(word.text for word in words or ()))
        if words is None or not all(levels):
            refuse(
                "header", f"line {number}: the values of attribute {name!r} cannot be told apart"
            )
        return _Attribute(name, "category", levels, frozenset(levels))
    word = re.split(r"[\s\[{]", kind.lower(), maxsplit=1)[0]
    if word in _NUMBERS:
        return _Attribute(name, "number")
    if word in ("string", "date"):
        return _Attribute(name, None)  # a date by its looks: Java's formats are not ours
    way_out = "; write one row of plain values for each example" if word == "relational" else ""
    return refuse(
        "header",
        f"line {number}: attribute {name!r} is of the type {word[:40]!r}; numeric, string, date and "
        f"listed values are read{way_out}",
    )


def _unquoted(word: str) -> _Word:
    word = word.strip()
    if len(word) > 1 and word[0] in "'\"" and word[-1] == word[0]:
        plain = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), word[1:-1])
        return _Word(plain.strip(), True)
    return _Word(word, False)


def _values(line: str) -> list[_Word] | None:
    """Return the values of a line; None if a quote is not closed."""
    if "," not in line and "\t" in line:
        line = line.replace("\t", ",")
    if "'" not in line and '"' not in line and "\\" not in line:
        return [_Word(part.strip(), False) for part in line.split(",")]
    words, at = [], 0
    while match := _VALUE.match(line, at):
        words.append(_unquoted(match[1]))
        at = match.end()
        if match[2] != ",":
            return words if at == len(line) else None
    return None


class _Data:
    """Gathers the rows behind @data by columns, and what is wrong with them."""

    def __init__(self, attributes: list[_Attribute], limits: Limits) -> None:
        self._attributes, self._limits = attributes, limits
        self._mistakes = Mistakes()
        self._pending: list[list[str]] = []
        self._rows = 0
        self._block = max(1, _BLOCK_CELLS // len(attributes))

    def read(self, lines: Iterator[tuple[int, str]]) -> int:
        """Read all rows into the attributes; return the number of the first one's line."""
        first = 0
        for number, line in lines:
            first = first or number
            self._pending.append(self._row(number, line))
            if len(self._pending) == self._block:
                self._flush()
        self._flush()
        self._mistakes.check()
        if not self._rows:
            refuse("x", "the ARFF file has no rows below @data")
        return first

    def _row(self, number: int, line: str) -> list[str]:
        words = self._sparse(number, line) if line.startswith("{") else _values(line)
        width = len(self._attributes)
        if words is None:
            self._add(number, "a quote is not closed, or text follows one")
        elif len(words) != width:
            self._add(number, f"has {len(words)} values for {width} attributes")
        else:
            return [self._cell(number, *pair) for pair in zip(self._attributes, words, strict=True)]
        return [""] * width

    def _sparse(self, number: int, line: str) -> list[_Word] | None:
        words = [_Word(one.omitted, True) for one in self._attributes]
        inner, at = line[1:-1].strip(), 0
        if not line.endswith("}"):
            return None
        while at < len(inner):
            match = _PAIR.match(inner, at)
            if not match:
                return None
            if int(match[1]) >= len(words):
                self._add(number, f"names attribute {match[1]}; they are 0 to {len(words) - 1}")
                return words
            words[int(match[1])] = _unquoted(match[2])
            at = match.end()
        return words

    def _cell(self, number: int, attribute: _Attribute, word: _Word) -> str:
        if word.text == "?" and not word.quoted:
            return ""
        if attribute.known and word.text not in attribute.known:
            self._add(
                number,
                f"{word.text[:40]!r} is none of the values that attribute {attribute.name!r} lists",
            )
        return word.text

    def _add(self, number: int, message: str) -> None:
        self._mistakes.add(f"line {number}", message, at=number)

    def _flush(self) -> None:
        if not self._pending:
            return
        self._rows += len(self._pending)
        require_size(self._limits, self._rows, len(self._attributes), 4)
        for attribute, cells in zip(
            self._attributes, zip(*self._pending, strict=True), strict=True
        ):
            attribute.blocks.append(strings(cells))
        self._pending.clear()
