"""Reads JSON: an array of objects, or an object a line; their keys are the columns."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from hpsearch.data.limits import MIB, Limits
from hpsearch.data.parse.frame import Frame, FrameColumn
from hpsearch.data.parse.frames.arrow import arrow, strings
from hpsearch.data.parse.frames.source import Source
from hpsearch.data.parse.frames.text import Text, read_text
from hpsearch.data.parse.raw import Mistakes, refuse, require_size
from hpsearch.data.parse.request import Reading

_MAX_RECORD: Final = 4 * MIB
_BLOCK_CELLS = 1 << 18
_BLANK = " \t\n\r"
_FORM = 'records are taken: [{"a": 1, "kind": "x"}, ...], or such an object on each line'


@dataclass(slots=True)
class _Column:
    """The values of a key: blocks of one type each, `rows` of them altogether."""

    blocks: list[Any] = field(default_factory=list)
    rows: int = 0
    pending: list[Any] = field(default_factory=list)


def read(source: Source, reading: Reading, limits: Limits) -> Frame:
    """Read records; cells are null where a record lacks the key or has null, NaN or Infinity.

    A column is of the type bool, int64 or double if all its values are, and else `string`: a
    number among words is the text that JSON has for it.

    Raises
    ------
    errors.InvalidDataset
        No JSON, no records, or values that are objects or arrays, each key named.
    errors.TooLarge
        More rows, columns or bytes than the limits allow.
    """
    text = read_text(source, reading.encoding, longest=sys.maxsize)  # a line may be the file
    table = _Table(limits)
    for record in _records(text):
        table.add(record)
    columns = table.columns()
    if not columns:
        refuse("x", f"the JSON file has no records with keys; {_FORM}")
    return Frame(columns, True, text.notes)


def _records(text: Text) -> Iterator[dict[str, Any]]:
    """Yield the objects of an array or of a row of objects, holding one at a time."""
    blocks = text.blocks()
    decoder = json.JSONDecoder(parse_constant=lambda _: None, object_pairs_hook=_object)
    rest, at, number = next(blocks, ""), 0, 0
    in_array = rest.lstrip(_BLANK).startswith("[")
    if in_array:
        at = rest.index("[") + 1
    while True:
        rest, at = _at_value(rest, at, blocks)
        if at == len(rest):
            if in_array:
                refuse("file", f"the JSON array has no end after record {number}; {_FORM}")
            return
        if in_array and rest[at] == "]":
            _require_end(rest[at + 1 :], blocks)
            return
        number += 1
        record, rest, at = _decoded(decoder, rest, at, blocks, number)
        if not isinstance(record, dict):
            refuse(f"record {number}", f"is no object; {_FORM}")
        yield record
        rest, at = _behind(rest, at, blocks, number, in_array=in_array)


def _at_value(rest: str, at: int, blocks: Iterator[str]) -> tuple[str, int]:
    """Go to the next character that is not blank."""
    while True:
        while at < len(rest) and rest[at] in _BLANK:
            at += 1
        if at < len(rest):
            return rest, at
        block = next(blocks, None)
        if block is None:
            return rest, len(rest)
        rest, at = block, 0


def _decoded(
    decoder: json.JSONDecoder, rest: str, at: int, blocks: Iterator[str], number: int
) -> tuple[Any, str, int]:
    """Decode a value, with as many further blocks as it needs."""
    while True:
        try:
            value, end = decoder.raw_decode(rest, at)
        except RecursionError:
            refuse(f"record {number}", "is nested too deeply; write plain values")
        except ValueError as error:
            block = None if len(rest) - at > _MAX_RECORD else next(blocks, None)
            if block is None:
                what = getattr(error, "msg", str(error))
                refuse(f"record {number}", f"is no JSON that can be read ({what[:100]}); {_FORM}")
            rest, at = rest[at:] + block, 0
        else:
            return value, rest, end


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key is there twice in an object")
    return record


def _behind(
    rest: str, at: int, blocks: Iterator[str], number: int, *, in_array: bool
) -> tuple[str, int]:
    """Go over the comma behind a record of an array."""
    rest, at = _at_value(rest, at, blocks)
    if not in_array or at == len(rest) or rest[at] == "]":
        return rest, at
    if rest[at] != ",":
        refuse(f"record {number}", f"is followed by {rest[at : at + 10]!r}; {_FORM}")
    rest, at = _at_value(rest, at + 1, blocks)
    if at < len(rest) and rest[at] == "]":
        refuse(f"record {number}", f"is the last one and has a comma behind it; {_FORM}")
    return rest, at


def _require_end(rest: str, blocks: Iterator[str]) -> None:
    while not rest.strip(_BLANK):
        block = next(blocks, None)
        if block is None:
            return
        rest = block
    refuse("file", f"text follows the JSON array: {rest.strip(_BLANK)[:20]!r}; {_FORM}")


class _Table:
    """Gathers records by key."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._columns: dict[str, _Column] = {}
        self._rows = 0
        self._nested = Mistakes()
        self._refused: set[str] = set()

    def add(self, record: dict[str, Any]) -> None:
        """Take a record."""
        columns = self._columns
        for key, value in record.items():
            column = columns.get(key)
            if column is None:
                require_size(self._limits, 1, len(columns) + 1, 4)
                column = columns[key] = _Column()
            if isinstance(value, dict | list) and key not in self._refused:
                self._refused.add(key)
                self._nested.add(
                    f"column {key[:40]!r}",
                    f"the key {key[:40]!r} holds {'an object' if isinstance(value, dict) else 'an array'}"
                    f" in record {self._rows + 1}; write its parts as keys of their own",
                )
            gap = self._rows - column.rows - len(column.pending)
            if gap:
                column.pending.extend([None] * gap)
            column.pending.append(value)
        self._rows += 1
        if self._rows % max(1, _BLOCK_CELLS // max(1, len(columns))) == 0:
            self._flush()

    def columns(self) -> tuple[FrameColumn, ...]:
        """Return the columns, in the order in which their keys came."""
        self._flush()
        return tuple(
            FrameColumn(key.strip(), _whole(column.blocks)) for key, column in self._columns.items()
        )

    def _flush(self) -> None:
        self._nested.check()
        require_size(self._limits, self._rows, max(1, len(self._columns)), 4)
        for key, column in self._columns.items():
            missing = self._rows - column.rows - len(column.pending)
            column.blocks.append(_block(key, [*column.pending, *[None] * missing]))
            column.rows = self._rows
            column.pending.clear()


def _block(key: str, values: list[Any]) -> Any:
    """Return values as an array of one type: null, bool, int64, double or string."""
    pyarrow = arrow()
    types = {type(value) for value in values} - {type(None)}
    try:
        if not types:
            return pyarrow.nulls(len(values))
        if types <= {bool}:
            return pyarrow.array(values, pyarrow.bool_())
        if types <= {int}:
            return pyarrow.array(values, pyarrow.int64())
        if types <= {int, float}:
            return _doubles(values)
        return strings(None if one is None else _written(one) for one in values)
    except OverflowError:
        return _doubles(values)
    except UnicodeEncodeError:
        refuse(f"column {key[:40]!r}", f"the key {key[:40]!r} has text with half a character")


def _doubles(values: list[Any]) -> Any:
    pyarrow = arrow()
    try:
        floats = [None if one is None else float(one) for one in values]
    except OverflowError:
        floats = [None if one is None or abs(one) >= 1e308 else float(one) for one in values]
    return pyarrow.array(floats, pyarrow.float64())


def _written(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)


def _whole(blocks: list[Any]) -> Any:
    """Return the blocks of a column as one array of the type that holds them all."""
    pyarrow = arrow()
    kinds = {block.type for block in blocks} - {pyarrow.null()}
    if not kinds:
        kind = pyarrow.string()
    elif len(kinds) == 1:
        (kind,) = kinds
    elif kinds <= {pyarrow.int64(), pyarrow.float64()}:
        kind = pyarrow.float64()
    else:
        kind = pyarrow.string()
    whole = pyarrow.concat_arrays([block.cast(kind, safe=False) for block in blocks])
    blocks.clear()
    return whole
