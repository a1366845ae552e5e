"""Numbers in text: plain ones, decimal commas, groups of three; whole columns at a time.

n   rows      K   distinct cells
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.data.parse.words import Mask, Texts, Words, distinct, to_mask
from hpsearch.number_text import GROUP_MARKS, INFINITE, NUMBER_PATTERNS

Floats = npt.NDArray[np.float64]

_PADDED = r"^0[0-9]+$"
_FIRST = 1000  # cells


def plain(cells: Texts) -> Floats | None:
    """Return a column of text as numbers (n,) where all of it is; None leaves it to a closer look.

    Numbers are finite and have a decimal point; none is missing, none begins with a needless 0.
    """
    if pa.types.is_dictionary(cells.type):
        numbers = plain(cells.dictionary)
        return None if numbers is None else numbers[cells.indices.to_numpy()]
    try:
        pc.cast(cells[:_FIRST], pa.float64())  # a whole column of words is slow to refuse
        values = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    if not np.isfinite(values).all():
        return None
    zeros = pc.filter(cells, pc.starts_with(cells, "0"))
    padded = len(zeros) and pc.any(pc.match_substring_regex(zeros, _PADDED)).as_py()
    return None if padded else np.asarray(values)


def may_be_groups(cells: Texts) -> bool:
    """Tell whether plain numbers with points read as well as whole ones in groups of three."""
    return bool(pc.all(pc.match_substring_regex(distinct(cells), NUMBER_PATTERNS[","])).as_py())


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """Forms of the distinct cells of a column, as numbers: masks (K,).

    point, comma
        Numbers with that decimal mark.
    padded
        Digits that begin with a needless 0: names made of digits.
    """

    point: Mask
    comma: Mask
    padded: Mask

    @classmethod
    def of(cls, words: Words) -> Forms:
        """Look at the distinct cells of a column."""
        point, comma = (_matching(words, NUMBER_PATTERNS[mark]) for mark in ".,")
        infinite = words.among(INFINITE)
        return cls(point | infinite, comma | infinite, _matching(words, _PADDED))

    def by(self, decimal: str) -> Mask:
        """Return the mask of the numbers with a decimal mark."""
        return self.comma if decimal == "," else self.point


def values(texts: Texts, decimal: str) -> Floats:
    """Return texts that are numbers with that decimal mark as numbers."""
    bare = pc.replace_substring_regex(texts, f"[{'.' if decimal == ',' else ','}{GROUP_MARKS}]", "")
    return np.asarray(
        pc.cast(pc.replace_substring(bare, ",", "."), pa.float64()).to_numpy(zero_copy_only=False)
    )


def typed(cells: Any) -> Floats:
    """Return a typed column of numbers, times or durations (n,); NaN for null, seconds for times."""
    if pa.types.is_time(cells.type) or pa.types.is_duration(cells.type):
        unit = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[cells.type.unit]
        whole = pa.int32() if pa.types.is_time32(cells.type) else pa.int64()
        return typed(cells.cast(whole)) / unit
    numbers = pc.cast(cells, pa.float64(), safe=False)
    if not numbers.null_count:
        return np.asarray(numbers.to_numpy())
    return np.asarray(pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False), np.float64)


def _matching(words: Words, form: str) -> Mask:
    return to_mask(pc.match_substring_regex(words.texts, form))
