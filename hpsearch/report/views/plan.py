"""The plan of a search, as it is shown before anything runs."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import View
from hpsearch.report.views.progress import StatusView
from hpsearch.states import RoundKind


class PlannedRoundView(View):
    """A round before its trials are drawn."""

    number: int
    kind: RoundKind
    trials: int
    rungs: list[int] = Field(description="Epochs at which cohorts are halved; the last one ends.")
    epochs: int = Field(description="Of all its trials together, if none diverges.")


class PlanView(View):
    """Everything that a search would do, by its spec alone.

    Ranges that diverge, a time limit or an early end make less of it.
    """

    summary: str = Field(description="The plan in a sentence.")
    budget: dict[str, float] | None = Field(
        description="The one number it follows from, asked or by default; null where the fields of "
        "the spec, and their defaults, say it all."
    )
    planned: list[str] = Field(description="Fields of the spec that the plan has chosen.")
    conditions: dict[str, dict[str, list[Level]]] = Field(
        {},
        description="Conditions that the document does not name and that follow from what its "
        "hyperparameters have an effect with; `spec` has them as `when`.",
    )
    rounds: list[PlannedRoundView] = Field(description="Without the final test.")
    trials: int = Field(description="Of all rounds together.")
    epochs: int = Field(description="Of all rounds together.")
    final_models: int
    final_epochs: int = Field(description="Of each model of the final test.")
    notes: list[str] = Field(description="What to know before it starts.")
    spec: dict[str, Any] = Field(description="The spec in full; it can be submitted as it is.")


class SubmittedView(StatusView):
    """The status of a search that has been submitted, and its plan."""

    plan: PlanView | None = Field(None, description="What it will do, if nothing ends it early.")
