"""A trained model as a list of plain steps, from which every export is made.

M   networks      n   examples      S   stored columns or features      F   inputs of the networks
K   outputs       U   units of a layer

The steps, in their order: numbers are shifted and scaled; where the model has columns of a table, inputs are
made of them; then the layers; then the answer. `Described.document` says all of it in JSON,
and names the arrays of `Described.tensors`. docs/client.md has the conventions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.encoding import Encoding
from hpsearch.errors import InvalidRequest
from hpsearch.nn.layers import BatchNorm
from hpsearch.nn.parameters import Place, layout
from hpsearch.winner.before import sentences

Floats: TypeAlias = NDArray[np.float32]

MADE_BY: Final = "hpsearch"
VERSION: Final = 1  # counts the layouts of the document
ACTIVATIONS: Final = ("relu", "sigmoid", "tanh")
LOSSES: Final = ("cross_entropy", "squared_error", "huber")


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """h @ weight + bias: weight (M, inputs, U), bias (M, U) or None."""

    name: str
    weight: Floats
    bias: Floats | None


@dataclass(frozen=True, slots=True, eq=False)
class Normalise:
    """gamma (h - mean) / sqrt(variance + eps) + beta, all (M, U)."""

    name: str
    gamma: Floats
    beta: Floats
    mean: Floats
    variance: Floats
    eps: float = BatchNorm.EPS


@dataclass(frozen=True, slots=True)
class Activate:
    """One of `ACTIVATIONS`."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """h, then for each frequency w with its height a: a cos(w h'), a sin(w h') of `numbers` values h' from `first` on."""

    first: int
    numbers: int
    frequencies: Floats
    heights: Floats


Step: TypeAlias = Dense | Normalise | Activate | Wave


@dataclass(frozen=True)
class Described:
    """A model and the steps of its networks between their inputs and their outputs."""

    model: nn.Model
    steps: Sequence[Step]

    @property
    def networks(self) -> int:
        """M, the number of networks that answer with their mean."""
        return len(self.model.weights)

    @property
    def offset(self) -> NDArray[np.float64] | None:
        """(S,) what is subtracted in float64 first."""
        return self.model.offset

    @property
    def encoding(self) -> Encoding | None:
        """What makes inputs of columns."""
        return self.model.encoding

    @property
    def outputs(self) -> int:
        """K."""
        return self.model.shape.outputs

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The S stored columns or features by name; none where an example is an image or has no names."""
        if self.model.columns:
            return tuple(column.name for column in self.model.columns)
        return tuple(self.model.about.get("feature_names") or ())

    @cached_property
    def labels(self) -> NDArray[Any]:
        """(K,) classes in the order of the outputs: whole numbers where all are, else text."""
        return labels(self.model.classes)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Every array by its name; those of layers without the axis of M where there is one network."""
        named: dict[str, NDArray[Any]] = {}
        if self.offset is not None:
            named["offset"] = self.offset
        named |= {"shift": self.model.shift, "scale": self.model.scale}
        if self.encoding is not None:
            arrays = self.encoding.arrays()
            named |= {f"encoding.{name}": arrays[name] for name in ENCODING}
        for step in self.steps:
            for name, array in _parameters(step).items():
                named[name] = array if self.networks > 1 else array[0]
        return named

    def document(self) -> dict[str, Any]:
        """Everything but the arrays, in JSON values."""
        model, dtype = self.model, "float32" if self.offset is None else "float64"
        return {
            "made_by": MADE_BY,
            "format": VERSION,
            "task": "classification" if model.classifies else "regression",
            "classes": self.labels.tolist(),
            "networks": self.networks,
            "input": {
                "dtype": dtype,
                "values": len(model.shift),
                "names": list(self.names),
                "columns": [column.to_json() for column in model.columns],
                "before": sentences(model),
            },
            "steps": [*self._first(), *map(_said, self.steps), *self._last()],
            "tensors": {
                name: {"dtype": str(array.dtype), "shape": list(array.shape)}
                for name, array in self.tensors().items()
            },
            "about": dict(model.about),
        }

    def _first(self) -> list[dict[str, Any]]:
        """Steps that make the networks' inputs."""
        steps: list[dict[str, Any]] = []
        if self.offset is not None:
            steps.append({"kind": "subtract", "offset": "offset"})
        steps.append({"kind": "scale", "shift": "shift", "scale": "scale"})
        if (made := self.encoding) is not None:
            step = {"kind": "encode", "width": made.width, "smooth": made.smooth}
            steps.append(step | {name: f"encoding.{name}" for name in ENCODING})
        return steps

    def _last(self) -> list[dict[str, Any]]:
        """Steps that make the answer of the outputs."""
        steps: list[dict[str, Any]] = []
        if self.model.classifies:
            steps.append({"kind": "softmax"})
        if (target := self.model.target) is not None:
            steps.append({"kind": "target", "scale": target.scale, "shift": target.shift})
        return [*steps, *([{"kind": "mean"}] if self.networks > 1 else [])]


