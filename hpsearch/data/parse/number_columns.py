"""Columns of numbers: which mark is the decimal one, and which cells are none.

n   rows      K   distinct cells
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.columns import Column, text_number
from hpsearch.data.parse import numbers
from hpsearch.data.parse.made import MIXED, Context, Floats, Made, Unclear, path
from hpsearch.data.parse.numbers import Forms
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.words import Mask, Words


def as_numbers(name: str, words: Words, context: Context, *, asked: bool) -> Made | Unclear | None:
    """Read a column as numbers; None where it holds other things."""
    forms = Forms.of(words)
    cells = ~(words.gaps(context.missing) | words.number_gaps())
    total = words.rows(cells)
    if not total or (not asked and words.rows(forms.padded & cells)):
        return None
    rows = {mark: words.rows(forms.by(mark) & cells) for mark in context.decimal or ".,"}
    fits = [mark for mark, count in rows.items() if count == total]
    if len(fits) == 2:
        marks = ",." if context.semicolons else ","
        unclear = [cell for cell in words.listed(cells) if set(cell) & set(marks)]
        if unclear:
            return Unclear(name, words, unclear[0])
    if fits:
        return by_mark(name, words, fits[0], context)
    best = max(rows, key=lambda mark: rows[mark])
    flags = _flags(name, words, forms.by(best) & cells, cells)
    if flags is not None:
        return made_number(name, flags, ".", context)
    if rows[best] >= MIXED * total and not asked:
        context.refuse_cells(
            name, words, cells & ~forms.by(best), what="no numbers", of_one="no number"
        )
    return None


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


def by_mark(name: str, words: Words, decimal: str, context: Context) -> Made:
    """Read a column of numbers whose decimal mark is known."""
    cells = Forms.of(words).by(decimal) & ~words.gaps(context.missing)
    parsed = numbers.values(pc.filter(words.texts, pa.array(cells)), decimal)
    grouped = decimal == "." and any("," in text for text in words.listed(cells))
    made = made_number(name, words.spread(parsed, cells), decimal, context)
    return replace(made, plain=made.plain and not grouped)


def made_number(name: str, values: Floats, decimal: str, context: Context) -> Made:
    """Make a column of its numbers (n,); those that were declared to be gaps become NaN."""
    for word in context.missing:
        number = text_number(word, decimal)
        if number is not None:
            values = np.where(values == number, np.nan, values)
    column = Column(name, "number", decimal=decimal, gaps=context.missing)
    return Made((column,), (values,), plain=decimal == "." and not np.isnan(values).any())


def refuse_numbers(name: str, words: Words, context: Context) -> NoReturn:
    """Refuse a column that the sender calls one of numbers."""
    forms = Forms.of(words)
    cells = ~(words.gaps(context.missing) | words.number_gaps())
    best = max(context.decimal or ".,", key=lambda mark: words.rows(forms.by(mark) & cells))
    context.refuse_cells(
        name, words, cells & ~forms.by(best), what="no numbers", of_one="no number"
    )
