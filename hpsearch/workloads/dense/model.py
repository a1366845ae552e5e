"""The model of a spec: every hyperparameter of a dense network, with its default and its domain.

The annotations are the one table of hyperparameters. A field marked PER_TRIAL may differ between
the trials of a stack, one marked SHAPING decides which trials can be stacked; both may be searched.
Constants of optimizers come from the optimizers: those that a spec has had from the start are
fields here, any other becomes one as soon as an optimizer declares it; likewise `layers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidatorFunctionWrapHandler,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from hpsearch import nn
from hpsearch.one_of import one_of
from hpsearch.rules import Since
from hpsearch.space import Level, level_text
from hpsearch.workloads.dense.constants import Declared, declared
from hpsearch.workloads.dense.layers import Kinds, Layers, kinds

UNITS_MAX = 4_096
LAYERS_MAX = 10
LEVELS_MAX = 4_096
BATCH_MAX = 1_000_000  # the dataset's own size is the real bound; `Dense.unfit` knows it


@dataclass(frozen=True, slots=True)
class Needs:
    """The values of another field beside which one has an effect.

    `levels` is None where any list does that is not empty: the units of hidden layers.
    """

    other: str
    levels: tuple[Level, ...] | None = None

    def met_by(self, value: object) -> bool:
        """Tell whether a value of the other field is one of them."""
        return bool(value) if self.levels is None else value in self.levels

    @property
    def words(self) -> str:
        """The values for people."""
        if self.levels is None:
            return "at least one layer, such as [50]"
        return " or ".join(map(level_text, self.levels))


@dataclass(frozen=True, slots=True)
class Searchable:
    """Mark of a field that may be searched.

    `needs` names the values of another field without which this one has no effect; a constant
    needs the optimizers that declare it.
    """

    shaping: bool = False
    needs: Needs | None = None


PER_TRIAL, SHAPING = Searchable(), Searchable(shaping=True)
HIDDEN_LAYERS = Needs("hidden_sizes")

Units = Annotated[int, Field(ge=1, le=UNITS_MAX)]
HiddenSizes = Annotated[
    tuple[Units, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    Field(max_length=LAYERS_MAX),
]


def _constant(name: str, about: str | None = None) -> Any:
    """The field of a constant that some optimizer declares."""
    now = declared()
    return _field(now.constants[name], about or f"For {' and '.join(now.users(name))}.")


def _field(constant: nn.Constant, about: str, **more: Any) -> Any:
    low = {"gt": 0} if constant.above_zero else {"ge": constant.low}
    return Field(constant.default, **low, le=constant.high, description=about, **more)


class ModelSpec(BaseModel):
    """What every trial has in common; any field may be searched instead."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    hidden_sizes: Annotated[HiddenSizes, SHAPING] = Field(
        (50,), description="Units of each hidden layer."
    )
    activation: Annotated[str, one_of(nn.ACTIVATIONS), SHAPING] = "relu"
    initializer: Annotated[str, one_of(nn.INITIALIZERS), PER_TRIAL] = Field(
        "auto", description="auto: He for ReLU, Xavier for sigmoid and tanh."
    )
    init_std: Annotated[float, Searchable(needs=Needs("initializer", ("normal",)))] = Field(
        0.01, gt=0, le=1e3, description="Standard deviation for normal."
    )
    optimizer: Annotated[str, one_of(nn.OPTIMIZERS), SHAPING] = "sgd"
    learning_rate: Annotated[float, PER_TRIAL] = Field(0.01, gt=0, le=1e4)
    weight_decay: Annotated[float, PER_TRIAL] = Field(
        0.0, ge=0, le=1e3, description="Lambda of the 1/2 lambda W^2 penalty."
    )
    momentum: Annotated[float, PER_TRIAL] = _constant("momentum")
    beta1: Annotated[float, PER_TRIAL] = _constant("beta1")
    beta2: Annotated[float, PER_TRIAL] = _constant("beta2")
    rho: Annotated[float, PER_TRIAL] = _constant("rho")
    eps: Annotated[float, PER_TRIAL] = _constant("eps", "For adaptive optimizers.")
    schedule: Annotated[str, one_of(nn.SCHEDULES), PER_TRIAL] = Field(
        "constant", description="Learning rate over the epochs of a trial."
    )
    clip_norm: Annotated[float | None, PER_TRIAL] = Field(
        None, gt=0, le=1e6, description="Largest gradient norm; null does not clip."
    )
    batch_size: Annotated[int, SHAPING] = Field(32, ge=1, le=BATCH_MAX)
    batch_norm: Annotated[bool, Searchable(shaping=True, needs=HIDDEN_LAYERS)] = False
    dropout: Annotated[float, Searchable(needs=HIDDEN_LAYERS)] = Field(
        0.0, ge=0, le=0.9, description="Share of hidden units dropped."
    )
    class_weight: Annotated[Literal["balanced"] | None, SHAPING] = Field(
        None, description="balanced: each class counts the same in the loss."
    )
    scaling: Annotated[Literal["auto", "standard", "robust"], SHAPING, Since("0.2")] = Field(
        "auto",
        description="Numbers of a table: standard is mean 0 and deviation 1; robust is median 0 and "
        "quartile distance 1, with far values drawn in; auto is robust for tables with words or gaps.",
    )
    max_levels: Annotated[int, SHAPING, Since("0.2")] = Field(
        32,
        ge=1,
        le=LEVELS_MAX,
        description="Levels of a category with an input of their own; rarer ones share another.",
    )
    loss: Annotated[Annotated[str, one_of(nn.LOSSES)] | None, Since("0.2"), SHAPING] = Field(
        None, description="null: cross_entropy of classes, squared_error of numbers."
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described, now = handler(schema), current_model()
        if cls is not now:  # it has more fields
            known = handler.resolve_ref_schema(described)["properties"]
            known |= {**now.model_json_schema()["properties"], **known}
        return described


def current_model() -> type[ModelSpec]:
    """The model with the constants of every optimizer, and the layers, that are registered now."""
    return _model(declared(), kinds())


def with_registered(value: Any, handler: ValidatorFunctionWrapHandler) -> ModelSpec:
    """Validate a model, which may have fields that came after its class was made."""
    model = current_model()
    if model is ModelSpec:
        return cast("ModelSpec", handler(value))
    if type(value) is ModelSpec:  # the default
        value = value.model_dump(exclude_unset=True)
    return model.model_validate(value)


@lru_cache(maxsize=8)
def _model(now: Declared, layers: Kinds) -> type[ModelSpec]:
    """The model; each field that came later is left out of a stored spec while it has its default."""
    fields: dict[str, Any] = {
        name: (Annotated[float, PER_TRIAL], _late(constant, now.users(name)))
        for name, constant in now.constants.items()
        if name not in ModelSpec.model_fields
    }
    if layers:
        about = f"In front of the hidden layers: {', '.join(name for name, _ in layers)}."
        fields["layers"] = Layers, Field((), description=about, exclude_if=lambda value: not value)
    if not fields:
        return ModelSpec
    return create_model(ModelSpec.__name__, __base__=ModelSpec, __module__=__name__, **fields)


def _late(constant: nn.Constant, users: tuple[str, ...]) -> Any:
    about = f"For {' and '.join(users)}."
    return _field(constant, about, exclude_if=lambda value: value == constant.default)
