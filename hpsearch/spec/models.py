"""The search spec as a user writes it: frozen pydantic models, every default in one place."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hpsearch.space import TaggedDimension

Frozen = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
Units = Annotated[int, Field(ge=1, le=4096)]
HiddenSizes = Annotated[
    tuple[Units, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    Field(max_length=10),
]


class ModelSpec(BaseModel):
    """What every trial has in common; any field may be searched instead."""

    model_config = Frozen

    hidden_sizes: HiddenSizes = Field((50,), description="Units of each hidden layer.")
    activation: Literal["relu", "sigmoid", "tanh"] = "relu"
    initializer: Literal["auto", "he", "normal", "xavier", "zeros"] = Field(
        "auto", description="auto: He for ReLU, Xavier for sigmoid and tanh."
    )
    init_std: float = Field(0.01, gt=0, le=1e3, description="Standard deviation for normal.")
    optimizer: Literal["adagrad", "adam", "adamw", "momentum", "nesterov", "rmsprop", "sgd"] = "sgd"
    learning_rate: float = Field(0.01, gt=0, le=1e4)
    weight_decay: float = Field(
        0.0, ge=0, le=1e3, description="Lambda of the 1/2 lambda W^2 penalty."
    )
    momentum: float = Field(0.9, ge=0, le=0.9999, description="For momentum and nesterov.")
    beta1: float = Field(0.9, ge=0, le=0.9999, description="For adam and adamw.")
    beta2: float = Field(0.999, ge=0, le=0.999999, description="For adam and adamw.")
    rho: float = Field(0.9, ge=0, le=0.999999, description="For rmsprop.")
    eps: float = Field(1e-8, ge=1e-30, le=0.999999, description="For adaptive optimizers.")
    schedule: Literal["constant", "cosine", "step"] = Field(
        "constant", description="Learning rate over the epochs of a trial."
    )
    clip_norm: float | None = Field(None, gt=0, le=1e6, description="Largest gradient norm.")
    batch_size: int = Field(32, ge=1, le=1_000_000)
    batch_norm: bool = False
    dropout: float = Field(0.0, ge=0, le=0.9, description="Share of hidden units dropped.")
    class_weight: Literal["balanced"] | None = Field(
        None, description="balanced: each class counts the same in the loss."
    )


class EpochsSpec(BaseModel):
    """Epochs of a trial in the first and in the last round; geometric in between."""

    model_config = Frozen

    first: int = Field(2, ge=1, le=1000)
    last: int = Field(8, ge=1, le=1000)

    @model_validator(mode="after")
    def _grow(self) -> EpochsSpec:
        if self.first > self.last:
            raise ValueError(
                f"first must not exceed last, got first={self.first} and last={self.last}"
            )
        return self


class FinalSpec(BaseModel):
    """The final test: how long and how many models, and what they are trained on."""

    model_config = Frozen

    epochs: int = Field(20, ge=1, le=1000)
    models: int = Field(5, ge=1, le=64, description="The recommended one and others of the range.")
    train_on: Literal["train+validation", "train"] = "train+validation"


class SearchSpec(BaseModel):
    """A search, as POSTed. Everything but dataset and space has a default."""

    model_config = Frozen

    name: str = Field("", max_length=200)
    dataset: str = Field(min_length=1, max_length=64)
    model: ModelSpec = ModelSpec()
    space: dict[str, TaggedDimension] = Field(min_length=1, max_length=20)
    rounds: int = Field(4, ge=1)
    trials_per_round: int = Field(32, ge=1)
    epochs: EpochsSpec = EpochsSpec()
    sampler: Literal["random", "sobol"] = "sobol"
    narrowing: Literal["quantile"] = "quantile"
    validation_fraction: float = Field(0.2, gt=0, lt=1)
    final: FinalSpec = FinalSpec()
    seed: int = Field(0, ge=0, lt=2**53)

    def to_json(self) -> dict[str, Any]:
        """The spec as plain JSON, every default written out, as it is stored."""
        return self.model_dump(mode="json", exclude_none=True)
