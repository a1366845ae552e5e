"""The kinds of layers that a shape can name."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.errors import InvalidRequest
from hpsearch.nn.activations import ACTIVATIONS
from hpsearch.nn.checks import known
from hpsearch.nn.layer import ExampleShape, Layer, LayerSpec, Parameter, Plan, Site
from hpsearch.nn.layers import BatchNorm, Dense, Dropout
from hpsearch.registry import Registry


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


LAYERS: Registry[type[LayerSpec]] = Registry(
    "layer",
    {
        "flatten": FlattenSpec,
        "dense": DenseSpec,
        "batch_norm": BatchNormSpec,
        "activation": ActivationSpec,
        "dropout": DropoutSpec,
    },
)


def layer_to_json(spec: LayerSpec) -> dict[str, Any]:
    """The name of a layer's kind, and its options."""
    name = next(name for name, kind in LAYERS.items() if kind is type(spec))
    return {"kind": name, **asdict(spec)}
