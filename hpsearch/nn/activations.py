"""Activations, computed in place, and their derivatives.

T trials   U units   B examples   h = f(z)   d = dL/dh on entry to `backward`, dL/dz after it

Buffers are flat views: `whole` is everything, contiguous, the row of ones behind the units (see
`buffers.Units`) included; `flat` (T, U * B) is the units alone. A pass over contiguous memory
is up to three times faster than one over a view with gaps.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.buffers import Units
from hpsearch.nn.layer import Layer
from hpsearch.nn.passes import bind
from hpsearch.registry import Registry


class Activation(Layer):
    """An activation, bound to the buffer it works on.

    `keep`: dropout is going to rewrite h, so what `backward` needs of it must be saved.
    """

    @abstractmethod
    def __init__(self, units: Units, *, keep: bool) -> None: ...


class Relu(Activation):
    """f(z) = max(z, 0); f'(z) = 1 where z > 0, else 0."""

    def __init__(self, units: Units, *, keep: bool) -> None:  # noqa: ARG002 - 0 or more survives dropout
        self.output = units
        # Against an array of zeros np.maximum runs vectorised; against a scalar it is six times
        # slower. max(1, 0) = 1, so the row of ones may be passed through.
        self._whole = units.whole
        self._zeros = np.zeros_like(units.whole)
        integer = np.dtype(f"i{units.whole.itemsize}")
        sign_bit = np.array(8 * integer.itemsize - 1, integer)
        bits, d_bits = units.flat.view(integer), units.d_flat.view(integer)
        self._mask = bind(_mask, (bits, d_bits, sign_bit), (np.empty(bits.shape, integer),))

    def forward(self) -> None:
        """Replace z by f(z)."""
        np.maximum(self._whole, self._zeros, out=self._whole)

    def backward(self) -> None:
        """Multiply d by f'(z)."""
        self._mask()


def _mask(h: Array, d: Array, sign_bit: Array, mask: Array) -> None:
    """Set d to 0 where h is 0, by their bits.

    h >= 0, so the integer with h's bits is 0 or positive; its negative, shifted until only the
    sign is left, is 0 or all ones: a mask, at a third of the price of d * (h > 0). After dropout
    h is 0 where a unit was dropped, and d is already 0 there.
    """
    np.negative(h, mask)
    np.right_shift(mask, sign_bit, mask)
    np.bitwise_and(d, mask, d)


class Smooth(Activation):
    """An activation whose derivative is written with its own value."""

    def __init__(self, units: Units, *, keep: bool) -> None:
        self.output = units
        self._z, self._d = units.flat, units.d_flat
        self._h = np.empty(units.flat.shape, units.flat.dtype) if keep else units.flat
        self._keep = keep
        self._slope = np.empty(units.flat.shape, units.flat.dtype)
        self._half = np.array(0.5, units.flat.dtype)
        self._one = np.array(1.0, units.flat.dtype)

    def _save(self) -> None:
        if self._keep:
            np.copyto(self._h, self._z)


class Sigmoid(Smooth):
    """f(z) = 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2, which never overflows; f' = h (1 - h)."""

    def forward(self) -> None:
        """Replace z by f(z)."""
        np.multiply(self._z, self._half, self._z)
        np.tanh(self._z, self._z)
        np.multiply(self._z, self._half, self._z)
        np.add(self._z, self._half, self._z)
        self._save()

    def backward(self) -> None:
        """Multiply d by f'(z)."""
        np.subtract(self._one, self._h, self._slope)
        np.multiply(self._slope, self._h, self._slope)
        np.multiply(self._d, self._slope, self._d)


class Tanh(Smooth):
    """f(z) = tanh(z); f' = 1 - h²."""

    def forward(self) -> None:
        """Replace z by f(z)."""
        np.tanh(self._z, self._z)
        self._save()

    def backward(self) -> None:
        """Multiply d by f'(z)."""
        np.multiply(self._h, self._h, self._slope)
        np.subtract(self._one, self._slope, self._slope)
        np.multiply(self._d, self._slope, self._d)


ACTIVATIONS: Registry[type[Activation]] = Registry(
    "activation", {"relu": Relu, "sigmoid": Sigmoid, "tanh": Tanh}
)
