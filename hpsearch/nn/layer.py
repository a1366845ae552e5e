"""The interface of a layer: its specification in a `Shape`, and the layer bound to its buffers.

T trials   U units   B examples   R trials of a tile   P_l values of a layer's parameters

A kind of layer is two classes. A `LayerSpec`, registered in `LAYERS`, is a frozen dataclass of
the layer's options; it plans the layer (shapes and parameters) and binds it. A `Layer` computes
on the buffers that it was bound to; it allocates nothing after that.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from hpsearch.nn.arrays import Array
from hpsearch.nn.buffers import Units

ExampleShape: TypeAlias = tuple[int, ...]
Pass: TypeAlias = tuple[Callable[..., object], tuple[Array, ...]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array of a layer's parameters.

    fan_in
        Inputs of a unit, for weights: they are drawn by the trial's initializer, and weight decay
        meets them. 0 for other parameters, which begin at `start` and never decay.
    """

    name: str
    shape: tuple[int, ...]
    fan_in: int = 0
    start: float = 0.0

    @property
    def size(self) -> int:
        """The number of its values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of one layer, for examples of one shape.

    shape
        The shape of an example behind the layer.

    Parameters
    ----------
        In the order in which they lie in a trial's row.
    buffer
        The output's: a "new" one, the "same" as the input's, or the input's "rewritten".
    reads_output
        `backward` reads the output, which only dropout may rewrite.
    running_units, dropout_units
        Units with running statistics, and units that dropout masks.
    products
        Multiplications of its matrix products for one example, for estimates of time.
    """

    shape: ExampleShape
    parameters: tuple[Parameter, ...] = ()
    buffer: Literal["new", "same", "rewritten"] = "new"
    reads_output: bool = False
    running_units: int = 0
    dropout_units: int = 0
    products: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """The place of a layer in a stack's networks: what it is bound to.

    `parameters` (T, P_l), `mean` and `variance` (T, running units) are views of the stack's.
    `mask` (T, dropout units, B) is None where nothing is dropped. `before_dropout`: dropout is
    going to rewrite the output. `last`: the output is the network's.
    """

    source: Units
    source_shape: ExampleShape
    shape: ExampleShape
    parameters: Array
    mean: Array
    variance: Array
    mask: Array | None = None
    before_dropout: bool = False
    last: bool = False

    def target(self) -> Units:
        """A new buffer for the layer's output."""
        make = Units.outputs if self.last else Units.make
        examples, dtype = self.source.rows.shape[-1], self.source.rows.dtype
        return make(len(self.parameters), math.prod(self.shape), examples, dtype)


class Layer(ABC):
    """A layer bound to its buffers.

    `backward` finds dL/d(output) in `output.d` and leaves dL/d(input) in the input's `d`, which
    for a layer in place is the same array. A layer with a buffer of its own leaves an empty `d`
    alone: it belongs to the inputs. Every sum must stay inside one trial.
    """

    output: Units

    @abstractmethod
    def forward(self) -> None:
        """Compute the output in training."""

    def infer(self) -> None:
        """Compute the output in inference: as in training, unless the layer knows better."""
        self.forward()

    @abstractmethod
    def backward(self) -> None:
        """Compute the gradient of the input."""

    def gradients(self, tile: slice, out: Array) -> Sequence[Pass]:  # noqa: ARG002 - has no parameters
        """The calls that write dL/d(parameters) of the trials in `tile` to `out` (R, P_l)."""
        return ()


class LayerSpec(Protocol):
    """A layer in a `Shape`: a frozen dataclass whose fields are the layer's options."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def plan(self, source: ExampleShape) -> Plan:
        """Plan the layer for examples of this shape. Raises: InvalidRequest if they do not fit."""

    def bind(self, site: Site) -> Layer | None:
        """Bind the layer to its buffers; None where there is nothing to compute."""
