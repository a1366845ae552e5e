"""What a recommendation had to keep, and its cost."""

from __future__ import annotations

from pydantic import Field

from hpsearch.report.views.base import View


class RequirementView(View):
    """A requirement, what the choice knew of it, and how sure it is that the recommendation meets it."""

    metric: str
    at_most: float | None = None
    at_least: float | None = None
    known: bool = Field(description="The quantity follows from the setting, exactly.")
    chosen_by: float | None = Field(
        None,
        description="The value that the choice went by: the mean over the recommended setting's full "
        "trainings on the validation part, or the quantity itself. Null where none was measured.",
    )
    met: bool | None = Field(
        None, description="Whether that value is good enough; null where there is none."
    )
    value: float | None = Field(
        None,
        description="Of the recommended model on the sealed test part; of an external search the mean "
        "of its full trainings as reported; of what is known, the quantity.",
    )
    low: float | None = Field(None, description="Lower end of the 95 % interval of `value`.")
    high: float | None = Field(None, description="Upper end.")
    probability: float | None = Field(
        None,
        description="That the recommendation meets it, from that interval; 1 or 0 of what is known. "
        "Null where it cannot be known, and `note` says why.",
    )
    note: str | None = None


class CostPointView(View):
    """The best score for a cost: no cheaper setting that was trained in full has a better one."""

    cost: float
    score: float = Field(description="Mean over the setting's full trainings.")
    trial: str = Field(description="The first of them.")


class CheapestView(View):
    """The recommendation by its cost."""

    quantity: str = Field(description="What is to be small, as the spec's `cheapest` names it.")
    cost: float | None = Field(
        description="Of the recommended setting; null where none was reported."
    )
    instead_of: float | None = Field(
        None,
        description="Cost of the best finalist, from which the recommended one cannot be told; null "
        "where the recommended one is the best itself.",
    )
    curve: list[CostPointView] = Field(
        [],
        description="The best score by cost, of settings that are known to meet what is required.",
    )
