"""T networks of one shape as one program, for minibatches of one length.

T trials   U_l units of layer l   B examples   R trials of a tile

A `Network` owns the buffers of one batch length and is bound to the stack's parameters; forward,
backward and gradients allocate nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.activations import ACTIVATIONS, Activation
from hpsearch.nn.buffers import Units
from hpsearch.nn.layers import BatchNorm, Dense, Dropout, Noise
from hpsearch.nn.parameters import Slot, layout
from hpsearch.nn.shape import Shape

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """What a stack's networks are made of: (T, P) values and batch norm's (T, U) statistics."""

    flat: Array
    mean: Array
    variance: Array


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """One hidden layer: dense, batch norm if any, activation, dropout if any."""

    dense: Dense
    norm: BatchNorm | None
    activation: Activation
    dropout: Dropout | None
    d: Array  # (T, U, B) dL/dh, then dL/dz
    d_flat: Array  # (T, U * B), the same


class Network:
    """Forward and backward through a stack, over the inputs in `x` (F + 1, B)."""

    def __init__(
        self, shape: Shape, parameters: Parameters, x: Array, rates: Array | None = None
    ) -> None:
        """`rates` (T,) are the dropout rates; None leaves dropout out."""
        self._slots = layout(shape).slots
        self._trials, self._examples = len(parameters.flat), x.shape[-1]
        dtype = parameters.flat.dtype
        self.noise = None
        if rates is not None and shape.hidden_sizes and rates.any():
            self.noise = Noise(rates, sum(shape.hidden_sizes), self._examples, dtype)
        self._hidden: list[Hidden] = []
        source, before = x, 0
        for slot in self._slots[:-1]:
            units = Units.make(self._trials, slot.units, self._examples, dtype)
            self._hidden.append(self._layer(shape, parameters, slot, source, units, before, rates))
            source, before = units.with_ones, before + slot.units
        last = self._slots[-1]
        self.logits = np.empty((self._trials, last.units, self._examples), dtype)
        flat = parameters.flat
        self._output = Dense(last.weight(flat), last.affine(flat), source, self.logits)

    def _layer(
        self,
        shape: Shape,
        parameters: Parameters,
        slot: Slot,
        source: Array,
        units: Units,
        before: int,
        rates: Array | None,
    ) -> Hidden:
        flat = parameters.flat
        dense = Dense(slot.weight(flat), slot.affine(flat), source, units.rows)
        norm = dropout = None
        if slot.batch_norm:
            here = slice(before, before + slot.units)
            norm = BatchNorm(
                units,
                slot.vector(flat, 0),
                slot.vector(flat, 1),
                parameters.mean[:, here],
                parameters.variance[:, here],
            )
        if self.noise is not None and rates is not None:
            here = slice(before * self._examples, (before + slot.units) * self._examples)
            dropout = Dropout(units.flat, self.noise.masks[:, here])
        activation = ACTIVATIONS[shape.activation](units, keep=dropout is not None)
        d = np.empty(units.rows.shape, units.rows.dtype)
        return Hidden(dense, norm, activation, dropout, d, d.reshape(self._trials, -1))

    def forward(self, streams: list[np.random.Generator]) -> None:
        """Logits in training: batch statistics, dropout from each trial's stream."""
        if self.noise is not None:
            self.noise.draw(streams)
        for layer in self._hidden:
            layer.dense.forward()
            if layer.norm is not None:
                layer.norm.forward()
            layer.activation.forward()
            if layer.dropout is not None:
                layer.dropout.forward()
        self._output.forward()

    def infer(self) -> None:
        """Logits in inference: running statistics, no dropout."""
        for layer in self._hidden:
            layer.dense.forward()
            if layer.norm is not None:
                layer.norm.infer()
            layer.activation.forward()
        self._output.forward()

    def backward(self, d: Array) -> None:
        """From d = dL/dlogits (T, C, B) to every layer's dL/dz."""
        dense = self._output
        for layer in reversed(self._hidden):
            dense.backward(d, layer.d)
            if layer.dropout is not None:
                layer.dropout.backward(layer.d_flat)
            layer.activation.backward(layer.d_flat)
            if layer.norm is not None:
                layer.norm.backward(layer.d)
            d, dense = layer.d, layer.dense

    def gradients(self, tile: slice, out: Array) -> Gradients:
        """A plan that writes the gradients of the trials in `tile` to `out` (R, P)."""
        products, copies = [], []
        denses = [*((h.dense, h.d) for h in self._hidden), (self._output, self.logits)]
        for slot, (dense, d) in zip(self._slots, denses, strict=True):
            source = dense.source if dense.source.ndim == 2 else dense.source[tile]
            products.append((source, d[tile].swapaxes(1, 2), slot.affine(out)))
        for slot, layer in zip(self._slots, self._hidden, strict=False):
            if layer.norm is not None:
                copies.append((slot.vector(out, 0), layer.norm.d_gamma[tile, :, 0]))
                copies.append((slot.vector(out, 1), layer.norm.d_beta[tile, :, 0]))
        return Gradients(tuple(products), tuple(copies))


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """dL/dW = H dᵀ for some trials of a stack, the bias's gradient in the last row."""

    products: tuple[tuple[Array, Array, Array], ...]
    copies: tuple[tuple[Array, Array], ...]

    def compute(self) -> None:
        """One product per layer and trial."""
        for h, d_t, out in self.products:
            np.matmul(h, d_t, out)
        for target, source in self.copies:
            np.copyto(target, source)
