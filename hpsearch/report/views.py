"""The values that people and programs outside read: the HTTP contract as frozen models.

Times are RFC 3339 strings in UTC, accuracies are shares in [0, 1], ids are opaque strings.
Fields may be added to these models and are never renamed: the contract is additive.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_serializer

from hpsearch.space import Level
from hpsearch.trials import Role, RoundKind, SearchState, TrialState, Verdict


class View(BaseModel):
    """Base of everything that is shown."""

    model_config = ConfigDict(frozen=True)


class RangeView(View):
    """A range (low, high, scale) or the choices that are left."""

    low: float | None = None
    high: float | None = None
    scale: Literal["log", "linear"] | None = None
    integer: bool | None = None
    choices: tuple[Level, ...] | None = None

    @model_serializer(mode="wrap")
    def _without_what_does_not_apply(self, handler: Any) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if v is not None}


class RoundCounts(View):
    """Rounds asked for and done."""

    planned: int
    completed: int


class TrialCounts(View):
    """Trials by state; planned counts all rounds of the spec, the final test's models not."""

    planned: int
    pending: int
    running: int
    completed: int
    stopped: int
    diverged: int
    failed: int


class EpochCounts(View):
    """Epochs of all rounds together, the final test not counted."""

    planned: int
    trained: int


class BestView(View):
    """The best trial so far by validation accuracy."""

    trial: str
    params: dict[str, Level]
    validation_accuracy: float


class StatusView(View):
    """Where a search stands."""

    id: str
    name: str
    dataset: str
    state: SearchState
    reason: str | None = Field(description="Why the search is in this state, for people.")
    revision: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    eta_seconds: float | None = Field(description="Estimate; null when nothing can be said.")
    rounds: RoundCounts
    trials: TrialCounts
    epochs: EpochCounts
    best: BestView | None
    ranges: dict[str, RangeView]
    links: dict[str, str]


class DecisionView(View):
    """What the evidence of a round made of one range."""

    before: RangeView
    after: RangeView
    verdict: Verdict
    reason: str
    numbers: dict[str, float | int | None]


class RoundView(View):
    """One round: where it looked, how it went, and what its evidence decided."""

    number: int
    kind: RoundKind
    epochs: int = Field(description="Epochs of each trial of the round.")
    ranges: dict[str, RangeView]
    trials: TrialCounts
    best: BestView | None
    decisions: dict[str, DecisionView] = Field(description="Empty until the round is over.")


class TrialView(View):
    """One trial."""

    id: str
    round: int
    index: int
    state: TrialState
    params: dict[str, Level]
    epochs: int
    validation_accuracy: float | None
    validation_loss: float | None
    error: str | None = None


class ResultRangeView(RangeView):
    """A range of the answer, with the evidence for it."""

    verdict: Verdict
    reason: str
    asked: RangeView
    outside_asked: bool = Field(description="The range reaches beyond the one that was asked for.")


class RecommendedView(View):
    """The parameters to use."""

    params: dict[str, Level]
    validation_accuracy: float
    sd: float = Field(description="Binomial standard deviation of the validation accuracy.")


class TestModelView(View):
    """One model of the final test; a diverged one has no accuracy and is not replaced."""

    params: dict[str, Level]
    seed: list[int] = Field(description="Entropy of the model's initial weights (SeedSequence).")
    accuracy: float | None
    role: Role


class TestView(View):
    """The sealed test: opened once the choice was frozen."""

    accuracy: float | None = Field(description="Of the recommended parameters' model.")
    ci95: tuple[float, float] | None = Field(description="Wilson interval of that accuracy.")
    mean: float | None = Field(description="Over the models drawn from the range.")
    sd: float | None
    models: list[TestModelView]
    ensemble_accuracy: float | None = Field(description="Mean of all models' probabilities.")
    examples: int
    opened_at: str | None
    attempts: int = Field(description="Openings of the test part by this search.")
    dataset_openings: int = Field(description="Openings by all searches on this dataset.")


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
    health: list[str]
    digest: str | None
    digest_reason: str | None = Field(None, description="Why there is no digest.")


class DatasetView(View):
    """A dataset; the test part shows its size alone.

    A built-in one is made when it is first used; until then its digest and sizes are null.
    """

    name: str
    digest: str | None = None
    kind: Literal["image", "tabular"] | None = None
    shape: list[int] | None = None
    features: int | None = None
    n_train: int | None = None
    n_test: int | None = None
    classes: list[str] | None = None
    test_split: Literal["given", "made"] | None = None
    licence: str
    source: str
    builtin: bool


class KeyView(View):
    """An API key, its secret left out."""

    id: str
    name: str
    owner: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class Page(View):
    """One page of a list and the cursor to the next."""

    items: list[Any]
    next: str | None
