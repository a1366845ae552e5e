"""Columns of numbers: which mark is the decimal one, and which cells are none.

n   rows      K   distinct cells
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.columns import Column
from hpsearch.data.parse import numbers, unit_marks
from hpsearch.data.parse.made import MIXED, Context, Floats, Made, Unclear, path
from hpsearch.data.parse.numbers import Forms
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.words import Mask, Words
from hpsearch.number_text import GROUP_MARKS, text_number


def as_numbers(name: str, words: Words, context: Context, *, asked: bool) -> Made | Unclear | None:
    """Read a column as numbers; None where it holds other things."""
    forms = Forms.of(words)
    gaps = words.gaps(context.missing) | words.number_gaps()
    cells = ~gaps
    total = words.rows(cells)
    if not total or (not asked and words.rows(forms.padded & cells)):
        return None
    rows = _fitting(words, forms, cells, context)
    if total in rows.values():
        return _by_either(name, words, rows, cells, context)
    marked = _with_marks(name, words, gaps, context, asked=asked)
    if marked is not None:
        return marked
    best = max(rows, key=lambda mark: rows[mark])
    flags = _flags(name, words, forms.by(best) & cells, cells)
    if flags is not None:
        return made_number(name, flags, ".", context)
    if rows[best] >= MIXED * total and not asked:
        context.refuse_cells(
            name, words, cells & ~forms.by(best), what="no numbers", of_one="no number"
        )
    if not asked and words.rows((forms.point | forms.comma) & cells) >= MIXED * total:
        _refuse_two_marks(name, words, forms, cells)
    return None


def _refuse_two_marks(name: str, words: Words, forms: Forms, cells: Mask) -> None:
    """Refuse a column whose numbers have decimal points in some rows and commas in others."""
    with_point = words.listed(forms.point & ~forms.comma & cells)
    with_comma = words.listed(forms.comma & ~forms.point & cells)
    if with_point and with_comma:
        refuse(
            path(name),
            f"column {name!r} has numbers with a decimal point and with a decimal comma, such as "
            f"{with_point[0]!r} and {with_comma[0]!r}; write them alike, or send "
            f"kind={name}:category",
        )


def _fitting(words: Words, forms: Forms, cells: Mask, context: Context) -> dict[str, int]:
    """Count the rows that are numbers by each decimal mark."""
    return {mark: words.rows(forms.by(mark) & cells) for mark in context.decimal or ".,"}


def _by_either(
    name: str, words: Words, rows: dict[str, int], cells: Mask, context: Context, unit: str = ""
) -> Made | Unclear:
    """Read a column, all of it numbers, by the decimal mark that fits; by neither if both fit."""
    total = words.rows(cells)
    fits = [mark for mark, count in rows.items() if count == total]
    if len(fits) == 2:
        marks = ",." if context.semicolons else ","
        unclear = [cell for cell in words.listed(cells) if set(cell) & set(marks)]
        if unclear:
            return Unclear(name, words, unclear[0], unit)
    return by_mark(name, words, fits[0], context, unit)


def _with_marks(
    name: str, words: Words, gaps: Mask, context: Context, *, asked: bool
) -> Made | Unclear | None:
    """Read numbers with a mark beside them, such as 5% and $5; None where most cells are none."""
    bare = unit_marks.without_marks(words, gaps, asked=asked)
    if bare is None:
        return None
    forms, cells = Forms.of(bare.words), ~gaps
    rows = _fitting(bare.words, forms, cells, context)
    best = max(rows, key=lambda mark: rows[mark])
    if rows[best] < (1 if asked else MIXED * words.rows(cells)):
        return None
    numbers_ = forms.by(best) & cells
    if (cells & ~numbers_).any():
        context.refuse_cells(name, words, cells & ~numbers_, what="no numbers", of_one="no number")
    unit = unit_marks.require_one(name, words, bare, numbers_, context, asked=asked)
    said = unit_marks.note(name, words, bare, unit, feature=context.role == "feature")
    context.notes.append(said)
    return _by_either(name, bare.words, rows, cells, context, unit)


def _flags(name: str, words: Words, good: Mask, cells: Mask) -> Floats | None:
    """Read True and False as 1 and 0 beside these two numbers; None where there are none."""
    flags = words.among(("true", "false")) & cells
    if not flags.any() or not good.any() or (cells & ~(flags | good)).any():
        return None
    texts = [cell.lower() for cell in words.listed(cells)]
    values = np.array([1.0 if x == "true" else float(text_number(x) or 0) for x in texts])
    if not np.isin(values, (0, 1)).all():
        refuse(
            path(name),
            f"column {name!r} has True or False beside numbers other than 1 and 0; write it as "
            f"numbers alone, or send kind={name}:category",
        )
    return words.spread(values, cells)


def by_mark(name: str, words: Words, decimal: str, context: Context, unit: str = "") -> Made:
    """Read a column of numbers whose decimal mark is known, and from which `unit` was taken off."""
    cells = Forms.of(words).by(decimal) & ~words.gaps(context.missing)
    parsed = numbers.values(pc.filter(words.texts, pa.array(cells)), decimal)
    groups = set(f",{GROUP_MARKS}")
    grouped = decimal == "." and any(set(text) & groups for text in words.listed(cells))
    made = made_number(name, words.spread(parsed, cells), decimal, context, unit)
    return replace(made, plain=made.plain and not grouped)


def made_number(name: str, values: Floats, decimal: str, context: Context, unit: str = "") -> Made:
    """Make a column of its numbers (n,); those that were declared to be gaps become NaN."""
    for word in context.missing:
        number = text_number(word, decimal, unit)
        if number is not None:
            values = np.where(values == number, np.nan, values)
    column = Column(name, "number", decimal=decimal, gaps=context.missing, unit=unit)
    plain = decimal == "." and not unit and not np.isnan(values).any()
    return Made((column,), (values,), plain=plain)


def refuse_numbers(name: str, words: Words, context: Context) -> NoReturn:
    """Refuse a column that the sender calls one of numbers."""
    forms = Forms.of(words)
    cells = ~(words.gaps(context.missing) | words.number_gaps())
    best = max(context.decimal or ".,", key=lambda mark: words.rows(forms.by(mark) & cells))
    context.refuse_cells(
        name, words, cells & ~forms.by(best), what="no numbers", of_one="no number"
    )
