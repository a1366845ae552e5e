"""The kinds of layers that a shape can name."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

import numpy as np

from hpsearch.errors import InvalidRequest
from hpsearch.nn.activations import ACTIVATIONS
from hpsearch.nn.buffers import Units
from hpsearch.nn.checks import known
from hpsearch.nn.layer import ExampleShape, Layer, LayerSpec, Parameter, Plan, Site
from hpsearch.nn.layers import BatchNorm, Dense, Dropout
from hpsearch.nn.waves import Waves
from hpsearch.registry import Registry

LATER: Final = {"later": True}
"""Metadata of an option that a kind of layer did not have at first: what is written stays as it was."""


@dataclass(frozen=True, slots=True)
class FlattenSpec:
    """Examples without a shape of their own: their values in one row."""

    def plan(self, source: ExampleShape) -> Plan:
        """Plan a row of all values."""
        return Plan((math.prod(source),), buffer="same")

    def bind(self, site: Site) -> Layer | None:  # noqa: ARG002 - the buffer is flat already
        """Compute nothing."""
        return None


@dataclass(frozen=True, slots=True)
class DenseSpec:
    """Every unit sees every value of the example; `bias` is left out before batch norm."""

    units: int
    bias: bool = True

    def plan(self, source: ExampleShape) -> Plan:
        """Plan the weights and the bias below them. Raises: InvalidRequest unless flattened."""
        if len(source) != 1:
            raise InvalidRequest(f"a dense layer needs flat examples; flatten those of {source}")
        if self.units < 1:
            raise InvalidRequest(f"units is {self.units}; it must be at least 1")
        parameters = [Parameter("weight", (source[0], self.units), fan_in=source[0])]
        if self.bias:
            parameters.append(Parameter("bias", (self.units,)))
        return Plan((self.units,), tuple(parameters), products=source[0] * self.units)

    def bind(self, site: Site) -> Layer:
        """Bind to a new buffer."""
        p = site.parameters
        return Dense(p.reshape(len(p), -1, self.units), site.source, site.target())


@dataclass(frozen=True, slots=True)
class BatchNormSpec:
    """Batch normalisation of every unit."""

    def plan(self, source: ExampleShape) -> Plan:
        """Plan gamma, beta and the running statistics."""
        units = math.prod(source)
        parameters = (Parameter("gamma", (units,), start=1.0), Parameter("beta", (units,)))
        return Plan(source, parameters, "rewritten", running_units=units)

    def bind(self, site: Site) -> Layer:
        """Bind to the input's buffer."""
        units = math.prod(site.shape)
        gamma, beta = site.parameters[:, :units], site.parameters[:, units:]
        return BatchNorm(site.source, gamma, beta, site.mean, site.variance)


@dataclass(frozen=True, slots=True)
class ActivationSpec:
    """An activation of `ACTIVATIONS`."""

    name: str

    def plan(self, source: ExampleShape) -> Plan:
        """Plan a pass in place. Raises: InvalidRequest if the name is unknown."""
        known(ACTIVATIONS, self.name)
        return Plan(source, buffer="rewritten", reads_output=True)

    def bind(self, site: Site) -> Layer:
        """Bind to the input's buffer."""
        return ACTIVATIONS[self.name](site.source, keep=site.before_dropout)


@dataclass(frozen=True, slots=True)
class DropoutSpec:
    """Dropout at each trial's own rate."""

    def plan(self, source: ExampleShape) -> Plan:
        """Plan the masks."""
        return Plan(source, buffer="rewritten", dropout_units=math.prod(source))

    def bind(self, site: Site) -> Layer | None:
        """Bind to the input's buffer and the masks, if anything is dropped."""
        return None if site.mask is None else Dropout(site.source, site.mask)


@dataclass(frozen=True, slots=True)
class WavesSpec:
    """Cosine and sine of `numbers` inputs from `first` on, beside all inputs.

    There are `count` frequencies: `base` radians for each unit of a scaled input, and on by doubling.
    The waves of each are `fade` times as high as those before: the slower ones count for more.
    """

    numbers: int
    count: int = 4
    base: float = 1.0
    fade: float = 0.5
    first: int = field(default=0, metadata=LATER)

    def plan(self, source: ExampleShape) -> Plan:
        """Plan a buffer without parameters. Raises: InvalidRequest if an option makes no waves."""
        if len(source) != 1:
            raise InvalidRequest(f"waves need flat examples; flatten those of {source}")
        if not 0 <= self.first < source[0]:
            raise InvalidRequest(f"first is {self.first}; it must lie in 0..{source[0] - 1}")
        if not 1 <= self.numbers <= source[0] - self.first:
            most = source[0] - self.first
            raise InvalidRequest(f"numbers is {self.numbers}; it must lie in 1..{most}")
        if not 1 <= self.count <= WAVES_MOST:
            raise InvalidRequest(f"count is {self.count}; it must lie in 1..{WAVES_MOST}")
        if not 0 < self.base <= WAVES_BASE_MOST:
            raise InvalidRequest(f"base is {self.base}; it must lie in (0, {WAVES_BASE_MOST:g}]")
        if not 0 < self.fade <= 1:
            raise InvalidRequest(f"fade is {self.fade}; it must lie in (0, 1]")
        return Plan((source[0] + 2 * self.numbers * self.count,), reads_output=True)

    def bind(self, site: Site) -> Layer:
        """Bind to a new buffer, which all trials share where they share the input."""
        source, dtype = site.source, site.source.rows.dtype
        output = site.target()
        if source.rows.ndim == 2:
            output = Units.inputs(np.ones((site.shape[0] + 1, source.rows.shape[-1]), dtype))
        octaves = np.arange(self.count)
        frequencies, heights = self.base * 2.0**octaves, self.fade**octaves
        waved = slice(self.first, self.first + self.numbers)
        return Waves(source, output, waved, frequencies.astype(dtype), heights.astype(dtype))


WAVES_MOST, WAVES_BASE_MOST = 8, 100.0

LAYERS: Registry[type[LayerSpec]] = Registry(
    "layer",
    {
        "flatten": FlattenSpec,
        "dense": DenseSpec,
        "batch_norm": BatchNormSpec,
        "activation": ActivationSpec,
        "dropout": DropoutSpec,
        "waves": WavesSpec,
    },
)


def layer_to_json(spec: LayerSpec) -> dict[str, Any]:
    """The name of a layer's kind, and its options; a `LATER` one only where it is not the default."""
    name = next(name for name, kind in LAYERS.items() if kind is type(spec))
    usual = [
        f.name for f in fields(spec) if f.metadata == LATER and getattr(spec, f.name) == f.default
    ]
    return {"kind": name, **{k: v for k, v in asdict(spec).items() if k not in usual}}
