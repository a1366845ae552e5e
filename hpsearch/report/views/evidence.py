"""Evidence that a round's end has given, as it was stored then."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import View


class ImportanceView(View):
    """How much of the score's variation inside the ranges comes from one hyperparameter."""

    name: str
    first: float = Field(description="Share that it explains by itself.")
    total: float = Field(description="Share in which it takes part, interactions included.")
    low: float = Field(description="5 % quantile of `total` over the posterior.")
    high: float = Field(description="95 % quantile of `total`.")
    effect: float = Field(description="Standard deviation of its main effect, in score units.")

    @property
    def total_effect(self) -> float:
        """The standard deviation that `total` stands for, in score units: interactions included."""
        return self.effect * math.sqrt(self.total / self.first) if self.first > 0 else self.effect

    def below(self, noise_sd: float | None) -> bool:
        """Tell whether that is less than the noise of one training, as far as this is known."""
        return noise_sd is not None and self.total_effect < noise_sd


def by_importance(views: Sequence[ImportanceView], noise_sd: float | None) -> list[ImportanceView]:
    """The largest effect first, and what is below the noise last."""
    return sorted(views, key=lambda i: (i.below(noise_sd), -i.total_effect, i.name))


class FrontierView(View):
    """Where training starts to diverge."""

    name: str
    diverged: int
    finite: int
    lowest_diverged: float
    highest_finite: float
    edge: float = Field(description="The value that parts the two with the fewest errors.")


class SurfaceView(View):
    """What the surrogate predicts over two hyperparameters, all others at the best place."""

    x: str
    y: str
    xs: list[float]
    ys: list[float]
    mean: list[list[float]] = Field(description="A row for each of `ys`, in score units.")
    sd: list[list[float]]
    at: dict[str, Level] = Field(description="The best place known when it was computed.")


class SurrogateCheckView(View):
    """The surrogate judged by trials that it did not see: each predicted from all others."""

    trials: int = Field(description="Trials that were predicted.")
    inside: int = Field(description="Those whose score lies in the 90 % interval.")
    rank_correlation: float | None = Field(
        description="Spearman's, of predictions and scores, over the trials of most epochs."
    )
    p: float = Field(
        description="Probability of so few inside by chance, if the intervals were right: below 0.01 the "
        "surrogate is too sure of itself."
    )


class EvidenceView(View):
    """What a round's end has taught; computed once, by the decision that followed it."""

    epochs: int | None = Field(None, description="Predictions are of trainings of so many epochs.")
    noise_sd: float | None = Field(None, description="Seed noise of one training's score.")
    expected_gain: float | None = Field(
        None, description="Expected improvement of the best score that is left."
    )
    importance: list[ImportanceView] = Field([], description="By hyperparameter.")
    frontier: FrontierView | None = None
    agreement: dict[str, float] = Field(
        {}, description="Correlation with each earlier search it was warm-started from, 0 to 1."
    )
    surrogate_check: SurrogateCheckView | None = Field(
        None, description="The surrogate judged by trials that it did not see; null of few trials."
    )
    explored: str | None = Field(None, description="Why exploring ended with this round.")


class FinalistView(View):
    """One configuration of the race at the end, compared with the recommended one."""

    params: dict[str, Level]
    trainings: int = Field(description="How often it was trained in full.")
    mean: float = Field(description="Of those trainings' scores.")
    sd: float | None
    posterior_mean: float
    difference: float = Field(
        description="How far it is behind: the difference to the recommended one's mean score, positive "
        "where that is the better one, whichever way scores are better."
    )
    p: float | None = Field(description="Two-sided p-value of that difference.")
    paired: bool = Field(description="Compared example by example.")
    indistinguishable: bool = Field(description="Cannot be told apart from the recommended one.")
