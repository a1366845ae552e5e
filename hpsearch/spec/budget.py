"""The budget of a search: the one number from which its plan follows (`hpsearch.spec.plan`)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SECONDS_MOST = 1e8
COUNT_MOST = 10**15  # epochs or trials: a float holds every whole number up to there
COST_MOST = 1e15  # in whatever a trainer counts: money, joules, hours of a machine
Unit = Literal["epochs", "trials", "seconds", "cost"]
UNITS: tuple[Unit, ...] = ("epochs", "trials", "seconds", "cost")
UNFORESEEN: tuple[Unit, ...] = ("seconds", "cost")  # what an epoch takes of them is seen as it runs


class BudgetSpec(BaseModel):
    """The price of a search, in one unit; everything else about its plan follows from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    epochs: int | None = Field(
        None,
        ge=1,
        le=COUNT_MOST,
        description="Epochs of all trials together; stored as epochs.budget.",
    )
    trials: int | None = Field(
        None, ge=1, le=COUNT_MOST, description="Trials, each trained in full."
    )
    seconds: float | None = Field(
        None,
        gt=0,
        le=SECONDS_MOST,
        description="Begin no round that would end later; stored as max_seconds. The digest is "
        "withheld then.",
    )
    cost: float | None = Field(
        None,
        gt=0,
        le=COST_MOST,
        description="Sum of the costs that trainers report, in their own unit; external searches "
        "only. Stored as max_cost.",
    )

    @model_validator(mode="after")
    def _one_unit(self) -> BudgetSpec:
        named = self.model_dump(exclude_none=True)
        if len(named) != 1:
            got = " and ".join(named) or "nothing"
            raise ValueError(f"name one of {', '.join(UNITS)}, got {got}")
        return self

    @property
    def unit(self) -> Unit:
        """The unit that is named."""
        return next(unit for unit in UNITS if getattr(self, unit) is not None)

    @property
    def amount(self) -> float:
        """The number beside it."""
        return float(getattr(self, self.unit))
