"""The values that flow between the rooms: states, observations, decisions, plans, reports."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from statistics import fmean
from typing import TYPE_CHECKING, Any

from hpsearch.space import Box, Dimension, Params
from hpsearch.states import (
    ACTIVE,
    ADVANCING,
    EDITABLE,
    ENDED,
    OBSERVED,
    OF_RANGE,
    SCORED,
    WORKING,
    Basis,
    JobState,
    Role,
    RoundKind,
    SearchState,
    TrialState,
    Verdict,
)

if TYPE_CHECKING:  # the command line starts sooner without these
    from hpsearch.evidence import Evidence, FinalScores
    from hpsearch.reasons import Reason

Numbers = Mapping[str, float | int | None]  # those of a decision, by the names of the contract

__all__ = [
    "ACTIVE",
    "ADVANCING",
    "EDITABLE",
    "ENDED",
    "OBSERVED",
    "OF_RANGE",
    "REPLICATES_MOST",
    "SCORED",
    "SCORE_MOST",
    "WORKING",
    "Basis",
    "Decision",
    "FinalPlan",
    "GiveUp",
    "Hint",
    "JobOrder",
    "JobReport",
    "JobState",
    "Numbers",
    "Observation",
    "RankKey",
    "Recommendation",
    "Role",
    "RoundKind",
    "RoundPlan",
    "SearchState",
    "Stream",
    "TrainingPlan",
    "TrialReport",
    "TrialState",
    "Verdict",
    "mean_score",
    "rank_key",
]

SCORE_MOST = 1e100  # of a score that was reported: what the surrogate can square
REPLICATES_MOST = 20  # of one trial


class Stream(IntEnum):
    """First word of a random stream's key after the search's seed.

    No two uses share a stream, and none depends on the worker, the job or the stack.
    """

    SPLIT = 1
    ORDER = 2
    INIT = 3
    DROPOUT = 4
    SAMPLE = 5
    FINAL = 6
    PROBE = 7
    FOLDS = 8
    GUESS = 9


def mean_score(replicates: Iterable[float]) -> float:
    """The score of a trial with replicates: their mean, NaN where one of them is not finite."""
    values = list(replicates)
    return fmean(values) if all(map(math.isfinite, values)) else math.nan


RankKey = tuple[bool, float, float, int, int]


def rank_key(score: float | None, loss: float | None, number: int, index: int) -> RankKey:
    """The order of trials, best first: scored, high in score, low in loss, then the older one.

    `hpsearch.store.statements.better` is the same order in SQL.
    """
    return (score is None, -(score or 0.0), math.inf if loss is None else loss, number, index)


@dataclass(frozen=True, slots=True)
class Observation:
    """The outcome of a trial: its last-epoch validation score, ties broken by loss.

    score
        By the search's objective, higher is better; None stands for the accuracy.
    curve
        (epoch, score) at some epochs in order, the last one among them; empty where only the
        last score is known.
    loss_drop
        How much lower the validation loss was after the last epoch than after the first one;
        None where that is not known. What initial weights bring along is not in it.
    chosen
        Its user chose the setting: where trials are taken for random draws, it is none.
    source
        0 for a trial of this search; 1, 2, ... for one of the searches it was warm-started
        from, whose round is 0.
    metrics, cost
        Numbers beside the score, and what this attempt cost; None where none was measured.
    replicates
        Scores of several trainings with a seed each, whose mean the score is; none of a single one.
    """

    round: int
    index: int
    params: Params
    state: TrialState
    epochs: int
    correct: int
    examples: int
    loss: float | None
    score: float | None = None
    curve: tuple[tuple[int, float], ...] = ()
    source: int = 0
    loss_drop: float | None = None
    chosen: bool = False
    metrics: Mapping[str, float] | None = None
    cost: float | None = None
    replicates: tuple[float, ...] = ()

    @property
    def trainings(self) -> tuple[Observation, ...]:
        """The trainings that it stands for: one for each replicate, else itself.

        Scores of earlier epochs are means, and those of no single training.
        """
        if not self.replicates or not self.finite:
            return (self,)
        return tuple(replace(self, score=r, curve=(), replicates=()) for r in self.replicates)

    @property
    def finite(self) -> bool:
        """True for a trial that ended with a finite loss."""
        return self.state not in (TrialState.DIVERGED, TrialState.FAILED)

    @property
    def accuracy(self) -> float:
        """Share of validation examples classified correctly; 0 for a diverged trial."""
        return self.correct / self.examples if self.finite and self.examples else 0.0

    @property
    def value(self) -> float | None:
        """The score, higher is better; None for a diverged trial."""
        if not self.finite:
            return None
        return self.accuracy if self.score is None else self.score

    @property
    def rungs(self) -> tuple[tuple[int, float], ...]:
        """(epoch, score) wherever this trial was scored; empty for a diverged one."""
        value = self.value
        if value is None:
            return ()
        return self.curve or ((self.epochs, value),)

    @property
    def rank_key(self) -> RankKey:
        """Sorts best first."""
        return rank_key(self.value, self.loss, self.round, self.index)


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict of a narrowing rule on one range, with its reason and its numbers."""

    name: str
    before: Dimension
    after: Dimension
    verdict: Verdict
    reason: Reason
    numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The parameters to use: the best of those trained, by posterior mean.

    `best` is the trial they were first drawn for, `score` and `sd` are posterior mean and
    standard deviation of the score at full epochs, `trainings` how often they were trained
    that long. `kept` names the hyperparameters that have the baseline's value because the data do
    not object to it. `cheaper` is the cost of the best one in place of which it is recommended, as a
    cheaper one that cannot be told from it.
    """

    best: Observation
    score: float
    sd: float
    trainings: int
    kept: tuple[str, ...] = ()
    cheaper: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """The trials that a search trains next, and what led to them.

    rungs
        Epochs at which cohorts are halved; the last one is that of the trials that stay.
    trials
        Parameters by trial index.
    roles
        The role of each trial in the final test; None in any other round.
    cohorts
        Trial indices of each cohort: the trials that are compared when they are halved. They
        are part of the plan; jobs hold whole cohorts (single trials, where the caller
        trains) and are a matter of speed alone.
    evidence
        The lesson of the round before, which is stored with that round; None before the first.
    reason
        Why exploring is over; None while it is not.
    recommended
        The choice that a final plan tests; None in any other plan.
    """

    number: int
    kind: RoundKind
    rungs: Sequence[int]
    box: Box
    decisions: Sequence[Decision]
    trials: Sequence[Params]
    roles: Sequence[Role | None]
    cohorts: Sequence[Sequence[int]]
    jobs: Sequence[Sequence[int]]
    evidence: Evidence | None = None
    reason: Reason | None = None
    recommended: Recommendation | None = None

    @property
    def epochs(self) -> int:
        """The most epochs that a trial of this plan is trained for."""
        return self.rungs[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlan(TrainingPlan):
    """A further round, which explores or repeats the finalists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalPlan(TrainingPlan):
    """The choice that the search makes once: the best range and the models to test.

    `trials[0]` is the recommendation, then come the drawn models, and last, where the service
    trains, the recommendation again, on the training part alone (`Role.OPTIMISM`). Where there is a
    baseline, the models follow that it is compared by: the recommendation's further ones
    (`Role.REPEATED`) and its own. Further networks of the recommended model (`Role.NETWORK`) are the
    last ones. They are one cohort, in which nothing is halved.
    """

    recommended: Recommendation
    evidence: Evidence
    reason: Reason


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The end of a search that cannot go on."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class TrialReport:
    """A worker's report on a trial.

    `curve` holds one row per epoch: (epoch, validation loss, validation correct, score).
    `correct_mask` has a bit for each validation example, packed, for trials that repeat others. The
    test fields belong to the final alone. `accuracy` is the share of the weights that validation has
    right, None where examples count the same; `correct` counts examples all the same. `metrics` are
    those that a requirement asks for, by their own direction.
    """

    index: int
    state: TrialState
    epochs: int = 0
    correct: int = 0
    examples: int = 0
    loss: float | None = None
    curve: Sequence[Sequence[float | int | None]] = ()
    error: str | None = None
    score: float | None = None
    correct_mask: bytes | None = None
    test_correct: int | None = None
    test_examples: int | None = None
    accuracy: float | None = None
    metrics: Mapping[str, float] | None = None

    @property
    def rank_value(self) -> float | None:
        """The number that lists of trials are sorted by; None of a trial that has none.

        The validation accuracy, or the score where no examples were counted.
        """
        if self.state not in SCORED:
            return None
        if self.accuracy is not None:
            return self.accuracy
        return self.correct / self.examples if self.examples else self.score


