"""Activations, computed in place, and their derivatives.

T trials   U units   B examples   h = f(z)   d = dL/dh on entry to `backward`, dL/dz after it

Buffers are flat views: `whole` is everything, contiguous, the row of ones behind the units (see
`buffers.Units`) included; `flat` (T, U * B) is the units alone. A pass over contiguous memory
is up to three times faster than one over a view with gaps.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.buffers import Units

Array = NDArray[np.floating[Any]]


class Activation(Protocol):
    """One activation layer, bound to the buffer it works on."""

    def __init__(self, units: Units, *, keep: bool) -> None: ...

    def forward(self) -> None:
        """Replace z by f(z) in the units."""

    def backward(self, d: Array) -> None:
        """Multiply d (T, U * B) by f'(z)."""


class Relu:
    """f(z) = max(z, 0); f'(z) = 1 where z > 0, else 0."""

    def __init__(self, units: Units, *, keep: bool) -> None:  # noqa: ARG002 - 0 or more survives dropout
        # Against an array of zeros np.maximum runs vectorised; against a scalar it is six times
        # slower. max(1, 0) = 1, so the row of ones may be passed through.
        self._whole = units.whole
        self._zeros = np.zeros_like(units.whole)
        integer = np.dtype(f"i{units.whole.itemsize}")
        self._bits = units.flat.view(integer)
        self._mask = np.empty(units.flat.shape, integer)
        self._sign_bit = np.array(8 * integer.itemsize - 1, integer)

    def forward(self) -> None:
        """Replace z by f(z)."""
        np.maximum(self._whole, self._zeros, out=self._whole)

    def backward(self, d: Array) -> None:
        """Multiply d by f'(z)."""
        # h >= 0, so the integer with h's bits is 0 or positive; its negative, shifted until only
        # the sign is left, is 0 or all ones: a mask, at a third of the price of d * (h > 0).
        # After dropout h is 0 where a unit was dropped, and d is already 0 there.
        np.negative(self._bits, self._mask)
        np.right_shift(self._mask, self._sign_bit, self._mask)
        bits = d.view(self._mask.dtype)
        np.bitwise_and(bits, self._mask, bits)


class _Smooth:
    """Activations whose derivative is written with their own value; `keep` saves it from dropout."""

    def __init__(self, units: Units, *, keep: bool) -> None:
        self._z = units.flat
        self._h = np.empty(units.flat.shape, units.flat.dtype) if keep else units.flat
        self._keep = keep
        self._slope = np.empty(units.flat.shape, units.flat.dtype)
        self._half = np.array(0.5, units.flat.dtype)
        self._one = np.array(1.0, units.flat.dtype)

    def _save(self) -> None:
        if self._keep:
            np.copyto(self._h, self._z)


class Sigmoid(_Smooth):
    """f(z) = 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2, which never overflows; f' = h (1 - h)."""

    def forward(self) -> None:
        """Replace z by f(z)."""
        np.multiply(self._z, self._half, self._z)
        np.tanh(self._z, self._z)
        np.multiply(self._z, self._half, self._z)
        np.add(self._z, self._half, self._z)
        self._save()

    def backward(self, d: Array) -> None:
        """Multiply d by f'(z)."""
        np.subtract(self._one, self._h, self._slope)
        np.multiply(self._slope, self._h, self._slope)
        np.multiply(d, self._slope, d)


class Tanh(_Smooth):
    """f(z) = tanh(z); f' = 1 - h²."""

    def forward(self) -> None:
        """Replace z by f(z)."""
        np.tanh(self._z, self._z)
        self._save()

    def backward(self, d: Array) -> None:
        """Multiply d by f'(z)."""
        np.multiply(self._h, self._h, self._slope)
        np.subtract(self._one, self._slope, self._slope)
        np.multiply(d, self._slope, d)


ACTIVATIONS: dict[str, type[Activation]] = {"relu": Relu, "sigmoid": Sigmoid, "tanh": Tanh}
