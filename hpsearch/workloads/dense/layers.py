"""Layers before the hidden ones, in a spec: `model.layers`, each an object with its kind and options.

`hidden_sizes`, `activation`, `batch_norm` and `dropout` stand for the engine's first kinds of
layers. A kind that comes later is named here, and as long as there is none, there is no such field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from hpsearch import nn
from hpsearch.errors import InvalidRequest, Mistake
from hpsearch.workloads.base import DatasetFacts

LAYERS_MAX = 10
_HIDDEN = {"flatten", "dense", "batch_norm", "activation", "dropout"}  # other fields stand for them

Kinds = tuple[tuple[str, type[nn.LayerSpec]], ...]


def kinds() -> Kinds:
    """(name, kind) of every layer that a spec can name now."""
    return tuple((name, kind) for name, kind in nn.LAYERS.items() if name not in _HIDDEN)


@dataclass(frozen=True, slots=True)
class _Layer:
    """Annotation of a layer: checked against its kind when it is read, written with the kind's name."""

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(nn.layer_to_json)
        return core_schema.no_info_plain_validator_function(_read, serialization=written)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [_described(name, kind) for name, kind in kinds()]}


Layers = Annotated[
    tuple[Annotated[nn.LayerSpec, _Layer()], ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    Field(max_length=LAYERS_MAX),
]


def _read(value: object) -> nn.LayerSpec:
    known = dict(kinds())
    for kind in known.values():
        if isinstance(value, kind):  # it was read before
            return value
    options = dict(value) if isinstance(value, Mapping) else {}
    name = options.pop("kind", None)
    if not isinstance(name, str) or name not in known:
        raise PydanticKnownError(
            "literal_error", {"expected": f"a layer of kind {', '.join(known)}"}
        )
    unknown = options.keys() - {field.name for field in fields(known[name])}
    if unknown:
        raise ValueError(f"{name} has no option {min(unknown)}")
    # As JSON, since strict Python wants an instance in place of its options.
    return TypeAdapter(known[name]).validate_json(json.dumps(options), strict=True)


def _described(name: str, kind: type[nn.LayerSpec]) -> JsonSchemaValue:
    options = TypeAdapter(kind).json_schema()
    properties = {"kind": {"const": name, "type": "string"}, **options.get("properties", {})}
    required = ["kind", *options.get("required", ())]
    return {"type": "object", "title": name, "properties": properties, "required": required}


def behind(layers: Sequence[nn.LayerSpec], facts: DatasetFacts, max_levels: int) -> tuple[int, int]:
    """Values of an example behind the layers, and parameters of the layers.

    Layers that do not fit are left out; `misplaced` names them.
    """
    source, parameters = example_shape(facts) or (facts.inputs(max_levels),), 0
    if not misplaced(layers, facts, max_levels):
        for layer in layers:
            plan = layer.plan(source)
            source = plan.shape
            parameters += sum(parameter.size for parameter in plan.parameters)
    return math.prod(source), parameters


def example_shape(facts: DatasetFacts) -> tuple[int, ...]:
    """Shape of an example as the network meets it; () for a plain row of inputs."""
    return () if facts.columns else facts.example_shape


def misplaced(
    layers: Sequence[nn.LayerSpec], facts: DatasetFacts, max_levels: int
) -> list[Mistake]:
    """The mistake of layers that do not fit the examples, or each other."""
    if not layers:
        return []
    try:
        nn.Shape(
            inputs=facts.inputs(max_levels),
            hidden_sizes=(),
            outputs=max(2, facts.outputs),
            layers=tuple(layers),
            example_shape=example_shape(facts),
        )
    except InvalidRequest as error:
        return [Mistake("model.layers", str(error))]
    return []
