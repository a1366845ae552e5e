"""The statement of a completed search: what a paper says of it, answered from stored facts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import BASIS, BasisWord, RangeView, VerdictWord, View
from hpsearch.report.views.tuning import TuningCurveView

StatementFormat = Literal["json", "markdown", "text", "latex"]


class StatementRange(View):
    """A hyperparameter of the statement's table."""

    name: str
    asked: RangeView
    recommended: RangeView
    value: Level | None = Field(description="Of the recommended setting.")
    verdict: VerdictWord
    basis: BasisWord | None = Field(description=BASIS)
    scale: Literal["log", "linear", "choices"]
    outside_asked: bool = Field(description="The range reaches beyond the one that was asked for.")


class ChecklistItem(View):
    """A question of a checklist that concerns the search, in words of this service."""

    checklist: str = Field(description="Key of the checklist.")
    item: str = Field(description="The number or the place that the item has there.")
    about: str


class StatementAnswer(View):
    """The answer to items of the checklists: one of `answer` and `not_known` is null."""

    key: str = Field(description="Stable name of the subject.")
    subject: str
    items: list[ChecklistItem]
    answer: str | None
    not_known: str | None = Field(description="Why no stored fact answers.")


class ChecklistView(View):
    """A checklist that is answered, and where to read it."""

    key: str
    name: str
    year: int
    link: str


class StatementView(View):
    """The text that a paper needs of a completed search.

    It holds no id and no time of a clock: computed again it is equal byte for byte.
    """

    paragraph: str
    ranges: list[StatementRange]
    answers: list[StatementAnswer]
    checklists: list[ChecklistView]
    tuning_curve: TuningCurveView | None = Field(
        None, description="The best score of so many random trials; null from earlier versions."
    )
