"""The tuning curve of a search: the best score that so many random trials lead to."""

from __future__ import annotations

from pydantic import Field

from hpsearch.report.views.base import DIRECTION, DirectionWord, Objective, View

_BEYOND = "; null without a band, or where the draws do not bound it"


class TuningPointView(View):
    """The best validation score of so many trials, in the units of `score`."""

    trials: int
    expected: float = Field(description="Mean of the best one.")
    expected_low: float | None = Field(description=f"Lower end of its band{_BEYOND}.")
    expected_high: float | None = Field(description=f"Upper end of its band{_BEYOND}.")
    median: float = Field(description="Median of the best one.")
    median_low: float | None = Field(description=f"Lower end of its band{_BEYOND}.")
    median_high: float | None = Field(description=f"Upper end of its band{_BEYOND}.")


class TuningCurveView(View):
    """The best score of k trials that are drawn independently from the asked ranges and trained in full.

    The band holds for all k at once with probability `confidence`.
    """

    objective: Objective
    direction: DirectionWord = Field(description=DIRECTION)
    draws: int = Field(description="Trials of the first round that it is computed from.")
    lost: int = Field(description="Of these without a score; they count as the worst one there is.")
    epochs: int | None = Field(description="That each of them was to train for.")
    confidence: float | None = Field(description="null without a band.")
    points: list[TuningPointView]
    not_available: str | None = Field(description="Why there is no curve; null where there is one.")
    no_band: str | None = Field(description="Why the curve has no band; null where it has one.")