ENCODING: Final = ("numbers", "gaps", "live", "categories", "levels", "slots")
"""Arrays of an encoding, as it names them itself."""


def describe(model: nn.Model) -> Described:
    """Return the steps of a model.

    Raises
    ------
    InvalidRequest
        It has a layer, an activation or a loss that no export knows; the message names it.
    """
    if model.shape.loss not in LOSSES:
        raise _unknown("loss", model.shape.loss, LOSSES)
    steps: list[Step] = []
    for place in layout(model.shape).places:
        make = _MADE.get(type(place.spec))
        if make is None:
            kind = nn.layer_to_json(place.spec)["kind"]
            known = [name for name, spec in nn.LAYERS.items() if spec in _MADE]
            raise _unknown("layer", kind, known)
        steps += make(place, model.weights)
    return Described(model, tuple(steps))


def labels(classes: Sequence[str]) -> NDArray[Any]:
    """Return the classes (K,) as whole numbers where all of them are, else as text."""
    try:
        numbers = [int(name) for name in classes]
    except ValueError:
        return np.array(classes, np.str_)
    whole = [str(number) for number in numbers] == list(classes)
    fits = all(abs(number) < 2**63 for number in numbers)
    return np.array(numbers, np.int64) if whole and fits else np.array(classes, np.str_)


def _unknown(kind: str, name: str, known: Sequence[str]) -> InvalidRequest:
    return InvalidRequest(
        f"a model with the {kind} {name!r} cannot be exported; those with {', '.join(known)} can. "
        "Its .npz file holds all of its arrays"
    )


def _arrays(place: Place, weights: nn.Weights) -> dict[str, Floats]:
    """Return the parameters of a place by their names, such as layer0.weight, in their order."""
    here = place.parameters
    slots = (s for s in layout(weights.shape).slots if here.start <= s.start < here.stop)
    return {slot.name: slot.view(weights.flat) for slot in slots}


def _dense(place: Place, weights: nn.Weights) -> list[Step]:
    (name, weight), *rest = _arrays(place, weights).items()
    return [Dense(_of(name), weight, rest[0][1] if rest else None)]


def _normalise(place: Place, weights: nn.Weights) -> list[Step]:
    (name, gamma), (_, beta) = _arrays(place, weights).items()
    at = place.running
    return [Normalise(_of(name), gamma, beta, weights.mean[:, at], weights.variance[:, at])]


def _activate(place: Place, weights: nn.Weights) -> list[Step]:
    assert isinstance(place.spec, nn.ActivationSpec)
    if place.spec.name not in ACTIVATIONS:
        raise _unknown("activation", place.spec.name, ACTIVATIONS)
    return [Activate(place.spec.name)]


def _wave(place: Place, weights: nn.Weights) -> list[Step]:
    spec = place.spec
    assert isinstance(spec, nn.WavesSpec)
    octaves = np.arange(spec.count)
    frequencies, heights = spec.base * 2.0**octaves, spec.fade**octaves
    return [
        Wave(spec.first, spec.numbers, frequencies.astype(np.float32), heights.astype(np.float32))
    ]


def _nothing(place: Place, weights: nn.Weights) -> list[Step]:
    """Return no step: values lie in one row already, and in use nothing is dropped."""
    return []


_MADE: Final[Mapping[type, Callable[[Place, nn.Weights], list[Step]]]] = {
    nn.FlattenSpec: _nothing,
    nn.DenseSpec: _dense,
    nn.BatchNormSpec: _normalise,
    nn.ActivationSpec: _activate,
    nn.DropoutSpec: _nothing,
    nn.WavesSpec: _wave,
}


def _of(name: str) -> str:
    """Return the layer of a parameter: layer0 of layer0.weight."""
    return name.partition(".")[0]


def _parameters(step: Step) -> dict[str, Floats]:
    """Return the arrays (M, ...) of a step by name."""
    if isinstance(step, Dense):
        bias = {} if step.bias is None else {f"{step.name}.bias": step.bias}
        return {f"{step.name}.weight": step.weight, **bias}
    if isinstance(step, Normalise):
        parts = ("gamma", "beta", "mean", "variance")
        return {f"{step.name}.{part}": getattr(step, part) for part in parts}
    return {}


def _said(step: Step) -> dict[str, Any]:
    """Return a step in JSON values; its arrays are named."""
    named = {name.partition(".")[2]: name for name in _parameters(step)}
    if isinstance(step, Dense):
        _, inputs, units = step.weight.shape
        return {"kind": "dense", "inputs": inputs, "units": units, **named}
    if isinstance(step, Normalise):
        return {"kind": "batch_norm", "units": step.gamma.shape[1], "eps": step.eps, **named}
    if isinstance(step, Activate):
        return {"kind": "activation", "name": step.name}
    # The float64 nearest a float32 has more digits than anybody wrote; it is that very number.
    return {"kind": "waves", "first": step.first, "numbers": step.numbers, "frequencies": step.frequencies.tolist(),
            "heights": step.heights.tolist()}  # fmt: skip
