"""Where a search stands: its status, and the parts of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import (
    DIRECTION,
    DirectionWord,
    Objective,
    RangeView,
    View,
)
from hpsearch.states import RoundKind, SearchState

EFFECTIVE = (
    "Hyperparameters that have an effect beside some values of another alone: {momentum: {optimizer: "
    "[momentum, nesterov]}}. Tables for people leave them out elsewhere."
)
LIMITS = "Where rounds may look at all: a range moves within its hard limits."


class RoundCounts(View):
    """Rounds asked for and done, those that repeat the finalists included."""

    planned: int
    completed: int
    kind: RoundKind | None = Field(None, description="Of the newest round; null before the first.")


class TrialCounts(View):
    """Trials by state; planned counts all rounds of the spec, the final test's models not.

    Rounds that have begun count with what they were drawn for, later ones with the spec's plan.
    """

    planned: int
    pending: int
    running: int
    completed: int
    stopped: int = Field(description="Halved away before their last rung.")
    diverged: int
    failed: int


class EpochCounts(View):
    """Epochs of all rounds together, the final test not counted.

    planned is exact for rounds that have begun, as long as nothing diverges.
    """

    planned: int
    trained: int


class BestView(View):
    """The best trial so far by validation score."""

    trial: str
    params: dict[str, Level]
    validation_accuracy: float | None = Field(description="null for an external search.")
    score: float | None = Field(
        None,
        description="By the search's objective, higher is better; minus log loss for log_loss. As "
        "reported, of an external search: better as its direction says.",
    )

    @property
    def shown(self) -> float | None:
        """The number for people: the accuracy, or the score where there is none."""
        return self.score if self.validation_accuracy is None else self.validation_accuracy


class EditView(View):
    """A change made to a search while it ran."""

    after_round: int = Field(description="It took effect when this round was over.")
    changes: dict[str, Any]
    at: str


class WebhookView(View):
    """Whom a search tells of its end, and how far that is. The address itself is not shown."""

    host: str
    state: Literal["waiting", "sending", "delivered", "given_up"] = Field(
        description="waiting: for the search's end."
    )
    attempts: int = 0
    error: str | None = Field(None, description="Of the last attempt that failed.")
    delivered_at: str | None = None


class WaitingView(View):
    """Trials that nobody trains."""

    seconds: float = Field(description="Since a trial was claimed, or the round began.")
    trials: int = Field(description="That wait to be claimed.")
    message: str = Field(description="The same, for people.")


class CostView(View):
    """Costs that the trainers of an external search have reported, in a unit of their own."""

    spent: float | None = Field(
        description="By all rounds, lost attempts and failed trials among them; null where none was "
        "reported."
    )
    final: float | None = Field(description="By the models of the final test, which come on top.")
    budget: float | None = Field(description="What the rounds may spend; null without a limit.")


class StatusView(View):
    """Where a search stands."""

    id: str
    name: str
    dataset: str | None = Field(description="null for an external search.")
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
    edits: list[EditView] = Field([], description="Changes made while it ran, oldest first.")
    warm_start: list[str] = Field([], description="Earlier searches whose trials it began with.")
    warm_start_trials: int = Field(
        0, description="Trials that it began with and that count, of earlier searches and others."
    )
    dataset_digest: str | None = Field(
        None, description="Content that the dataset's name stood for when the search was submitted."
    )
    objective: Objective = Field(
        "accuracy", description="external: its caller trains, and claims and reports its trials."
    )
    webhook: WebhookView | None = None
    waiting: WaitingView | None = Field(
        None, description="Of an external search: trials wait, and nobody claims one."
    )
    rules: int = Field(1, description="Under which it was submitted: a replay needs the same.")
    limits: dict[str, RangeView] = Field({}, description=LIMITS)
    effective_with: dict[str, dict[str, list[Level]]] = Field({}, description=EFFECTIVE)
    direction: DirectionWord = Field("maximize", description=DIRECTION)
    cost: CostView | None = Field(None, description="null where no cost was reported or asked for.")
    tags: list[str] = Field([], description="Its user's, to find it by.")
    note: str = Field("", description="Its user's, in plain text.")
    owner: str = Field("", description="To whom it belongs.")
    sharing: list[str] | str = Field(
        [],
        description='Owners who may read it, or "all"; another owner than its own sees their name alone.',
    )