@dataclass(frozen=True, slots=True)
class JobReport:
    """A worker's report on a job.

    `model` is the recommended model's file (`nn.Model.dump`), `test` its scores on the test part;
    both from the final job alone.
    """

    trials: Sequence[TrialReport]
    fingerprint: Mapping[str, str]
    seconds: float
    ensemble_correct: int | None = None
    peak_rss_bytes: int | None = None
    model: bytes | None = None
    test: FinalScores | None = None


@dataclass(frozen=True, slots=True)
class JobOrder:
    """Everything a worker needs to train one job, frozen when it is claimed.

    `indices`, `params`, `roles` and `cohorts` run in parallel; `spec` and `dataset` are the
    stored JSON; `rungs` are the epochs at which cohorts are halved, the last one `epochs`.
    """

    search_id: str
    kind: RoundKind
    round: int
    epochs: int
    spec: Mapping[str, Any]
    dataset: Mapping[str, Any]
    indices: Sequence[int]
    params: Sequence[Params]
    roles: Sequence[Role | None]
    rungs: Sequence[int]
    cohorts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Hint:
    """The message on the broker: two integers, worth nothing by themselves.

    `kind` and `seconds` (the job's deadline) are for the publisher; they choose the queue and
    the time limit, and are no part of the hint's identity.
    """

    job_id: int
    attempt: int
    kind: RoundKind = field(default=RoundKind.EXPLORE, compare=False)
    seconds: float | None = field(default=None, compare=False)
