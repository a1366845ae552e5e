"""T networks of one shape as one program, for minibatches of one length.

T trials   B examples   P values of a trial's parameters   R trials of a tile

A `Network` owns the buffers of one batch length and is bound to the stack's parameters; forward,
backward and gradients allocate nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.nn.arrays import Array
from hpsearch.nn.buffers import Units
from hpsearch.nn.layer import Layer, Pass, Site
from hpsearch.nn.layers import Noise
from hpsearch.nn.parameters import layout
from hpsearch.nn.shape import Shape
from hpsearch.nn.uniform import Uniform


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """The parameters (T, P) of a stack's networks and batch norm's statistics (T, units)."""

    flat: Array
    mean: Array
    variance: Array


class Network:
    """Forward and backward through a stack, over the inputs in `x` (F + 1, B)."""

    def __init__(
        self, shape: Shape, parameters: Parameters, x: Array, rates: Array | None = None
    ) -> None:
        """Bind the layers; `rates` (T,) are the dropout rates, None leaves dropout out."""
        place, trials, examples = layout(shape), len(parameters.flat), x.shape[-1]
        self.noise, masks = None, None
        if rates is not None and place.dropout_units and rates.any():
            self.noise = Noise(rates, place.dropout_units, examples, parameters.flat.dtype)
            masks = self.noise.masks[:, : place.dropout_units * examples].reshape(
                trials, -1, examples
            )
        self._layers: list[tuple[Layer, slice]] = []
        source = Units.inputs(x)
        for here in place.places:
            site = Site(
                source,
                here.source,
                here.plan.shape,
                parameters.flat[:, here.parameters],
                parameters.mean[:, here.running],
                parameters.variance[:, here.running],
                masks[:, here.dropout] if masks is not None and here.plan.dropout_units else None,
                before_dropout=here.before_dropout and masks is not None,
                last=here is place.places[-1],
            )
            layer = here.spec.bind(site)
            if layer is not None:
                self._layers.append((layer, here.parameters))
                source = layer.output
        self.outputs = source.rows
        layers = [layer for layer, _ in self._layers]
        self._forward = [layer.forward for layer in layers]
        self._infer = [layer.infer for layer in layers]
        self._backward = [layer.backward for layer in reversed(layers)]

    def forward(self, streams: Sequence[Uniform]) -> None:
        """Outputs in training: batch statistics, dropout from each trial's stream."""
        if self.noise is not None:
            self.noise.draw(streams)
        for step in self._forward:
            step()

    def infer(self) -> None:
        """Outputs in inference: running statistics, no dropout."""
        for step in self._infer:
            step()

    def backward(self) -> None:
        """From dL/d(outputs), in the place of the outputs, to every layer's gradient."""
        for step in self._backward:
            step()

    def gradients(self, tile: slice, out: Array) -> Gradients:
        """A plan that writes the gradients of the trials in `tile` to `out` (R, P)."""
        return Gradients(
            tuple(
                call
                for layer, place in self._layers
                for call in layer.gradients(tile, out[:, place])
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """The calls that compute the gradients of some trials of a stack."""

    passes: tuple[Pass, ...]

    def compute(self) -> None:
        """Make them all."""
        for call, arrays in self.passes:
            call(*arrays)
