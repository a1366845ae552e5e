"""Waves: cosine and sine of some inputs, beside all inputs.

T trials   F values of an example   M of them in waves   K frequencies   B examples

A network of ReLUs learns slowly what goes up and down along one input (Rahaman et al. 2019, "On the
spectral bias of neural networks"); periodic features of single numbers make it easy (Gorishniy,
Rubachev, Babenko 2022, arXiv 2203.05556; Holzmüller, Grinsztajn, Steinwart 2024, arXiv 2407.04491).
Theirs have learned frequencies; these are fixed and doubling, and so have no parameters.
"""

from __future__ import annotations

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.buffers import Units
from hpsearch.nn.layer import Layer


class Waves(Layer):
    """H = (X, a_1 cos(w_1 X_M), a_1 sin(w_1 X_M), a_2 cos(w_2 X_M), ...), X_M being M neighbouring values."""

    def __init__(
        self, source: Units, output: Units, waved: slice, frequencies: Array, heights: Array
    ) -> None:
        """Bind: places of the M values, frequencies w (K,) in radians for each unit of them, heights a (K,)."""
        self.output = output
        count, values, numbers = len(frequencies), source.rows.shape[-2], waved.stop - waved.start
        self._x, self._some, self._waved = source.rows, source.rows[..., waved, :], waved
        self._d_source, self._frequencies, self._heights = source.d, frequencies, heights
        self._copied = output.rows[..., :values, :]
        waves = output.rows[..., values:, :]
        self._cos = [waves[..., 2 * k * numbers : (2 * k + 1) * numbers, :] for k in range(count)]
        self._sin = [
            waves[..., (2 * k + 1) * numbers : (2 * k + 2) * numbers, :] for k in range(count)
        ]
        self._values, self._numbers = values, numbers
        self._spare = np.empty_like(self._some)

    def forward(self) -> None:
        """Copy the values, and compute their waves."""
        np.copyto(self._copied, self._x)
        waves = zip(self._frequencies, self._heights, self._cos, self._sin, strict=True)
        for w, a, cos, sin in waves:
            np.multiply(self._some, w, self._spare)
            np.cos(self._spare, cos)
            np.sin(self._spare, sin)
            np.multiply(cos, a, cos)
            np.multiply(sin, a, sin)

    def backward(self) -> None:
        """dL/dX = dL/dH of the copies, and w (cos dL/dsin - sin dL/dcos) of the M values."""
        if not self._d_source.size:
            return
        d, m = self.output.d, self._numbers
        np.copyto(self._d_source, d[:, : self._values])
        some = self._d_source[:, self._waved]
        for k, (w, cos, sin) in enumerate(
            zip(self._frequencies, self._cos, self._sin, strict=True)
        ):
            at = self._values + 2 * k * m
            np.multiply(cos, d[:, at + m : at + 2 * m], self._spare)
            np.multiply(self._spare, w, self._spare)
            np.add(some, self._spare, some)
            np.multiply(sin, d[:, at : at + m], self._spare)
            np.multiply(self._spare, w, self._spare)
            np.subtract(some, self._spare, some)
