"""`Words`: a column of text by its distinct cells, which all further looks at it go over.

n   rows      K   distinct cells
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.columns import NUMBER_GAPS

_ROWS_AT_ONCE = 1 << 16

Mask = npt.NDArray[np.bool_]
Texts = Any  # a pyarrow array of strings, for which there are no types


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Distinct cells `texts` (K,), the place of each row's cell `codes` (n,), rows of each `counts` (K,)."""

    texts: Texts
    codes: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, cells: Texts) -> Words:
        """Find the distinct cells of a column of text without nulls, `string` or a dictionary of these."""
        encoded = cells if pa.types.is_dictionary(cells.type) else pc.dictionary_encode(cells)
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        return cls(encoded.dictionary, codes, _counts(codes, len(encoded.dictionary)))

    def gaps(self, declared: Iterable[str]) -> Mask:
        """Mark "" and the words that the sender declared to mean a missing value, in any case."""
        return self.among(("", *declared))

    def number_gaps(self) -> Mask:
        """Mark the words that mean a missing value among numbers."""
        return self.among(NUMBER_GAPS)

    def among(self, words: Iterable[str]) -> Mask:
        """Mark those of some words, given in lower case."""
        return to_mask(pc.is_in(pc.utf8_lower(self.texts), pa.array(sorted(words), pa.string())))

    def rows(self, marked: Mask) -> int:
        """Count the rows whose cells are marked."""
        return int(self.counts[marked].sum())

    def first_row(self, at: int) -> int:
        """Return the first row, from 0, of a distinct cell."""
        return int(np.argmax(self.codes == at))

    def spread(self, values: npt.NDArray[np.float64], marked: Mask) -> npt.NDArray[np.float64]:
        """Give each row the value of its cell, (n,): values (number of marked,), NaN elsewhere."""
        every = np.full(len(self.texts), np.nan)
        every[marked] = values
        return every[self.codes]

    def listed(self, marked: Mask) -> list[str]:
        """Return the marked cells."""
        listed: list[str] = pc.filter(self.texts, pa.array(marked)).to_pylist()
        return listed


def _counts(codes: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.int64]:
    counts = np.zeros(size, np.int64)
    step = max(_ROWS_AT_ONCE, size)
    for start in range(0, len(codes), step):  # each is cast to another type
        counts += np.bincount(codes[start : start + step], minlength=size)
    return counts


def distinct(cells: Texts) -> Texts:
    """Return cells, or of a dictionary each of its cells once."""
    return cells.dictionary if pa.types.is_dictionary(cells.type) else cells


def to_mask(array: Any) -> Mask:
    """Return a pyarrow array of booleans as NumPy's, nulls as False."""
    return np.asarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False), np.bool_)
