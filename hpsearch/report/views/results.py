"""The answer of a search, and what to know about it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import (
    BASIS,
    DIRECTION,
    BasisWord,
    DirectionWord,
    Objective,
    RangeView,
    VerdictWord,
    View,
)
from hpsearch.report.views.evidence import FinalistView, ImportanceView, SurrogateCheckView
from hpsearch.report.views.gain import BaselineView, GainView
from hpsearch.report.views.length import LengthView
from hpsearch.report.views.needs import CheapestView, RequirementView
from hpsearch.report.views.progress import EFFECTIVE, BestView
from hpsearch.states import Role, SearchState


class ResultRangeView(RangeView):
    """A range of the answer, with the evidence for it."""

    verdict: VerdictWord
    reason: str
    basis: BasisWord | None = Field(None, description=BASIS)
    asked: RangeView
    outside_asked: bool = Field(description="The range reaches beyond the one that was asked for.")
    given: dict[str, list[Level]] | None = Field(
        None,
        description="Of a hyperparameter with a condition: levels of others beside which it is active, "
        "and of which the range speaks alone. Absent without one.",
    )
    trials: int | None = Field(
        None, description="Trials of the search that had a value of it, where it has a condition."
    )
    of: int | None = Field(None, description="All trials of the search, beside `trials`.")

    def as_range(self) -> RangeView:
        """The range alone."""
        return RangeView(**{name: getattr(self, name) for name in RangeView.model_fields})


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
    kept: list[str] = Field(
        [],
        description="Hyperparameters that have the baseline's value because the data do not object to "
        "it: no other value is shown to be better.",
    )

    @property
    def shown(self) -> float | None:
        """The number for people: the accuracy, or the score where there is none."""
        return self.score if self.validation_accuracy is None else self.validation_accuracy


class TestModelView(View):
    """A model of the final test; one that diverged or failed has no score and is not replaced."""

    params: dict[str, Level]
    seed: list[int] = Field(description="Entropy of the model's initial weights (SeedSequence).")
    accuracy: float | None
    role: Role
    score: float | None = Field(None, description="As reported, of an external search.")
    error: str | None = Field(None, description="Why it has no score, of one that failed.")
    objective: float | None = Field(
        None, description="By the search's objective; null in results of earlier versions."
    )


class MetricScoreView(View):
    """The recommended model on the test part by one metric, beside its yardstick."""

    direction: Literal["maximise", "minimise"]
    value: float | None
    ci95: tuple[float, float] | None = Field(
        description="95 % interval; null where none is honest, and `note` says why."
    )
    baseline: float | None = Field(
        description="Value of the same answer for every example: the most frequent class, the shares "
        "of the classes as probabilities, or the mean of the training targets. Null where there is "
        "none."
    )
    note: str | None = Field(description="Why value or interval is missing, or is rough.")

    @property
    def beats_baseline(self) -> bool | None:
        """Tell whether the score is better than the same answer for all; None where that is unknown."""
        if self.value is None or self.baseline is None:
            return None
        sign = 1 if self.direction == "maximise" else -1
        if sign * self.value <= sign * self.baseline:
            return False
        if self.ci95 is None:
            return None
        return min(sign * end for end in self.ci95) > sign * self.baseline


class TestView(View):
    """The sealed test: opened once the choice was frozen.

    `accuracy` and what follows it are accuracies, whatever the search's objective was; `metrics` has
    the objective, and all other metrics beside it. Where rows count by weights, every accuracy is a
    share of the weights.
    """

    accuracy: float | None = Field(
        description="Of the recommended parameters' model; accuracy, whatever the objective."
    )
    ci95: tuple[float, float] | None = Field(
        description="Wilson interval of that accuracy; null without one, and then the interval "
        "stands with the metrics."
    )
    ci95_note: str | None = Field(
        None, description="Why `ci95` is null though there is an accuracy."
    )
    mean: float | None = Field(description="Accuracy over the models drawn from the range.")
    sd: float | None
    models: list[TestModelView]
    ensemble_accuracy: float | None = Field(description="Mean of all models' probabilities.")
    examples: int
    opened_at: str | None
    attempts: int = Field(description="Openings of the test part by this search.")
    dataset_openings: int = Field(description="Openings by all searches on this dataset.")
    score: float | None = Field(
        None,
        description="Of the recommended parameters: as reported, of an external search, better as its "
        "direction says; by the objective, higher is better, of one that predicts numbers.",
    )
    score_mean: float | None = Field(None, description="Likewise, over those of the range.")
    score_sd: float | None = None
    sealed: bool = Field(
        True,
        description="Whether the service kept the test part; false where the scores are its "
        "caller's, and so is the promise that nothing of it was seen before.",
    )
    metrics: dict[str, MetricScoreView] | None = Field(
        None,
        description="The recommended model by every metric of the task, the objective among them; null "
        "where it diverged, was trained elsewhere, or the result is of an earlier version.",
    )
    objective_mean: float | None = Field(
        None, description="The objective over the models drawn from the range."
    )
    objective_sd: float | None = None
    classes: list[str] | None = Field(
        None, description="Names of the classes, in the order of the counts below."
    )
    class_counts: list[int] | None = Field(None, description="Test examples of each class.")
    majority_share: float | None = Field(
        None,
        description="Accuracy of always answering the most frequent class of the test part: that of "
        "most weight, where rows have weights.",
    )
    confusion: list[list[int]] | None = Field(
        None,
        description="For each true class, test examples by the class that the recommended model "
        "answers; null with more than 20 classes.",
    )
    effective_examples: float | None = Field(
        None,
        description="Examples of equal weight that the test part comes to, (sum w)² / sum w²; null "
        "where every row counts the same. Counts of examples stay counts of rows.",
    )

    @property
    def shown(self) -> float | None:
        """The number for people: the accuracy, or the score where there is none."""
        return self.score if self.accuracy is None else self.accuracy

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval of the accuracy: Wilson's, or the one that stands with the metrics."""
        accuracy = (self.metrics or {}).get("accuracy")
        return self.ci95 if self.ci95 is not None or accuracy is None else accuracy.ci95


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
    objective: Objective = Field("accuracy", description="The metric that ranked its trials.")
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
    noise_sd: float | None = Field(
        None,
        description="Noise of one training's score, as the surrogate learned it: an effect below it "
        "cannot be told from luck.",
    )
    surrogate_check: SurrogateCheckView | None = Field(
        None,
        description="The surrogate judged by trials that it did not see, after the last round; null of few trials.",
    )
    rules: int = Field(1, description="Under which it was submitted: a replay needs the same.")
    effective_with: dict[str, dict[str, list[Level]]] = Field({}, description=EFFECTIVE)
    direction: DirectionWord = Field("maximize", description=DIRECTION)
    baseline: BaselineView | None = Field(None, description="The setting to be beaten.")
    gain: GainView | None = Field(
        None,
        description="The recommended setting against the baseline, on the test part; null of a search "
        "without one.",
    )
    requirements: list[RequirementView] = Field(
        [], description="What the recommendation had to keep, and how sure it is that it does."
    )
    cheapest: CheapestView | None = Field(
        None, description="Its cost, of a search that asks for the cheapest of equals."
    )
    length: LengthView | None = Field(
        None,
        description="For which length of a training the answer holds; null where no trial was trained "
        "in full.",
    )
    ended: str | None = Field(
        None,
        description="Why exploring ended: its rounds were done, a limit was reached, or the improvement that "
        "the surrogate still expects was below a tenth of the noise of one training. Both numbers are named.",
    )
