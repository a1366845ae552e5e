"""The network that the trials of a stack share, and the values that differ between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hpsearch.errors import InvalidRequest
from hpsearch.nn.activations import ACTIVATIONS
from hpsearch.nn.checks import known, within
from hpsearch.nn.initializers import INITIALIZERS
from hpsearch.nn.kinds import (
    LAYERS,
    ActivationSpec,
    BatchNormSpec,
    DenseSpec,
    DropoutSpec,
    FlattenSpec,
    layer_to_json,
)
from hpsearch.nn.layer import ExampleShape, LayerSpec, Plan
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.optimizers import OPTIMIZERS
from hpsearch.nn.schedules import SCHEDULES


@dataclass(frozen=True, slots=True)
class Shape:
    """The network and the things that cannot differ within a stack: the shape key.

    The examples go through `layers`; their values in one row go through a dense layer for each of
    `hidden_sizes`, with batch norm if any, activation and dropout; a dense layer makes `outputs`.

    inputs
        Values of an example; its shape is `example_shape`, or (inputs,) where that is ().

    Raises: InvalidRequest, when made, if a value makes no network.
    """

    inputs: int
    hidden_sizes: tuple[int, ...]
    outputs: int
    activation: str = "relu"
    optimizer: str = "sgd"
    batch_size: int = 32
    batch_norm: bool = False
    loss: str = "cross_entropy"
    layers: tuple[LayerSpec, ...] = ()
    example_shape: ExampleShape = ()

    def __post_init__(self) -> None:
        sizes = {"inputs": self.inputs, "batch_size": self.batch_size}
        sizes |= {f"hidden_sizes[{i}]": units for i, units in enumerate(self.hidden_sizes)}
        for name, size in sizes.items():
            if size < 1:
                raise InvalidRequest(f"{name} is {size}; it must be at least 1")
        known(ACTIVATIONS, self.activation)
        known(OPTIMIZERS, self.optimizer)
        known(LOSSES, self.loss)
        least = LOSSES[self.loss].least_outputs
        if self.outputs < least:
            raise InvalidRequest(f"outputs is {self.outputs}; it must be at least {least}")
        if self.example_shape and math.prod(self.example_shape) != self.inputs:
            raise InvalidRequest(
                f"examples of {self.example_shape} do not have {self.inputs} values"
            )
        for spec in self.layers:
            if type(spec) not in LAYERS.values():
                raise InvalidRequest(f"{type(spec).__name__} is no registered kind of layer")
        if self.layers:
            _check_buffers(self.plans)

    @property
    def sequence(self) -> tuple[LayerSpec, ...]:
        """Every layer, the one that makes the outputs included."""
        hidden: list[LayerSpec] = [*self.layers, FlattenSpec()]
        for units in self.hidden_sizes:
            hidden.append(DenseSpec(units, bias=not self.batch_norm))
            if self.batch_norm:
                hidden.append(BatchNormSpec())
            hidden += [ActivationSpec(self.activation), DropoutSpec()]
        return (*hidden, DenseSpec(self.outputs))

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of every layer."""
        source = self.example_shape or (self.inputs,)
        plans: list[Plan] = []
        for spec in self.sequence:
            plans.append(spec.plan(source))
            source = plans[-1].shape
        return tuple(plans)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every buffer of activations, inputs first, outputs last."""
        units = (math.prod(plan.shape) for plan in self.plans if plan.buffer == "new")
        return (self.inputs, *units)

    def to_json(self) -> dict[str, Any]:
        """JSON values; what a dense classifier does not need is left out."""
        values = asdict(self) | {"layers": [layer_to_json(spec) for spec in self.layers]}
        values["classes"] = values.pop("outputs")  # the name in files of format 1
        defaults = {"loss": "cross_entropy", "layers": [], "example_shape": ()}
        return {k: v for k, v in values.items() if k not in defaults or v != defaults[k]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Shape:
        """The inverse of `to_json`. Raises: InvalidRequest, KeyError, TypeError."""
        fields: dict[str, Any] = {k: _hashable(v) for k, v in values.items() if k != "layers"}
        layers = []
        for options in values.get("layers", ()):
            known(LAYERS, options["kind"])
            rest = {name: _hashable(value) for name, value in options.items() if name != "kind"}
            layers.append(LAYERS[options["kind"]](**rest))
        return cls(outputs=fields.pop("classes"), layers=tuple(layers), **fields)


def _hashable(value: object) -> object:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _check_buffers(plans: tuple[Plan, ...]) -> None:
    """Refuse a layer that would overwrite what others still read. Raises: InvalidRequest."""
    reader = inputs = "the inputs, which all trials share"
    for index, plan in enumerate(plans):
        dropout_may = plan.dropout_units and reader != inputs
        if plan.buffer == "rewritten" and reader and not dropout_may:
            raise InvalidRequest(f"layers[{index}] works in place and would overwrite {reader}")
        if plan.buffer == "new":
            reader = ""
        if plan.reads_output:
            reader = "an activation"


@dataclass(frozen=True, slots=True)
class Member:
    """A trial of a stack: everything that may differ between its trials.

    `constants` are the optimizer's by name, its defaults where they are left out.
    `init_key` and `dropout_key` are entropy for numpy.random.SeedSequence: the trial's own
    streams of random numbers, whatever stack it is trained in.
    `step_every` (epochs) and `step_gamma` belong to the schedule "step".

    Raises: InvalidRequest, when made, if a value is outside its range.
    """

    learning_rate: float
    weight_decay: float = 0.0
    constants: Mapping[str, float] = field(default_factory=dict)
    initializer: str = "auto"
    init_std: float = 0.01
    dropout: float = 0.0
    schedule: str = "constant"
    step_every: int = 1
    step_gamma: float = 0.1
    clip_norm: float | None = None
    init_key: tuple[int, ...] = (0,)
    dropout_key: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        for name in ("learning_rate", "weight_decay", "init_std"):
            within(name, getattr(self, name), 0.0, math.inf)
        within("dropout", self.dropout, 0.0, 1.0)
        within("step_gamma", self.step_gamma, 0.0, 1.0, closed=True)
        if self.step_every < 1:
            raise InvalidRequest(f"step_every is {self.step_every}; it must be at least 1 epoch")
        if self.clip_norm is not None and not 0.0 < self.clip_norm < math.inf:
            raise InvalidRequest(f"clip_norm {self.clip_norm!r} must be positive, or None")
        if any(word < 0 for word in (*self.init_key, *self.dropout_key)):
            raise InvalidRequest("init_key and dropout_key are tuples of integers >= 0")
        known(INITIALIZERS, self.initializer)
        known(SCHEDULES, self.schedule)

    def check_constants(self, optimizer: str) -> None:
        """Refuse constants that are not the optimizer's. Raises: InvalidRequest."""
        declared = {constant.name: constant for constant in OPTIMIZERS[optimizer].constants}
        for name, value in self.constants.items():
            if name not in declared:
                raise InvalidRequest(f"{optimizer} has no constant {name!r}")
            if not declared[name].accepts(value):
                bounds = f"{declared[name].low:g}, {declared[name].high:g}"
                raise InvalidRequest(f"{name} {value!r} must lie in [{bounds}]")
