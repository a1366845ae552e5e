"""The kind of a column: what the sender says, else what the file says, else what its cells look like.

n   rows      K   distinct cells
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.columns import Column, LeftOut, cell_text
from hpsearch.data.notes import Note
from hpsearch.data.parse import levels, numbers
from hpsearch.data.parse.date_columns import as_dates, refuse_dates, typed_dates
from hpsearch.data.parse.frame import FrameColumn
from hpsearch.data.parse.made import Asked, Context, Made, Outcome, path
from hpsearch.data.parse.number_columns import as_numbers, made_number, refuse_numbers
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.words import Mask, Words
from hpsearch.plural import counted

LARGEST_EXACT: Final = 2**53  # whole numbers up to here have all their digits as floats


def settle(column: FrameColumn, asked: Asked, context: Context) -> Outcome:
    """Find the kind of a column, and make the numbers that are stored for it.

    Raises
    ------
    errors.InvalidDataset
        Some of its cells are not what the others are, or what the sender says; names three.
    """
    name, cells = column.name, column.cells
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type) and not column.coded:
        cells = cells.cast(cells.type.value_type)
        asked = asked if asked.kind else Asked(column.declared or "category")
    if asked.kind is None and column.declared is not None:
        asked = Asked(column.declared)
    if asked.kind in ("text", "id"):
        return LeftOut(name, asked.kind, "as it is declared")  # type: ignore[arg-type]
    if column.coded:
        return _with_digits(name, _text(column, cells, asked, context), cells, context)
    if not _is_text(cells):
        made = _typed(name, cells, asked, context)
        if made is not None:
            return _with_digits(name, made, cells, context)
        cells = _as_text(name, cells)
    texts = pc.fill_null(cells.cast(pa.string()), "")
    return _with_digits(name, _text(column, texts, asked, context), texts, context)


def _with_digits(name: str, outcome: Outcome, cells: Any, context: Context) -> Outcome:
    """Note whole numbers that differ in the file and are one stored number: they may be ids."""
    if not isinstance(outcome, Made) or outcome.columns[0].kind != "number":
        return outcome
    values = outcome.values[0]
    if max(np.fmax.reduce(values, initial=0), -np.fmin.reduce(values, initial=0)) <= LARGEST_EXACT:
        return outcome
    large = np.abs(values) > LARGEST_EXACT
    beyond = cells.filter(pa.array(large))
    given, kept = len(beyond.unique()), len(set(values[large]))
    if kept < given:
        context.notes.append(
            Note(
                "digits_lost",
                "warning",
                f"column {name!r}: {given:,} numbers beyond 2**53 became {kept:,}, for numbers are "
                "stored with 53 bits",
                {"column": name, "given": given, "kept": kept},
                f"if they are ids, send kind={name}:id, which leaves the column out",
            )
        )
    return outcome


def text_of(column: FrameColumn) -> Any:
    """Return the cells of a column as words, "" for a gap: a pyarrow array of strings (n,).

    Raises: errors.InvalidDataset where they are no single values.
    """
    cells = column.cells
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if not _is_text(cells):
        cells = _as_text(column.name, cells)
    return pc.fill_null(cells.cast(pa.string()), "")


def _is_text(cells: Any) -> bool:
    return any(
        is_type(cells.type)
        for is_type in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _typed(name: str, cells: Any, asked: Asked, context: Context) -> Made | LeftOut | None:
    """Read a column that has a type; None where the sender wants its values as words."""
    kind = cells.type
    if cells.null_count == len(cells):
        return LeftOut(name, "empty", "no row has a value")
    if pa.types.is_temporal(kind) and not (pa.types.is_time(kind) or pa.types.is_duration(kind)):
        return typed_dates(name, cells, context) if asked.kind in (None, "date") else None
    if pa.types.is_boolean(kind) and asked.kind in (None, "boolean", "number"):
        values = numbers.typed(cells.cast(pa.int8()))
        column = Column(name, "boolean", ("false", "true"), gaps=context.missing)
        return Made((column,), (values,), plain=not cells.null_count)
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    others = (pa.types.is_time, pa.types.is_duration)
    if any(is_type(kind) for is_type in (*numeric, *others)) and asked.kind in (None, "number"):
        return made_number(name, numbers.typed(cells), ".", context)
    return None


def _as_text(name: str, cells: Any) -> Any:
    """Return typed cells as the words that `cell_text` makes of them."""
    if pa.types.is_nested(cells.type) or pa.types.is_binary(cells.type):
        refuse(
            path(name),
            f"column {name!r} holds {cells.type}, no single values; drop={name} leaves it out",
        )
    encoded = pc.dictionary_encode(cells)
    texts = pa.array([_word(cell) for cell in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices)


def _word(cell: Any) -> str:
    return "" if cell is None or cell != cell else cell_text(cell)  # noqa: PLR0124  # NaN


def _trimmed(name: str, cells: Any, context: Context) -> Words:
    """Take the blanks around words away, and note it where two become one."""
    given = Words.of(cells)
    if pc.utf8_trim_whitespace(given.texts).equals(given.texts):
        words = given
    else:
        words = Words.of(pc.utf8_trim_whitespace(cells))
        merged = len(given.texts) - len(words.texts)
        if merged:
            context.notes.append(
                Note(
                    "words_merged",
                    "info",
                    f"column {name!r}: {counted(merged, 'word')} differed from another by blanks "
                    "around alone, and became one with it",
                    {"column": name, "merged": merged},
                    "write the words alike if they mean the same, else unlike",
                )
            )
    return words


def _text(column: FrameColumn, cells: Any, asked: Asked, context: Context) -> Outcome:
    name, kind = column.name, asked.kind
    if kind in (None, "number") and context.decimal in (None, "."):
        values = numbers.plain(cells)
        if values is not None and not (
            context.decimal is None and context.semicolons and numbers.may_be_groups(cells)
        ):
            return made_number(name, values, ".", context)
    words = _trimmed(name, cells, context)
    gaps = words.gaps(context.missing)
    if _is_empty(words, gaps, kind):
        return LeftOut(name, "empty", "no row has a value")
    if kind is None:
        return _guessed(name, words, gaps, context)
    return _declared(column, words, gaps, asked, context)


def _is_empty(words: Words, gaps: Mask, kind: str | None) -> bool:
    """Tell whether no cell has a value: two words for nothing, as None and NA, are words."""
    cells = ~(gaps | words.number_gaps())
    if kind in (None, "number") and not words.rows(cells):
        return kind == "number" or int((~gaps).sum()) < 2
    return not words.rows(~gaps)


def _declared(
    column: FrameColumn, words: Words, gaps: Mask, asked: Asked, context: Context
) -> Outcome:
    """Read a column whose kind the sender or the file says."""
    name, kind = column.name, asked.kind
    if kind == "number":
        numeric = as_numbers(name, words, context, asked=True)
        return numeric or refuse_numbers(name, words, context)
    if kind == "date":
        dates = as_dates(name, words, gaps, asked, context)
        return dates or refuse_dates(name, words, gaps, context)
    if kind == "boolean":
        return levels.two_words(name, words, gaps, context)
    return levels.category(name, words, gaps, asked, column.levels, context)


def _guessed(name: str, words: Words, gaps: Mask, context: Context) -> Outcome:
    column = (
        levels.boolean(name, words, gaps, context)
        or as_numbers(name, words, context, asked=False)
        or as_dates(name, words, gaps, Asked(), context)
        or levels.category(name, words, gaps, Asked(), (), context)
    )
    if isinstance(column, LeftOut) or (
        isinstance(column, Made) and column.columns[0].kind == "category"
    ):
        levels.note(name, words, gaps, column, context)
    return column
