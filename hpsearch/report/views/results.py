"""The answer of a search, and what to know about it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hpsearch.report.views.base import Objective, RangeView, View
from hpsearch.report.views.evidence import FinalistView, ImportanceView
from hpsearch.report.views.progress import BestView
from hpsearch.space import Level
from hpsearch.trials import Role, SearchState, Verdict


class ResultRangeView(RangeView):
    """A range of the answer, with the evidence for it."""

    verdict: Verdict
    reason: str
    asked: RangeView
    outside_asked: bool = Field(description="The range reaches beyond the one that was asked for.")


class RecommendedView(View):
    """The parameters to use: the configuration of the highest posterior mean."""

    params: dict[str, Level]
    validation_accuracy: float | None = Field(
        description="Mean over its full trainings; null for an external search."
    )
    sd: float = Field(
        description="Posterior standard deviation of `score`; of a search without a surrogate, "
        "the binomial one of the validation accuracy."
    )
    score: float | None = Field(
        None, description="Posterior mean of its score at full epochs, by the search's objective."
    )
    trainings: int | None = Field(None, description="How often it was trained in full.")

    @property
    def shown(self) -> float | None:
        """The number for people: the accuracy, or the score where there is none."""
        return self.score if self.validation_accuracy is None else self.validation_accuracy


class TestModelView(View):
    """One model of the final test; a diverged one has no accuracy and is not replaced."""

    params: dict[str, Level]
    seed: list[int] = Field(description="Entropy of the model's initial weights (SeedSequence).")
    accuracy: float | None
    role: Role
    score: float | None = Field(None, description="As reported, of an external search.")


class TestView(View):
    """The sealed test: opened once the choice was frozen.

    It reports accuracy, whatever the search's objective was.
    """

    accuracy: float | None = Field(
        description="Of the recommended parameters' model; accuracy, whatever the objective."
    )
    ci95: tuple[float, float] | None = Field(description="Wilson interval of that accuracy.")
    mean: float | None = Field(description="Accuracy over the models drawn from the range.")
    sd: float | None
    models: list[TestModelView]
    ensemble_accuracy: float | None = Field(description="Mean of all models' probabilities.")
    examples: int
    opened_at: str | None
    attempts: int = Field(description="Openings of the test part by this search.")
    dataset_openings: int = Field(description="Openings by all searches on this dataset.")
    score: float | None = Field(
        None, description="Of the recommended parameters, as reported; of an external search."
    )
    score_mean: float | None = Field(None, description="Likewise, over those of the range.")
    score_sd: float | None = None
    sealed: bool = Field(
        True,
        description="Whether the service kept the test part; false where the scores are its "
        "caller's, and so is the promise that nothing of it was seen before.",
    )

    @property
    def shown(self) -> float | None:
        """The number for people: the accuracy, or the score where there is none."""
        return self.score if self.accuracy is None else self.accuracy


class HealthNote(View):
    """Something that a careful reader of a search should know, and what to do about it."""

    code: str = Field(description="Stable name of the finding.")
    severity: Literal["info", "warning"]
    message: str
    numbers: dict[str, float | int | str | None] = Field(description="What it is based on.")
    advice: str

    @property
    def sentence(self) -> str:
        """The finding and what to do, on one line."""
        return f"{self.message}; {self.advice}"


class HealthView(View):
    """The health report of a search, from what is stored; warnings come first."""

    id: str
    state: SearchState
    revision: int
    notes: list[HealthNote]


class ResultView(View):
    """The answer: the best range, its evidence and its test score."""

    id: str
    name: str
    state: SearchState
    ranges: dict[str, ResultRangeView]
    recommended: RecommendedView
    best_trial: BestView
    test: TestView
    optimism: float | None = Field(
        description="Validation minus test accuracy of one more model, trained on the training part."
    )
    health: list[str] = Field(description="The notes of /health in a sentence each.")
    digest: str | None
    digest_reason: str | None = Field(None, description="Why there is no digest.")
    objective: Objective = Field("accuracy", description="What the search maximised.")
    finalists: list[FinalistView] = Field(
        [], description="The configurations of the race, the recommended one first."
    )
    indistinguishable: int | None = Field(
        None,
        description="How many other finalists cannot be told apart from the recommended one; "
        "null where there was no race.",
    )
    importance: list[ImportanceView] = Field(
        [], description="Of each hyperparameter inside the best range, the largest first."
    )
    rules: int = Field(1, description="Under which it was submitted: a replay needs the same.")
