"""Columns of dates: their form, and the numbers that they are stored as.

n   rows      K   distinct cells
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.columns import DATE_PARTS, Column, date_part
from hpsearch.data.parse import dates
from hpsearch.data.parse.made import MIXED, Asked, Context, Made, path
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.words import Mask, Words

_LOOKED_AT: Final = 100  # texts that a form is tried on first


def as_dates(name: str, words: Words, gaps: Mask, asked: Asked, context: Context) -> Made | None:
    """Read a column as dates; None where it holds other things.

    Raises: errors.InvalidDataset where the day may come before the month or after it.
    """
    texts = pc.filter(words.texts, pa.array(~gaps))
    orders = (asked.order,) if asked.order else dates.ORDERS
    sample = texts.slice(0, _LOOKED_AT)
    forms = [
        form
        for form in dates.likely(sample[0].as_py(), orders, asked=asked.kind == "date")
        if dates.moments(sample, form)[1].mean() >= MIXED
    ]
    read = {form: dates.moments(texts, form) for form in forms}
    whole = {form: moments for form, (moments, fits) in read.items() if fits.all()}
    if not whole:
        _refuse_few_odd(name, words, gaps, read, context)
        return None
    form, *others = whole
    for other in others:
        if not np.array_equal(whole[form], whole[other]):
            _ask_order(name, sample[0].as_py(), form, other)
    every = np.zeros(len(words.texts), np.int64)
    every[~gaps] = whole[form]
    return _made(name, every[words.codes], gaps[words.codes], form, context)


def _refuse_few_odd(name: str, words: Words, gaps: Mask, read: Any, context: Context) -> None:
    counts = words.counts[~gaps]
    for form, (_, fits) in read.items():
        if (counts * fits).sum() >= MIXED * counts.sum():
            odd = ~gaps
            odd[np.flatnonzero(~gaps)[fits]] = False
            context.refuse_cells(
                name,
                words,
                odd,
                what=f"no dates in the form {form}",
                of_one=f"no date in the form {form}",
            )


def refuse_dates(name: str, words: Words, gaps: Mask, context: Context) -> NoReturn:
    """Refuse a column that the sender calls one of dates."""
    context.refuse_cells(
        name, words, ~gaps,
        what="not in one of the known forms of dates, such as 2024-03-01, 1/3/2024, Mar 1 2024",
    )  # fmt: skip


def _ask_order(name: str, text: str, form: str, other: str) -> NoReturn:
    refuse(
        path(name),
        f"column {name!r}: {text!r} may have its day first ({form}) or its month first ({other}), "
        f"and no value tells; kind={name}:date-dmy or kind={name}:date-mdy says which",
    )


def typed_dates(name: str, cells: Any, context: Context) -> Made:
    """Make the parts of a typed column of dates or moments."""
    moments = cells.cast(pa.timestamp("us", getattr(cells.type, "tz", None)), safe=False)
    gaps = moments.is_null().to_numpy(zero_copy_only=False)
    whole = pc.fill_null(moments.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return _made(name, whole, gaps, "", context)


def _made(
    name: str, moments: npt.NDArray[np.int64], gaps: Mask, form: str, context: Context
) -> Made:
    """Make the parts of dates that vary, and the days."""
    columns, values = [], []
    for part in DATE_PARTS:
        share = date_part(moments, part)
        if part == "days" or np.ptp(share[~gaps]) > 0:
            share[gaps] = np.nan
            values.append(share)
            columns.append(Column(f"{name}: {part}", "number", (), 0, 0, name, part, form))
    columns = [replace(column, gaps=context.missing) for column in columns]
    return Made(tuple(columns), tuple(values))
