"""The rounds of a search: what they decided, their trials, and the next one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import BASIS, BasisWord, RangeView, VerdictWord, View
from hpsearch.report.views.evidence import EvidenceView
from hpsearch.report.views.progress import LIMITS, BestView, TrialCounts
from hpsearch.states import Role, RoundKind, TrialState


class DecisionView(View):
    """What the evidence of a round made of one range."""

    before: RangeView
    after: RangeView
    verdict: VerdictWord
    reason: str
    numbers: dict[str, float | int | None]
    basis: BasisWord | None = Field(None, description=BASIS)


class RoundView(View):
    """One round: where it looked, how it went, and what its evidence decided."""

    number: int
    kind: RoundKind
    epochs: int = Field(description="The most epochs that a trial of the round is trained for.")
    rungs: list[int] = Field(
        [], description="Epochs at which cohorts are halved; the last one ends the training."
    )
    epochs_planned: int | None = Field(None, description="Of all its trials, if none diverges.")
    epochs_trained: int | None = Field(None, description="Of all its trials so far.")
    ranges: dict[str, RangeView]
    trials: TrialCounts
    best: BestView | None
    decisions: dict[str, DecisionView] = Field(description="Empty until the round is over.")
    evidence: EvidenceView | None = Field(None, description="What the round taught, once over.")
    cost: float | None = Field(None, description="Of its trials, as their trainers reported it.")


CurvePoint = tuple[int, float | None, float | None, float | None]


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
    score: float | None = Field(
        None,
        description="By the objective, higher is better; as reported, of an external search.",
    )
    cohort: int | None = Field(None, description="Trials of one cohort were halved together.")
    role: Role | None = Field(None, description="Of a model of the final test.")
    error: str | None = None
    started_at: str | None = Field(None, description="When the job that trained it was claimed.")
    finished_at: str | None = Field(None, description="When that job ended.")
    metrics: dict[str, float] | None = Field(
        None, description="Other numbers that its trainer reported, the last of each report."
    )
    cost: float | None = Field(
        None, description="As its trainer reported it, that of lost attempts included."
    )
    note: str | None = Field(None, description="Its trainer's, in plain text.")
    link: str | None = Field(
        None, description="Its trainer's: an http(s) address, of a run's page for example."
    )
    replicates: list[float] | None = Field(
        None,
        description="Scores of several trainings of it, with a seed each, whose mean `score` is; null of a "
        "single training.",
    )
    curve: list[CurvePoint] | None = Field(
        None,
        description="[epoch, validation loss, validation accuracy, score] for every epoch; only "
        "with ?curve=true.",
    )

    @property
    def shown(self) -> float | None:
        """The number for people: the accuracy, or the score where there is none."""
        return self.score if self.validation_accuracy is None else self.validation_accuracy


class NextRoundView(View):
    """What the next round would be, with an edit that has not been made (`?dry_run=true`)."""

    round: int
    kind: RoundKind | None = Field(description="null where the search could not go on.")
    ranges: dict[str, RangeView]
    trials: int
    rungs: list[int]
    epochs: int = Field(description="The most epochs that a trial would be trained for.")
    epochs_planned: int = Field(description="Of all its trials, if none diverges.")
    decisions: dict[str, DecisionView]
    reason: str | None = Field(description="Why exploring would end, or why nothing could follow.")
    preliminary: bool = Field(
        description="The round before it still runs: this is from the trials that have ended."
    )
    open_trials: int = Field(description="Trials of that round that have not ended yet.")
    limits: dict[str, RangeView] = Field({}, description=LIMITS)
    dry_run: Literal[True] = True
