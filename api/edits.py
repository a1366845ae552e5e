"""The body of an edit, for the OpenAPI document. What it may say is the service's to judge."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hpsearch.space import Choices


def _without_defaults(schema: dict[str, Any]) -> None:
    """What is left out stays as it is, so no field of an edit has a default."""
    for field in schema["properties"].values():
        field.pop("default", None)


class _Edit(BaseModel):
    """Base of edits: any field may be left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)


class RangeEdit(_Edit):
    """Fields of a range; those left out stay as they are, null takes a hard limit away."""

    low: float = Field(0.0, description="Lower edge, inclusive.")
    high: float = Field(0.0, description="Upper edge, inclusive; above low.")
    scale: Literal["log", "linear"] = "linear"
    integer: bool = False
    hard_low: float | None = Field(None, description="Never search below.")
    hard_high: float | None = Field(None, description="Never search above.")


class EpochsEdit(_Edit):
    """Fields of `epochs`; those left out stay as they are."""

    first: int = Field(1, ge=1)
    last: int = Field(1, ge=1)
    halving: bool = True
    budget: int | None = Field(None, ge=1)


class TrialsEdit(_Edit):
    """Trials of the first and of the last exploring round; what is left out stays as it is."""

    first: int = Field(1, ge=1)
    last: int = Field(1, ge=1)


class SearchEdit(_Edit):
    """Changes of a running search; whatever is left out stays as it is."""

    space: dict[str, RangeEdit | Choices] = Field(
        {}, description="New ranges, or parts of them, of hyperparameters that are searched."
    )
    rounds: int = Field(1, ge=1, description="Not fewer than have begun.")
    trials_per_round: int | TrialsEdit = Field(1)
    epochs: EpochsEdit = EpochsEdit()
