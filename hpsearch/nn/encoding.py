"""The step from a block of stored columns to a block of inputs, in buffers that are made once.

C   stored columns      F   inputs      B   examples of a block
M   numbers             G   indicators  K   categories
"""

from __future__ import annotations

import numpy as np

from hpsearch.encoding import Encoding
from hpsearch.nn.arrays import Array

FAR = 1e9  # scaled values beyond are as good as it: their square stays within float32
NINTH = 1 / 9  # (z/3)² as a product


class Encoder:
    """An encoding bound to the columns (C, B) that it reads and the inputs (F, B) that it writes.

    Every number is made of its own column and example alone, so that no block changes its bits.
    """

    def __init__(self, encoding: Encoding, columns: Array, inputs: Array) -> None:
        self._columns = columns
        self._numbers = _Numbers(encoding, columns, inputs)
        self._slots = _Slots(encoding, columns, inputs) if len(encoding.categories) else None

    def fill(self) -> None:
        """Write the inputs; allocates nothing."""
        self._numbers.fill()
        if self._slots is not None:
            self._slots.fill()


class _Numbers:
    """Numbers without gaps, and the indicators of their gaps."""

    def __init__(self, encoding: Encoding, columns: Array, inputs: Array) -> None:
        m, g, length = len(encoding.numbers), len(encoding.gaps), columns.shape[1]
        self._columns, self._from, self._gaps = columns, encoding.numbers, encoding.gaps
        self._values, self._indicators = inputs[:m], inputs[m : m + g]
        self._smooth = self._values[: encoding.smooth]
        self._spare = np.empty_like(self._smooth)
        self._gap = np.empty((m, length), np.bool_)
        self._shown = np.empty((g, length), np.bool_)
        self._live = np.repeat(encoding.live[:, None], length, axis=1)

    def fill(self) -> None:
        values = self._values
        np.take(self._columns, self._from, axis=0, out=values, mode="clip")
        np.isnan(values, self._gap)
        np.copyto(values, 0, where=self._gap)
        z, spare = self._smooth, self._spare
        np.maximum(z, -FAR, out=z)
        np.minimum(z, FAR, out=z)
        np.multiply(z, z, spare)
        np.multiply(spare, NINTH, spare)
        np.add(spare, 1, spare)
        np.sqrt(spare, spare)
        np.divide(z, spare, z)
        np.take(self._gap, self._gaps, axis=0, out=self._shown, mode="clip")
        np.logical_and(self._shown, self._live, self._shown)
        np.copyto(self._indicators, self._shown)


class _Slots:
    """Slots of categories: for each example a single 1, in that of its level."""

    def __init__(self, encoding: Encoding, columns: Array, inputs: Array) -> None:
        k, length = len(encoding.categories), columns.shape[1]
        ends = np.cumsum(encoding.levels + 2)
        self._columns, self._from = columns, encoding.categories
        self._flat, self._one = inputs.reshape(-1), np.ones((), inputs.dtype)
        assert np.shares_memory(self._flat, inputs)
        self._slots = inputs[len(encoding.numbers) + len(encoding.gaps) :]
        self._codes = np.empty((k, length), columns.dtype)
        self._missing = np.empty((k, length), np.bool_)
        self._index = np.empty((k, length), np.intp)
        self._rows = np.empty((k, length), np.intp)
        self._unknown = np.repeat(encoding.levels[:, None].astype(columns.dtype), length, axis=1)
        self._gap = (encoding.levels + 1)[:, None]
        self._starts = np.repeat((ends - encoding.levels - 2)[:, None], length, axis=1)
        # Place of the first example in the inputs, by input: a product less for each block.
        self._places = encoding.slots * length
        self._across = np.repeat(np.arange(length, dtype=np.intp)[None], k, axis=0)

    def fill(self) -> None:
        codes, index, rows = self._codes, self._index, self._rows
        np.take(self._columns, self._from, axis=0, out=codes, mode="clip")
        np.isnan(codes, self._missing)
        np.copyto(codes, 0, where=self._missing)
        np.minimum(codes, self._unknown, out=codes)
        np.copyto(index, codes, casting="unsafe")
        np.copyto(index, self._gap, where=self._missing)
        np.add(index, self._starts, index)
        np.take(self._places, index, out=rows, mode="clip")
        np.add(rows, self._across, rows)
        self._slots.fill(0)
        self._flat.put(rows, self._one, mode="clip")
